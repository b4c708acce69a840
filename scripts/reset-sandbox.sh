#!/usr/bin/env bash
# Empties workspace/ and data/ of this checkout: every project and all state of the tools in them is lost.
# Runs with bash 3.2 and BSD find as well, which is what macOS has.
set -euo pipefail

# A CDPATH of the user's could lead to another folder than this checkout.
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

folders=(workspace data)
consent='Yes, do as I say!'
ask=yes

main() {
  read_options "$@"
  require_real_folders
  require_no_sandbox
  show_contents || { say "nothing to remove"; return; }
  [[ $ask == no ]] || require_consent
  local folder
  for folder in "${folders[@]}"; do open_directories "$folder"; done
  for folder in "${folders[@]}"; do empty "$folder"; done
  require_emptied
}

usage() {
  cat <<EOF
Usage: scripts/reset-sandbox.sh [--destroy]

Removes everything from workspace/ and data/ of this checkout, except for the .gitkeep of each.
Shows what would go, then asks you to type: $consent

  --destroy   do not ask, for scripts
  --help      show this
EOF
}

read_options() {
  local option
  for option in "$@"; do
    case $option in
      --destroy) ask=no ;;
      -h | --help) usage; exit ;;
      *)
        say "error: unknown option '$option'"
        usage >&2
        exit 64
        ;;
    esac
  done
}

require_real_folders() {
  local folder
  for folder in "${folders[@]}"; do
    [[ ! -L $here/$folder ]] || die "$folder/ is a symbolic link: what it leads to is not touched. Nothing was removed." \
      "Empty its target yourself, or replace the link by a folder."
    [[ -d $here/$folder ]] || die "$here/$folder is not a folder. Nothing was removed." "Make it: mkdir '$here/$folder'"
    [[ -r $here/$folder && -x $here/$folder ]] || die "you may not look into $folder/. Nothing was removed." \
      "If it is another user's: sudo '$here/scripts/reset-sandbox.sh'"
  done
}

# A tool that loses its files while it runs writes half of them anew. read is the clock, because macOS has no
# timeout(1); --all, because what `compose run` started is listed with it only.
require_no_sandbox() {
  local running
  if ! IFS= read -r -t 5 -d '' running < <(running_sandboxes && printf '\0'); then
    say "warning: Docker did not say whether a sandbox of this checkout is running; if one is, stop it first"
  elif [[ -n $running ]]; then
    die "a sandbox of this checkout is running. Nothing was removed." \
      "Leave it, or stop it: docker compose down --remove-orphans"
  fi
}

running_sandboxes() {
  cd -- "$here" && docker compose ps --all --status running --quiet </dev/null 2>/dev/null
}

# generated FOLDER [FIND-ACTION…]: paths relative to the folder, so that no name can be taken for an option.
generated() (
  # Without || it would go on where it is: set -e counts for nothing in most of what calls this.
  cd -- "$here/$1" || exit
  find . -xdev -mindepth 1 ! -path ./.gitkeep "${@:2}"
)

# NUL ends each name, for names may hold newlines. What cannot be read is not counted.
count() { echo "$(($(generated "$1" -print0 2>/dev/null | tr -dc '\0' | wc -c)))"; }

size() { du -shx "$here/$1" 2>/dev/null | cut -f1 | tr -d ' '; }

show_contents() {
  local folder entries total=0
  for folder in "${folders[@]}"; do
    entries=$(count "$folder")
    say "$folder/: $entries files and folders, $(size "$folder")"
    total=$((total + entries))
  done
  ((total > 0))
}

require_consent() {
  local answer
  say "this cannot be undone. To remove all of it, type: $consent"
  IFS= read -r answer || answer=''
  [[ $answer == "$consent" ]] || die "not confirmed: nothing was removed."
}

# Package caches are often read-only folders, which not even their owner can empty. What fails here fails again,
# and is reported, in empty.
open_directories() {
  generated "$1" -type d ! -perm -700 -exec chmod u+rwx {} \; 2>/dev/null || true
}

empty() {
  local failures
  failures=$(generated "$1" -delete 2>&1) || head -n 3 <<<"$failures" >&2
}

require_emptied() {
  local folder entries left=()
  for folder in "${folders[@]}"; do
    entries=$(count "$folder")
    ((entries == 0)) || left+=("$entries in $folder/")
  done
  ((${#left[@]} == 0)) || die "could not remove: ${left[*]}" \
    "They are another user's, or a filesystem is mounted there (unmount it first). For another user's files:" \
    "sudo '$here/scripts/reset-sandbox.sh'"
  say "workspace/ and data/ are empty"
}

main "$@"
