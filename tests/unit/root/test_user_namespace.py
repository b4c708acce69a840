"""init/root/user_namespace.py: a user namespace must not cost the user their files."""

import os
import subprocess

import pytest

from init import settings
from init.errors import SandboxError
from init.root import user_namespace

WHOLE = "         0          0 4294967295\n"
ROOTLESS = "         0       1005          1\n         1     100000      65536\n"
REMAPPED = "         0     231072      65536\n"


@pytest.mark.parametrize(
    ("text", "uid", "host"),
    [
        (WHOLE, 1000, 1000),
        (ROOTLESS, 0, 1005),
        (ROOTLESS, 1000, 100999),
        (ROOTLESS, 70000, None),
        (REMAPPED, 1000, 232072),
        ("", 0, None),
    ],
)
def test_whom_a_number_stands_for_on_the_host(text: str, uid: int, host: int | None) -> None:
    assert user_namespace.on_host(user_namespace.parse(text), uid) == host


@pytest.mark.parametrize(
    ("text", "owner", "puid"),
    [
        (WHOLE, 0, ""),
        (WHOLE, 1000, ""),
        (WHOLE, 65534, ""),
        (ROOTLESS, None, ""),
        (ROOTLESS, 0, "1000"),
        (REMAPPED, 1000, ""),
        (REMAPPED, 0, ""),
        (REMAPPED, 0, "1000"),
        (REMAPPED, 65534, "1000"),
    ],
)
def test_the_start_goes_on(text: str, owner: int | None, puid: str) -> None:
    user_namespace.require_own_files(settings.read({"PUID": puid}), owner, user_namespace.parse(text))


@pytest.mark.parametrize(
    ("text", "owner", "what", "fix"),
    [
        (ROOTLESS, 0, "yours (UID 1005), is root's here", "--userns=keep-id:uid=1000,gid=1000"),
        (ROOTLESS, 0, "the host's 100999", "PUID=1000"),
        (REMAPPED, 65534, "has no number here", "to UID 232072 on the host"),
    ],
)
def test_it_stops_before_the_files_change_hands(text: str, owner: int, what: str, fix: str) -> None:
    with pytest.raises(SandboxError) as error:
        user_namespace.require_own_files(settings.read({}), owner, user_namespace.parse(text))
    assert what in error.value.what
    assert fix in error.value.fix


def test_the_kernels_own_map_is_understood() -> None:
    """As a rootless engine has it: root in a namespace of one's own is oneself."""
    command = ["unshare", "--user", "--map-root-user", "cat", "/proc/self/uid_map"]
    nobody = {} if os.getuid() else {"user": 65534, "group": 65534, "extra_groups": []}
    result = subprocess.run(command, check=False, capture_output=True, text=True, **nobody)  # type: ignore[call-overload] # mypy cannot match a dict's values
    if result.returncode:
        pytest.skip(f"no user namespace can be made here: {result.stderr.strip()}")
    ranges = user_namespace.parse(result.stdout)
    assert user_namespace.on_host(ranges, 0) == (os.getuid() or 65534)
    with pytest.raises(SandboxError, match="this engine is rootless"):
        user_namespace.require_own_files(settings.read({}), 0, ranges)
