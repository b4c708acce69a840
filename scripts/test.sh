#!/usr/bin/env bash
# Passes the tests on a fresh machine: engine, image, test programs, linters, tests. Arguments go to pytest.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

main() {
  cd "$here"
  "$here/scripts/bootstrap.sh"
  enter_docker_group "$here/scripts/test.sh" "$@"
  "$here/start.sh" --tool opencode -- --version </dev/null
  provide_test_programs
  lint
  .venv/bin/python -m pytest --numprocesses "$(workers)" --dist loadgroup "$@"
}

provide_test_programs() {
  if ! .venv/bin/python -c '' 2>/dev/null; then
    python3 -m venv --clear .venv || install_venv
  fi
  if ! cmp -s locks/dev.txt .venv/installed.txt; then
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
    cp locks/dev.txt .venv/installed.txt
  fi
}

# Debian and Ubuntu keep the venv module in a package of its own.
install_venv() {
  say "installing python3-venv"
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  ${as_root[@]+"${as_root[@]}"} apt-get update >&2
  ${as_root[@]+"${as_root[@]}"} apt-get install -y --no-install-recommends python3-venv >&2
  python3 -m venv --clear .venv
}

lint() {
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy init tests
  .venv/bin/shellcheck -x start.sh .ci/run scripts/*.sh scripts/build/with-network scripts/build/apt-install \
    scripts/build/install-* scripts/build/trim-tools
}

# A test mostly waits for the engine.
workers() { echo $(($(getconf _NPROCESSORS_ONLN) + 1)); }

main "$@"
