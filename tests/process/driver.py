"""PID 1 of a test: what init/__main__.py does to a session, without the image around it.

driver.py run WORD...      runs a program as a session runs its tool, then tells how the terminal was left
driver.py held FIFO WORD...   the same, once somebody wrote to the FIFO; signals are blocked meanwhile
driver.py steps WORD...    runs a program as a step that prepares a session, then the same as the session
driver.py sealed WORD...   the session's privileges first
driver.py told FOLDER WORD...   runs a program, then tells a thing, as the guard does; FOLDER is its data/
driver.py locked WORD...   the root phase's last act, then becomes the program

The one place of tests/process that names init.
"""

from __future__ import annotations

from init import signals

# Before anything else, as in the image: until a signal is blocked, PID 1 loses it.
signals.block()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import termios  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

from init import log, paths, program  # noqa: E402
from init.root import privileges  # noqa: E402
from init.session import menu, supervise, terminal, untold  # noqa: E402
from init.settings import Settings  # noqa: E402


def run(settings: Settings, words: Sequence[str]) -> int:
    if settings.keeps_hangups:
        signals.keep_hangups()
    code = supervise.run(command(words), settings.grace, ask, limit=settings.limit)
    if os.isatty(0):
        echo = bool(termios.tcgetattr(0)[3] & termios.ECHO)
        left = json.dumps({"echo": echo, "foreground": os.tcgetpgrp(0) == os.getpgrp()})
        print(f"\n{left}", flush=True)
    return code


def held(settings: Settings, words: Sequence[str]) -> int:
    print("blocked", flush=True)
    Path(words[0]).read_text()
    return run(settings, words[1:])


def steps(settings: Settings, words: Sequence[str]) -> int:
    return supervise.step(command(words), settings.grace) or run(settings, words)


def sealed(settings: Settings, words: Sequence[str]) -> int:
    from init.session import seal  # noqa: PLC0415 - only Debian's Python has what it loads

    seal.session(settings.seccomp, os.getpid())
    seal.adopt_orphans()
    return run(settings, words)


def told(settings: Settings, words: Sequence[str]) -> int:
    paths.DATA, paths.UNTOLD = words[0], f"{words[0]}/untold-report"
    untold.tell()
    code = supervise.run(command(words[1:]), settings.grace, ask)
    terminal.clear()
    log.warning("a thing to know", details="line\n" * 9)
    return untold.settle(code)


def locked(_: Settings, words: Sequence[str]) -> int:
    privileges.lock_down()
    os.execv(words[0], list(words))  # noqa: S606 - exec without a shell is the point


def command(words: Sequence[str]) -> supervise.Command:
    return supervise.Command(words, os.environ, "/")


def ask() -> supervise.Answer:
    with signals.interruptible():
        answer = menu.ask_stopped("tool", 0, sys.stderr)
    return command(["/bin/sh", "-i"]) if answer == "shell" else answer


WAYS: dict[str, Callable[[Settings, Sequence[str]], int]] = {
    way.__name__: way for way in (run, held, steps, sealed, told, locked)
}

if __name__ == "__main__":
    sys.exit(program.run(lambda settings, words: WAYS[words[0]](settings, words[1:]), sys.argv[1:]))
