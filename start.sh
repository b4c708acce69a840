#!/usr/bin/env bash
# The door: finds a Python and hands over to host/, which does everything. Bash 3.2 is enough, which macOS has.
set -euo pipefail

# It may be called through links, as from ~/bin. Not every readlink of macOS has -f.
script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do
  folder=$(dirname -- "$script") script=$(readlink -- "$script")
  [[ $script == /* ]] || script=$folder/$script
done
here=$(CDPATH='' cd -P -- "$(dirname -- "$script")" && pwd -P)

main() {
  local python='' fd options=(-I -S -X utf8)
  if ! find_python; then
    if asks_for --bootstrap "$@"; then "$here/scripts/bootstrap.sh"; fi
    find_python || no_python "$@"
  fi
  [[ -O $here ]] || options+=(-B) # nothing is left in another user's checkout, as with sudo
  # Where one is closed, what is opened next is taken for it, as this script is by bash.
  for fd in 0 1 2; do [[ -e /dev/fd/$fd && ! /dev/fd/$fd -ef $script ]] || eval "exec $fd<>/dev/null"; done
  # Isolated: neither PYTHON* variables, nor packages, the current folder or the locale have a say.
  exec "$python" "${options[@]}" -c 'import signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.path.append(sys.argv.pop(1))
try:
    from host.__main__ import main
    sys.exit(main(sys.argv[1:]))
except ImportError as missing:  # as with the package python3-minimal
    sys.exit(f"sandbox: error: this Python is not whole: {missing}\n  Install the whole of it, such as the package python3.")' "$here" "$@"
}

find_python() {
  local name itself
  for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
    if python=$(command -v "$name") && is_real &&
      itself=$("$python" -ISc 'import sys; print(sys.executable); sys.exit(sys.version_info < (3, 9))'); then
      # What was found may be a script that looks for it, as pyenv's, which takes 50 ms each time.
      [[ ! -x $itself ]] || python=$itself
      return
    fi
  done 2>/dev/null
  return 1
}

# macOS has a /usr/bin/python3 that opens an installer's window where the command line tools are missing.
is_real() { [[ $OSTYPE != darwin* || $python != /usr/bin/* ]] || xcode-select -p >/dev/null; }

# asks_for OPTION WORD...: it is among the words, before what is the tool's.
asks_for() {
  local words=" ${*:2} "
  [[ "${words%% -- *} " == *" $1 "* ]]
}

no_python() {
  local todo="Install your distribution's package python3."
  [[ $OSTYPE != darwin* ]] || todo="Install Apple's command line tools: xcode-select --install"
  ! command -v apt-get >/dev/null || todo="This installs it: ./start.sh --bootstrap"
  printf 'sandbox: error: %s\n  %s\n  Without it: docker compose run --rm sandbox\n' \
    "start.sh needs Python 3.9 or newer, and finds none." "$todo" >&2
  if [[ ${1:-} == doctor ]] && asks_for --json "$@"; then
    printf '{"findings": [{"area": "python", "name": "start", "status": "fail", "detail": "%s", "fix": "%s"}], %s\n' \
      "start.sh needs Python 3.9 or newer" "$todo" '"passed": 0, "warned": 0, "failed": 1}'
  fi
  exit 1
}

main "$@"
