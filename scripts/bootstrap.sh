#!/usr/bin/env bash
# Brings up what start.sh needs on Debian and Ubuntu: Python, an engine with Compose and buildx, and a base image.
# Every step looks first and does nothing where there is nothing to do, so running it twice is safe.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$here/scripts/common.sh"

plugins_dir=/usr/libexec/docker/cli-plugins
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
ubuntu_keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
engine_log=/var/log/sandbox-dockerd.log

main() {
  case ${1:-} in
    --install) install_python && install_engine && install_plugins && install_sg && start_engine ;;
    --build-base) build_base ;;
    *)
      if ! tools_ready; then
        require_debian_family
        as_root --install
        join_docker_group
      fi
      enter_docker_group "$here/scripts/bootstrap.sh"
      require_engine
      provide_base
      ;;
  esac
}

tools_ready() { has_python && engine_answers && docker compose version && docker buildx version; } >/dev/null 2>&1

# As start.sh looks for it.
has_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
    if "$name" -ISc 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then return; fi
  done
  return 1
}

require_debian_family() {
  local ids=''
  # shellcheck source=/dev/null  # the host's own file; its content is not ours to lint
  [[ -r /etc/os-release ]] && ids=$(. /etc/os-release && echo "${ID:-} ${ID_LIKE:-}")
  case " $ids " in
    *' debian '* | *' ubuntu '*) ;;
    *) die "--bootstrap knows Debian and Ubuntu only (this is '${ids:-$(uname -s)}')." \
         "Install Docker Desktop or your distribution's Docker with Compose and buildx, then run ./start.sh." ;;
  esac
}

# as_root PART: run one part of this script as root, and nothing else of it.
as_root() {
  if ((EUID == 0)); then
    main "$1"
    return
  fi
  command -v sudo >/dev/null || die "--bootstrap installs packages, which needs root, and there is no sudo here." \
    "Run it as root."
  say "this needs root: asking sudo"
  sudo --preserve-env=http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY -- \
    "$here/scripts/bootstrap.sh" "$1"
}

join_docker_group() {
  if ((EUID == 0)) || in_docker_group; then return; fi
  say "adding $(id -un) to the group docker (it may use the engine, which is as good as root on this machine)"
  sudo usermod -aG docker "$(id -un)"
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
}

apt_has() { apt-cache show "$1" >/dev/null 2>&1; }

install_python() {
  if has_python; then return; fi
  say "installing Python from the distribution's packages"
  apt-get update >&2
  apt_install python3
  has_python || apt_install python3.9 || die "this release has no Python 3.9 or newer." \
    "Install one as python3.9 or newer, then run ./start.sh."
}

install_engine() {
  if engine_answers || { command -v dockerd && command -v docker; } >/dev/null; then return; fi
  say "installing the Docker engine from the distribution's packages"
  apt-get update >&2
  local packages=(docker.io iptables ca-certificates)
  # Debian 13 has the client in a package of its own.
  if apt_has docker-cli; then packages+=(docker-cli); fi
  apt_install "${packages[@]}"
}

# Debian 12 and Ubuntu 22.04 have no Compose v2 or buildx of their own age.
install_plugins() {
  local missing=()
  docker compose version >/dev/null 2>&1 || missing+=(compose)
  docker buildx version >/dev/null 2>&1 || missing+=(buildx)
  ((${#missing[@]})) || return 0
  say "installing the plugins: ${missing[*]}"
  apt-get update >&2
  local plugin
  for plugin in "${missing[@]}"; do install_plugin "$plugin"; done
}

# Newer releases of Debian have it in a package of its own. With it, who joins a group need not log in again.
install_sg() {
  if [[ -z ${SUDO_USER:-} ]] || command -v sg >/dev/null || ! apt_has util-linux-extra; then return; fi
  say "installing sg, by which $SUDO_USER may use the engine at once"
  apt_install util-linux-extra
}

install_plugin() {
  local plugin=$1 package
  for package in "docker-$plugin-v2" "docker-$plugin"; do
    # Debian 12 has a docker-compose too, but it is version 1, which is no plugin.
    if apt-cache show "$package" 2>/dev/null | grep -E '^Version: ([2-9]|[1-9][0-9]|0\.[1-9][0-9])' >/dev/null; then
      apt_install "$package"
      docker "$plugin" version >/dev/null 2>&1 && return
    fi
  done
  plugin_from_trixie "docker-$plugin"
}

# The package of a newer release, fetched through a private apt configuration, so that its signature is
# checked as any other's and the machine's own sources stay as they are. Only the plugin itself is taken:
# a static Go program that needs nothing but libc.
plugin_from_trixie() {
  local package=$1 apt
  [[ $(host_id) == debian ]] || die "this release has no $package package." \
    "Install Docker's own packages, then run ./start.sh."
  apt=$(mktemp -d)
  mkdir -p "$apt"/{lists/partial,archives/partial}
  sources_for trixie "$debian_keyring" main >"$apt/sources.list"
  local options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2
  (cd "$apt" && apt-get "${options[@]}" download "$package" >&2)
  dpkg-deb --extract "$apt"/"$package"_*.deb "$apt/root"
  mkdir -p "$plugins_dir"
  install -m 0755 "$apt/root/$plugins_dir/$package" "$plugins_dir/$package"
  rm -rf "$apt"
}

host_id() { (. /etc/os-release && echo "$ID"); }
host_codename() { (. /etc/os-release && echo "${UBUNTU_CODENAME:-$VERSION_CODENAME}"); }

# sources_for CODENAME KEYRING COMPONENTS: apt's lines for another release of this distribution, from the archives
# that this machine itself uses: whoever sits behind a mirror stays behind it.
sources_for() {
  local host
  host=$(host_codename)
  # shellcheck disable=SC2016  # apt's own variables
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Component: main' |
    sort -u | awk -v host="$host" -v want="$1" -v key="$2" -v parts="$3" '
      $2 == host || $2 == host "-updates" || $2 == host "-security" {
        sub(host, want, $2)
        print "deb [signed-by=" key "] " $1, $2, parts
      }'
}

start_engine() {
  if engine_answers; then return; fi
  say "starting the engine"
  if [[ -d /run/systemd/system ]]; then
    systemctl enable --now docker >&2
  else
    # No service manager (a container, WSL without systemd): run it detached from this terminal.
    forget_if_gone dockerd /var/run/docker.pid
    forget_if_gone containerd /var/run/docker/containerd/containerd.pid
    setsid --fork dockerd >"$engine_log" 2>&1 </dev/null
  fi
  local tries=120
  until engine_answers; do
    ((tries--)) || die "the engine did not answer within a minute. Its last words:" "$(tail -n 5 "$engine_log" 2>/dev/null)"
    sleep 0.5
  done
}

# An engine that was killed leaves the number of its process, which another may have by now: the next engine
# would take that for itself and refuse to start.
forget_if_gone() {
  local program=$1 file=$2 pid
  [[ -r $file ]] || return 0
  pid=$(<"$file")
  [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$program" ]] || rm -f "$file"
}

# Who may not use the engine could pull nothing, and would seem to have no registry.
require_engine() {
  local told
  if told=$(docker info 2>&1); then return; fi
  case $told in
    *'permission denied'*) die "$(id -un) may not use the Docker engine yet." \
      "Log in again as a member of the group docker, then run ./start.sh --bootstrap again." ;;
    *) die "the Docker engine does not answer: ${told##*$'\n'}" "Mend that, then run ./start.sh --bootstrap again." ;;
  esac
}

provide_base() {
  local base limit=()
  build_variables
  base=${BASE_IMAGE:-$(pinned_base)}
  if image_here "$base" || image_here "$local_base"; then return; fi
  say "fetching the base image $base"
  # macOS has none.
  ! command -v timeout >/dev/null || limit=(timeout 300)
  if ${limit[@]+"${limit[@]}"} docker pull --quiet "$base" >&2; then return; fi
  [[ $base == "$(pinned_base)" ]] || die "BASE_IMAGE=$base cannot be pulled." "Mend it in .env or the environment."
  require_debian_family
  as_root --build-base
}

# The Dockerfile is the one place that names the base.
pinned_base() { sed -n "s/^ARG BASE_IMAGE=//p" "$here/Dockerfile"; }

image_here() { docker image inspect "$1" >/dev/null 2>&1; }

# The stand-in has what the real base has and this project relies on: the account ubuntu at 1000:1000.
build_base() {
  local suite=trixie keyring=$debian_keyring components=main sources
  if [[ -r $ubuntu_keyring && $(host_id) != debian ]]; then
    suite=resolute keyring=$ubuntu_keyring components='main universe'
  fi
  say "the pinned base cannot be pulled: building a base from the distribution's archive ($suite)"
  command -v mmdebstrap >/dev/null || { apt-get update >&2; apt_install mmdebstrap; }
  sources=$(sources_for "$suite" "$keyring" "$components")
  [[ -n $sources ]] || die "apt names no archive of $(host_codename) to build a base from." \
    "Write the release's codename into apt's sources, or set BASE_IMAGE to a base that can be pulled."
  # shellcheck disable=SC2016  # $1 is for the hook's own shell
  mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --customize-hook='chroot "$1" useradd -m -s /bin/bash -u 1000 -U -c Ubuntu -G adm,cdrom,sudo,dip,plugdev ubuntu' \
    --customize-hook='sed -i "s/ \[signed-by=[^]]*\]//" "$1/etc/apt/sources.list"' \
    "$suite" - - <<<"$sources" |
    docker import --change 'CMD ["/bin/bash"]' --change "LABEL org.opencontainers.image.base.name=$suite" \
      - "$local_base" >/dev/null
  say "built $local_base; it is used until you remove it: docker image rm $local_base"
}

main "$@"
