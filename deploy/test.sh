#!/usr/bin/env bash
# Runs every test. Called by `make test` with the virtual environment's bin folder. What tests alone need,
# a browser and checks from npm, is installed here, so that `make run` does without.
set -euo pipefail
BIN=${1:?the virtual environment\'s bin folder}

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null \
  && [ -z "${TUTTI_TEST_BROWSER:-}" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing the browser that tests drive: chromium"
    install="apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core"
    for pause in 5 20 0; do
      DEBIAN_FRONTEND=noninteractive bash -c "$install" && break
      sleep "$pause"
    done
  fi
  command -v chromium >/dev/null ||
    echo "No Chromium here: tests marked \`browser\` will fail until there is one (apt-get install chromium)" >&2
fi
"$BIN/python" deploy/node_checks.py || echo "tests that need checks from npm will fail and say so" >&2

# Side by side, a file at a time, each worker with a MongoDB of its own; one by one: make test PYTEST_ADDOPTS="-n 0".
exec "$BIN/python" -m pytest -n logical --maxprocesses 4 --dist loadfile tests
