"""Names as file systems of macOS and Windows, and ext4 with casefold, compare them: more are equal there."""

from __future__ import annotations

# What HFS+ and ext4 skip in a name: DerivedCoreProperties.txt of Unicode 16, Default_Ignorable_Code_Point.
_IGNORED = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)  # fmt: skip


# By the code of each character, as str.translate takes it.
_UNSEEN = dict.fromkeys(code for first, last in _IGNORED for code in range(first, last + 1))


def fold(name: str) -> str:
    """Return a name so that two are equal if some file system takes them for the same file."""
    if name.isascii():
        return name.lower()
    from unicodedata import normalize  # there is hardly ever such a name

    return normalize("NFD", normalize("NFD", name.translate(_UNSEEN)).casefold())
