"""The git index, as far as it names repositories within: gitformat-index(5)."""

from __future__ import annotations

# PATH_MAX: limits.h.
MAX_PATH = 4096


def gitlinks(data: bytes, size: int, *, every: bool = False) -> tuple[set[bytes], bool]:
    """Return the paths in an index that are repositories, and whether all of it was read.

    It reads what git reads, even where that is not what git would write: every mode whose type is that of a
    gitlink, whatever its other bits.

    Args:
        data: the index.
        size: of an object's name, in bytes.
        every: return all paths.
    """
    names: set[bytes] = set()
    version = int.from_bytes(data[4:8], "big")
    if data[:4] != b"DIRC" or version not in (2, 3, 4):
        return names, False
    blocks, whole = _blocks(data)
    try:
        for begin, count in blocks:
            at, name = begin, b""
            for _ in range(count):
                kind = data[at + 26] & 0xF0
                start = at + size + 42
                flags = data[start - 2] << 8 | data[start - 1]
                if flags & 0x4000:
                    start += 2
                length = flags & 0xFFF
                if version == 4:
                    cut, start = _varint(data, start)
                    kept = len(name) - cut if at > begin else 0
                    if length == 0xFFF:
                        length = data.index(0, start) - start + kept
                    # A longer one would be copied for each entry after it.
                    if not 0 <= kept <= length <= MAX_PATH:
                        return names, False
                    name = name[:kept] + data[start : start + length - kept]
                    at = start + length - kept + 1
                else:
                    if length == 0xFFF:
                        length = data.index(0, start) - start
                    at += (start - at + length + 8) & ~7
                if kind == 0xE0 or every:
                    path = name + data[at - 1 : at] if version == 4 else data[start : start + length + 1]
                    names.add(path.partition(b"\0")[0])
                elif kind == 0x40:
                    # A folder of a sparse index: what is in it, only an object of the repository tells.
                    whole = False
    except (ValueError, IndexError):
        return names, False
    return names, whole


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
