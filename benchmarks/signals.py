"""Latency of a signal from its sender, through PID 1, to the tool; and PID 1's memory meanwhile.

    python benchmarks/signals.py [--rounds 5]

Sender and tool are processes in the container (this file, with --inside) that read CLOCK_MONOTONIC, so
nothing of the engine is in the figure. "direct" is a signal past PID 1: what the measurement itself takes.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import time
from pathlib import Path

SIGNALS = 200
PROGRAM = ["/usr/bin/python3", "-I", "/bench/signals.py", "--inside"]
KINDS = {
    "direct": ["--user=1000:1000", "--entrypoint=/usr/bin/tini", "{image}", "-g", "--", *PROGRAM, "--direct"],
    "tini": ["--user=1000:1000", "--entrypoint=/usr/bin/tini", "{image}", "-g", "--", *PROGRAM],
}


def send(target: int, asked: int, stamps: int) -> None:
    """Send a signal each time a byte arrives, and tell when."""
    os.setpgid(0, 0)
    while os.read(asked, 1):
        time.sleep(0.002)  # PID 1 shall be waiting again, as it is nearly always
        sent = time.monotonic_ns()
        os.kill(target, signal.SIGUSR1)
        os.write(stamps, sent.to_bytes(8, "little"))
    os._exit(0)


def inside(direct: bool) -> None:
    """Be the tool: print microseconds and PID 1's resident KiB as JSON."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    target = os.getpid() if direct else 1
    asked, ask = os.pipe()
    stamps, stamp = os.pipe()
    if os.fork() == 0:
        os.close(ask)
        send(target, asked, stamp)
    took = []
    for _ in range(SIGNALS):
        os.write(ask, b"x")
        signal.sigwaitinfo([signal.SIGUSR1])
        arrived = time.monotonic_ns()
        took.append((arrived - int.from_bytes(os.read(stamps, 8), "little")) / 1000)
    os.close(ask)
    os.wait()
    lines = Path("/proc/1/status").read_text().splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    print(json.dumps({"took": took, "resident": resident}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare the way of a signal with tini's.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--direct", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.direct)
        return
    import startup  # noqa: PLC0415 - it is not there inside

    startup.build()
    kinds = {**KINDS, "sandbox": startup.sandbox("--env=TOOLS=signals")}
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    resident = dict.fromkeys(kinds, 0)
    for _ in range(arguments.rounds):
        for kind, words in kinds.items():
            command = ["docker", "run", *startup.OPTIONS, *(w.format(image=startup.IMAGE) for w in words)]
            result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            took[kind] += result["took"]
            resident[kind] = result["resident"]
    floor = statistics.median(took["tini"])
    print(f"{'':8} {'µs (median)':>12} {'5 % to 95 %':>16} {'ratio to tini':>14} {'PID 1, KiB':>11}")
    for kind, times in took.items():
        cuts = statistics.quantiles(times, n=20)
        middle = statistics.median(times)
        spread = f"{cuts[0]:.0f} to {cuts[-1]:.0f}"
        print(f"{kind:8} {middle:12.0f} {spread:>16} {middle / floor:14.2f} {resident[kind]:11}")


if __name__ == "__main__":
    main()
