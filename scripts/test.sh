#!/usr/bin/env bash
# Passes the tests on a fresh machine: engine, image, test programs, linters, tests. Arguments go to pytest.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
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

lint() {
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy init tests demo image/entrypoint.py
  .venv/bin/python scripts/check_pins.py
  .venv/bin/hadolint Dockerfile benchmarks/Dockerfile tests/conformance/plain/Dockerfile
  .venv/bin/shellcheck -x start.sh .ci/run scripts/*.sh scripts/build/with-network scripts/build/apt-install \
    scripts/build/install-* scripts/build/trim-tools tests/conformance/plain/*.sh
}

# A test mostly waits for the engine.
workers() { echo $(($(getconf _NPROCESSORS_ONLN) + 1)); }

main "$@"
