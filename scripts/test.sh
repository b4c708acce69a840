#!/usr/bin/env bash
# Runs tests: test.sh [unit|process|image|conformance|kubernetes|all] [PYTEST-OPTION...]
# unit and process need no Docker, and do no more than run them. image, conformance and kubernetes set up the
# engine and the image first. all, which is also meant without a word, passes on a fresh machine: engine, image, checks,
# every test.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

main() {
  cd "$here"
  case ${1:-} in
    unit | process) ;;
    *) provide_image "$@" ;;
  esac
  "$here/scripts/dev.sh"
  case ${1:-} in
    unit | process | image | conformance | kubernetes) run_tests "tests/$1" "${@:2}" ;;
    all) check_and_test "${@:2}" ;;
    *) check_and_test "$@" ;;
  esac
}

provide_image() {
  "$here/scripts/bootstrap.sh"
  enter_docker_group "$here/scripts/test.sh" "$@"
  "$here/start.sh" --tool opencode -- --version </dev/null
}

check_and_test() {
  "$here/scripts/check.sh"
  run_tests "$@"
}

run_tests() { .venv/bin/python -m pytest --numprocesses "$(workers)" --dist loadgroup "$@"; }

# A test mostly waits for the engine.
workers() { echo $(($(getconf _NPROCESSORS_ONLN) + 1)); }

main "$@"
