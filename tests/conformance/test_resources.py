"""What an agent can use up: its limits, which leave the machine usable, PID 1 alive and `docker stop` prompt.

The limits are small here, so that they are reached soon; see .env.example for the defaults.
"""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.conformance.attacks.resources import TOGETHER
from tests.harness.engine import docker, logs
from tests.harness.once import Once
from tests.harness.subject import Subject
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.xdist_group("conformance-resources")

Found = dict[str, Any]
Start = Callable[..., str]

PIDS, MEMORY, FILES, TMP = 200, 256, 1000, 32  # the last three in megabytes, descriptors, megabytes
# Compose reads all but SANDBOX_GRACE, which is the container's.
LIMITS = {
    "SANDBOX_PIDS": str(PIDS), "SANDBOX_MEMORY": f"{MEMORY}m", "SANDBOX_NOFILE": str(FILES),
    "SANDBOX_TMP_SIZE": f"{TMP}m", "SANDBOX_TMP_INODES": "100k", "SANDBOX_GRACE": "1",
}  # fmt: skip
ENV = {"SANDBOX_GRACE": "1"}
SHM = 64  # megabytes, the engine's default
OUTPUT = 150  # megabytes
LOG = 120  # megabytes that a bounded log may hold: five files of 20 MB are a driver's default
SHARE = 0.2  # of one processor
GROWTH = 20_000  # kilobytes by which PID 1 may grow: a module that it imports, not what the tool wrote


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LIMITS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def limited(own_subject: Subject) -> Subject:
    if own_subject.compose is None:
        pytest.skip("bare docker run: limits are options of docker run, or compose.yml's")
    return own_subject


def script(what: str, most: int, *hold: str) -> str:
    return " ".join(["exec /usr/bin/python3 -I /attacks/resources.py", what, str(most), *hold])


def told(container: str) -> Found:
    """Wait for the attack's last line, and read it."""

    def lines() -> list[str]:
        # What a shell says of a killed program may come after it.
        tail = docker("logs", "--tail", "5", container, check=False)
        return [line for line in tail.splitlines() if line[:1] == "{"]

    def ended() -> bool:
        return docker("inspect", "-f", "{{.State.Running}}", container, check=False) == "false"

    wait_for(lambda: lines() or ended(), "the attack to end")
    state = json.loads(docker("inspect", container))[0]["State"]
    assert lines(), f"the attack told nothing, and ended PID 1 maybe: {state}\n{logs(container)[-999:]}"
    found: Found = json.loads(lines()[-1])
    return found


def killed_at_stop(container: str) -> bool:
    """Stop a container; tell whether the engine lost patience and killed PID 1, as its own events say."""
    since = docker("inspect", "--format={{.State.StartedAt}}", container)
    docker("stop", container)
    sent = docker(
        "events", f"--since={since}", f"--until={docker('info', '--format={{.SystemTime}}')}",
        "--filter=event=kill", f"--filter=container={container}", "--format={{.Actor.Attributes.signal}}",
    ).split()  # fmt: skip
    assert sent, "the engine tells of no signal that it sent"
    return str(int(signal.SIGKILL)) in sent


def assert_stops_in_time(container: str) -> None:
    assert not killed_at_stop(container), (
        f"the time of `docker stop` was over, and the engine killed PID 1:\n{logs(container)[-999:]}"
    )


@pytest.fixture(scope="module")
def together(subject: Subject) -> Once[Found]:
    return Once(lambda: subject.python("resources.py", "together", "0", env=ENV))


@pytest.fixture(scope="module")
def weak_together(weakened: Subject) -> Once[Found]:
    unlimited = weakened.with_options("--ulimit=core=-1", "--shm-size=1g")
    return Once(lambda: unlimited.python("resources.py", "together", "0", env={"PATIENCE": "1"}))


# Processes.


def test_a_fork_bomb_meets_its_limit_and_can_be_stopped(
    limited: Subject, running: Start  # noqa: ARG001 - it skips
) -> None:  # fmt: skip
    container = running(script("processes", PIDS * 2, "hold"), env=ENV)
    found = told(container)
    assert found["taken"] < PIDS, f"{found}: no limit of {PIDS} processes"
    assert_stops_in_time(container)


@pytest.mark.vacuity
def test_without_a_limit_a_fork_bomb_goes_on(weakened: Subject) -> None:
    assert weakened.python("resources.py", "processes", str(PIDS * 2))["taken"] == PIDS * 2


def test_orphans_that_ended_do_not_pile_up(together: Once[Found]) -> None:
    found = together()["zombies"]
    assert found["made"] == TOGETHER["zombies"], found
    assert found["taken"] == 0, f"{found}: PID 1 does not reap what it inherits"


@pytest.mark.vacuity
def test_under_a_careless_first_process_orphans_pile_up(weak_together: Once[Found]) -> None:
    """PID 1 is the attack itself there, which waits for its own children only."""
    assert weak_together()["zombies"]["taken"] == TOGETHER["zombies"]


# Memory.


def test_a_memory_hog_is_killed_and_nothing_else_is(limited: Subject) -> None:
    hog = script("memory", MEMORY * 2).removeprefix("exec ")
    result = limited.run(f"{hog}; echo survived with $?", env=ENV)
    assert "survived with 137" in result.stdout, (
        f"a process took {MEMORY * 2} MB of {MEMORY}, or took PID 1 with it:\n{result}"
    )


@pytest.mark.vacuity
def test_without_a_limit_a_memory_hog_goes_on(weakened: Subject) -> None:
    assert weakened.python("resources.py", "memory", str(MEMORY * 2))["taken"] == MEMORY * 2


def test_the_container_ends_with_137_when_the_tool_was_the_hog(limited: Subject) -> None:
    result = limited.run(script("memory", MEMORY * 2), env=ENV)
    assert result.returncode == 137, result


def test_memory_cannot_be_had_as_swap_either(limited: Subject, running: Start) -> None:  # noqa: ARG001
    container = running("exec sleep 60", env=ENV)
    host = json.loads(docker("inspect", container))[0]["HostConfig"]
    assert 0 < host["MemorySwap"] <= host["Memory"] == MEMORY << 20, (
        f"mem_limit {host['Memory']}, memswap_limit {host['MemorySwap']}: without the second, as much again"
    )


# Files and disks.


def test_descriptors_are_limited(limited: Subject, together: Once[Found]) -> None:  # noqa: ARG001
    found = together()["descriptors"]
    assert found["end"] == "EMFILE", f"{found}: more than {FILES} open files"
    assert found["taken"] < FILES, found


@pytest.mark.vacuity
def test_without_a_limit_descriptors_go_on(weak_together: Once[Found]) -> None:
    assert weak_together()["descriptors"]["taken"] == TOGETHER["descriptors"]


def test_no_folder_of_the_container_takes_more_than_its_share(
    limited: Subject, together: Once[Found]  # noqa: ARG001
) -> None:  # fmt: skip
    found = together()["disk"]
    over = {f: how for f, how in found.items() if how["taken"] > (SHM if f == "/dev/shm" else TMP)}  # noqa: S108
    assert not over, (
        f"megabytes that were written: {over}; these are the host's disk, or memory without a limit"
    )


@pytest.mark.vacuity
def test_without_a_limit_a_folder_takes_everything(weak_together: Once[Found]) -> None:
    found = weak_together()["disk"]
    assert found["/tmp"]["taken"] == found["/dev/shm"]["taken"] == TOGETHER["disk"], found  # noqa: S108


def test_a_flood_of_files_ends_and_the_container_can_be_stopped(
    limited: Subject, running: Start  # noqa: ARG001
) -> None:  # fmt: skip
    """Empty files cost the container's memory, which nobody's death gives back: so PID 1 dies at last.

    nr_inodes of the tmpfs is what bounds them; see tmpfs(5).
    """
    container = running(
        f"{script('inodes', 1_000_000).removeprefix('exec ')}; echo '{{}}'; sleep 60", env=ENV
    )
    told(container)
    assert "as many as asked for" not in logs(container), "a million empty files in /tmp: no limit of inodes"
    assert_stops_in_time(container)


@pytest.mark.vacuity
def test_without_a_limit_a_flood_of_files_goes_on(weakened: Subject) -> None:
    """A tenth of it is enough: the limit above is met before."""
    large = weakened.with_options("--tmpfs=/tmp:size=1g,nr_inodes=0")
    assert large.python("resources.py", "inodes", "100000")["taken"] == 100_000


def test_a_crash_leaves_no_core_file(limited: Subject, together: Once[Found]) -> None:  # noqa: ARG001
    found = together()["core"]
    assert found["left"] == [], f"{found}: it holds the tool's memory, keys included"
    assert found["limit"][1] in (0, 1), f"{found}: the limit can be raised again"


@pytest.mark.vacuity
def test_without_a_limit_a_crash_leaves_a_core_file(weak_together: Once[Found]) -> None:
    found = weak_together()["core"]
    if found["pattern"].startswith(("|", "/", "@")):
        pytest.skip(f"the host's core_pattern puts core files elsewhere: {found['pattern']}")
    assert found["left"], found


# What the engine keeps.


@pytest.fixture(scope="module")
def flood(subject: Subject) -> Iterator[Once[str]]:
    """A container whose tool wrote a flood and waits; it is removed."""
    started: list[str] = []

    def start() -> str:
        started.append(subject.start(script("output", OUTPUT, "hold"), env=ENV))
        told(started[0])
        return started[0]

    yield Once(start)
    if started:
        docker("rm", "--force", *started, check=False)


def test_a_flood_of_output_does_not_grow_the_first_process(flood: Once[str]) -> None:
    found = told(flood())
    assert found["after"] - found["before"] < GROWTH, f"kilobytes of PID 1, before and after: {found}"


def test_the_log_of_a_flood_of_output_is_bounded(subject: Subject, flood: Once[str]) -> None:
    if subject.compose is None:
        pytest.skip("bare docker run: the log is bounded by --log-opt, or by compose.yml")
    kept = _size_of_log(flood())
    config = json.loads(docker("inspect", flood()))[0]["HostConfig"]["LogConfig"]
    assert kept < LOG << 20, f"the engine keeps {kept >> 20} MB of {OUTPUT}; logging: {config}"


def test_after_a_flood_of_output_the_container_can_be_stopped(flood: Once[str]) -> None:
    assert_stops_in_time(flood())


@pytest.mark.vacuity
def test_without_a_limit_the_log_holds_everything(weakened: Subject) -> None:
    container = weakened.start(script("output", OUTPUT, "hold"), "--log-driver=json-file")
    try:
        told(container)
        assert _size_of_log(container) > LOG << 20
    finally:
        docker("rm", "--force", container, check=False)


def _size_of_log(container: str) -> int:
    with subprocess.Popen(["docker", "logs", container], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        return sum(map(len, process.stdout))


# Processors and rights.


def test_the_container_can_be_stopped_while_every_processor_is_busy(running: Start) -> None:
    container = running(script("spin", 8, "hold"), env=ENV)
    told(container)
    assert_stops_in_time(container)


# Hogs that PID 1 has to share its processor with, after it was slowed down where it can be.

LIFE = 90  # seconds after which a hog ends by itself
SOON = 60  # seconds for what takes twice the grace, on a machine that other tests use; less than LIFE
EVIL = "mkdir -p p/.git && printf '[core]\\n\\tfsmonitor = evil\\n' >p/.git/config"


# A few on PID 1's processor, and nearly all processes that compose.yml allows.
HOGS = (80, 1900)


def hogs(life: int, count: int, *stay: str) -> str:
    run = " ".join(["exec /usr/bin/python3 -I /attacks/hogs.py", str(life), str(count), *stay])
    return f"cd /home/agent/workspace; {EVIL}; mkdir -p p/.git/objects p/.git/refs; echo >p/.git/HEAD; {run}"


def ends_soon(container: str, seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(["docker", "wait", container], timeout=seconds, check=True, capture_output=True)
        return True
    return False


@pytest.fixture
def _roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have compose.yml's own limits again."""
    for name in LIMITS:
        monkeypatch.delenv(name)


def test_hogs_and_a_slowed_first_process_keep_no_session(running: Start) -> None:
    container = running(hogs(LIFE, HOGS[0]), env=ENV)
    wait_for(lambda: "ready" in logs(container), "the hogs to run")
    assert ends_soon(container, SOON), f"the session does not end:\n{logs(container)}"
    assert "killing what the tool left behind" in logs(container)
    assert "core.fsmonitor = evil" in logs(container), "the guard did not look"


@pytest.mark.usefixtures("_roomy")
@pytest.mark.parametrize("count", HOGS)
def test_nor_keep_it_from_being_stopped(running: Start, count: int) -> None:
    container = running(hogs(LIFE, count, "stay"), env=ENV)
    wait_for(lambda: "ready" in logs(container), "the hogs to run")
    subprocess.run(["docker", "stop", "--time", str(SOON), container], check=True, capture_output=True)
    assert "core.fsmonitor = evil" in logs(container), "it was killed, or the guard did not look"


@pytest.mark.vacuity
def test_without_the_filter_the_first_process_is_made_idle(own_subject: Subject, running: Start) -> None:
    if own_subject.prefix != ("-c",):
        pytest.skip("--run-with: the switch SANDBOX_SECCOMP=off is this image's own")
    container = running(hogs(0, 80), env={**ENV, "SANDBOX_SECCOMP": "off"})
    wait_for(lambda: "ready idle" in logs(container), lambda: f"PID 1 to be slowed:\n{logs(container)}")


@pytest.mark.vacuity
def test_a_first_process_that_ignores_the_request_is_not_stopped_in_time(weakened: Subject) -> None:
    container = weakened.start(script("spin", 2, "hold"), "--stop-timeout=2")
    try:
        told(container)
        assert killed_at_stop(container)
    finally:
        docker("rm", "--force", container, check=False)


def test_the_share_of_the_processors_can_be_limited(
    limited: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("SANDBOX_CPUS", str(SHARE))
    found = limited.python("resources.py", "processor", "4", env=ENV)
    assert found["share"] == SHARE, found
    assert found["held back"] > 0, f"{found}: the kernel gave all that was asked for"


@pytest.mark.vacuity
def test_without_a_limit_all_processors_can_be_used(weakened: Subject) -> None:
    found: Found = {}

    def more_than_the_share() -> bool:
        # On a busy machine it may take another try.
        found.update(weakened.python("resources.py", "processor", "4"))
        return bool(found["taken"] > 2 * SHARE)

    wait_for(more_than_the_share, lambda: f"more than the share that the test above sets: {found}")


RIGHTS = (
    "a higher priority", "the real-time scheduler", "a higher priority on the disk",
    "memory that is never swapped", "a higher limit of files", "a higher limit of locked memory",
    "a higher limit of core files", "a higher limit of priority", "a higher limit of real-time priority",
)  # fmt: skip


@pytest.mark.parametrize("right", RIGHTS)
def test_the_agent_cannot_take(together: Once[Found], right: str) -> None:
    found = together()["rights"][right]
    assert found.startswith("refused"), f"{right}: {found}"


@pytest.mark.vacuity
@pytest.mark.parametrize("right", RIGHTS)
def test_root_can_take(weak_together: Once[Found], right: str) -> None:
    found = weak_together()["rights"][right]
    if found.startswith("absent") or "no limit to raise" in found:
        pytest.skip(found)
    assert found == "reached", f"{right}: {found}"
