"""Bytes made of other bytes: what a hostile program might send instead of what a client sends."""

from collections.abc import Sequence
from random import Random

_INTERESTING = (0, 1, 9, 10, 13, 32, 45, 46, 47, 58, 59, 63, 64, 127, 128, 191, 192, 254, 255)
_MOST_BYTES = 40_000


def mutated(random: Random, pool: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Return a change of one of the pool.

    Args:
        random: decides.
        pool: inputs.
        words: what means something to the parser.
    """
    data = bytearray(random.choice(pool))
    for _ in range(1 << random.randrange(4)):
        random.choice(_CHANGES)(random, data, pool, words)
    return bytes(data[:_MOST_BYTES])


def _flip(random: Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_INTERESTING)


def _count(random: Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    """Change a number of two bytes by a little: most lengths are such."""
    at = random.randrange(max(1, len(data) - 1))
    number = int.from_bytes(data[at : at + 2], "big") + random.randint(-9, 9)
    data[at : at + 2] = (number & 0xFFFF).to_bytes(2, "big")


def _insert(random: Random, data: bytearray, _pool: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.choice(words)


def _overwrite(random: Random, data: bytearray, _pool: Sequence[bytes], words: Sequence[bytes]) -> None:
    at, word = random.randint(0, len(data)), random.choice(words)
    data[at : at + len(word)] = word


def _remove(random: Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    begin, end = _part(random, data)
    del data[begin:end]


def _repeat(random: Random, data: bytearray, _pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    begin, end = _part(random, data)
    data[end:end] = data[begin:end] * random.choice((1, 1, 1, 2, 100))


def _splice(random: Random, data: bytearray, pool: Sequence[bytes], _words: Sequence[bytes]) -> None:
    other = random.choice(pool)
    data[random.randint(0, len(data)) :] = other[random.randint(0, len(other)) :]


def _part(random: Random, data: bytearray) -> tuple[int, int]:
    begin = random.randint(0, len(data))
    return begin, min(len(data), begin + random.choice((1, 1, 2, 4, 9, 40, 400)))


_CHANGES = (_flip, _set, _count, _insert, _overwrite, _remove, _repeat, _splice)
