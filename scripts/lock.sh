#!/usr/bin/env bash
# Renews every lock: Python's with hashes, npm's with integrity. The files name no index, so that a build
# behind a mirror installs exactly the same bytes from there.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  compile locks/runtime.txt
  compile locks/build.txt --group build
  compile locks/demo.txt --group demo
  compile locks/dev.txt --group dev
  npm_lock
}

compile() {
  local output=$1
  shift
  local source=(pyproject.toml)
  (($# == 0)) || source=("$@")
  uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
    --upgrade "${source[@]}" --output-file "$output"
}

npm_lock() {
  python3 scripts/npm_lock.py forget locks/npm/package-lock.json
  (cd locks/npm && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved)
  python3 scripts/npm_lock.py complete locks/npm/package-lock.json
}

main "$@"
