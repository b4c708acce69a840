"""The configuration files that the image ships, read when it was built.

Most starts find them unchanged, and loading a parser takes longer than starting the interpreter.
"""

from __future__ import annotations

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PATH = f"{os.path.abspath(__file__).removesuffix('/init/formats/prebuilt.py')}/prebuilt.marshal"


def write(contents: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
    """Keep what texts hold: strings, lists and mappings; None for one that was found valid.

    Args:
        contents: every scalar as it was written.
        typed: the same with numbers and truths, of the files that tools read.
    """
    with open(PATH, "wb") as file:
        marshal.dump((dict(contents), dict(typed)), file)


def read() -> dict[str, Any]:
    """Return what each text holds; nothing outside the image."""
    return _both()[0]


def read_typed() -> dict[str, Any]:
    """Return what each text of a tool's own file holds; nothing outside the image."""
    return _both()[1]


def _both() -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        with open(PATH, "rb") as file:
            contents: tuple[dict[str, Any], dict[str, Any]] = marshal.load(file)  # noqa: S302 - root's, as all of init/ is
    except FileNotFoundError:
        return {}, {}
    return contents
