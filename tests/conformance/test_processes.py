"""Who the processes in the container are, and what they may still do."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.attacks import gain, kill, pry, raised, targets
from tests.harness.engine import docker, logs
from tests.harness.once import Once
from tests.harness.subject import Subject
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.xdist_group("conformance-processes")

Process = dict[str, Any]
Outcomes = dict[str, str]

EMPTY = "0000000000000000"
# CHOWN, DAC_OVERRIDE, SETUID and SETGID, which the root phase needs. Without SETPCAP, which Compose does not
# grant, nothing can be taken out of the bounding set; no_new_privs leaves it without effect.
FOUR = "00000000000000c3"

Fault = Callable[[Process], bool]
# What is wrong with a process, by what it is called in the tests below.
FAULTS: dict[str, Fault] = {
    "is root": lambda p: "0" in p["Uid"].split(),
    "has the group root": lambda p: "0" in p["Gid"].split() + p["Groups"].split(),
    "is in another group": lambda p: bool(set(p["Groups"].split()) - set(p["Gid"].split())),
    "has an inheritable capability": lambda p: p["CapInh"] != EMPTY,
    "has a permitted capability": lambda p: p["CapPrm"] != EMPTY,
    "has an effective capability": lambda p: p["CapEff"] != EMPTY,
    "has an ambient capability": lambda p: p["CapAmb"] != EMPTY,
    "has more than four capabilities in its bounding set": lambda p: p["CapBnd"] not in (EMPTY, FOUR),
    "could gain privileges by exec": lambda p: p["NoNewPrivs"] != "1",
    "is without a seccomp filter": lambda p: p["Seccomp"] != "2",
    "makes files that others can read": lambda p: p["Umask"] != "0027",
}


def with_fault(processes: list[Process], fault: str) -> list[str]:
    """Return a line to look at for each process that has the fault."""
    shown = ("Pid", "command", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
             "NoNewPrivs", "Seccomp", "Umask")  # fmt: skip
    return [
        f"{fault}: " + ", ".join(f"{key} {' '.join(str(p.get(key, '')).split())}" for key in shown)
        for p in processes
        if FAULTS[fault](p)
    ]


@pytest.fixture(scope="module")
def inside(subject: Subject) -> Once[dict[str, Any]]:
    """What the agent sees, beside a process that it left in the background."""
    return Once(lambda: seen_by(subject, "(trap '' TERM; sleep 1000) & "))


def seen_by(subject: Subject, preparation: str = "") -> dict[str, Any]:
    result = subject.run(
        f"{preparation}/usr/bin/python3 -I /attacks/status.py; kill -9 $(jobs -p); exit 0",
        env={"SANDBOX_GRACE": "0.1"},
    )
    assert result.stdout, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def everyone(found: dict[str, Any]) -> list[Process]:
    return [found["own"], *found["others"]]


def from_outside(subject: Subject, container: str) -> list[Process]:
    """Look at the processes of a container as root, who sees what the agent does not."""
    text = subject.beside(container, "/usr/bin/python3", "-I", "/attacks/status.py")
    found: list[Process] = json.loads(text)["others"]
    return found


@pytest.fixture(scope="module")
def outside(subject: Subject) -> Iterator[Once[list[Process]]]:
    started: list[str] = []

    def find() -> list[Process]:
        started.append(subject.start("echo ready; exec sleep 1000"))
        wait_for(lambda: "ready" in logs(started[0]), "the script to start")
        return from_outside(subject, started[0])

    yield Once(find)
    if started:
        docker("rm", "--force", *started, check=False)


@pytest.fixture(scope="module")
def weak_inside(weakened: Subject) -> dict[str, Any]:
    return seen_by(
        weakened.with_options("--group-add=4"),
        "exec 7</etc/shadow; (trap '' TERM; sleep 1000) & ",
    )


def test_no_process_is_root(inside: Once[dict[str, Any]]) -> None:
    assert len(everyone(inside())) >= 3, "PID 1, the script and what it left in the background"
    assert with_fault(everyone(inside()), "is root") == []


def test_no_process_is_root_seen_from_the_engine_either(outside: Once[list[Process]]) -> None:
    assert {p["Pid"] for p in outside()} >= {"1"}
    assert with_fault(outside(), "is root") == []


def test_pid_1_itself_is_the_agent(inside: Once[dict[str, Any]]) -> None:
    init = next(p for p in inside()["others"] if p["Pid"] == "1")
    assert (init["Uid"].split(), init["Gid"].split()) == (
        inside()["own"]["Uid"].split(), inside()["own"]["Gid"].split(),
    )  # fmt: skip


def test_no_process_has_the_group_root(inside: Once[dict[str, Any]]) -> None:
    assert with_fault(everyone(inside()), "has the group root") == []


def test_no_process_is_in_a_group_besides_its_own(inside: Once[dict[str, Any]]) -> None:
    assert with_fault(everyone(inside()), "is in another group") == []


@pytest.mark.parametrize("kind", ["an inheritable", "a permitted", "an effective", "an ambient"])
def test_no_process_has(inside: Once[dict[str, Any]], kind: str) -> None:
    assert with_fault(everyone(inside()), f"has {kind} capability") == []


def test_the_bounding_set_is_empty_or_the_four_that_no_new_privs_leaves_inert(
    subject: Subject, inside: Once[dict[str, Any]]
) -> None:
    wrong = with_fault(everyone(inside()), "has more than four capabilities in its bounding set")
    assert wrong == []
    if subject.compose is None:
        # The engine's default set holds SETPCAP, so that nothing has to stay.
        assert {p["CapBnd"] for p in everyone(inside())} == {EMPTY}


def test_no_process_can_gain_privileges_by_exec(inside: Once[dict[str, Any]]) -> None:
    assert with_fault(everyone(inside()), "could gain privileges by exec") == []


def test_every_process_has_a_seccomp_filter(inside: Once[dict[str, Any]]) -> None:
    assert with_fault(everyone(inside()), "is without a seccomp filter") == []


def test_new_files_are_closed_to_others(inside: Once[dict[str, Any]]) -> None:
    assert with_fault(everyone(inside()), "makes files that others can read") == []


def test_the_tool_gets_no_descriptor_besides_the_standard_ones(inside: Once[dict[str, Any]]) -> None:
    assert inside()["open"] == [0, 1, 2], "something was left open across exec"


def stray_descriptors(init: Process) -> dict[str, str]:
    """Return what PID 1 has open and the agent could not open itself."""
    own = ("pipe:", "/dev/null", "/dev/pts/", "/dev/console", "anon_inode:")
    return {n: link for n, link in init["descriptors"].items() if not link.startswith(own)}


def test_pid_1_holds_no_descriptor_that_leads_anywhere(outside: Once[list[Process]]) -> None:
    init = next(p for p in outside() if p["Pid"] == "1")
    assert init["descriptors"], "root of the engine must see them"
    # The guard's lock is on the workspace, which the agent can open itself; the sockets are the loopback's
    # ports of the way out, to which it can connect.
    known = ("/home/agent/workspace", "socket:")
    stray = {n: link for n, link in stray_descriptors(init).items() if not link.startswith(known)}
    assert stray == {}


def test_pid_1_is_not_dumpable(outside: Once[list[Process]]) -> None:
    """The kernel gives the files of such a process in /proc to root; proc(5)."""
    init = next(p for p in outside() if p["Pid"] == "1")
    assert init["Uid"].split() != ["0"] * 4, "root's are root's anyway"
    assert init["environ owner"] == 0, "/proc/1/environ belongs to the agent, who can therefore read it"


@pytest.mark.vacuity
@pytest.mark.parametrize("fault", FAULTS)
def test_without_protection_a_process(weak_inside: dict[str, Any], fault: str) -> None:
    processes = everyone(weak_inside)
    if fault == "has an ambient capability":
        processes = [{**processes[0], "CapAmb": FOUR}]  # no engine grants any
    if fault == "has an inheritable capability":
        processes = [{**processes[0], "CapInh": FOUR}]  # engines of today grant none
    assert with_fault(processes, fault) != []


@pytest.mark.vacuity
def test_without_protection_descriptors_are_inherited(weak_inside: dict[str, Any]) -> None:
    assert weak_inside["open"] == [0, 1, 2, 7]


@pytest.mark.vacuity
def test_without_protection_pid_1_is_dumpable_and_holds_descriptors(weakened: Subject) -> None:
    agent = weakened.with_options("--user=1000:1000")
    container = agent.start("exec 7</etc/passwd; echo ready; sleep 1000; true")
    try:
        wait_for(lambda: "ready" in logs(container), "the script to start")
        init = next(p for p in from_outside(agent, container) if p["Pid"] == "1")
        assert stray_descriptors(init) == {"7": "/etc/passwd"}
        assert init["environ owner"] == 1000
    finally:
        docker("rm", "--force", container, check=False)


# What the agent does about it.


@pytest.fixture(scope="module")
def attempts(subject: Subject) -> Once[dict[str, Outcomes]]:
    return Once(lambda: attempted(subject))


@pytest.fixture(scope="module")
def weak_attempts(weakened: Subject) -> Once[dict[str, Outcomes]]:
    return Once(lambda: attempted(weakened, "other"))


def attempted(subject: Subject, *target: str) -> dict[str, Outcomes]:
    """Run the attacks in one container, none of which is PID 1."""
    programs = {
        "gain": "gain.py", "pry": "pry.py", "init": "targets.py", "other": "targets.py other",
        "kill": " ".join(("kill.py", *target)),
    }  # fmt: skip
    words = " && ".join(f"/usr/bin/python3 -I /attacks/{program}" for program in programs.values())
    result = subject.run(f"{words}; exit")
    lines = result.stdout.splitlines()
    assert len(lines) == len(programs), (
        f"an attack ended the container, or could not run\n{result.stdout}{result.stderr}"
    )
    return dict(zip(programs, map(json.loads, lines), strict=True))


def held(outcome: str) -> bool:
    return outcome.startswith(("refused", "absent"))


@pytest.mark.parametrize("attack", gain.ATTACKS)
def test_the_agent_gains_nothing_by(attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    assert held(attempts()["gain"][attack]), attempts()["gain"][attack]


@pytest.mark.vacuity
@pytest.mark.parametrize("attack", gain.ATTACKS)
def test_without_protection_there_is_something_to_gain_by(
    weak_attempts: Once[dict[str, Outcomes]], attack: str
) -> None:
    found = weak_attempts()["gain"][attack]
    if found.startswith("absent"):
        pytest.skip(f"not in this image: {found}")
    assert found.startswith("reached"), found


def was_reached(found: str, attack: str) -> None:
    if found.startswith("absent"):
        pytest.skip(f"not in this kernel: {found}")
    assert found.startswith("reached"), f"{attack}: {found}"


@pytest.mark.parametrize("attack", pry.ATTACKS)
def test_the_agent_cannot_look_into_pid_1(attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    assert held(attempts()["pry"][attack]), f"{attack}: {attempts()['pry'][attack]}; PID 1 is dumpable"


@pytest.mark.vacuity
@pytest.mark.parametrize("attack", pry.ATTACKS)
def test_without_protection_pid_1_is_open(weak_attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    was_reached(weak_attempts()["pry"][attack], attack)


@pytest.mark.parametrize("attack", targets.ATTACKS)
def test_pid_1_cannot_be_slowed_moved_or_starved_by(attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    assert held(attempts()["init"][attack]), (
        f"{attack}: {attempts()['init'][attack]}; PID 1 has the agent's UID, so that only a filter refuses it"
    )


@pytest.mark.vacuity
@pytest.mark.parametrize("attack", targets.ATTACKS)
def test_without_protection_pid_1_is_reached_by(
    weak_attempts: Once[dict[str, Outcomes]], attack: str
) -> None:
    was_reached(weak_attempts()["init"][attack], attack)


@pytest.mark.parametrize("attack", targets.ALLOWED)
def test_a_process_of_ones_own_is_set_by(attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    """Or no C library could set its threads."""
    assert attempts()["other"][attack] == "reached", attempts()["other"][attack]


@pytest.mark.parametrize("attack", targets.REFUSED)
def test_no_other_process_is_reached_by(attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    assert held(attempts()["other"][attack]), f"{attack}: {attempts()['other'][attack]}"


def test_pid_1_is_one_thread(inside: Once[dict[str, Any]]) -> None:
    """Another would have a number of its own, which the filter does not know."""
    init = next(p for p in inside()["others"] if p["Pid"] == "1")
    assert init["Threads"] == "1"


@pytest.mark.parametrize("attack", kill.ATTACKS)
def test_the_agent_cannot_kill_pid_1_with(attempts: Once[dict[str, Outcomes]], attack: str) -> None:
    assert held(attempts()["kill"][attack]), attempts()["kill"][attack]


@pytest.mark.vacuity
@pytest.mark.parametrize("attack", kill.ATTACKS)
def test_any_other_process_is_ended_or_stopped_by(
    weak_attempts: Once[dict[str, Outcomes]], attack: str
) -> None:
    assert weak_attempts()["kill"][attack].startswith("reached"), weak_attempts()["kill"][attack]


# Who comes in while the session runs.


def found_at_the_door(subject: Subject, *words: str) -> dict[str, Any]:
    """Have a process come in some times, while the agent looks for one that it could change."""
    container = subject.start("exec /usr/bin/python3 -I /attacks/unguarded.py /tmp/enough")
    try:
        wait_for(lambda: "ready" in logs(container), "the agent to look")
        for _ in range(5):
            docker("exec", container, *words, "/bin/sleep", "0.2")
        docker("exec", container, "/bin/touch", "/tmp/enough")  # noqa: S108 - in the container
        docker("wait", container)
        found: dict[str, Any] = json.loads(logs(container).splitlines()[-1])
    finally:
        docker("rm", "--force", container, check=False)
    assert found["began"] >= 5, found
    return found


def test_who_enters_is_at_no_moment_without_the_filter(subject: Subject) -> None:
    if subject.prefix != ("-c",):
        pytest.skip("--run-with: sandbox-enter is this image's own")
    assert found_at_the_door(subject, "sandbox-enter")["found"] == {}


@pytest.mark.vacuity
def test_who_comes_in_past_the_door_is(subject: Subject) -> None:
    found = found_at_the_door(subject, "/usr/sbin/gosu", "1000:1000")["found"]
    assert set(found.values()) == {"sleep"}


# Files that give privileges, planted by root while the session runs, after every check that a start makes.

LATER = (
    "rm -f go && mkfifo -m 666 go && echo ready && read -r _ <go; "
    "exec /usr/bin/python3 -I /attacks/raised.py run"
)


def run_planted(subject: Subject) -> Outcomes:
    container = subject.start(f"cd /home/agent/workspace && {LATER}")
    try:
        wait_for(lambda: "ready" in logs(container), "the script to start")
        subject.beside(container, "/usr/bin/python3", "-I", "/attacks/raised.py", "plant", "/proc/1/root")
        assert docker("wait", container) == "0", docker("logs", container)
        found: Outcomes = json.loads(docker("logs", container).splitlines()[-1])
    finally:
        docker("rm", "--force", container, check=False)
        names = [f"{place}/{name}" for place in ("workspace", "data") for name in raised.NAMES.values()]
        subject.as_root("rm", "-f", "workspace/go", *names)
    return found


@pytest.fixture(scope="module")
def planted(subject: Subject) -> Once[Outcomes]:
    return Once(lambda: run_planted(subject))


@pytest.fixture(scope="module")
def weak_planted(weakened: Subject) -> Once[Outcomes]:
    return Once(lambda: run_planted(weakened.with_options("--user=1000:1000")))


@pytest.mark.parametrize("attack", raised.ATTACKS)
def test_a_planted_file_gives_nothing(planted: Once[Outcomes], attack: str) -> None:
    assert held(planted()[attack]), f"{attack}: {planted()[attack]}"


@pytest.mark.vacuity
@pytest.mark.parametrize("attack", raised.ATTACKS)
def test_without_protection_a_planted_file_gives(weak_planted: Once[Outcomes], attack: str) -> None:
    found = weak_planted()[attack]
    if "nosuid" in found or "EACCES" in found:
        pytest.skip(f"the engine's own mount options are in the way: {found}")
    assert found.startswith("reached"), found
