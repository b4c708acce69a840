"""init/root/privileges.py, init/session/seal.py: what is given up, as true PID 1 of a namespace.

Needs bindings that compile against libraries in C, and so are not in locks/dev.txt: Debian's, for its Python.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from tests.harness import namespace
from tests.harness.pid1 import PROBE, Pid1

Start = Callable[..., Pid1]
STATUS = ("/bin/cat", "/proc/self/status")
SETGID, SETUID, SETPCAP = 6, 7, 8  # linux/capability.h


@pytest.fixture(scope="session")
def python() -> str:
    """Return a Python that has prctl and seccomp."""
    found = [python for python in (sys.executable, "/usr/bin/python3") if has_bindings(python)]
    if not found:
        namespace.leave(
            "no Python here has the modules prctl and seccomp",
            "scripts/dev.sh, run as root on Debian or Ubuntu, installs python3-prctl and python3-seccomp",
        )
    return found[0]


def has_bindings(python: str) -> bool:
    tried = subprocess.run([python, "-c", "import prctl, seccomp"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.fixture
def begin(start: Start, python: str) -> Start:
    """Start the driver under that Python; what else it imports is ours."""
    ours = {"PYTHONPATH": str(Path(structlog.__file__).parents[1])}
    return lambda *words, env=None, **how: start(*words, python=python, env={**ours, **(env or {})}, **how)


def status(pid1: Pid1) -> dict[str, str]:
    assert pid1.end() == 0, pid1.log
    pairs = (line.partition(":") for line in pid1.log.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def held(pid1: Pid1) -> dict[str, int]:
    return {name[3:]: int(mask, 16) for name, mask in status(pid1).items() if name.startswith("Cap")}


def test_root_keeps_just_what_changes_ids_and_can_gain_nothing(begin: Start) -> None:
    found = held(begin(*STATUS, way="locked", user=namespace.ROOT))
    both = 1 << SETUID | 1 << SETGID
    assert found == {"Inh": both, "Prm": both, "Eff": both, "Bnd": 0, "Amb": 0}


def test_what_may_not_change_the_bounding_set_leaves_it(begin: Start) -> None:
    """As with `cap_add` of Compose's four capabilities; no_new_privs is set all the same."""
    without = ("setpriv", "--bounding-set=-setpcap")
    pid1 = begin(*STATUS, way="locked", user=namespace.ROOT, before=without)
    found = held(pid1)
    assert found["Bnd"]
    assert not found["Bnd"] & 1 << SETPCAP
    assert status(pid1)["NoNewPrivs"] == "1"


def test_a_session_has_no_capability_whatever_it_began_with(begin: Start) -> None:
    """As with Podman's --user and --cap-add: in each set but the bounding one."""
    found = held(begin(*STATUS, way="sealed", user=(*namespace.AGENT, "--keep-caps")))
    assert [found[name] for name in ("Inh", "Prm", "Eff", "Amb")] == [0, 0, 0, 0]


def test_without_the_seal_it_keeps_them(begin: Start) -> None:
    found = held(begin(*STATUS, user=(*namespace.AGENT, "--keep-caps")))
    assert all(found[name] for name in ("Inh", "Prm", "Eff", "Amb"))


@pytest.mark.parametrize(("setting", "mode"), [("on", "2"), ("debug", "2"), ("off", "0")])
def test_a_session_gains_no_privilege_and_has_the_filter_unless_it_is_off(
    begin: Start, setting: str, mode: str
) -> None:
    found = status(begin(*STATUS, way="sealed", env={"SANDBOX_SECCOMP": setting}))
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", mode)


@pytest.mark.parametrize(("way", "code"), [("run", 0), ("sealed", 1)])
def test_a_sealed_session_makes_no_namespace(begin: Start, way: str, code: int) -> None:
    pid1 = begin("/usr/bin/unshare", "--user", "/bin/true", way=way)
    assert pid1.end() == code, pid1.log


@pytest.mark.parametrize(("way", "code"), [("run", 0), ("sealed", 2)])
def test_the_environment_of_a_sealed_pid_1_cannot_be_read(begin: Start, way: str, code: int) -> None:
    pid1 = begin("/bin/grep", "-q", ".", "/proc/1/environ", way=way)
    assert pid1.end() == code, pid1.log


SLOW = "chrt --idle --pid 0 {0}; renice -n 5 -p {0}; ionice -c 3 -p {0}; taskset -cp 0 {0}; chrt --pid {0}"


@pytest.mark.parametrize("before", [(), ("/bin/sh", "-c", '"$@"; exit', "sh")])
@pytest.mark.parametrize(("way", "idle"), [("run", True), ("sealed", False)])
def test_the_init_of_a_sealed_session_cannot_be_slowed_whatever_its_number(
    begin: Start, before: tuple[str, ...], way: str, idle: bool
) -> None:
    pid1 = begin("/bin/sh", "-c", SLOW.format("$PPID"), way=way, before=before)
    assert pid1.end() == 0, pid1.log
    assert ("SCHED_IDLE" in pid1.log) is idle, pid1.log
    assert (": Operation not permitted" in pid1.log) is not idle, pid1.log


@pytest.mark.parametrize(("way", "named"), [("run", False), ("sealed", True)])
def test_orphans_come_to_a_session_that_is_not_pid_1(begin: Start, way: str, named: bool) -> None:
    """As under `docker run --init`, or where pods share their processes."""
    above = ("/bin/sh", "-c", '"$@"; exit', "sh")
    pid1 = begin(*PROBE, "daemon", "6", way=way, before=above, env={"SANDBOX_GRACE": "0.2"})
    assert pid1.end() == 6, pid1.log
    assert ("straggler (pid " in pid1.log) is named, pid1.log
