"""Where things are in the container: the one place that names them."""

from __future__ import annotations

HOME = "/home/agent"
WORKSPACE = f"{HOME}/workspace"
DATA = f"{HOME}/data"
SHELL = "/bin/bash"

# What the workspace guard took away is kept here.
QUARANTINE = f"{DATA}/quarantine"
# The same of repositories outside of the workspace: nothing puts those back but the user.
QUARANTINE_OUTSIDE = f"{DATA}/quarantine-outside"
# What sessions that run take as given of the workspace.
GIVEN = f"{DATA}/guard"
# The same of a session on a copy, which nobody shares: it ends with the container.
GIVEN_ALONE = "/tmp/.guard"  # noqa: S108 - as open to the agent as the other
# What could not be told, for the next start.
UNTOLD = f"{DATA}/untold-report"

# A copy of the workspace that is looked at, and what an overlay has of it.
COPY, UPPER = "/mnt/copy", "/mnt/upper"
# Beside a copy that was made of a result: what was taken away in it, names that end with NUL.
DELETED = f"{DATA}/deleted"
# In a task's pod: what the workspace was before.
ORIGIN = "/mnt/origin"

# config/ and .opencode/ are mounted here as folders: a file mounted by itself goes stale when an editor
# replaces it, becomes a folder when it is missing, and breaks on Docker Desktop inside another mount.
CONFIG = "/etc/sandbox/config"
OPENCODE = "/etc/sandbox/opencode"
# A file of the user's, where SESSION_CA names one.
SESSION_CA = "/etc/sandbox/session-ca.pem"
DEFINITIONS = f"{CONFIG}/tools.yml"
MODELS = f"{CONFIG}/models.yml"

# PID 1, and the programs that it or start.sh runs.
ENTRYPOINT = "/opt/sandbox/__main__.py"
# The version of this project that the image was made of.
VERSION = "/opt/sandbox/VERSION"
# Becomes its arguments with every signal blocked, or ends with 128 + n: image/block-signals.c.
BLOCK_SIGNALS = "/opt/sandbox/block-signals"
ENTER, ACCEPT, CONNECT, DOCTOR, LINK, DIFF, APPLY, FETCH, RESULT, UNPACK = (
    f"/usr/local/bin/sandbox-{name}"
    for name in (
        "enter", "accept", "connect", "doctor", "link", "diff", "apply", "fetch", "result", "unpack",
    )
)  # fmt: skip

# The gateway's sockets, on a volume that is mounted read-only: a folder for each gateway. And where the link
# passes connections on to them: ports of this container's own loopback that no other server usually has.
GATEWAY = "/run/gateway"
LOOPBACK, CAPTURED = "127.0.0.1", "127.64.0.1"
MODEL_PORT, PROXY_PORT, HTTPS_PORT, DNS_PORT = 21001, 21002, 443, 53
LINKED = f"http://{LOOPBACK}:{MODEL_PORT}"
PROXY = f"http://{LOOPBACK}:{PROXY_PORT}"

# The agent's PATH. What the agent can write comes last, so that nothing planted there shadows a program of
# the image.
PATH = ":".join((
    "/opt/tools/bin", "/opt/python/bin", "/opt/rust/bin",
    "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    # Where the image's variables have pip --user, uv tool, npm -g, bun add -g and cargo install put programs.
    f"{HOME}/.local/bin", f"{DATA}/bin", f"{DATA}/npm/bin", f"{DATA}/bun/bin", f"{DATA}/cargo/bin",
))  # fmt: skip

# In the folder of what sandbox-connect writes: the variables that name the models.
VARIABLES = "variables"


def rendered_folder(home: str) -> str:
    """Return the folder of what sandbox-connect writes for the tools."""
    return f"{home}/.sandbox/models"


def on_host(path: str) -> str:
    """Return what the user calls a file of the mounted configuration."""
    return path.replace(f"{CONFIG}/", "config/", 1).replace(f"{OPENCODE}/", ".opencode/", 1)


def place(template: str, home: str, data: str = "") -> str:
    """Replace a leading ``~`` by the home directory and a leading ``{data}`` by data/, or another."""
    if template == "~" or template.startswith("~/"):
        return home + template[1:]
    return (data or DATA) + template.removeprefix("{data}") if template.startswith("{data}") else template
