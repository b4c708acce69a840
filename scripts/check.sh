#!/usr/bin/env bash
# Lint and types, in seconds. Needs no Docker.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  ./scripts/dev.sh --venv
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  .venv/bin/mypy
  .venv/bin/lint-imports
  .venv/bin/python scripts/check_pins.py Dockerfile benchmarks/Dockerfile tests/*/Dockerfile tests/conformance/plain/Dockerfile
  .venv/bin/yamllint --strict deploy
  .venv/bin/hadolint Dockerfile benchmarks/Dockerfile tests/*/Dockerfile tests/conformance/plain/Dockerfile
  # Pedantic: only then it looks for the digests of images.
  .venv/bin/zizmor --offline --no-progress --persona=pedantic --min-severity=low .github/workflows
  .venv/bin/shellcheck -x start.sh .ci/run scripts/*.sh scripts/build/with-network scripts/build/apt-install \
    scripts/build/install-* scripts/build/choose-tools scripts/build/keep-tool scripts/build/terminals \
    scripts/tools/* tests/bases/*.sh tests/conformance/plain/*.sh
}

main
