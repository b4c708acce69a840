#!/usr/bin/env bash
# Tells which lines and branches the tests reach that need no Docker. What only Debian's Python can run
# (tests/process/test_privileges.py) and what only the image shows is not counted.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

./scripts/dev.sh
.venv/bin/coverage erase
failed=0
.venv/bin/coverage run -m pytest --numprocesses "$(getconf _NPROCESSORS_ONLN)" --dist loadgroup \
  tests/unit tests/process "$@" || failed=$?
# Who was killed left a file that is not whole, and is told of.
.venv/bin/coverage combine --quiet
.venv/bin/coverage report
exit "$failed"
