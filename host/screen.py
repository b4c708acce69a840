"""The state of a terminal's emulator that a tool asked for, out of what it wrote.

Who comes to a session from another terminal has one that was told nothing: no alternate screen, no mouse, no
bracketed paste, no kitty keys. The tool draws its screen anew, but asks for these once, at its start. What a
log says is the agent's word; only these sequences are taken from it, and each but sets a mode.
"""

from __future__ import annotations

import re

# DEC's and xterm's modes; kitty's keyboard, set or pushed or popped; xterm's modified keys; the keypad; the
# cursor's shape: ctlseqs.
_SEQUENCE = re.compile(
    rb"\x1b(?:\[\?(?P<modes>[0-9;]{1,40})(?P<on>[hl])|\[(?P<kitty>[<=>][0-9;]{0,8}u)"
    rb"|\[(?P<keys>>4(?:;[0-9])?m)|(?P<pad>[=>])|\[(?P<shape>[0-6]? q))"
)
# They come first: what follows is told to the screen, and to the keyboard of the screen.
_SCREENS = (b"47", b"1047", b"1049")
# Output that is held until the tool goes on is none of a mode: it would never be seen.
_PASSING = (b"2026",)
# Kitty keeps so many at the most.
_MOST = 16


def modes(log: bytes) -> bytes:
    """Return what brings a new terminal into the state that a log of another leaves it in."""
    private: dict[bytes, bytes] = {}
    kitty: list[bytes] = []
    rest: dict[str, bytes] = {}
    for found in _SEQUENCE.finditer(log):
        if found["modes"]:
            for mode in filter(None, found["modes"].split(b";")):
                private.pop(mode, None)
                private[mode] = found["on"]
        elif found["kitty"]:
            _press(kitty, found["kitty"])
        else:
            rest[found.lastgroup or ""] = found[0]
    screens = [mode for mode in _SCREENS if private.get(mode) == b"h"]
    others = [mode for mode in private if mode not in (*_SCREENS, *_PASSING)]
    return b"".join((
        *(b"\x1b[?%sh" % mode for mode in screens),
        *(b"\x1b[?%s%s" % (mode, private[mode]) for mode in others),
        *(b"\x1b[%s" % one for one in kitty), *rest.values(),
    ))  # fmt: skip


def _press(kitty: list[bytes], told: bytes) -> None:
    """Follow kitty's stack: push, pop, and set what is on top."""
    if told.startswith(b"<"):
        number = told[1:-1]
        times = int(number) if number.isdigit() else 1
        del kitty[max(0, len(kitty) - max(1, times)) :]
    elif len(kitty) < _MOST:
        kitty.append(told)
