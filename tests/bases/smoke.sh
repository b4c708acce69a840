#!/usr/bin/env bash
# What every image must do, on whatever base and processor: ./start.sh --shell -- -s <tests/bases/smoke.sh
set -euxo pipefail

uname -m
id
for program in /opt/tools/bin/* python3 node cargo rustc git git-lfs rg jq; do "$program" --version; done

cd "$(mktemp -d)"
echo 'int main() { return 0; }' >a.cpp
make --silent a
./a
python3 -m venv v
v/bin/python -m pip --version
uv venv --offline u
u/bin/python -c 'import ssl, sqlite3'
git init --quiet p
touch ~/workspace ~/data
