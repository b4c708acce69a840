"""SIGTERM at a random moment of a container's start: how many are lost, in which stage, beside tini.

    sudo python benchmarks/early_sigterm.py [--rounds 200] [--between 0 80]

A signal is lost where the container still runs five seconds later. It goes from the host straight to the
container's PID 1, so that nothing of the engine is in the moment, which is counted from the exec of the
entry point. The kernel tells of each exec (its process events connector: for root, in the machine's own PID
namespace); the stage is read from /proc right before and after the signal is sent.
"""

import argparse
import os
import random
import select
import signal
import socket
import statistics
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import startup

PATIENCE = 5.0  # seconds after which a container that runs on has lost its signal
# Ours, and the containers': who watches on the same one keeps PID 1 from its first instruction.
OWN, *OTHERS = sorted(os.sched_getaffinity(0))
WAITING = "waiting for signals"
STARTING = 60.0  # seconds in which the engine has to start one

# linux/netlink.h, linux/connector.h, linux/cn_proc.h
NETLINK_CONNECTOR, NLMSG_DONE = 11, 3
CN_IDX_PROC = CN_VAL_PROC = PROC_CN_MCAST_LISTEN = 1
PROC_EVENT_EXEC = 2
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
MESSAGE, CONNECTOR, EVENT = struct.Struct("=IHHII"), struct.Struct("=IIIIHH"), struct.Struct("=IIQII")


class Execs:
    """The kernel's word of every exec on this machine, proc connector."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        self.socket.bind((0, CN_IDX_PROC))
        listen = struct.pack("=I", PROC_CN_MCAST_LISTEN)
        body = CONNECTOR.pack(CN_IDX_PROC, CN_VAL_PROC, 0, 0, len(listen), 0) + listen
        self.socket.send(MESSAGE.pack(MESSAGE.size + len(body), NLMSG_DONE, 0, 0, os.getpid()) + body)

    def read(self, seconds: float) -> Iterator[tuple[int, int]]:
        """Yield PID and nanoseconds of CLOCK_MONOTONIC of those that are there, and that come meanwhile."""
        end = time.monotonic() + seconds
        while select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
            event = self.socket.recv(4096)[MESSAGE.size + CONNECTOR.size :]
            what, _, at, pid, _ = EVENT.unpack_from(event)
            if what == PROC_EVENT_EXEC:
                yield pid, at


@dataclass
class Shot:
    """A container, and the signal that it got."""

    container: str
    client: subprocess.Popen[bytes]  # docker start
    pid: int
    began: int  # when the entry point was executed, ns
    process: int = -1  # a file descriptor of PID 1: pidfd_open(2)
    stage: str = ""
    sent: float = 0.0
    after: float = 0.0  # ms since the entry point was executed
    execs: list[int] = field(default_factory=list)
    code: int | None = None  # None where the signal was lost


def commands() -> dict[str, list[str]]:
    """Return the words of `docker create` for each kind; its tool is sleep."""
    tini = ["--user=1000:1000", "--entrypoint=/usr/bin/tini", startup.IMAGE, "--", "/usr/bin/sleep"]
    return {"tini": tini, "sandbox": startup.sandbox("--env=TOOLS=sleep")}


def start(command: list[str], execs: Execs, number: int) -> Shot:
    """Start a container; return as soon as its entry point has been executed."""
    mark = f"3600.{number:06}"  # sleep takes it, and it tells the containers apart
    options = [word for word in startup.OPTIONS if word != "--rm"]
    options += ["--network=none", "--log-driver=none", f"--cpuset-cpus={','.join(map(str, OTHERS))}"]
    container = startup.docker("create", *options, *command, mark)
    for _ in execs.read(0):
        pass  # of before
    client = subprocess.Popen(["docker", "start", container], stdout=subprocess.DEVNULL)
    for pid, at in execs.read(STARTING):
        if is_entry_point(pid, mark):
            return Shot(container, client, pid, at, os.pidfd_open(pid))
    raise SystemExit(f"container {container} did not start: docker logs {container}")


def is_entry_point(pid: int, mark: str) -> bool:
    """Tell whether it was started with this argument, which no other program is."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def status(pid: int) -> dict[str, str]:
    """Return what proc_pid_status(5) describes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def stage(pid: int) -> str:
    """Return which program PID 1 is, whose, and what it does with SIGTERM."""
    try:
        fields, waits = status(pid), Path(f"/proc/{pid}/wchan").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if "sigtimedwait" in waits:
        return f"{fields['Name']}, {WAITING}"
    who = "root" if fields["Uid"].split()[0] == "0" else "agent"
    blocked = int(fields["SigBlk"], 16) >> (signal.SIGTERM - 1) & 1
    caught = int(fields["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1
    return f"{fields['Name']}, {who}, TERM {'blocked' if blocked else 'handled' if caught else 'open'}"


def shoot(shot: Shot, execs: Execs, after: float) -> None:
    """Send SIGTERM so many milliseconds after the entry point was executed; note the stage and each exec."""
    moment = shot.began + int(after * 1e6)
    while (left := moment - time.monotonic_ns()) > 0:
        if left > 2e6:
            time.sleep(left / 1e9 - 0.001)
    before = stage(shot.pid)
    os.kill(shot.pid, signal.SIGTERM)
    shot.sent = time.monotonic()
    shot.after = shot.sent * 1000 - shot.began / 1e6
    behind = stage(shot.pid)
    shot.stage = before if behind in ("", before) or WAITING in before else f"{before} > {behind}"
    shot.execs = [at for pid, at in execs.read(0.1) if pid == shot.pid and at > shot.began]


def finish(shot: Shot) -> None:
    """Wait for the container's end, or kill it; note its exit code."""
    shot.client.wait()
    left = max(0.0, shot.sent + PATIENCE - time.monotonic())
    if select.select([shot.process], [], [], left)[0]:
        shot.code = int(startup.docker("wait", shot.container))
    os.close(shot.process)
    startup.docker("rm", "--force", shot.container)


def measure(rounds: int, between: tuple[float, float]) -> dict[str, list[Shot]]:
    """Start as many containers of each kind, in turn, so that all share the machine's moods."""
    execs = Execs()
    kinds = commands()
    shots: dict[str, list[Shot]] = {kind: [] for kind in kinds}
    waiting: list[Shot] = []
    for number in range(rounds):
        for kind, command in kinds.items():
            shot = start(command, execs, number)
            shoot(shot, execs, random.uniform(*between))  # noqa: S311 - nobody is to be surprised
            shots[kind].append(shot)
            waiting.append(shot)
            while waiting and time.monotonic() > waiting[0].sent + PATIENCE:
                finish(waiting.pop(0))
    for shot in waiting:
        finish(shot)
    return shots


def report(kind: str, shots: list[Shot], between: tuple[float, float]) -> None:
    """Print what became of the signals, by stage, and how long each program of PID 1's was there."""
    lost = sum(shot.code is None for shot in shots)
    share = lost / len(shots) * (between[1] - between[0])
    moments = [shot.after for shot in shots]
    print(f"\n{kind}: {lost} of {len(shots)} lost, as if for {share:.1f} ms of the start")
    print(f"  sent {min(moments):.1f} to {max(moments):.1f} ms after the entry point was executed")
    print(f"  {'stage':62} {'sent':>5} {'143':>5} {'other code':>11} {'lost':>5}")
    for name, sent in sorted(Counter(shot.stage for shot in shots).items()):
        codes = [shot.code for shot in shots if shot.stage == name]
        others = Counter(code for code in codes if code not in (None, 143))
        told = ", ".join(f"{count} x {code}" for code, count in others.items())
        print(f"  {name:62} {sent:5} {codes.count(143):5} {told:>11} {codes.count(None):5}")
    steps = ", ".join(f"{step:.2f}" for step in steps_between_execs(shots))
    print(f"  ms from each exec of PID 1 to its next (median): {steps or 'there is one only'}")


def steps_between_execs(shots: list[Shot]) -> list[float]:
    """Return the medians over all containers that came as far as any, ms."""
    most = max(len(shot.execs) for shot in shots)
    ways = [[shot.began, *shot.execs] for shot in shots if len(shot.execs) == most]
    steps = [[(after - before) / 1e6 for before, after in pairwise(way)] for way in ways]
    return [statistics.median(column) for column in zip(*steps, strict=True)]


def main() -> None:
    """Print a table for each kind."""
    parser = argparse.ArgumentParser(description="Send SIGTERM at random moments of the start.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--between", type=float, nargs=2, default=(0.0, 80.0), metavar="MS")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("root is needed: to hear of each exec, and to signal a container's PID 1")
    if not OTHERS:
        parser.error("two processors are needed: one to watch from, one for the container")
    startup.build()
    os.sched_setaffinity(0, {OWN})
    # So that the moment is the one drawn, whatever else the machine does.
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    between = (arguments.between[0], arguments.between[1])
    for kind, shots in measure(arguments.rounds, between).items():
        report(kind, shots, between)


if __name__ == "__main__":
    main()
