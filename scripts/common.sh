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
pinned_base() { sed -n 's/^ARG BASE_IMAGE=//p' "$here/Dockerfile"; }
