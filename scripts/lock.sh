#!/usr/bin/env bash
# Renews every lock: Python's with hashes, npm's with integrity. The files name no index, so that a build
# behind a mirror installs exactly the same bytes from there. `lock.sh TOOL...` renews no more than the locks of these.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

NODE=24.21.0
NPM=$(sed -n 's/.*"npm": "\(.*\)".*/\1/p' locks/toolchain/package.json)

main() {
  local folder folders=(locks/toolchain locks/npm/*)
  if (($# > 0)); then
    folders=("${@/#/locks/npm/}")
  else
    compile locks/runtime.txt
    compile locks/build.txt --group build
    compile locks/demo.txt --group demo
    compile locks/dev.txt --group dev
  fi
  for folder in "${folders[@]}"; do npm_lock "$folder"; done
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
  local lock=$1/package-lock.json
  [[ -e $1/package.json ]] || { echo "error: there is no $1/package.json, which says what to lock." >&2 && exit 1; }
  [[ ! -e $lock ]] || python3 scripts/npm_lock.py forget "$lock"
  (cd "$1" && with_node npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved)
  python3 scripts/npm_lock.py complete "$lock"
  python3 scripts/npm_lock.py check "$lock"
}

# The npm that the image has, under a Node.js that every tool takes: under an older one npm silently locks old versions.
with_node() {
  npm exec --yes --package="node@$NODE" --package="npm@$NPM" -- "$@"
}

main "$@"
