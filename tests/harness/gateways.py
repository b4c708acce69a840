"""The gateways beside sessions that tests start by Compose, as start.sh makes one beside each of its own."""

import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.harness.engine import flags
from tests.harness.repository import ROOT
from tests.harness.waiting import PATIENCE

# What a gateway is given, and no session.
OWN = ("MODEL_API_KEY", "MODEL_API_KEY_FILE", "MODEL_CA")


class Gateway(NamedTuple):
    """A gateway: the name of its folder, and its container's."""

    name: str
    container: str


def start(variables: Mapping[str, str], models: Mapping[str, str]) -> Gateway:
    """Start a gateway; the session that has its name waits for it.

    Args:
        variables: what Compose reads; the gateway is the owner of KEYS_DIR.
        models: MODEL_*, over what Compose reads.
    """
    name, owner = secrets.token_hex(16), Path(variables["KEYS_DIR"]).stat()
    container, user = f"gateway-{name}", f"{owner.st_uid}:{owner.st_gid}"
    options = ("--detach", "--no-deps", "-T", f"--user={user}", f"--name={container}")
    own = flags({**models, "SANDBOX_GATEWAY": name})
    command = ["docker", "compose", "--project-directory", str(ROOT), "run", *options, *own, "gateway"]
    result = subprocess.run(
        command, env=dict(variables), capture_output=True, text=True, timeout=PATIENCE * 2, check=False
    )
    assert result.returncode == 0, result.stderr
    return Gateway(name, container)
