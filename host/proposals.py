"""What a project asks to be allowed: a file that the agent can write, so it is shown, and followed by nobody.

No link on the way to it is followed, and nothing but a file of a bounded size is read.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER, FILE = ".sandbox", "egress.yml"
# Bytes of a file; projects that are looked at, and proposals that are shown.
LARGEST, MOST_PROJECTS, MOST = 64 << 10, 1000, 5

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe must not be waited for.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Proposal(NamedTuple):
    """A project's own list.

    Attributes:
        place: below the workspace, as it is called there.
        text: what it holds; "" where that cannot be told.
        problem: why it cannot be told, "" where it can.
    """

    place: str
    text: str
    problem: str


def find(workspace: Path) -> list[Proposal]:
    """Return the proposals of the workspace, and of each project in it."""
    found = []
    with contextlib.suppress(OSError), _opened(workspace, None) as folder:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in itertools.islice(entries, MOST_PROJECTS))
        for name in (".", *(name for name in names if name != FOLDER)):
            with contextlib.suppress(OSError), _opened(name, folder) as project:
                found += _proposals(project, "" if name == "." else f"{name}/")
            if len(found) == MOST:
                break
    return found


def _proposals(project: int, prefix: str) -> list[Proposal]:
    place = f"{prefix}{FOLDER}/{FILE}"
    try:
        with _opened(FOLDER, project) as folder:
            text = _read(folder)
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        return [Proposal(place, "", f"{FOLDER} is no folder")]
    except UnicodeDecodeError:
        return [Proposal(place, "", "it is no UTF-8 text")]
    except OSError as error:
        return [Proposal(place, "", error.strerror or "it cannot be read")]
    return [Proposal(place, text, "")]


def _read(folder: int) -> str:
    """Return the text of the file.

    Raises:
        OSError: it cannot be read, or is none that should be.
        UnicodeDecodeError: it is no text.
    """
    if stat.S_ISLNK(os.stat(FILE, dir_fd=folder, follow_symlinks=False).st_mode):
        raise OSError(0, "it is a link, which is not followed")
    descriptor = os.open(FILE, _FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(0, f"it has more than {LARGEST >> 10} KiB")
    return content.decode()


@contextlib.contextmanager
def _opened(name: Path | str, above: int | None) -> Iterator[int]:
    # The workspace itself is the user's to name, by a link, too.
    flags = _FOLDER if above is not None else _FOLDER & ~os.O_NOFOLLOW
    descriptor = os.open(name, flags, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
