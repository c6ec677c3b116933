#!/usr/bin/env bash
# Runs every test. Called by `make test` with the virtual environment's bin folder.
set -euo pipefail
BIN=${1:?the virtual environment\'s bin folder}
exec "$BIN/python" -m pytest tests
