#!/usr/bin/env bash
# Empties workspace/ and data/ of this checkout, after asking: ./start.sh reset, under its older name.
set -euo pipefail
exec "$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)/start.sh" reset "$@"
