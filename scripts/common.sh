# Shared by the shell scripts of this repository; sourced, never run.
# shellcheck shell=bash

# Built by bootstrap.sh where the pinned base cannot be pulled; host/image.py has the name too.
# shellcheck disable=SC2034  # read by the scripts that source this file
local_base=agentic-sandbox-base:local

say() { printf 'sandbox: %s\n' "$*" >&2; }

# die WHAT [WHAT-TO-DO]
die() {
  printf 'sandbox: error: %s\n' "$1" >&2
  (($# < 2)) || printf '  %s\n' "${@:2}" >&2
  exit 1
}

engine_answers() { docker info >/dev/null 2>&1; }

# build_variables: exports what start.sh tells a build (platform, base, CAs), and SANDBOX_IMAGE; see host/image.py.
# shellcheck disable=SC2154  # each script sets here before it sources this file
build_variables() {
  local exports
  exports=$("$here/start.sh" build-variables) || exit
  eval "$exports"
}

in_docker_group() { id -nG "$(id -un)" | grep -qw docker; }

# enter_docker_group SCRIPT [ARGUMENT...]: who joined the group after logging in has it in the files, but not
# yet in this process. SCRIPT is started again with it.
enter_docker_group() {
  if ((EUID == 0)) || ! command -v sg >/dev/null || ! in_docker_group || id -nG | grep -qw docker; then return; fi
  # sg takes one string for sh, which does not know all that %q writes: bash reads it, inside single quotes.
  local words
  words=$(printf '%q ' "$@")
  exec sg docker -c "exec bash -c '${words//\'/\'\\\'\'}'"
}
