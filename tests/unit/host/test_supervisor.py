"""The supervisor with real children and real signals, in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).parents[3]
BEGIN = f"""
import os, signal, sys, time
sys.path.append({str(ROOT)!r})
from host.errors import Interrupted
from host.supervisor import Streams, Supervisor
supervisor = Supervisor()
sh = lambda script: ["sh", "-c", script]
"""
PATIENCE = 30


def begin(script: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-ISuc", BEGIN + script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str], *lines: str) -> None:
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output.split("\n")[:-1], errors, process.returncode) == (list(lines), "", 0)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_the_childs(script: str, code: int) -> None:
    ended(begin(f"print(supervisor.run(sh({script!r}), os.environ))"), str(code))


def test_an_answer_and_no_program() -> None:
    script = """
print(supervisor.ask(sh("echo out; echo err >&2; exit 3"), os.environ))
try:
    supervisor.ask(["/nonexistent"], os.environ)
except FileNotFoundError:
    print("none")
"""
    ended(begin(script), r"Answer(code=3, output='out\n', errors='err\n')", "none")


def test_what_is_begun_answers_while_others_run() -> None:
    script = """
begun = supervisor.begin(["sh", "-c", "echo out; echo err >&2; exec sleep 1000"], os.environ)
print(supervisor.run(sh("exit 3"), os.environ), begun.failed())
while not os.fstat(begun.errors.fileno()).st_size:
    time.sleep(0.05)
print(supervisor.finish(begun, limit=0.1), supervisor.finish(begun).code)
print(supervisor.finish(supervisor.begin(sh("exit 0"), os.environ)))
"""
    killed = r"Answer(code=137, output='out\n', errors='err\n') 137"
    ended(begin(script), "3 False", killed, "Answer(code=0, output='', errors='')")


@pytest.mark.parametrize("first", ["begin", "run"])
def test_what_is_begun_and_fails_ends_the_other(first: str) -> None:
    """Also where it failed before the other began; what is told then is its business."""
    waiting = "true" if first == "begin" else "while ! [ -e up ]; do sleep 0.05; done"
    script = f"""
import tempfile
os.chdir(tempfile.mkdtemp())
begun = supervisor.begin(sh({waiting!r} + "; echo why >&2; exit 2"), os.environ)
if {first!r} == "begin":
    while not begun.failed():
        time.sleep(0.05)
print(supervisor.run(sh("touch up; exec sleep 1000"), os.environ))
print(supervisor.finish(begun))
print(supervisor.run(sh("exit 4"), os.environ))
"""
    ended(begin(script), "143", r"Answer(code=2, output='', errors='why\n')", "4")


WAITING = """
try:
    trap = "exec 2>/dev/null; trap 'echo told; exit 5' {name}; echo up; "
    supervisor.run(sh(trap + "while :; do sleep 0.05; done"), os.environ)
except Interrupted as interrupted:
    print(interrupted.code)
"""


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM"])
@pytest.mark.parametrize("before", [(), ("nohup",), ("sh", "-c", "trap '' HUP INT TERM; exec \"$@\"", "sh")])
def test_a_signal_to_the_group_comes_to_the_child_once(name: str, before: tuple[str, ...]) -> None:
    process = begin(WAITING.format(name=name), before)
    assert line(process) == "up"
    number = signal.Signals[f"SIG{name}"]
    os.killpg(process.pid, number)
    ended(process, "told", str(128 + number))


def test_ctrl_backslash_asks_for_the_end_too() -> None:
    """The child is asked as by SIGTERM: Docker's programs would print a page for each thread."""
    process = begin(WAITING.format(name="TERM"))
    assert line(process) == "up"
    os.killpg(process.pid, signal.SIGQUIT)
    ended(process, "told", str(128 + signal.SIGQUIT))


def test_a_password_can_be_asked_for_though_stdin_is_a_pipe() -> None:
    """As sudo does, of whoever is at the terminal."""
    script = """
from host.terminal import can_ask
print(can_ask(), supervisor.run(sh("stty -echo </dev/tty; echo asked >/dev/tty"), os.environ,
                                Streams(terminal=can_ask())))
sys.exit(os.system("stty -a </dev/tty | grep -qw -- -echo") == 0)
"""
    command = [sys.executable, "-ISuc", BEGIN + script]
    terminal: pexpect.spawn[bytes] = pexpect.spawn(
        "sh", ["-c", 'exec "$@" </dev/null', "sh", *command], timeout=PATIENCE
    )
    terminal.expect(pexpect.EOF)
    assert terminal.before is not None
    assert terminal.before.split() == [b"asked", b"True", b"0"]
    terminal.wait()
    assert terminal.exitstatus == 0, "the terminal's modes are as they were"
    assert begin("from host.terminal import can_ask; print(can_ask())").communicate()[0] == "False\n"


def test_a_signal_between_two_children_is_not_lost() -> None:
    script = """
supervisor.run(["true"], os.environ)
os.kill(os.getpid(), signal.SIGTERM)
try:
    supervisor.run(sh("echo started"), os.environ)
except Interrupted as interrupted:
    print(interrupted.code)
"""
    ended(begin(script), "143")


def test_what_tears_down_is_not_disturbed() -> None:
    script = """
with supervisor.undisturbed():
    print(supervisor.run(sh("echo up; sleep 1; exit 4"), os.environ))
try:
    supervisor.check()
except Interrupted as interrupted:
    print(interrupted.code)
"""
    process = begin(script)
    assert line(process) == "up"
    for number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=PATIENCE)
    assert (output.split()[0], errors) == ("4", "")
    assert output.split()[1] in {"129", "130"}


def test_another_end_is_given_the_child_and_may_ask_meanwhile() -> None:
    script = """
def end(child, number):
    print(number, supervisor.ask(["echo", "asked"], os.environ).output, end="")
    child.signal(signal.SIGKILL)
try:
    supervisor.run(sh("echo up; exec sleep 100"), os.environ, end=end)
except Interrupted as interrupted:
    print(interrupted.code)
"""
    process = begin(script)
    assert line(process) == "up"
    process.send_signal(signal.SIGTERM)
    ended(process, "15 asked", "143")


def test_a_limit_ends_all_that_the_child_has_started() -> None:
    ended(begin("print(supervisor.run(sh('sleep 100 & sleep 100'), os.environ, limit=0.2))"), "137")


@pytest.mark.parametrize(("typed", "read"), [("a line\\n", b"a line\n"), ("part", b"part"), ("", b"")])
def test_a_line_is_read(typed: str, read: bytes) -> None:
    script = f'printf \'{typed}\' | "$0" "$@"'
    ended(begin("print(supervisor.read_line())", ("sh", "-c", script)), repr(read))


def test_what_it_becomes_has_signals_as_any_program() -> None:
    script = """
supervisor.become(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], os.environ)
"""
    process = begin(script, ("nohup",))
    output, _ = process.communicate(timeout=PATIENCE)
    masks = {name: int(mask, 16) for name, mask in (line.split(":") for line in output.splitlines())}
    # A suite in a shell's background has some ignored from the start. The interpreter's two do not count, and
    # what asks for the end is never left ignored.
    kept = {number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN}
    kept -= {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
    assert masks == {"SigBlk": 0, "SigIgn": sum(1 << number - 1 for number in kept)}


def test_ctrl_c_instead_of_a_line() -> None:
    script = """
print("asking")
try:
    supervisor.read_line()
except Interrupted as interrupted:
    print(interrupted.code)
"""
    process = begin(script, ("sh", "-c", 'sleep 20 | "$0" "$@"'))
    assert line(process) == "asking"
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE)
    assert output == "130\n"
