#!/usr/bin/env bash
# Provides what the checks and the tests run, and does nothing where it is there. With --venv: .venv alone,
# which is all that the conformance suite needs.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

main() {
  cd "$here"
  make_venv
  install_packages
  if [[ ${1:-} != --venv ]]; then install_bindings; fi
}

make_venv() {
  if .venv/bin/python -c '' 2>/dev/null; then return; fi
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "the tests need Python 3.11 or newer, as python3." "Install it, then run this again."
  if python3 -m venv --clear .venv; then return; fi
  # Debian and Ubuntu keep the module in a package of its own.
  command -v apt-get >/dev/null || die "python3 cannot make a virtual environment." "Install its venv module."
  apt_install python3-venv
  python3 -m venv --clear .venv
}

# Versions and hashes from locks/dev.txt.
install_packages() {
  if cmp -s locks/dev.txt .venv/installed.txt; then return; fi
  .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
  cp locks/dev.txt .venv/installed.txt
}

# What tests/process tries the root phase's and the session's privileges with. Both bindings compile against
# libraries in C, so they are not in the lock. Where we cannot install them, those tests say what to do.
install_bindings() {
  if /usr/bin/python3 -c 'import prctl, seccomp' 2>/dev/null || ! command -v apt-get >/dev/null; then return; fi
  if ((EUID == 0)) || sudo --non-interactive true 2>/dev/null; then apt_install python3-prctl python3-seccomp; fi
}

apt_install() {
  say "installing $*"
  as_root apt-get update >&2
  as_root apt-get install -y --no-install-recommends "$@" >&2
}

as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }

main "$@"
