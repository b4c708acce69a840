"""A patch on a terminal: coloured, and with nothing in it that could steer the terminal."""

from __future__ import annotations

from init.log import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_COLOURS = (
    (("diff --git ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "new file ", "deleted file ",
      "similarity ", "rename ", "Binary files "), "1"),
    (("@@",), "36"),
    (("+",), "32"),
    (("-",), "31"),
)  # fmt: skip
# Bytes of a line that are kept until its end comes; a longer one is written in pieces.
_LONGEST = 1 << 16


class Screen:
    """Takes a patch piece by piece, and writes it for a terminal.

    Args:
        write: where it goes.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._rest = b""
        self._in_hunk = False

    def take(self, piece: bytes) -> None:
        """Write the whole lines, and keep the rest."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._write(b"".join(self.line(line) + b"\n" for line in lines))
        if len(self._rest) > _LONGEST:
            self.end()

    def end(self) -> None:
        """Write what is left."""
        self._write(self.line(self._rest))
        self._rest = b""

    def line(self, line: bytes) -> bytes:
        """Return a line as it is shown."""
        text = line.decode("utf-8", "backslashreplace")
        if text.startswith("diff --git "):
            self._in_hunk = False
        shown = "\t".join(map(printable, text.split("\t")))
        for begins, colour in _COLOURS[1:] if self._in_hunk else _COLOURS:
            if text.startswith(begins):
                self._in_hunk = self._in_hunk or text.startswith("@@")
                return f"\033[{colour}m{shown}\033[m".encode()
        return shown.encode()
