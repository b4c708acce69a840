"""init/doctor/timed_process.py: programs that end, that do not, and that leave others behind."""

import psutil

from init.doctor import timed_process


def run(script: str, seconds: float = 30) -> timed_process.Ended:
    return timed_process.run(("/bin/sh", "-c", script), {"PATH": "/usr/bin:/bin"}, "/", seconds)


def test_what_a_program_said_is_kept() -> None:
    assert run("echo out; echo err >&2; exit 3") == timed_process.Ended(3, "out\n", "err\n")
    assert run("exit 0").describe() == "exit code 0"
    assert run("printf '\\033[31mred\\033[0m\\n' >&2; exit 1").describe() == "exit code 1: red"
    assert len(run("yes | head -c 100000").output) == timed_process.MOST


def test_a_program_that_does_not_end_is_killed_with_its_group() -> None:
    # A busy machine may take longer to begin it than the first of these times.
    for seconds in (0.2, 2, 20, 200):
        ended = run("echo begun; sleep 1000 & wait", seconds)
        if ended.output:
            break
    assert ended == timed_process.Ended(None, "begun\n", "")
    assert ended.describe() == "no answer in time: begun"


def test_what_it_leaves_behind_holds_nobody_up() -> None:
    # It tells its number once it has left the group, which is killed when the program has ended.
    ended = run("{ setsid sh -c 'echo $$; exec sleep 20' & } | head -n 1")
    assert ended.code == 0
    left = psutil.Process(int(ended.output))
    assert left.status() != psutil.STATUS_ZOMBIE, "it was waited for"
    left.kill()


def test_a_program_that_is_not_there_is_told() -> None:
    assert (
        timed_process.run(("/nonexistent",), {}, "/", 1).describe()
        == "exit code 127: No such file or directory"
    )
