#!/bin/bash -l
# An entry point as many images have one. Each line is common, and lets the agent's files run as root.
set -eu

cd /home/agent/workspace
if [ -f .env ]; then
  set -a
  # shellcheck source=/dev/null
  . ./.env
  set +a
fi

uid=${PUID:-1000} gid=${PGID:-1000}
if [ "$(id -u agent)" != "$uid" ]; then
  groupmod -o -g "$gid" agent
  usermod -o -u "$uid" agent || true
fi
for folder in /home/agent/workspace /home/agent/data; do
  find "$folder" ! -user "$uid" -exec chown "$uid:$gid" {} + || true
done

for hook in /docker-entrypoint.d/*.sh; do
  bash "$hook" >&2
done
git status --short >&2 || true
python3 -c 'import json; json.dumps({})' >&2 || true
node -e '' >&2 || true
echo "release $(cut -d. -f1 /etc/debian_version 2>/dev/null || true)" >&2

exec /usr/sbin/gosu agent "$@"
