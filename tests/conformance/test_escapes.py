"""The ways out of escapes.py, each opened on purpose on the image alone: bare `docker run`, no compose.yml.

What leads out stops the start; with that wall taken away, the agent still gets nowhere.
"""

import itertools
import json
import platform
import re
import shlex
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.escapes import PRIVILEGED, WAYS, Way
from tests.harness.engine import Result, docker, flags, logs
from tests.harness.once import Once
from tests.harness.outside import Outside
from tests.harness.subject import Subject, privileges
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.xdist_group("conformance-escapes")

Outcomes = dict[str, str]
STOPPED = ("refused", "absent")
EX_CONFIG = 78

STOPPING = [way for way in WAYS if way.exposures]
TRIED = [way for way in WAYS if way.attacks]
UNTRIED = [way for way in STOPPING if not way.attacks]


def by_name(ways: list[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.name)


@pytest.fixture(scope="module")
def alone(chosen: Subject, subject: Subject) -> Subject:
    """The image without its compose file."""
    if chosen.prefix != ("-c",):
        pytest.skip("--run-with: the names that stop a start are this image's own")
    engine = json.loads(docker("info", "--format", "{{json .}}"))
    if (engine["Name"], engine["KernelVersion"]) != (platform.node(), platform.release()):
        pytest.skip("the engine is on another machine: what can be mounted is not known")
    if any("rootless" in option or "userns" in option for option in engine.get("SecurityOptions") or ()):
        pytest.skip("root of the container is not the machine's: less of this leads anywhere")
    (subject.folder / "token").mkdir(exist_ok=True)
    (subject.folder / "token" / "token").write_text("a service account's")
    return replace(subject, compose=None)


@pytest.fixture(scope="module")
def flag(subject: Subject) -> Path:
    """A file of the machine that is root's alone."""
    path = subject.folder / f"flag-{uuid.uuid4().hex}"
    path.write_text("flag")
    path.chmod(0o600)
    subject.own("0:0", path.name)
    return path


def options(way: Way, subject: Subject) -> tuple[str, ...]:
    given = (privileges(subject.image) if word == PRIVILEGED else (word,) for word in way.options)
    return tuple(word.format(folder=subject.folder) for word in itertools.chain(*given))


def tried(way: Way, subject: Subject, flag: Path, marker: str, **environ: str) -> tuple[Outcomes, Result]:
    """Run a way's attacks in one container; return how each ended, and what the container told."""
    programs = defaultdict(list)
    for program, attack in way.attacks:
        programs[program].append(attack)
    first = {"escape.py": (str(flag), marker)}
    script = "; ".join(
        f"/usr/bin/python3 -I /attacks/{program} {shlex.join([*first.get(program, ()), *names])}"
        for program, names in programs.items()
    )
    result = subject.run(script, env=environ)
    outcomes: Outcomes = {}
    for line in result.stdout.splitlines():
        outcomes.update(json.loads(line))
    return outcomes, result


@by_name(STOPPING)
def test_the_start_is_refused_with(alone: Subject, way: Way) -> None:
    result = alone.run("echo started", *options(way, alone))
    assert (result.returncode, result.stdout) == (EX_CONFIG, ""), result.stderr
    assert all(f"{name} (" in result.stderr for name in way.exposures), result.stderr
    assert "SANDBOX_ALLOW_UNSAFE=" in result.stderr


@by_name(TRIED)
def test_the_agent_does_not_get_out_by(alone: Subject, flag: Path, outside: Once[Outside], way: Way) -> None:
    allowed = ",".join(way.exposures)
    outcomes, result = tried(
        way, alone.with_options(*options(way, alone)), flag, outside().marker, SANDBOX_ALLOW_UNSAFE=allowed
    )
    assert outcomes.keys() == {attack for _, attack in way.attacks}, result.stderr
    assert all(f"warning: the agent has {name} (" in result.stderr for name in way.exposures), result.stderr
    assert not {a: o for a, o in outcomes.items() if not o.startswith(STOPPED)}, f"{outcomes}"


@pytest.mark.vacuity
@pytest.mark.usefixtures("chosen")
@by_name(TRIED)
def test_root_gets_out_by(subject: Subject, flag: Path, outside: Once[Outside], way: Way) -> None:
    given = ("--user=0", "--entrypoint=/bin/bash", *options(way, subject), *way.root)
    plain = replace(subject, compose=None, prefix=("-c",), environ={}, options=given)
    outcomes, result = tried(way, plain, flag, outside().marker)
    found = {attack: how for attack, how in outcomes.items() if not how.startswith("absent")}
    if outcomes and not found:
        pytest.skip(f"this kernel has no such thing, not even for root: {outcomes}")
    assert found, result.stderr
    assert all(how.startswith("reached") for how in found.values()), f"{outcomes}; it proves nothing"


@by_name(UNTRIED)
def test_what_is_allowed_is_warned_of_and_does_not_stop_the_start(alone: Subject, way: Way) -> None:
    names = ",".join(way.exposures)
    result = alone.run("echo started", *options(way, alone), env={"SANDBOX_ALLOW_UNSAFE": names})
    assert (result.returncode, result.stdout) == (0, "started\n"), result.stderr
    assert all(f"warning: the agent has {name} (" in result.stderr for name in way.exposures), result.stderr


# What the kernel shows in its first network namespace alone: init/root/surroundings.py.
FIRST_NETWORK = Path("/proc/sys/net/core/dev_weight")

# The same under other names, and what the benchmark does not name.
SIBLINGS = {
    "the engine's socket, under another name": ("engine-socket", "-v=/var/run/docker.sock:/tmp/x"),
    "the engine's socket, without root": ("engine-socket", "-v=/var/run/docker.sock:/x", "--user=1000:1000"),
    "the folder that the engine's socket is in": ("engine-socket", "-v=/var/run:/mnt:ro"),
    "the machine's settings": ("host-root", "-v=/etc:/mnt:ro"),
    "the machine's /proc": ("host-root", "-v=/proc:/mnt:ro"),
    "the machine's network": ("host-network", "--network=host"),
    "the machine's devices": ("devices", "-v=/dev:/mnt"),
    "the kernel's /sys": ("kernel-files", "-v=/sys:/mnt"),
}


@pytest.mark.parametrize("case", SIBLINGS)
def test_the_start_is_refused_as_well_with(alone: Subject, case: str) -> None:
    name, *given = SIBLINGS[case]
    if name == "host-network" and not FIRST_NETWORK.exists():
        pytest.skip("the engine is in a network namespace of its own: it has none of the machine's to give")
    # Without the folders of the test: one of these is the workspace.
    command = ("docker", "run", "--rm", *flags(alone.environ), *given, alone.image, "-c", "echo started")
    result = alone.ended([*command])
    assert (result.returncode, result.stdout) == (EX_CONFIG, ""), result.stderr
    assert f"{name} (" in result.stderr


def test_the_machine_in_the_place_of_the_workspace_stays_roots(alone: Subject) -> None:
    """Whatever is allowed. A folder like the machine's /etc stands for it: a failure must do no harm."""
    machine = alone.folder / f"machine-{uuid.uuid4().hex}"
    machine.mkdir()
    for name in ("passwd", "shadow", "group"):
        (machine / name).touch()
    alone.own("0:0", machine.name)
    command = ["docker", "run", "--rm", "-v", f"{machine}:/home/agent/workspace"]
    result = alone.ended([*command, "-e", "SANDBOX_ALLOW_UNSAFE=host-root", alone.image])
    assert result.returncode == EX_CONFIG, result.stderr
    assert "would become the agent's" in result.stderr
    assert {alone.owner(machine.name), alone.owner(f"{machine.name}/shadow")} == {"0:0"}


# What users give their sandbox for their work.
USUAL = (
    "-v=/usr/share:/mnt", "--device=/dev/zero:/dev/own", "--tmpfs=/run/user", "--shm-size=1g", "--ipc=host",
    "--uts=host",
)  # fmt: skip


def test_what_users_give_their_sandbox_does_not_stop_the_start(alone: Subject) -> None:
    result = alone.run("echo started", *USUAL)
    assert (result.returncode, result.stdout) == (0, "started\n"), result.stderr


# Faults of the engine and the kernel.


@pytest.fixture
def entered(alone: Subject) -> Iterator[Any]:
    started: list[str] = []

    def start(script: str) -> str:
        started.append(alone.start(script))
        return started[-1]

    yield start
    docker("rm", "--force", *started, check=False)


def test_who_enters_as_root_cannot_be_opened(entered: Any) -> None:
    """CVE-2019-5736 writes into the program that enters, which is runc before it becomes the command."""
    container = entered("exec /usr/bin/python3 -I /attacks/enter.py")
    wait_for(lambda: "watching" in logs(container), lambda: logs(container))

    def is_seen() -> bool:
        docker("exec", container, "true")
        return {"reading", "writing"} <= set(logs(container).split())

    wait_for(is_seen, lambda: f"the agent to see who enters: {logs(container)}")
    assert "reached" not in logs(container), logs(container)


DESCRIPTORS = range(3, 11)


def test_no_descriptor_of_the_host_is_a_folder_to_enter(entered: Any) -> None:
    """CVE-2024-21626, by the folder that a command begins in; runc from 1.1.12 on does not run it."""
    container = entered("exec sleep 1000")
    # A folder that is not in the container has a path that leads nowhere, or elsewhere.
    script = '[ . -ef "$(readlink /proc/self/cwd)" ] || echo outside'
    found = {
        number: docker(
            "exec", f"--workdir=/proc/self/fd/{number}", container, "sh", "-c", script, check=False
        )
        for number in DESCRIPTORS
    }
    assert "outside" not in found.values(), f"{found}: runc leaves a folder of the host open (CVE-2024-21626)"


def test_who_enters_begins_in_no_folder_that_the_agent_can_replace(alone: Subject) -> None:
    """CVE-2024-21626, by a link in the place of that folder."""
    begins = docker("image", "inspect", "--format={{.Config.WorkingDir}}", alone.image)
    assert begins in ("", "/"), f"docker exec begins in {begins}"


def version(release: str) -> tuple[int, ...]:
    """Return a kernel's version: major, minor, patch."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    assert found, release
    return tuple(int(part or 0) for part in found.groups())


@pytest.mark.parametrize(
    ("since", "mended", "branches"),
    [
        ((0, 0, 0), (4, 8, 3), ((4, 7, 9), (4, 4, 26))),
        ((5, 8, 0), (5, 16, 11), ((5, 15, 25), (5, 10, 102))),
    ],
    ids=["Dirty COW", "Dirty Pipe"],
)
def test_the_kernel_is_younger_than(
    since: tuple[int, ...], mended: tuple[int, ...], branches: tuple[tuple[int, ...], ...]
) -> None:
    release = docker("info", "--format", "{{.KernelVersion}}")
    now = version(release)
    good = now < since or now >= mended or any(now[:2] == b[:2] and now >= b for b in branches)
    if not good:
        pytest.skip(f"Linux {release}: distributions mend faults without changing the number; ask yours")
