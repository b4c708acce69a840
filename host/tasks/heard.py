"""What a tool says: passed on as it comes, and kept."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes that are kept of it: its end is the answer.
MOST = 1 << 20
_PIECE = 1 << 16


class Heard:
    """What was said so far.

    Attributes:
        write: the descriptor that it is to be written to.
        cut: whether more was said than is kept.
    """

    def __init__(self, to: int) -> None:
        self._read, self.write = os.pipe()
        self._to: int | None = to
        self._kept = bytearray()
        self.cut = False

    @property
    def text(self) -> str:
        """What is kept."""
        return self._kept.decode(errors="replace")

    def listen(self) -> None:
        """Pass on and keep all that comes, to the end."""
        while piece := os.read(self._read, _PIECE):
            self._kept += piece
            if len(self._kept) > MOST:
                del self._kept[: len(self._kept) - MOST]
                self.cut = True
            self._pass_on(piece)

    def _pass_on(self, piece: bytes) -> None:
        try:
            while piece and self._to is not None:
                piece = piece[os.write(self._to, piece) :]
        except OSError:
            # Who read it has gone. The tool is not to end for that.
            self._to = None

    def close(self) -> None:
        """Read no more."""
        os.close(self._read)


@contextlib.contextmanager
def heard(to: int) -> Iterator[Heard]:
    """Have what is written passed on; at the end all of it has been.

    Args:
        to: a descriptor that it is passed on to.
    """
    told = Heard(to)
    listener = threading.Thread(target=told.listen, daemon=True)
    listener.start()
    try:
        yield told
    finally:
        os.close(told.write)
        listener.join()
        told.close()
