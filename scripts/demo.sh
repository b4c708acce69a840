# What start.sh --demo adds: the service model of compose.yml, and the tool that talks to it; sourced by start.sh.
# shellcheck shell=bash

# prepare_demo: before anything is started, looks at what was asked for, and names it to Compose.
prepare_demo() {
  # Compose knows the service only with it.
  export COMPOSE_PROFILES=${COMPOSE_PROFILES:+$COMPOSE_PROFILES,}demo
  # The server that is configured otherwise has no say: what is empty is asked of the demo's own.
  # shellcheck disable=SC2034  # start.sh's run_tool reads it
  demo_options=(-e MODEL_URL=http://model:8080/v1 -e MODEL_ID= -e MODEL_CONTEXT= -e MODEL_OUTPUT=
    -e MODEL_API_KEY= -e MODEL_API_KEY_FILE= -e MODEL_CA= -e MODEL_TOOLS=)
  local file
  file=$(setting MODEL_GGUF)
  if [[ -n $file ]]; then
    use_model "$file"
  else
    # It would take a description of tools for something to go on with.
    demo_options+=(-e MODEL_TOOLS=off)
  fi
}

# use_model FILE: relative to where start.sh was called from, or to the folder of .env.
use_model() {
  local file=$1 from=$PWD
  # shellcheck disable=SC2154  # start.sh sets here before it sources this file
  [[ -n ${MODEL_GGUF:-} ]] || from=$here
  case $file in
    [~]/*) file=$HOME/${file#??} ;;
    /*) ;;
    *) file=$from/$file ;;
  esac
  [[ -e $file ]] || die "MODEL_GGUF: there is no $file."
  [[ -f $file ]] || die "MODEL_GGUF: $file is not a file." "Name the .gguf file itself."
  [[ -r $file ]] || die "MODEL_GGUF: you may not read $file."
  cmp -s <(printf GGUF) <(head -c 4 -- "$file") ||
    die "MODEL_GGUF: $file is not a GGUF file: it does not begin with GGUF." "llama.cpp's own format is the only one it loads."
  export MODEL_GGUF=$file
  # The file itself, and what llama.cpp computes with: the context above all.
  local size
  size=$(wc -c <"$file")
  DEMO_MEMORY=$(setting DEMO_MEMORY "$(((size + 1073741823) / 1073741824 + 8))g")
  export DEMO_MEMORY
}

start_model() {
  say "demo: waiting for the model server to load its model"
  if ! attend docker compose up --detach --wait --no-build --pull never model >&2; then
    # shellcheck disable=SC2154  # start.sh's parse sets it
    ((!interrupted)) || exit 130
    docker compose --ansi never logs --no-log-prefix --tail 20 model >&2 || true
    die "the model server did not start; its lines above say why." \
      "If the image is missing, leave out --no-build. If memory is short, set DEMO_MEMORY or a smaller DEMO_CONTEXT."
  fi
  [[ -n ${MODEL_GGUF:-} ]] ||
    say "demo: this model is tiny (135 million parameters): it shows that everything is connected, and cannot code"
}

# The model stays for another sandbox of this folder; the last one that ends takes it along.
end_model() {
  [[ -n $(running_sandbox) ]] || docker compose rm --stop --force model >/dev/null 2>&1 || true
}
