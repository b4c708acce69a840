#!/usr/bin/env bash
# The entry point as it is usually written, with the checks and steps of init/: root prepares, gosu, then the
# agent chooses and becomes the tool. For comparison only (startup.py): it neither reaps nor forwards.
set -euo pipefail
export PATH=/opt/tools/bin:/opt/python/bin:/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 0027

home=/home/agent config=/etc/sandbox/config
table=$(awk '{ print $5, $6 "," $NF }' /proc/self/mountinfo)

die() {
  echo "error: $*" >&2
  exit 78
}

mounted() { awk -v path="$1" '$1 == path { found = 1 } END { exit !found }' <<<"$table"; }
read_only() { awk -v path="$1" '$1 == path && $2 ~ /(^|,)ro(,|$)/ { found = 1 } END { exit !found }' <<<"$table"; }

root_phase() {
  require_capabilities
  [[ $$ == 1 ]] || die "another program is PID 1"
  choose_identity
  edit_accounts
  claim "$home" always
  claim "$home/data"
  claim "$home/workspace"
  # As where the tools live in home, and the agent shall own them.
  if [[ -n ${REOWN:-} ]]; then chown -R "$uid:$gid" "$REOWN"; fi
  exec /usr/sbin/gosu agent "$0" "$@"
}

require_capabilities() {
  local effective bit
  effective=$((16#$(awk '/^CapEff:/ { print $2 }' /proc/self/status)))
  for bit in 6 7; do ((effective >> bit & 1)) || die "capability $bit is missing"; done
}

choose_identity() {
  local owner=0 group=0 name
  if mounted "$home/workspace"; then read -r owner group < <(stat -c '%u %g' "$home/workspace"); fi
  if ((owner == 0)); then owner=1000; fi
  if ((group == 0)); then group=1000; fi
  for name in PUID PGID; do
    [[ ${!name:-1} =~ ^[1-9][0-9]{0,9}$ && ${!name:-1} -le 2147483647 ]] || die "$name=${!name} is not valid"
  done
  uid=${PUID:-$owner} gid=${PGID:-$group}
}

# usermod would walk and re-own home by itself.
edit_accounts() {
  if [[ $(awk -F: '$1 == "agent" { print $3 ":" $4 }' /etc/passwd) == "$uid:$gid" ]]; then return; fi
  awk -F: -v OFS=: -v uid="$uid" -v gid="$gid" '$1 == "agent" { $3 = uid; $4 = gid } { print }' \
    /etc/passwd >/etc/passwd.new
  sed '/^agent:/d' /etc/group >/etc/group.new
  if ! awk -F: -v gid="$gid" '$3 == gid { found = 1 } END { exit !found }' /etc/group.new; then
    echo "agent:x:$gid:" >>/etc/group.new
  fi
  chmod 0644 /etc/passwd.new /etc/group.new
  mv /etc/passwd.new /etc/passwd
  mv /etc/group.new /etc/group
}

claim() {
  if [[ $# == 1 ]] && { ! mounted "$1" || read_only "$1"; }; then return; fi
  find "$1" -xdev \( ! -uid "$uid" -o ! -gid "$gid" \) -exec chown -h "$uid:$gid" {} +
}

session_phase() {
  local tool program
  local -a names
  require_writable "$home/workspace"
  require_writable "$home/data"
  IFS=, read -ra names <<<"${TOOLS:?}"
  for tool in "${names[@]}"; do
    [[ $tool =~ ^[a-z0-9_][a-z0-9._-]{0,63}$ ]] || die "$tool is no name of a tool"
    program=$(sed -n "/^$tool:/,/^[^ ]/s/^  command: \[\([^],]*\).*/\1/p" "$config/tools.yml")
    command -v "${program:-none}" >/dev/null || die "$tool is not installed"
  done
  tool=${DEFAULT_TOOL:-${names[0]}}
  program=$(sed -n "/^$tool:/,/^[^ ]/s/^  command: \[\([^],]*\).*/\1/p" "$config/tools.yml")
  link_config opencode.json "$home/.config/opencode/opencode.json"
  link_config AGENTS.md "$home/.config/opencode/AGENTS.md"
  export HOME=$home USER=agent LOGNAME=agent SHELL=/bin/bash
  cd "$home/workspace"
  exec "$program" "$@"
}

require_writable() {
  mounted "$1" || echo "warning: nothing is mounted at $1" >&2
  if [[ -w $1 ]]; then return; fi
  read_only "$1" || die "$1 cannot be written"
}

link_config() {
  if [[ ! -e $config/$1 ]]; then return; fi
  mkdir -p "${2%/*}"
  [[ $(readlink "$2" || true) == "$config/$1" ]] || ln -sf "$config/$1" "$2"
}

if ((EUID == 0)); then root_phase "$@"; else session_phase "$@"; fi
