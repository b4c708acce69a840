#!/usr/bin/env bash
# Builds the image where it is not up to date, and opens a tool in its container.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"
# shellcheck source=scripts/demo.sh
source "$here/scripts/demo.sh"

# What --demo has the sandbox run with; whether somebody asked for the end; the file that the doctor's report goes
# through, and what it is about to examine, if nothing has told yet how that is.
demo_options=() interrupted=0 report='' area=''

usage() {
  cat <<'TEXT'
Usage: ./start.sh [OPTION]... [-- ARGUMENT...]
       ./start.sh exec [COMMAND [ARGUMENT...]]
       ./start.sh accept [NAME]
       ./start.sh doctor [--demo] [--no-build] [--json]
       ./start.sh verify [--no-build] [PYTEST-OPTION...]

Opens an agentic coding tool in the sandbox. Without --tool it asks which.
exec runs a command, or a shell, as the agent in the sandbox that is running.
accept takes back what the workspace guard quarantined; without a name it lists what there is.
doctor examines engine, folders, configuration, tools, sandbox and model, and says what to do; 1 if something fails.
verify attacks the sandbox from inside, on this very machine, and reports each property.

  --tool NAME        start this tool without asking (opencode, omp, … see config/tools.yml)
  --shell            start bash in the tool's place: the same container, the same agent
  --demo             also start a small model, to try everything without a server; it can chat, not code.
                     MODEL_GGUF=FILE uses your own model file. The tool is opencode unless --tool or DEFAULT_TOOL
                     names one
  --no-build         use the image as it is
  --no-cache         build every layer anew
  --pull             ask the registry for the base image again
  --build-arg K=V    a build argument, such as PYTHON_VERSION=3.12
  --bootstrap        first bring up what is missing (Debian, Ubuntu): engine, Compose, buildx, base image
  --help             this text
  -- ARGUMENT...     everything after -- goes to the tool

  ./start.sh --tool opencode -- run "Explain this project"
  ./start.sh --tool omp -- -p "Explain this project"
  ./start.sh --demo -- run "Say hello"

Variables are read from the environment or .env; .env.example describes each. MODEL_URL names the model server.
The exit code is the tool's own.
TEXT
}

main() {
  case ${1:-} in
    exec) exec_in_running "${@:2}" ;;
    doctor) doctor "${@:2}" ;;
    verify) verify "${@:2}" ;;
    accept) accept "${@:2}" ;;
  esac
  parse "$@"
  if ((demo)); then prepare_demo; fi
  if ((bootstrap)); then "$here/scripts/bootstrap.sh"; fi
  reach_engine "$@"
  prepare
  provide_image
  begin_session
  run_tool
}

parse() {
  shell=0 tool='' build=1 bootstrap=0 demo=0 build_options=() arguments=()
  while (($#)); do
    case $1 in
      --tool) need_value "$@" && tool=$2 && shift ;;
      --tool=*) tool=${1#*=} ;;
      --shell) shell=1 ;;
      --no-build) build=0 ;;
      --no-cache | --pull) build_options+=("$1") ;;
      --build-arg) need_value "$@" && build_options+=("$1" "$2") && shift ;;
      --build-arg=*) build_options+=("$1") ;;
      --bootstrap) bootstrap=1 ;;
      --demo) demo=1 ;;
      --help | -h) usage && exit ;;
      --) shift && arguments=("$@") && break ;;
      *) usage_error "unknown option: $1" ;;
    esac
    shift
  done
  if ((demo && !shell)) && [[ -z $tool && -z $(setting DEFAULT_TOOL) ]]; then tool=opencode; fi
  if ((shell)) && [[ -n $tool ]]; then usage_error "--shell and --tool exclude each other"; fi
  if ((!build && ${#build_options[@]})); then usage_error "--no-build and ${build_options[0]} exclude each other"; fi
}

need_value() { [[ $# -ge 2 && -n $2 ]] || usage_error "$1 needs a value"; }

usage_error() {
  say "error: $1"
  say "./start.sh --help tells what there is; arguments for the tool go after --"
  exit 64
}

# reach_engine [ARGUMENT...]: with which start.sh begins again where it has to join a group.
reach_engine() {
  cd "$here"
  enter_docker_group "$here/start.sh" "$@"
  require_engine
}

require_engine() {
  command -v docker >/dev/null || die "there is no Docker on this machine." "$(mend_engine)"
  local reason
  if ! reason=$(docker info 2>&1 >/dev/null); then
    case $reason in
      *'permission denied'*) die "you may not use the Docker engine." \
        "Join its group, then log in again: sudo usermod -aG docker $(id -un)" ;;
      *) die "the Docker engine does not answer." "$(mend_engine)" ;;
    esac
  fi
  local plugin
  for plugin in compose buildx; do
    docker "$plugin" version >/dev/null 2>&1 ||
      die "Docker's $plugin plugin is missing." "$(mend_engine)"
  done
  local version
  version=$(docker compose version --short)
  [[ ${version#v} =~ ^([0-9]+)\.([0-9]+) ]] || return 0
  ((BASH_REMATCH[1] > 2 || (BASH_REMATCH[1] == 2 && BASH_REMATCH[2] >= 15))) ||
    die "Docker Compose $version is too old: compose.yml needs 2.15." "Install a newer one."
}

mend_engine() {
  if command -v apt-get >/dev/null; then
    echo "This installs and starts what is missing: ./start.sh --bootstrap"
  else
    echo "Start Docker, or install it first: Docker Desktop on macOS and Windows, your distribution's package elsewhere."
  fi
}

prepare() {
  choose_platform
  choose_base
  offer_ca
  make_folders
}

# The engine would make a missing folder as root. Compose tells the paths as it reads them itself.
make_folders() {
  docker compose config sandbox | sed -n -E 's#^ *source: "?(/.*[^"])"?$#\1#p' | while IFS= read -r folder; do
    [[ -e $folder ]] || mkdir -p -- "$folder"
  done
}

provide_image() {
  if ((build)); then build_image; else require_image; fi
}

build_image() {
  local base
  docker compose build ${build_options[@]+"${build_options[@]}"} >&2 && return
  base=$(setting BASE_IMAGE "$(pinned_base)")
  if [[ $base != "$local_base" ]] && ! docker pull --quiet "$base" >/dev/null 2>&1; then
    die "the image was not built: its base $base cannot be pulled." \
      "Without a reachable registry, build a base from your distribution (Debian, Ubuntu): ./start.sh --bootstrap" \
      "With a registry of your own, set BASE_IMAGE in .env."
  fi
  die "the image was not built; the lines above say why."
}

image_name() { setting SANDBOX_IMAGE agentic-sandbox:latest; }

# Compose would build it.
require_image() {
  local image
  image=$(image_name)
  docker image inspect "$image" >/dev/null 2>&1 || die "there is no image $image." "Leave out --no-build."
}

run_tool() {
  local options=()
  if [[ -t 0 && -t 1 ]]; then
    # Somebody is there: the menu may wait.
    [[ -n $(setting MENU_TIMEOUT) ]] || options+=(-e MENU_TIMEOUT=0)
  else
    options+=(-T)
    # A tool may read stdin to its end where it is no terminal, and a person never ends it.
    if [[ -t 0 ]]; then exec </dev/null; fi
  fi
  [[ -z $tool ]] || options+=(-e "DEFAULT_TOOL=$tool")
  if ((shell)); then options+=(-e SANDBOX_SHELL=1); fi
  local status=0
  run_sandbox ${options[@]+"${options[@]}"} sandbox ${arguments[@]+"${arguments[@]}"} || status=$?
  exit "$status"
}

begin_session() {
  # The label by which this session's container is found.
  mark=agentic-sandbox.session=$$.$RANDOM
  trap end_session EXIT
  if ((demo)); then start_model; fi
}

# run_sandbox OPTION... sandbox [ARGUMENT...]
run_sandbox() {
  attend docker compose run --rm --label "$mark" ${demo_options[@]+"${demo_options[@]}"} "$@"
}

# Asked to end, Compose leaves its container to itself.
# shellcheck disable=SC2329  # begin_session's trap calls it
end_session() {
  local code=$? left=''
  trap '' HUP INT TERM
  [[ -z $report ]] || rm -f "$report"
  if ((interrupted || code > 128)); then left=$(docker ps --all --quiet --filter "label=$mark") || true; fi
  if [[ -n $left ]]; then { docker stop "$left" && docker rm --force "$left"; } >/dev/null 2>&1 || true; fi
  if ((demo)); then end_model; fi
  [[ -z $area ]] || end_examination "$code"
}

# attend COMMAND...: runs it with what arrives here passed on, so that this shell is there when it has ended. In the
# foreground, bash would leave a signal until then, or die of it.
attend() {
  local status signal child
  ((!interrupted)) || return 130
  # Bash has what is in the background ignore Ctrl-C, and read nothing.
  (trap - INT && exec "$@") <&0 &
  child=$!
  for signal in HUP INT TERM; do
    # shellcheck disable=SC2064  # the child is known now
    trap "interrupted=1 again=1; kill -s $signal $child 2>/dev/null || true" "$signal"
  done
  # A signal ends the wait, not what is waited for.
  while again=0 status=0 && { wait "$child" || status=$?; } && ((again)); do :; done
  # The traps stay: bash may come to a Ctrl-C only now, and would die of it.
  return "$status"
}

# running_sandbox: prints the container of one that runs from this folder, if any does.
running_sandbox() {
  local project
  project=$(docker compose config --format json | sed -n 's/^  "name": "\(.*\)",$/\1/p')
  docker ps --quiet --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=sandbox | sed -n 1p
}

# `docker compose exec` knows containers of `up` only, and both it and `docker exec` are root by default;
# sandbox-enter gives that up as the session did.
exec_in_running() {
  reach_engine exec "$@"
  local container options=(--interactive --workdir /home/agent/workspace)
  container=$(running_sandbox)
  [[ -n $container ]] || die "no sandbox of this folder is running." "Start one: ./start.sh"
  if [[ -t 0 && -t 1 ]]; then options+=(--tty); fi
  exec docker exec "${options[@]}" "$container" sandbox-enter "$@"
}

accept() {
  reach_engine accept "$@"
  # shellcheck disable=SC2016  # "$@" is for the shell in the container
  exec docker compose run --rm -T -e SANDBOX_SHELL=plain -e SANDBOX_GUARD=report sandbox \
    -c 'exec sandbox-accept "$@"' sandbox-accept "$@" </dev/null
}

doctor() {
  local words=("$@")
  json='' build=1 build_options=() demo=0
  while (($#)); do
    case $1 in
      --json) json=--json ;;
      --demo) demo=1 ;;
      --no-build) build=0 ;;
      --help | -h) usage && exit ;;
      *) usage_error "doctor does not know $1" ;;
    esac
    shift
  done
  trap end_examination EXIT
  # Bash tells a trap of EXIT nothing of the signal that it dies of.
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  area=model
  if ((demo)); then prepare_demo; fi
  cd "$here"
  enter_docker_group "$here/start.sh" doctor ${words[@]+"${words[@]}"}
  area=engine && require_engine
  area=configuration && prepare
  area=image && provide_image
  area=model && begin_session
  area=sandbox && examine
}

examine() {
  local options=(-e SANDBOX_DOCTOR=1 -e "SANDBOX_HOST=$(describe_host)") code=0
  [[ -t 0 && -t 1 ]] || options+=(-T)
  if [[ -n $json ]]; then
    report=$(mktemp)
    run_sandbox "${options[@]}" sandbox --json >"$report" || code=$?
    [[ ! -s $report ]] || area=''
    cat "$report"
  else
    run_sandbox "${options[@]}" sandbox || code=$?
    # 1 is the doctor's own, 79 and 80 the guard's. With any other it did not come to examine.
    case $code in 0 | 1 | 79 | 80) area='' ;; esac
  fi
  exit "$code"
}

# end_examination [CODE]: tells where it ended, if that is not told; the reason is on stderr already.
# shellcheck disable=SC2329  # doctor's trap calls it
end_examination() {
  local code=${1:-$?}
  # Somebody asked for the end.
  case $code in 129 | 130 | 143) exit "$code" ;; esac
  ((!interrupted)) || exit "$code"
  if [[ -n $json ]]; then
    printf '{"findings": [{"area": "%s", "name": "start", "status": "fail", "detail": "%s", "fix": ""}], ' \
      "$area" "the reason is on stderr; nothing after it was examined"
    printf '"passed": 0, "warned": 0, "failed": 1}\n'
  else
    say "doctor: the $area fails, so nothing after it was examined"
  fi
  exit 1
}

# What the container cannot see, as one line of JSON.
describe_host() {
  docker info --format "{\"engine\": {{json .ServerVersion}}, \"os\": {{json .OperatingSystem}}, \"driver\": {{json .CgroupDriver}}, \"memory\": {{.MemTotal}}, \"compose\": \"$(docker compose version --short)\"}"
}

# --image and --compose attack something else: see tests/conftest.py.
verify() {
  case ${1:-} in --help | -h) usage && exit ;; esac
  reach_engine verify "$@"
  choose_platform
  SANDBOX_IMAGE=$(image_name)
  export SANDBOX_IMAGE
  if [[ ${1:-} == --no-build ]]; then
    shift
    [[ " $*" == *' --image'* ]] || require_image
  else
    build=1 build_options=()
    choose_base
    offer_ca
    build_image
  fi
  "$here/scripts/dev.sh" --venv
  exec .venv/bin/python -m pytest tests/conformance --verify -p no:cacheprovider "$@"
}

main "$@"
