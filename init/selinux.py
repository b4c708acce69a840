"""Whether SELinux confines the container: then a folder of the host needs a label, whatever its mode says."""

from __future__ import annotations

# The types that engines give to containers; container_selinux(8).
TYPES = ("container_t", "container_init_t", "svirt_lxc_net_t")
ADVICE = (
    "SELinux keeps containers out of folders without a label. In .env: "
    "COMPOSE_FILE=compose.yml:compose.selinux.yml"
)


def confines(context: str = "/proc/self/attr/current") -> bool:
    """Tell whether this process has a container's type; proc_pid_attr(5)."""
    try:
        with open(context, encoding="utf-8", errors="replace") as file:
            return confined(file.read())
    except OSError:
        # There is no security module.
        return False


def confined(context: str) -> bool:
    """Tell whether a context, user:role:type:level, is a container's; other modules have another form."""
    fields = context.split(":")
    return len(fields) >= 4 and fields[2] in TYPES
