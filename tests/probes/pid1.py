"""What a tool can do to the init above it: be signalled, leave orphans behind, flood it, end somehow.

pid1.py signals                waits for signals, itself and a child of its group, until SIGTERM
pid1.py orphans COUNT CODE     leaves orphans, which end with codes of their own while it runs
pid1.py zombies COUNT CODE     leaves children that ended and were not waited for
pid1.py last-orphans COUNT CODE   leaves orphans that end at the moment it does
pid1.py flood COUNT CODE       has signals sent to PID 1, and looks at its memory
pid1.py daemon CODE            leaves a daemon named "straggler" that ignores SIGTERM
pid1.py chains COUNT           leaves orphans that fork the next one and end, for ever; ignores SIGTERM
pid1.py named CODE             leaves a process whose name is made to be misread
pid1.py held                   leaves a tracer that does not let go of it, and ignores SIGTERM
pid1.py endless CODE           leaves a process that sends PID 1 signals for ever
pid1.py program JSON           does what tests/image/test_pid1_property.py made up
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

PATIENCE = 60.0
BATCH = 250
FLOOD = (signal.SIGUSR1, signal.SIGRTMIN + 1)


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"the probe waited in vain for {what}")
        time.sleep(0.005)


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def state(pid: int) -> str:
    """The third field of proc_pid_stat(5), empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def zombies() -> int:
    return sum(state(int(path.name)) == "Z" for path in Path("/proc").iterdir() if path.name.isdigit())


def listed() -> set[str]:
    return {path.name for path in Path("/proc").glob("[0-9]*")}


# PID 1, this process, and the link to the gateway where there is one.
BEFORE = listed()


def alone() -> bool:
    """Tell whether all that began after this process ended and was reaped: a zombie is still listed."""
    return listed() <= BEFORE


def status_of_init(field: str) -> str:
    lines = Path("/proc/1/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{field}:"))


def child(body: Callable[[], object]) -> int:
    """Fork a child that runs body and ends with its result, if that is a number."""
    pid = os.fork()
    if pid == 0:
        code = 70
        with contextlib.suppress(BaseException):
            result = body()
            code = result if isinstance(result, int) else 0
        os._exit(code)
    return pid


def orphans(codes: list[int], before: Callable[[], object]) -> None:
    """Fork a child that forks one process per code and is gone; each runs before() and ends with its code."""

    def one(code: int) -> int:
        before()
        return code

    os.waitpid(child(lambda: [child(lambda code=code: one(code)) for code in codes]), 0)  # type: ignore[misc]


def do_signals() -> None:
    waited = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    parent = os.getpid()
    os.fork()
    who = "tool" if os.getpid() == parent else "child"
    say(who, "ready")
    while (number := signal.sigwaitinfo(waited).si_signo) != signal.SIGTERM:
        say(who, number)
    if who == "tool":
        os.wait()


def do_orphans(count: str, code: str) -> None:
    left = int(count)
    while left:
        batch = min(BATCH, left)
        left -= batch
        # They end when the last writer is gone, so all at once, and when their parent is gone already.
        reader, writer = os.pipe()

        def wait(reader: int = reader, writer: int = writer) -> None:
            os.close(writer)
            os.read(reader, 1)

        orphans([1 + n % 255 for n in range(batch)], wait)
        os.close(reader)
        os.close(writer)
        wait_for(alone, "the orphans to end and to be reaped")
    say("zombies", zombies())
    sys.exit(int(code))


def do_zombies(count: str, code: str) -> None:
    def careless() -> None:
        pids = [child(lambda: 1) for _ in range(int(count))]
        wait_for(lambda: all(state(pid) == "Z" for pid in pids), "the children to end")
        say("zombies", zombies())

    os.waitpid(child(careless), 0)
    wait_for(alone, "the zombies to be reaped")
    say("zombies", zombies())
    sys.exit(int(code))


def do_last_orphans(count: str, code: str) -> None:
    reader, writer = os.pipe()

    def wait() -> None:
        os.close(writer)
        os.read(reader, 1)

    orphans([1 + n % 255 for n in range(int(count))], wait)
    os._exit(int(code))


def do_flood(count: str, code: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, FLOOD)

    def send(times: int) -> None:
        os.setpgid(0, 0)
        for n in range(times):
            os.kill(1, FLOOD[n % 2])

    def drain() -> int:
        received = 0
        while signal.sigtimedwait(FLOOD, 0) is not None:
            received += 1
        return received

    os.waitpid(child(lambda: send(2)), 0)
    wait_for(drain, "the first signal")
    before, most, received = int(status_of_init("VmRSS")), 0, 0
    sender = child(lambda: send(int(count)))
    sending = True
    while sending or int(status_of_init("ShdPnd"), 16):
        sending = sending and os.waitpid(sender, os.WNOHANG)[0] == 0
        most = max(most, int(status_of_init("VmRSS")))
        received += drain()
    say(json.dumps({"before": before, "most": most, "received": received + drain()}))
    sys.exit(int(code))


def straggle(code: str, name: bytes, leave: Callable[[], None] = lambda: None) -> NoReturn:
    """End with a code, and leave an orphan of this name that ignores SIGTERM."""
    reader, writer = os.pipe()

    def stay() -> None:
        leave()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path("/proc/self/comm").write_bytes(name)
        os.write(writer, b"x")
        while True:
            signal.pause()

    orphans([0], stay)
    os.read(reader, 1)
    os._exit(int(code))


def do_daemon(code: str) -> None:
    straggle(code, b"straggler", os.setsid)


def do_chains(count: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def chain() -> None:
        os.setpgid(0, 0)
        while True:
            with contextlib.suppress(BlockingIOError):
                if os.fork():
                    os._exit(0)

    for _ in range(int(count)):
        child(chain)
    say("ready")
    while True:
        signal.pause()


def do_named(code: str) -> None:
    straggle(code, b"\x1b[2J\nUid:\t0\xc2\x9b")


def do_held() -> None:
    """Be traced by one who is no child of ours, as a debugger is that attached; ptrace(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    seize, set_tracer, anybody = 0x4206, 0x59616D61, -1
    libc.prctl(set_tracer, ctypes.c_ulong(anybody), 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    traced = os.getpid()
    reader, writer = os.pipe()
    begun, begin = os.pipe()

    def trace() -> None:
        os.setsid()
        # Not before: SIGCHLD for the tracer's parent would stop a tracee whom nobody lets go on.
        os.read(begun, 1)
        failed = libc.ptrace(seize, traced, None, None)
        os.write(writer, os.strerror(ctypes.get_errno()).encode() if failed else b"ready")
        while True:
            signal.pause()

    orphans([0], trace)
    os.write(begin, b"x")
    say(os.read(reader, 100).decode())
    while True:
        signal.pause()


def do_endless(code: str) -> None:
    signal.signal(FLOOD[1], signal.SIG_IGN)
    reader, writer = os.pipe()

    def stay() -> None:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(writer, b"x")
        while True:
            os.kill(1, FLOOD[1])

    orphans([0], stay)
    os.read(reader, 1)
    os._exit(int(code))


class Program:
    """Events, each a name and its arguments, then an end."""

    def __init__(self) -> None:
        self.handled = 0
        self.children: list[int] = []
        # Children live until the tool closes its end.
        self.reader, self.writer = os.pipe()
        signal.signal(signal.SIGUSR1, self.handle)

    def handle(self, *_: object) -> None:
        self.handled += 1

    def live(self, code: int) -> int:
        os.close(self.writer)
        os.read(self.reader, 1)
        return code

    def spawn(self, code: int) -> None:
        self.children.append(child(lambda: self.live(code)))

    def exit(self, code: int) -> None:
        self.children.append(child(lambda: code))

    def orphan(self, code: int) -> None:
        orphans([code], lambda: None)

    def lasting_orphan(self, code: int) -> None:
        orphans([code], lambda: self.live(code))

    def stopped_orphan(self, code: int) -> None:
        reader, writer = os.pipe()

        def stop() -> None:
            os.write(writer, str(os.getpid()).encode())
            os.kill(os.getpid(), signal.SIGSTOP)

        orphans([code], stop)
        pid = int(os.read(reader, 16))
        os.close(reader)
        os.close(writer)
        wait_for(lambda: state(pid) == "T", "the orphan to stop")
        os.kill(pid, signal.SIGCONT)

    def handled_signal(self, _: int) -> None:
        before = self.handled
        os.killpg(0, signal.SIGUSR1)
        wait_for(lambda: self.handled > before, "the signal to its own group")

    def stop(self, code: int) -> None:
        pid = child(lambda: self.live(code))
        self.children.append(pid)
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)
        os.kill(pid, signal.SIGCONT)

    def kill_grandchild(self, code: int) -> None:
        def parent() -> int:
            pid = child(signal.pause)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: state(pid) == "Z", "the grandchild to die")
            return code

        self.children.append(child(parent))

    def run(self, events: list[tuple[str, int]], end: tuple[str, int]) -> None:
        for name, argument in events:
            getattr(self, name)(argument)
        os.close(self.writer)
        for pid in self.children:
            os.waitpid(pid, 0)
        wait_for(alone, "all to end and to be reaped")
        say("zombies", zombies())
        how, number = end
        if how == "signal":
            if number != signal.SIGKILL:
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        os._exit(number)


def do_program(text: str) -> None:
    program: dict[str, Any] = json.loads(text)
    Program().run(program["events"], program["end"])


def main() -> None:
    action = sys.argv[1].replace("-", "_")
    globals()[f"do_{action}"](*sys.argv[2:])


if __name__ == "__main__":
    main()
