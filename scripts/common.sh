# Shared by the shell scripts of this repository; sourced, never run.
# shellcheck shell=bash

# Built by bootstrap.sh where the pinned base cannot be pulled.
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

# The Dockerfile is the one place that names the base.
# shellcheck disable=SC2154  # each script sets here before it sources this file
pinned_base() { sed -n "s/^ARG BASE_IMAGE=//p" "$here/Dockerfile"; }

# setting NAME [DEFAULT]: a variable of the environment, else of .env, as Compose has it.
setting() {
  local value=${!1:-}
  [[ -n $value || ! -r $here/.env ]] ||
    value=$(sed -n "s/^[[:space:]]*$1=//p" "$here/.env" | tail -n 1 | sed -E "s/^(['\"])(.*)\1[[:space:]]*$/\2/")
  echo "${value:-${2:-}}"
}

in_docker_group() { id -nG "$(id -un)" | grep -qw docker; }

# Who joined the group after logging in has it in the files, but not yet in this process.
enter_docker_group() {
  if id -nG | grep -qw docker || ! in_docker_group || ! command -v sg >/dev/null; then return; fi
  if ((EUID == 0)) || engine_answers; then return; fi
  exec sg docker -c "$(printf '%q ' "$0" "$@")"
}
