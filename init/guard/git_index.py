"""The git index, as far as it names repositories within: gitformat-index(5).

Git itself is not asked: to run it in a hostile repository is what the guard warns of.
"""

from __future__ import annotations

from init.guard.budget import MAX_PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER = 12
# What an entry has before its object's name, and the object's name with the flags: all of fixed size.
_STATUS = 40
_MODE = 26  # of an entry, where the mode's lower half begins
_TYPE, _GITLINK, _FOLDER = 0xF0, 0xE0, 0x40
_EXTENDED, _LENGTH = 0x4000, 0xFFF
# Entries between two looks at the clock: a millisecond.
_SOME = 1024


def gitlinks(
    data: bytes, hash_length: int, step: Callable[[int], None] | None = None, *, every: bool = False
) -> tuple[set[bytes], bool]:
    """Return the paths in an index that are repositories, and whether all of it was read.

    It reads what git reads, even where that is not what git would write: every mode whose type is that of a
    gitlink, whatever its other bits.

    Args:
        data: the index.
        hash_length: of an object's name, in bytes: 20 for SHA-1, 32 for SHA-256.
        step: is told how many entries were read; what it raises ends the reading.
        every: return all paths.
    """
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        return set(), False
    reader = _Reader(data, hash_length, step, every=every)
    blocks, reader.whole = _blocks(data)
    read = reader.compressed if version == 4 else reader.padded
    try:
        for begin, count in blocks:
            read(begin, count)
    except (ValueError, IndexError):
        reader.whole = False
    return reader.names, reader.whole


class _Reader:
    """The paths of an index, entry by entry.

    Attributes:
        names: the paths that were found.
        whole: whether they are all there are.
    """

    def __init__(
        self, data: bytes, hash_length: int, step: Callable[[int], None] | None, *, every: bool
    ) -> None:
        self.data = data
        self.step = step or (lambda _: None)
        self.every = every
        # Where the flags of an entry end, which come after the object's name.
        self.head = _STATUS + hash_length + 2
        self.names: set[bytes] = set()
        self.whole = True

    def padded(self, at: int, count: int) -> None:
        """Read entries of version 2 or 3: each has its whole path, and ends with one to eight NULs.

        Raises:
            ValueError, IndexError: the data ends before.
        """
        data, every, fixed_part = self.data, self.every, self.fixed_part
        for number in range(count):
            if not number % _SOME:
                self.step(_SOME)
            kind, length, start = fixed_part(at)
            if length == _LENGTH:
                length = data.index(0, start) - start
            if kind == _GITLINK or every:
                self.add(data[start : start + length + 1])
            elif kind == _FOLDER:
                self.whole = False
            at += (start - at + length + 8) & ~7

    def compressed(self, at: int, count: int) -> None:
        """Read entries of version 4: each path is what it shares with the one before, and a rest.

        Raises:
            ValueError, IndexError: the data ends before, or is not what git would read.
        """
        data, every, fixed_part = self.data, self.every, self.fixed_part
        path = b""
        for number in range(count):
            if not number % _SOME:
                self.step(_SOME)
            kind, length, start = fixed_part(at)
            cut, start = _varint(data, start)
            shared = len(path) - cut if number else 0
            if length == _LENGTH:
                length = data.index(0, start) - start + shared
            # A longer one would be copied for each entry after it.
            if not 0 <= shared <= length <= MAX_PATH:
                raise ValueError("a path is too long, or shares more than there is")
            end = start + length - shared
            path = path[:shared] + data[start:end]
            if kind == _GITLINK or every:
                self.add(path + data[end : end + 1])
            elif kind == _FOLDER:
                self.whole = False
            at = end + 1

    def fixed_part(self, at: int) -> tuple[int, int, int]:
        """Return an entry's type, the length of its path, and where what follows the flags begins."""
        data, start = self.data, at + self.head
        flags = data[start - 2] << 8 | data[start - 1]
        return data[at + _MODE] & _TYPE, flags & _LENGTH, start + 2 if flags & _EXTENDED else start

    def add(self, path: bytes) -> None:
        """Keep a path as git sees it, which is up to a NUL, were it in the middle."""
        self.names.add(path.partition(b"\0")[0])


def _blocks(data: bytes) -> tuple[list[tuple[int, int]], bool]:
    """Return where entries begin and how many there are, and whether that is all.

    Several threads of git do not read on from the first entry, but where a table of offsets sends them.
    """
    blocks = [(12, int.from_bytes(data[8:12], "big"))]
    at = -1
    for _ in range(4):
        at = data.find(b"IEOT", at + 1)
        if at < 0:
            # No entry is shorter than 62 bytes: blocks that overlap again and again would take for ever.
            if sum(count for _, count in blocks[1:]) > len(data) // 62:
                return blocks[:1], False
            return blocks, True
        table = data[at + 12 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")]
        numbers = [int.from_bytes(table[i : i + 4], "big") for i in range(0, min(len(table), 1 << 16), 4)]
        if data[at + 8 : at + 12] == b"\0\0\0\1":
            blocks += zip(numbers[::2], numbers[1::2], strict=False)
    return blocks[:1], False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at] & 0x7F
    for end in range(at, at + 9):
        if data[end] < 0x80:
            return value, end + 1
        value = (value + 1 << 7) + (data[end + 1] & 0x7F)
    raise ValueError("a number is too long")
