"""The workspace guard, end to end: what a session left that the user's machine would run."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.harness.engine import Result, docker, logs
from tests.harness.sandbox import Sandbox, start
from tests.harness.waiting import wait_for

PLANT = """
git init -q project && cd project
printf '#!/bin/sh\\ntouch "$MARK"\\n' >.git/hooks/post-checkout && chmod +x .git/hooks/post-checkout
git config core.fsmonitor 'touch "$MARK"; false'
echo '{"scripts": {"postinstall": "touch stolen"}}' >package.json
echo 'int main(void) { return 0; }' >main.c
"""
PLANTED = ("project/.git/config", "project/.git/hooks/post-checkout", "project/package.json")
EX_QUARANTINED = 79


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


@pytest.mark.parametrize("way", [": >$Q", "ln -s /home/agent/workspace $Q", "mkdir $Q; chmod 0 $Q"])
def test_nothing_in_the_quarantines_place_keeps_it_from_its_work(sandbox: Sandbox, way: str) -> None:
    result = session(sandbox, f"Q=$HOME/data/quarantine; {way}; {PLANT}", guard="block")
    assert result.returncode == EX_QUARANTINED, result.stderr
    assert not on_host(sandbox)


def test_accept_shows_what_a_later_session_put_there(sandbox: Sandbox) -> None:
    name = session(sandbox, PLANT, guard="block").stderr.strip().split()[-1]
    session(sandbox, f"sed -i 's/touch stolen/touch forged/' ~/data/quarantine/{name}/*", guard="off")
    assert "touch forged" in accept(sandbox, name).stderr


def test_who_entered_ends_with_the_session_before_it_is_looked_at(
    container: Callable[..., str],
) -> None:
    running = container("-c", "until [[ -e go ]]; do sleep 0.1; done", env={"SANDBOX_SHELL": "1"})
    wait_for(lambda: docker("exec", running, "pgrep", "-x", "sleep", check=False), "the tool")
    late = "trap '' TERM HUP; touch go; while :; do echo run >>.envrc; sleep 0.1; done"
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
