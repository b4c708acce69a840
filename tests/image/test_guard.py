"""The workspace guard, end to end: what a session left that the user's machine would run."""

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.harness.engine import IMAGE, Result, docker, logs
from tests.harness.sandbox import COMPOSE_OPTIONS, Sandbox, start
from tests.harness.waiting import wait_for

PLANT = """
git init -q project && cd project
printf '#!/bin/sh\\ntouch "$MARK"\\n' >.git/hooks/post-checkout && chmod +x .git/hooks/post-checkout
git config core.fsmonitor 'touch "$MARK"; false'
echo '{"scripts": {"postinstall": "touch stolen"}}' >package.json
echo 'int main(void) { return 0; }' >main.c
"""
PLANTED = ("project/.git/config", "project/.git/hooks/post-checkout", "project/package.json")
EX_QUARANTINED, EX_NOT_QUARANTINED = 79, 80


def session(sandbox: Sandbox, script: str, guard: str = "report", **variables: str) -> Result:
    return sandbox.run("-c", script, env={"SANDBOX_SHELL": "1", "SANDBOX_GUARD": guard, **variables})


def on_host(sandbox: Sandbox) -> bool:
    """Do what a user does outside, and tell whether something of the session's ran."""
    mark = sandbox.folder / "mark"
    git = ["git", "-c", "safe.directory=*"]
    for words in (["add", "--intent-to-add", "main.c"], ["status"]):
        subprocess.run(
            [*git, *words], cwd=sandbox.workspace / "project", check=False, capture_output=True,
            env={**sandbox.variables, "MARK": str(mark)},
        )  # fmt: skip
    return mark.exists()


def test_what_would_run_is_reported_with_its_lines(sandbox: Sandbox) -> None:
    result = session(sandbox, PLANT + "exit 3")
    assert result.returncode == 3, "the exit code stays the tool's"
    for text in (*PLANTED, 'touch "$MARK"', "core.fsmonitor = touch", "touch stolen"):
        assert text in result.stderr
    assert "main.c" not in result.stderr
    assert on_host(sandbox), "what was reported does run outside"


def test_what_was_there_before_and_what_is_harmless_is_not_reported(sandbox: Sandbox) -> None:
    session(sandbox, PLANT, guard="off")
    result = session(
        sandbox, "cd project && echo x >new.c && git config user.name a && mkdir -p a/b && exit 0"
    )
    assert (result.returncode, "machine may run" in result.stderr) == (0, False), result.stderr


def test_off_is_off(sandbox: Sandbox) -> None:
    result = session(sandbox, PLANT, guard="off")
    assert (result.returncode, "project" in result.stderr) == (0, False), result.stderr


def test_block_takes_it_away_and_accept_gives_it_back(sandbox: Sandbox) -> None:
    result = session(sandbox, PLANT, guard="block")
    assert result.returncode == EX_QUARANTINED, result.stderr
    assert not on_host(sandbox)
    assert (sandbox.workspace / "project/main.c").exists()
    assert not (sandbox.workspace / "project/package.json").exists()
    name = result.stderr.strip().split()[-1]
    assert f"./start.sh accept {name}" in result.stderr
    assert accept(sandbox).stdout == f"{name}\n"
    accepted = accept(sandbox, name)
    assert accepted.returncode == 0, accepted.stderr
    assert all(f"{path}: accepted" in accepted.stderr for path in PLANTED), accepted.stderr
    assert on_host(sandbox), "it is all back"


@pytest.mark.parametrize("name", ["nope", "../share", "", "a b"])
def test_what_is_no_quarantine_is_refused(sandbox: Sandbox, name: str) -> None:
    result = accept(sandbox, name)
    assert (result.returncode, f"there is no quarantine {name!r}" in result.stderr) == (78, True), (
        result.stderr
    )


def test_block_keeps_the_tools_own_failure(sandbox: Sandbox) -> None:
    result = session(sandbox, PLANT + "exit 3", guard="block")
    assert result.returncode == 3
    # A failure at the end would otherwise be the way around it.
    assert "in quarantine" in result.stderr
    assert not on_host(sandbox)


# A default ACL, which closes what is made in a folder to everybody, whatever mode was asked for; acl(5).
CLOSING_ACL = """python3 -c 'import os, struct, sys; os.setxattr(sys.argv[1], "system.posix_acl_default",
struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, 0, 2**32 - 1) for tag in (1, 4, 32)))'"""
LOCKED = "chmod {0} /home/agent/workspace /home/agent/data /home/agent"


@pytest.mark.parametrize(
    "way",
    [
        ": >$Q", "ln -s /home/agent/workspace $Q", "mkdir $Q; chmod 0 $Q", "ln -s nowhere $Q",
        f"trap '{LOCKED.format(555)}' EXIT", f"trap '{LOCKED.format(0)}' EXIT",
        "mkdir $Q; for s in {0..9}; do mkdir $Q/$(date -u -d +${s}sec +%Y%m%dT%H%M%SZ)-1; done",
        "trap 'chmod 555 .git/hooks .git .' EXIT", "{acl} $HOME/data", "mkdir $Q; {acl} $Q",
    ],
)  # fmt: skip
def test_nothing_in_the_quarantines_place_keeps_it_from_its_work(sandbox: Sandbox, way: str) -> None:
    way = way.replace("{acl}", CLOSING_ACL)
    result = session(sandbox, f"Q=$HOME/data/quarantine; {way}; {PLANT}", guard="block")
    assert result.returncode == EX_QUARANTINED, result.stderr
    assert not on_host(sandbox)


@pytest.mark.parametrize("mode", ["0", "555"])
def test_a_locked_data_folder_does_not_keep_the_next_session_from_starting(
    sandbox: Sandbox, mode: str
) -> None:
    session(sandbox, f"trap 'chmod {mode} ~/data' EXIT", guard="off")
    result = session(sandbox, "echo here", guard="off")
    assert (result.returncode, result.stdout) == (0, "here\n"), result.stderr


@pytest.fixture
def small_volume() -> Iterator[str]:
    """A filesystem of 1 MiB."""
    options = "type=tmpfs", "device=tmpfs", "o=size=1m,uid=1000,gid=1000"
    name = docker("volume", "create", *(f"--opt={option}" for option in options))
    yield name
    docker("volume", "rm", "--force", name)


def test_on_a_full_disk_what_would_run_gets_another_name_and_nothing_is_lost(
    sandbox: Sandbox, small_volume: str
) -> None:
    session(sandbox, "mkdir project; echo mine >project/Makefile", guard="off")
    result = sandbox.plain(
        *COMPOSE_OPTIONS,
        env={"SANDBOX_SESSION": "plain", "SANDBOX_GUARD": "block"},
        mounts=sandbox.mounts(data=f"{small_volume}:/home/agent/data"),
        arguments=("-c", f"{PLANT} echo evil >>Makefile; cat /dev/zero >~/data/full; exit 0"),
    )
    assert result.returncode == EX_NOT_QUARANTINED, result.stderr
    assert "data/quarantine cannot be used" in result.stderr
    assert "4 of 4 lie at the top of the workspace" in result.stderr, result.stderr
    assert not on_host(sandbox)
    assert (sandbox.workspace / "project/Makefile").read_text() == "mine\n"
    kept = [path.read_text() for path in sandbox.workspace.glob(".quarantined-*")]
    assert "mine\nevil\n" in kept
    assert len(kept) == 4


def test_in_a_full_workspace_what_would_run_is_taken_away_even_if_nothing_can_be_put_back(
    sandbox: Sandbox, small_volume: str
) -> None:
    def act(script: str, guard: str) -> Result:
        return sandbox.plain(
            *COMPOSE_OPTIONS,
            env={"SANDBOX_SESSION": "plain", "SANDBOX_GUARD": guard},
            mounts=sandbox.mounts(workspace=f"{small_volume}:/home/agent/workspace"),
            arguments=("-c", script),
        )

    holder = docker("run", "--detach", "-v", f"{small_volume}:/x", "--entrypoint", "sleep", IMAGE, "1000")
    try:
        act("echo mine >Makefile", "off")
        # Its blocks are not free once it has no name here.
        result = act("echo evil >>Makefile; ln Makefile more; cat /dev/zero >full; exit 0", "block")
        assert result.returncode == EX_NOT_QUARANTINED, result.stderr
        assert "Makefile is not as it was: it is kept as 0" in result.stderr, result.stderr
        assert "1 of 1 are in quarantine" in result.stderr
        assert act("cat Makefile", "off").returncode != 0
        (kept,) = sandbox.data.glob("quarantine/*/0")
        assert kept.read_text() == "mine\nevil\n"
    finally:
        docker("rm", "--force", holder)


@pytest.mark.parametrize(("guard", "code"), [("block", EX_NOT_QUARANTINED), ("report", 0)])
def test_what_the_session_put_out_of_sight_is_told_at_every_level(
    sandbox: Sandbox, guard: str, code: int
) -> None:
    deep = "mkdir -p " + "/".join("abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvw")
    for script in (deep, "true"):
        result = session(sandbox, script, guard=guard, SANDBOX_LOG_LEVEL="error" if code else "warning")
        assert result.returncode == code, result.stderr
        assert "could not look at all that this session may have written" in result.stderr
        assert "    a/b/c/" in result.stderr


@pytest.mark.parametrize(
    ("owner", "mode", "code"),
    [("999:999", 0o700, 0), ("999:999", 0o711, EX_NOT_QUARANTINED), ("1000:1000", 0, EX_NOT_QUARANTINED)],
)
def test_only_what_is_closed_to_the_agent_is_excused(
    sandbox: Sandbox, owner: str, mode: int, code: int
) -> None:
    (sandbox.workspace / "database").mkdir()
    sandbox.own(owner, "workspace/database")
    (sandbox.workspace / "database").chmod(mode)
    result = session(sandbox, "true", guard="block")
    assert result.returncode == code, result.stderr
    assert "    database\n" in result.stderr


EVIL = "git config core.fsmonitor 'touch \"$MARK\"; false'"


@pytest.mark.parametrize("list_is", ["kept", "removed"])
def test_two_sessions_at_a_time_do_not_hand_a_change_to_each_other(
    sandbox: Sandbox, container: Callable[..., str], list_is: str
) -> None:
    session(sandbox, "git init -q project; : >project/main.c", guard="off")
    block = {"SANDBOX_SHELL": "1", "SANDBOX_GUARD": "block"}
    away = "rm -f ~/data/guard/*; " if list_is == "removed" else ""
    plant_and_clean = (
        f"{away}cd project; cp .git/config clean; {EVIL}; : >../planted; "
        "until [[ -e ../second ]]; do sleep 0.1; done; mv clean .git/config"
    )
    first = container("-c", plant_and_clean, env=block)
    wait_for((sandbox.workspace / "planted").exists, lambda: f"the first to plant: {logs(first)}")
    second = container(
        "-c", ": >second; until [[ -e go ]]; do sleep 0.1; done; cd project; " + EVIL, env=block
    )
    assert docker("wait", first) == "0", logs(first)
    session(sandbox, ": >go", guard="off")
    assert docker("wait", second) == str(EX_QUARANTINED), logs(second)
    assert "core.fsmonitor" in logs(second)
    assert not on_host(sandbox)


def test_two_sessions_at_a_time_leave_what_was_there_before_alone(
    sandbox: Sandbox, container: Callable[..., str]
) -> None:
    session(sandbox, PLANT, guard="off")
    block = {"SANDBOX_SHELL": "1", "SANDBOX_GUARD": "block"}
    until = ": >here; until [[ -e go ]]; do sleep 0.1; done"
    first = container("-c", until, env=block)
    wait_for((sandbox.workspace / "here").exists, lambda: f"the first: {logs(first)}")
    second = session(sandbox, "true", guard="block")
    assert (second.returncode, "project" in second.stderr) == (0, False), second.stderr
    session(sandbox, ": >go", guard="off")
    assert docker("wait", first) == "0", logs(first)


def test_a_session_that_never_looked_is_told_by_the_next(
    sandbox: Sandbox, container: Callable[..., str]
) -> None:
    killed = container("-c", ": >here; sleep infinity", env={"SANDBOX_SHELL": "1"})
    wait_for((sandbox.workspace / "here").exists, lambda: f"the session: {logs(killed)}")
    docker("kill", killed)
    docker("wait", killed)
    assert "ended before the workspace guard looked" in session(sandbox, "true").stderr
    assert "ended before the workspace guard looked" not in session(sandbox, "true").stderr


def test_start_sh_says_that_a_killed_session_was_not_looked_at(sandbox: Sandbox) -> None:
    result = start(sandbox, "--no-build", "--shell", "--", "-c", "kill -KILL $$")
    assert (result.returncode, "guard did not look" in result.stderr) == (137, True), result.stderr


def test_accept_shows_what_a_later_session_put_there(sandbox: Sandbox) -> None:
    name = session(sandbox, PLANT, guard="block").stderr.strip().split()[-1]
    session(sandbox, f"sed -i 's/touch stolen/touch forged/' ~/data/quarantine/{name}/*", guard="off")
    assert "touch forged" in accept(sandbox, name).stderr


@pytest.mark.parametrize("name", ["bash", r"Uid:\t0\t0\t0"])
def test_who_entered_ends_with_the_session_before_it_is_looked_at(
    container: Callable[..., str], name: str
) -> None:
    """Whatever it calls itself."""
    running = container("-c", "until [[ -e go ]]; do sleep 0.1; done", env={"SANDBOX_SHELL": "1"})
    wait_for(lambda: docker("exec", running, "pgrep", "-x", "sleep", check=False), "the tool")
    late = "trap '' TERM HUP; touch go; while :; do echo run >>.envrc; sleep 0.1; done"
    late = f"printf '{name}' >/proc/self/comm; {late}"
    docker("exec", "--detach", running, "sandbox-enter", "bash", "-c", late)
    docker("wait", running)
    told = logs(running)
    assert "killing what the tool left behind" in told
    assert ".envrc" in told, told


def test_the_agent_cannot_change_the_limits_of_pid_1(sandbox: Sandbox) -> None:
    result = session(sandbox, "prlimit --pid 1 --nofile=4:4; echo $?; (ulimit -n 100; ulimit -n)")
    assert result.stdout == "1\n100\n", f"{result.stdout}{result.stderr}"


def test_each_change_is_an_event_of_the_json_log(sandbox: Sandbox) -> None:
    result = session(sandbox, PLANT, SANDBOX_LOG="json")
    events = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert [event["path"] for event in events] == list(PLANTED), result.stderr
    assert all(event["level"] == "warning" and event["reason"] and event["lines"] for event in events)


def test_a_name_cannot_steer_the_terminal(sandbox: Sandbox) -> None:
    result = session(sandbox, r"mkdir -p $'a\e[2J' && touch $'a\e[2J/.envrc' && echo $'\e]0;x\a' >.envrc")
    assert ".envrc" in result.stderr
    assert "\x1b" not in result.stderr


def test_the_name_of_a_quarantine_cannot_either(sandbox: Sandbox) -> None:
    session(sandbox, r"mkdir -p ~/data/quarantine/$'x\e]0;T\a\e[2J'", guard="off")
    result = accept(sandbox)
    assert r"x\x1b]0;T\x07\x1b[2J" in result.stdout
    assert "\x1b" not in result.stdout + accept(sandbox, "none").stderr


def accept(sandbox: Sandbox, *names: str) -> Result:
    return start(sandbox, "accept", *names)
