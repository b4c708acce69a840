# The base is pinned by digest; a registry that is not Docker Hub: --build-arg BASE_IMAGE=…
ARG BASE_IMAGE=ubuntu:26.04@sha256:da6fc2be547864451aa253836dd926da33623312df4a9a243e35dc877c378a78

# What this checkout gives, with git's modes: a umask, a share or a Windows disk may have left others there.
FROM ${BASE_IMAGE} AS checkout
WORKDIR /checkout
COPY . .
RUN chmod -R u=rwX,go=rX,a-st . && chmod 0755 image/bin/* scripts/build/*

# What every later stage shares: the interpreter and Node.js, which the image ships as well.
FROM ${BASE_IMAGE} AS base
ARG APT_MIRROR=""
ENV LANG=C.UTF-8
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/apt-install ca-certificates nodejs python3 python3-venv

# PID 1's dependencies, and uv with what says which uv it is: its licences, and its files' hashes. python-prctl
# compiles, so this stage has a compiler.
FROM base AS python
ARG APT_MIRROR=""
ARG PYPI_INDEX=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/apt-install gcc libc6-dev libcap-dev python3-dev
COPY --from=checkout /checkout/locks/build.txt /checkout/locks/runtime.txt /locks/
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    python3 -m venv /venv \
 && /build/with-network /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /locks/build.txt \
 && /build/with-network /venv/bin/uv pip install --no-cache --require-hashes --no-build-isolation \
      --python /venv/bin/python --target /opt/sandbox -r /locks/runtime.txt \
 && mkdir -p /opt/tools/bin /opt/tools/lib/python3/site-packages && cp /venv/bin/uv /venv/bin/uvx /opt/tools/bin/ \
 && cp -r /venv/lib/python3*/site-packages/uv-*.dist-info /opt/tools/lib/python3/site-packages/ \
 && /opt/tools/bin/uv --version \
 && PYTHONPATH=/opt/sandbox python3 -S -c 'import prctl, psutil, structlog, yaml; yaml.CSafeLoader'
# What starts each of PID 1's two interpreters. The build shows that it blocks what can be blocked: all but SIGKILL,
# SIGSTOP, and the two that the C library keeps for itself. An emulator shows the kernel another mask, its own.
ARG BUILDARCH
ARG TARGETARCH
COPY --from=checkout /checkout/image/block-signals.c /
RUN gcc -Wall -Wextra -Werror -O1 -ffreestanding -fno-stack-protector -nostdlib -static -s \
      -o /opt/sandbox/block-signals /block-signals.c \
 && { [ "$BUILDARCH" != "$TARGETARCH" ] \
      || /opt/sandbox/block-signals /usr/bin/grep 'SigBlk:.*fffffffe7ffbfeff$' /proc/self/status \
      || { echo 'image/block-signals.c does not block every signal on this base' >&2; exit 1; }; }
COPY --from=checkout /checkout/image/entrypoint.py /opt/sandbox/__main__.py
COPY --from=checkout /checkout/init /opt/sandbox/init
COPY --from=checkout /checkout/gateway /opt/sandbox/gateway
RUN python3 -m compileall -q /opt/sandbox \
 && rm -rf /opt/sandbox/bin /opt/sandbox/.lock

# What is installed from the npm registry: a package-lock.json holds a hash of each package. Debian's npm brings
# 400 MB of packages along; it stays in this stage and installs the npm that the image ships.
FROM base AS npm
ARG APT_MIRROR=""
ARG NPM_REGISTRY=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/apt-install npm

FROM npm AS toolchain
WORKDIR /opt/tools/toolchain
COPY --from=checkout /checkout/locks/toolchain /checkout/scripts/tools/toolchain ./
RUN echo yes >chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

# A file for each tool, so that a tool's stage is built anew where its own choice changes, and for no other.
FROM base AS chosen
ARG IMAGE_TOOLS=opencode,omp
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build \
    --mount=type=bind,from=checkout,source=/checkout/locks/npm,target=/locks \
    /build/choose-tools /locks /chosen

# Each tool is a stage, which installs nothing where it is not chosen, and a layer.
FROM npm AS tool
COPY --from=toolchain /out /opt/tools

FROM tool AS opencode
WORKDIR /opt/tools/opencode
COPY --from=checkout /checkout/locks/npm/opencode /checkout/scripts/tools/opencode ./
COPY --from=chosen /chosen/opencode chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS omp
WORKDIR /opt/tools/omp
COPY --from=checkout /checkout/locks/npm/omp /checkout/scripts/tools/omp ./
COPY --from=chosen /chosen/omp chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS pi
WORKDIR /opt/tools/pi
COPY --from=checkout /checkout/locks/npm/pi /checkout/scripts/tools/pi ./
COPY --from=chosen /chosen/pi chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS qwen
WORKDIR /opt/tools/qwen
COPY --from=checkout /checkout/locks/npm/qwen /checkout/scripts/tools/qwen ./
COPY --from=chosen /chosen/qwen chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS codex
WORKDIR /opt/tools/codex
COPY --from=checkout /checkout/locks/npm/codex /checkout/scripts/tools/codex ./
COPY --from=chosen /chosen/codex chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS claude
WORKDIR /opt/tools/claude
COPY --from=checkout /checkout/locks/npm/claude /checkout/scripts/tools/claude ./
COPY --from=chosen /chosen/claude chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS kimi
WORKDIR /opt/tools/kimi
COPY --from=checkout /checkout/locks/npm/kimi /checkout/scripts/tools/kimi ./
COPY --from=chosen /chosen/kimi chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM tool AS copilot
WORKDIR /opt/tools/copilot
COPY --from=checkout /checkout/locks/npm/copilot /checkout/scripts/tools/copilot ./
COPY --from=chosen /chosen/copilot chosen
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/install-tool

FROM base AS sandbox
ARG APT_MIRROR=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/apt-install curl fd-find git gosu libcap2 libnss-wrapper openssh-client procps python3-seccomp ripgrep tzdata \
 && /usr/sbin/gosu nobody true && rg --version && git --version

# What projects need beside their language, and what people have at a terminal: docs/software.md has what it costs.
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/apt-install file g++ git-lfs gpg gpg-agent jq kitty-terminfo less make nano ncurses-term \
      patch pkgconf python3-pip unzip \
 && git lfs install --system --skip-repo \
 && /build/terminals

# Not pinned: a channel moves; rustup checks each part by the channel's manifest, and that by TLS alone.
ARG RUST_CHANNEL=stable
ARG RUSTUP_DIST_SERVER=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/install-rust

COPY --from=python /opt/tools /opt/tools
ARG PYTHON_VERSION=distro
ARG UV_PYTHON_INSTALL_MIRROR=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/install-python

COPY --from=toolchain /out /opt/tools
# A worktree that is not in the container is not gone: git prunes none by itself. And nobody but the agent is here,
# so that another owner of a folder is no danger.
RUN git config --system gc.worktreePruneExpire never && git config --system --add safe.directory '*'

# Run as somebody who may write nothing of the image, as the agent is.
RUN export PATH="/opt/tools/bin:/opt/python/bin:/opt/rust/bin:$PATH" && mkdir -m 1777 /tmp/try \
 && for program in $(ls /opt/tools/bin) node python $([ "$RUST_CHANNEL" = none ] || echo cargo rustc); do \
      /usr/sbin/gosu nobody env HOME=/tmp/try "$program" --version || exit 1; \
    done \
 && rm -rf /tmp/try

# The profiles of config/egress.yml: hosts, as the tools tell them.
ARG PYPI_INDEX=""
ARG NPM_REGISTRY=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    mkdir -p /opt/sandbox && /build/with-network /usr/bin/python3 -I /build/profiles.py /opt/sandbox/profiles.json

# No program in the image raises privileges.
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +

COPY --from=opencode /out /opt/tools
COPY --from=omp /out /opt/tools
COPY --from=pi /out /opt/tools
COPY --from=qwen /out /opt/tools
COPY --from=codex /out /opt/tools
COPY --from=claude /out /opt/tools
COPY --from=kimi /out /opt/tools
COPY --from=copilot /out /opt/tools

COPY --from=python /opt/sandbox /opt/sandbox
COPY --from=checkout /checkout/config /etc/sandbox/config
COPY --from=checkout /checkout/.opencode /etc/sandbox/opencode
# The user's own may hold keys, and is mounted; see .dockerignore.
RUN echo '{}' >/etc/sandbox/config/auth.json
COPY --from=checkout /checkout/image/bin /usr/local/bin
# PID 1 searches no folder but its own: libseccomp's binding belongs to the base's interpreter. All that it imports
# is tried here, where it runs: a library that only an earlier stage has would end every start.
RUN ln -s /usr/lib/python3/dist-packages/seccomp.*.so /opt/sandbox/ \
 && /usr/bin/python3 -I -S -c 'import sys; sys.path.insert(0, "/opt/sandbox"); import prctl, psutil, seccomp, structlog, yaml' \
 && test -z "$(LD_PRELOAD=libnss_wrapper.so true 2>&1)"
# The agent's account at 1000:1000 and its home; no group reads the password file, so that sharing a system GID gives
# nothing.
RUN sandbox-prepare \
 && mkdir -m 1733 /run/gateway \
 && chown root:root /etc/shadow /etc/gshadow && chmod 0600 /etc/shadow /etc/gshadow

# Tools keep state and caches under data/, whatever HOME is. What the agent can write is last on PATH.
ENV TZ=Europe/Berlin \
    PATH=/opt/tools/bin:/opt/python/bin:/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    XDG_DATA_HOME=/home/agent/data/share \
    XDG_STATE_HOME=/home/agent/data/state \
    XDG_CACHE_HOME=/home/agent/data/cache \
    CARGO_HOME=/home/agent/data/cargo \
    RUSTUP_HOME=/home/agent/data/rustup \
    UV_CACHE_DIR=/home/agent/data/cache/uv \
    UV_PROJECT_ENVIRONMENT=.venv-sandbox \
    NPM_CONFIG_CACHE=/home/agent/data/cache/npm \
    NPM_CONFIG_PREFIX=/home/agent/data/npm \
    BUN_INSTALL=/home/agent/data/bun

COPY --from=checkout /checkout/VERSION /opt/sandbox/VERSION
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="agentic-sandbox" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.description="A hardened container for agentic coding tools that run against your own model server" \
      org.opencontainers.image.licenses="MIT"

# Not the workspace: the engine would go there as root, which a share may refuse. PID 1 and sandbox-enter do so later.
WORKDIR /
STOPSIGNAL SIGTERM
# -I and -S: no environment variable, .pth file or sitecustomize has a say in what root runs.
ENTRYPOINT ["/opt/sandbox/block-signals", "/usr/bin/python3", "-I", "-S", "/opt/sandbox/__main__.py"]

# The model server of start.sh --demo, an image of its own (compose.yml, service model). --no-deps: the toy's
# package asks for another llama.cpp, of which nothing is used here.
FROM base AS model
ARG APT_MIRROR=""
ARG PYPI_INDEX=""
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    /build/with-network /build/apt-install libgomp1
COPY --from=checkout /checkout/locks/demo.txt /locks/
RUN --mount=type=bind,from=checkout,source=/checkout/scripts/build,target=/build --mount=type=secret,id=extra_ca \
    python3 -m venv /opt/model \
 && /build/with-network /opt/model/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: \
      --require-hashes -r /locks/demo.txt \
 && /opt/model/bin/python -c 'import xllamacpp' \
 && /opt/model/bin/pip uninstall --yes --quiet pip
COPY --from=checkout /checkout/demo /opt/model/demo
# Nobody.
USER 65534
ENTRYPOINT ["/opt/model/bin/python", "-I", "/opt/model/demo"]

# What is built where no stage is named: the sandbox, unchanged.
FROM sandbox AS image
