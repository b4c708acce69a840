"""What a cluster tells a pod of itself, which is not for the agent.

For each service of its namespace a container has NAME_SERVICE_HOST, NAME_SERVICE_PORT and more, and those of
the cluster's API in any case: Kubernetes, Services, "Environment variables".
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

API = "KUBERNETES_SERVICE_HOST"
_HOST = "_SERVICE_HOST"


def is_pod(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this is a container of a cluster's."""
    return bool(environ.get(API))


def without_services(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that tell of the cluster's services."""
    if not is_pod(environ):
        return dict(environ)
    services = tuple(name.removesuffix(_HOST) for name in environ if name.endswith(_HOST) and name != _HOST)
    whole = {f"{name}{end}" for name in services for end in (_HOST, "_SERVICE_PORT", "_PORT")}
    begun = tuple(f"{name}{part}" for name in services for part in ("_SERVICE_PORT_", "_PORT_"))
    return {
        name: value for name, value in environ.items() if name not in whole and not name.startswith(begun)
    }


def fix(elsewhere: str, in_pod: str) -> str:
    """Return what to do: in a pod there is neither start.sh nor .env."""
    return in_pod if is_pod() else elsewhere
