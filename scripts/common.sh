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

# setting NAME [DEFAULT]: a variable of the environment, else of .env, much as Compose reads it.
setting() {
  local value=${!1:-}
  if [[ -z ${!1+x} && -r $here/.env ]]; then
    value=$(sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*//p" "$here/.env" | tail -n 1 | tr -d '\r' |
      sed -E -e "s/^'([^']*)'.*/\1/;t" -e 's/^"([^"]*)".*/\1/;t' -e 's/[[:space:]]+#.*$//;s/[[:space:]]*$//')
  fi
  echo "${value:-${2:-}}"
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

# The locks hold the hashes of the tools' x86-64 binaries only.
choose_platform() {
  case $(uname -m) in x86_64 | amd64) return ;; esac
  if [[ -n ${DOCKER_DEFAULT_PLATFORM:-} ]]; then return; fi
  export DOCKER_DEFAULT_PLATFORM=linux/amd64
  say "running the x86-64 image through emulation: there are no verified $(uname -m) builds of the tools yet"
}

# Where bootstrap had to build a base, everything comes from the distribution's archive.
choose_base() {
  [[ -z $(setting BASE_IMAGE) ]] || return 0
  docker image inspect "$local_base" >/dev/null 2>&1 || return 0
  BASE_IMAGE=$local_base
  RUST_CHANNEL=$(setting RUST_CHANNEL distro)
  export BASE_IMAGE RUST_CHANNEL
  if ((${build:-0})); then say "base: $local_base, which --bootstrap built (drop it: docker image rm $local_base)"; fi
}

# The build trusts whom this machine trusts, so that it works behind a proxy that signs TLS anew.
offer_ca() {
  [[ -z $(setting EXTRA_CA_FILE) ]] || return 0
  local bundle
  for bundle in "${NODE_EXTRA_CA_CERTS:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt \
    /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    if [[ -n $bundle && -r $bundle ]]; then
      export EXTRA_CA_FILE=$bundle
      return
    fi
  done
}
