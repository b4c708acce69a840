"""Which model servers the user named: MODEL_* variables, or config/models.yml.

The variables are the short form: one server, one model for every role.
"""

from __future__ import annotations

import os

from init import handed_over
from init.errors import SandboxError
from init.model import checks, models_yml
from init.model.servers import HERE, ModelServers, ModelSpec, Origin, Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from init.model.servers import Places, Warn

# Where an engine mounts a secret of this name, looked at where no file is named.
KEY_FILE = "/run/secrets/model_api_key"

# What the short form calls its server; the tools show it as the provider.
SHORT = "local"


def read(variables: Mapping[str, str], warn: Warn, places: Places = HERE) -> ModelServers:
    """Return what the user wants; no server where nothing is set.

    Args:
        variables: MODEL_*, by name.
        warn: is told what is set and not used, and what to do.
        places: where the files are.

    Raises:
        SandboxError: names a bad setting, and never shows a key.
    """
    described = models_yml.read(places)
    if not variables.get("MODEL_URL"):
        lonely = [name for name in ("MODEL_ID", "MODEL_CONTEXT", "MODEL_OUTPUT") if variables.get(name)]
        if lonely:
            raise SandboxError(
                f"{lonely[0]} is set, but MODEL_URL is not",
                "Set MODEL_URL too, or describe it in config/models.yml.",
            )
        return described
    if described.servers:
        warn("MODEL_URL is set, so config/models.yml is not used", "Unset MODEL_URL to use the file.")
    return ModelServers((_from_variables(variables, places),), {})


def key_of(variables: Mapping[str, str], places: Places = HERE) -> str:
    """Return MODEL_API_KEY, or what the file holds that MODEL_API_KEY_FILE names; "" for none.

    Raises:
        SandboxError: the file cannot be read, or the key is none.
    """
    if places.via:
        return ""
    if variables.get("MODEL_API_KEY"):
        return checks.key(variables["MODEL_API_KEY"], "MODEL_API_KEY")
    if variables.get("MODEL_API_KEY_FILE"):
        return checks.key_in_file(variables["MODEL_API_KEY_FILE"], "MODEL_API_KEY_FILE", places)
    return checks.key_in(KEY_FILE, "the secret model_api_key") if os.path.exists(KEY_FILE) else ""


def _from_variables(variables: Mapping[str, str], places: Places) -> Server:
    context, output = (checks.tokens(variables.get(name), name) for name in ("MODEL_CONTEXT", "MODEL_OUTPUT"))
    checks.check_limits(context, output, "MODEL_CONTEXT", "MODEL_OUTPUT")
    tools_on = variables.get("MODEL_TOOLS") or "on"
    if tools_on not in ("on", "off"):
        raise SandboxError(f"MODEL_TOOLS={tools_on!r} is not known", "MODEL_TOOLS is one of on, off.")
    ca = "" if places.via else variables.get("MODEL_CA")
    return Server(
        name=SHORT,
        url=checks.address(variables["MODEL_URL"], "MODEL_URL"),
        key=key_of(variables, places),
        variable=handed_over.KEY,
        ca=checks.certificate(ca, "MODEL_CA", places) if ca else "",
        origin=Origin(),
        models=(
            ModelSpec(
                checks.model_id(variables.get("MODEL_ID", ""), "MODEL_ID"), context, output, tools_on == "on"
            ),
        ),
        via=places.via,
    )
