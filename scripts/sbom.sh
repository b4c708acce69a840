#!/usr/bin/env bash
# Writes the bill of materials (CycloneDX) and the licences of the image that start.sh has built.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

usage() {
  cat <<'TEXT'
Usage: scripts/sbom.sh [FOLDER]

Writes sbom.cdx.json and licences.txt to FOLDER (default: sbom): those of the image that start.sh has built
(SANDBOX_IMAGE). The image is read, and nothing of it is run. It needs Python 3.11, for .venv.

With a registry of your own BuildKit attests what is in the image as it builds it (SPDX, by its scanner syft):
  docker buildx build --sbom=true --push --tag REGISTRY/agentic-sandbox .
TEXT
}

main() {
  case ${1:-} in
    --help | -h) usage && exit ;;
    -*) say "error: unknown option: $1" && usage >&2 && exit 64 ;;
  esac
  local folder=${1:-sbom} image inspected
  mkdir -p -- "$folder"
  folder=$(CDPATH='' cd -- "$folder" && pwd)
  cd "$here"
  enter_docker_group "$here/scripts/sbom.sh" "$folder"
  ./scripts/dev.sh --venv
  # Of the sandbox, and of the gateway that it needs: the same.
  image=$(docker compose --project-directory . --file compose.yml config --images sandbox)
  image=${image%%$'\n'*}
  inspected=$(docker image inspect "$image") || die "there is no image $image to read." "./start.sh builds it."
  scratch=$(mktemp -d)
  trap 'rm -rf -- "$scratch"' EXIT
  container=$(docker create "$image")
  trap 'docker rm "$container" >/dev/null; rm -rf -- "$scratch"' EXIT
  docker export "$container" | .venv/bin/python scripts/sbom.py "$inspected" "$scratch"
  mv -- "$scratch/sbom.cdx.json" "$scratch/licences.txt" "$folder"
  say "wrote $folder/sbom.cdx.json and $folder/licences.txt, of $image"
}

main "$@"
