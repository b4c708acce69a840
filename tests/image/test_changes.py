"""What a session says at its end of the repositories in its workspace."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.harness.engine import Result, docker, logs
from tests.harness.sandbox import Sandbox
from tests.harness.waiting import wait_for

NEWS = "while this session ran"


def repository(folder: Path) -> None:
    """Make a repository with a commit, and two files that are in none."""
    folder.mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        (folder / name).write_text("1\n2\n3\n")
    git = ["git", "-c", "user.name=tester", "-c", "user.email=tester", "-c", "safe.directory=*"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    for name in ("loose", "kept"):
        (folder / name).write_text("mine\n")


def session(sandbox: Sandbox, script: str, **variables: str) -> Result:
    return sandbox.run("-c", script, env={"SANDBOX_SHELL": "plain", **variables})


def test_each_kind_of_change_is_told(sandbox: Sandbox) -> None:
    repository(sandbox.workspace)
    result = session(
        sandbox,
        "echo 4 >>a; git -c user.name=x -c user.email=x commit -qam 'By the agent'; rm b loose; mv c d; "
        "seq 5 >new; echo >>kept; touch \"$(printf 'e\\033[31m')\"; exit 3",
    )
    assert result.returncode == 3, result.stderr
    lines = result.stderr[result.stderr.index(NEWS) :].splitlines()
    assert lines[0] == (
        "while this session ran, 7 files changed (+6 -3 lines), 1 commit came in the workspace; "
        "git cannot bring back 1 of them:"
    ), result.stderr
    expected = [
        "  deleted  loose (no commit has it as it was)", "  changed  a (+1 -0)", "  deleted  b (+0 -3)",
        "  renamed  c -> d", r"  new      e\x1b[31m", "  changed  kept (no commit has it as it was)",
        "  new      new (+5 -0)",
    ]  # fmt: skip
    assert lines[1:8] == expected, result.stderr
    assert lines[8].endswith("By the agent"), result.stderr
    assert "git restore --source=" in lines[9], result.stderr


@pytest.mark.parametrize(
    "script", ["exit 0", "git status; touch a; mkdir empty", "cp a /tmp/a; rm a; cp /tmp/a a"]
)
def test_where_nothing_changed_nothing_is_said(sandbox: Sandbox, script: str) -> None:
    repository(sandbox.workspace)
    result = session(sandbox, script)
    assert (result.returncode, NEWS in result.stderr, "git" in result.stderr) == (0, False, False), (
        result.stderr
    )


def test_off_is_off(sandbox: Sandbox) -> None:
    repository(sandbox.workspace)
    result = session(sandbox, "rm loose", SANDBOX_CHANGES="off")
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


def test_repositories_in_the_workspace_are_told_one_by_one(sandbox: Sandbox) -> None:
    for name in ("one", "two", "three"):
        repository(sandbox.workspace / name)
    (sandbox.workspace / "none").mkdir()
    result = session(
        sandbox, "rm one/loose; echo >>two/a; touch none/new; rm -r three", SANDBOX_LOG_LEVEL="info"
    )
    assert "1 file changed in one/; git cannot bring back 1 of them:" in result.stderr, result.stderr
    assert "1 file changed (+1 -0 lines) in two/:" in result.stderr, result.stderr
    assert "three/ went" in result.stderr, result.stderr
    assert "none" not in result.stderr


# What git runs to read the index, to compare a file, to show it; and after writing the index.
SETTINGS = """
cat >ran <<'END'
#!/bin/sh
touch /home/agent/workspace/ran-"$1"
cat
END
chmod +x ran; cp ran .git/hooks/post-index-change
echo '* filter=ours diff=ours' >.gitattributes
for name in core.fsmonitor filter.ours.clean filter.ours.process diff.ours.command diff.ours.textconv \
  diff.external core.pager; do
  git config $name "$PWD/ran $name"
done
git config core.hooksPath .git/hooks; git config core.untrackedCache true
"""


def test_nothing_that_its_settings_name_runs_when_the_session_is_over(sandbox: Sandbox) -> None:
    repository(sandbox.workspace)
    result = session(sandbox, f"rm loose; {SETTINGS} echo x >>a; touch b", SANDBOX_GUARD="off")
    assert result.returncode == 0, result.stderr
    assert "  deleted  loose" in result.stderr, result.stderr
    assert "  changed  a" in result.stderr, result.stderr
    ran = sorted(path.name for path in sandbox.workspace.glob("ran-*"))
    assert ran == []
    # They do run for who looks as usual.
    session(sandbox, "git diff >/dev/null", SANDBOX_CHANGES="off", SANDBOX_GUARD="off")
    assert sorted(path.name for path in sandbox.workspace.glob("ran-*"))


@pytest.mark.parametrize(
    "script",
    [
        "rm .git/index; mkfifo .git/index",
        "mkfifo .git/pipe; git config include.path pipe",
        "rm -r .git; mkfifo .git",
        "rm -r .git/objects; ln -s /proc/1/root .git/objects",
        "echo /dev/zero >.git/objects/info/alternates",
        "chmod 0 .git",
    ],
)
def test_no_repository_keeps_the_session_from_its_end(sandbox: Sandbox, script: str) -> None:
    repository(sandbox.workspace)
    result = session(sandbox, f"rm loose; {script}; exit 3", SANDBOX_GUARD="off")
    assert result.returncode == 3, result.stderr
    assert any(text in result.stderr for text in (NEWS, "is not told")), result.stderr
    again = session(sandbox, "exit 4", SANDBOX_GUARD="off")
    assert again.returncode == 4, again.stderr


# Whom the memory and the open files belong to of each process that is PID 1 or a copy of it; proc_pid(5).
COPIES = """
for p in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' <$p/cmdline)" in
    /usr/bin/python3*/opt/sandbox/__main__.py*) stat -c %U $p/mem $p/fd ;;
  esac
done
"""


def test_what_the_first_look_saw_is_out_of_the_agents_reach(sandbox: Sandbox) -> None:
    repository(sandbox.workspace)
    # It does not come to its end, and is there to be seen.
    (sandbox.workspace / ".git/index").unlink()
    os.mkfifo(sandbox.workspace / ".git/index")
    result = session(sandbox, COPIES)
    assert result.stdout.split() == ["root"] * 4, result


def test_who_kills_the_first_look_ends_as_usual(sandbox: Sandbox) -> None:
    repository(sandbox.workspace)
    result = session(sandbox, "trap '' TERM; kill -9 -1; rm a; exit 3")
    assert result.returncode == 3, result.stderr


def test_it_is_told_when_the_session_is_asked_to_end(sandbox: Sandbox) -> None:
    repository(sandbox.workspace)
    container = sandbox.start("-c", "rm loose; echo ready; sleep 1000", env={"SANDBOX_SHELL": "plain"})
    try:
        wait_for(lambda: "ready" in logs(container), lambda: logs(container))
        docker("stop", container)
        told = logs(container)
    finally:
        docker("rm", "--force", container, check=False)
    assert "  deleted  loose" in told, told
