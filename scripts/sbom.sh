#!/usr/bin/env bash
# Writes the image's bill of materials (CycloneDX) and its list of licences, from the build that start.sh makes.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

usage() {
  cat <<'TEXT'
Usage: scripts/sbom.sh [--no-cache] [FOLDER]

Writes sbom.cdx.json and licences.txt to FOLDER (default: sbom). They are those of the image that start.sh builds
with the same settings; what is not built yet is built.

  --no-cache   read the image again, even if nothing has changed
TEXT
}

main() {
  enter_docker_group "$here/scripts/sbom.sh" "$@"
  local folder=sbom anew=''
  while (($#)); do
    case $1 in
      --no-cache) anew='"sbom-scan"' ;;
      --help | -h) usage && exit ;;
      -*) say "error: unknown option: $1" && usage >&2 && exit 64 ;;
      *) folder=$1 ;;
    esac
    shift
  done
  mkdir -p -- "$folder"
  folder=$(CDPATH='' cd -- "$folder" && pwd)
  cd "$here"
  choose_platform
  choose_base
  offer_ca
  # bake reads compose.yml and .env, so arguments and secrets are those of start.sh. It would ask about each file
  # outside the checkout, which the CA bundle and the folder may be.
  BUILDX_BAKE_ENTITLEMENTS_FS=0 docker buildx bake --file compose.yml --file - \
    --set sandbox.target=sbom --set sandbox.tags= --set "sandbox.output=type=local,\"dest=$folder\"" \
    ${DOCKER_DEFAULT_PLATFORM:+--set "sandbox.platform=$DOCKER_DEFAULT_PLATFORM"} \
    ${SOURCE_DATE_EPOCH:+--set "sandbox.args.SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"} \
    >&2 <<<"{\"target\": {\"sandbox\": {\"no-cache-filter\": [$anew]}}}"
  say "wrote $folder/sbom.cdx.json and $folder/licences.txt"
}

main "$@"
