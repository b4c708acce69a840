"""What the agent can write, run and read of the filesystem."""

import json
import re
from typing import Any

import pytest

from tests.conformance.attacks import tamper
from tests.harness.engine import docker
from tests.harness.once import Once
from tests.harness.subject import ATTACKS, Subject

pytestmark = pytest.mark.xdist_group("conformance-files")

# Every path that the agent may write, and why. Below a folder that is listed, everything is meant, up to
# the next mount.
WRITABLE = {
    "/home/agent": "the agent's home: configuration and caches of what it runs, gone with the container",
    "/home/agent/workspace": "the projects",
    "/home/agent/data": "sessions and caches that outlive the container",
    "/tmp": "temporary files",  # noqa: S108 - an expectation
    "/dev/shm": "shared memory, POSIX shm_open(3): a tmpfs of the engine's, of limited size",  # noqa: S108
    "/dev/mqueue": "POSIX message queues, of this container only: mq_overview(7)",
    "/dev/full": "a device that stores nothing",
    "/dev/null": "a device that stores nothing",
    "/dev/zero": "a device that stores nothing",
    "/dev/random": "what is written is mixed into the kernel's random numbers, and credited with nothing",
    "/dev/urandom": "as /dev/random",
    "/dev/tty": "the terminal of whoever opens it",
    "/dev/ptmx": "makes a terminal: the container's own devpts",
    "/dev/pts/ptmx": "makes a terminal: the container's own devpts",
    "/dev/pts/<n>": "a terminal of the container's",
    "/dev/console": "the container's own terminal",
    "/proc/<own>": "a process may change itself",
    "/proc/1/timerslack_ns": "open to all; the kernel refuses who has not CAP_SYS_NICE (see pry.py)",
    "/proc/pressure/cpu": "asks to be told of pressure, proc(5); stores nothing",
    "/proc/pressure/io": "as /proc/pressure/cpu",
    "/proc/pressure/irq": "as /proc/pressure/cpu",
    "/proc/pressure/memory": "as /proc/pressure/cpu",
}
# Written by nobody but the process itself, whatever the permissions say: proc_pid_attr(5).
PATTERNS = (r"/proc/1/(task/<n>/)?attr/\w+(/\w+)?",)
# A bare `docker run` has a writable layer, where the base image has folders open to all. None is on the way
# of anything that root reads: what lies there is looked at by nobody but who put it there.
WRITABLE_BARE = {
    "/var/tmp": "temporary files, sticky",  # noqa: S108 - an expectation
    "/run/lock": "lock files, sticky",
    "/var/lock": "lock files, sticky, where it is no link to /run/lock",
}
NEEDED = ("/home/agent", "/home/agent/workspace", "/home/agent/data", "/tmp")  # noqa: S108 - an expectation

Found = dict[str, Any]


def unexpected(found: Found, *, bare: bool) -> list[str]:
    allowed = {*WRITABLE, *(WRITABLE_BARE if bare else ())}
    return [
        path
        for path in found["writable"]
        if path not in allowed and not any(re.fullmatch(pattern, path) for pattern in PATTERNS)
    ]


@pytest.fixture(scope="module")
def walked(subject: Subject) -> Once[Found]:
    return Once(lambda: subject.python("writable.py"))


def test_the_agent_can_write_nothing_but_the_listed_paths(subject: Subject, walked: Once[Found]) -> None:
    assert walked()["seen"] > 1000, "the walk must have seen the image"
    assert unexpected(walked(), bare=subject.compose is None) == []


@pytest.mark.parametrize("path", NEEDED)
def test_the_agent_can_write(walked: Once[Found], path: str) -> None:
    assert path in walked()["writable"]


def test_no_folder_hides_from_the_agent_what_it_could_write(walked: Once[Found]) -> None:
    """A folder that can be entered but not listed may hold what the walk does not find."""
    # The last is where gateways make their sockets: without one it is empty, and nobody finds another's.
    known = ("/proc/1/", "/proc/<own>", "/run/gateway")
    assert [path for path in walked()["hidden"] if not path.startswith(known)] == []


def test_what_the_engine_masks_is_nothing_but_the_null_device(walked: Once[Found]) -> None:
    assert [path for path in walked()["masked"] if not path.startswith(("/proc/", "/sys/"))] == []


@pytest.mark.vacuity
def test_a_folder_that_somebody_opened_is_found(weakened: Subject) -> None:
    result = weakened.run(
        "chmod 777 /opt && chown 1000 /usr/bin/bash && mkdir -m 711 /srv/hidden &&"
        " mkdir -m 777 /srv/hidden/open &&"
        " exec /usr/sbin/gosu 1000:1000 /usr/bin/python3 -I /attacks/writable.py"
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert {"/opt", "/usr/bin/bash"} <= set(unexpected(found, bare=True))
    assert "/srv/hidden" in found["hidden"]


@pytest.mark.vacuity
def test_root_can_write_everything(weakened: Subject) -> None:
    assert "/" in unexpected(weakened.python("writable.py"), bare=True)


# What must stay as it is.


@pytest.fixture(scope="module")
def tampered(subject: Subject) -> Once[Found]:
    return Once(lambda: subject.python("tamper.py"))


@pytest.fixture(scope="module")
def weak_tampered(weakened: Subject) -> Once[Found]:
    return Once(lambda: weakened.python("tamper.py"))


def got_through(attempts: dict[str, str]) -> list[str]:
    return [f"{name} {attempts['path']}" for name, outcome in attempts.items() if outcome == "reached"]


@pytest.mark.parametrize("target", tamper.ATTACKS)
def test_the_agent_cannot_change(tampered: Once[Found], target: str) -> None:
    attempts = tampered()["tamper"][target]
    assert len(attempts) > 1
    assert got_through(attempts) == []


@pytest.mark.vacuity
@pytest.mark.parametrize("target", tamper.ATTACKS)
def test_without_protection_somebody_can_change(weak_tampered: Once[Found], target: str) -> None:
    attempts = weak_tampered()["tamper"][target]
    # A link across mounts exists for nobody, and of a folder for nobody; what the engine mounts is not moved,
    # nor is a folder of a lower layer of overlayfs.
    possible = {k: v for k, v in attempts.items() if k not in ("path", "hard link", "hard link nearby")}
    if possible.get("rename") in ("refused: EXDEV", "refused: EBUSY"):
        del possible["rename"]
    assert {k: v for k, v in possible.items() if v != "reached"} == {}


@pytest.mark.vacuity
def test_a_hard_link_within_one_mount_is_possible(weak_tampered: Once[Found]) -> None:
    assert weak_tampered()["tamper"]["bash"]["hard link nearby"] == "reached"


@pytest.mark.parametrize("secret", tamper.READ)
def test_the_agent_cannot_read(tampered: Once[Found], secret: str) -> None:
    outcome = tampered()["read"][secret]
    assert outcome.startswith(("refused", "absent")), f"{tamper.SECRETS[secret]}: {outcome}"


@pytest.mark.vacuity
@pytest.mark.parametrize("secret", tamper.READ)
def test_root_can_read(weak_tampered: Once[Found], secret: str) -> None:
    outcome = weak_tampered()["read"][secret]
    if outcome == "absent":
        pytest.skip("not in this image")
    assert outcome == "reached"


# What would give privileges to whoever runs it.

FIND = "exec /usr/bin/python3 -I /attacks/raised.py find"


def raised(image: str, script: str) -> dict[str, str]:
    """Look at an image as root, with nothing of it started."""
    options = ("--rm", "--user=0", "--network=none", "-v", f"{ATTACKS}:/attacks:ro", "--entrypoint=/bin/sh")
    found: dict[str, str] = json.loads(docker("run", *options, image, "-c", script))
    return found


def test_no_file_of_the_image_is_setuid_or_setgid_or_has_capabilities(subject: Subject) -> None:
    assert raised(subject.image, FIND) == {}


@pytest.mark.vacuity
def test_a_file_with_privileges_is_found(subject: Subject) -> None:
    make = (
        "cd /usr/local/bin && cp /usr/bin/env one && cp one two && cp one three && chmod u+s one &&"
        ' chmod g+s two && /usr/bin/python3 -I -c \'import os, struct; os.setxattr("three",'
        ' "security.capability", struct.pack("<IIIII", 0x02000001, 0xC3, 0, 0, 0))\' && '
    )
    assert set(raised(subject.image, make + FIND)) == {f"/usr/local/bin/{n}" for n in ("one", "two", "three")}
