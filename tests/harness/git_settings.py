"""Git's own list of its settings, against what the guard knows of them."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from init.guard.git_config import parts
from init.guard.rules.git_harmless import HARMLESS
from init.guard.rules.git_settings import GIT_SETTINGS

QUESTION = ("git", "help", "--config")
# Git's list is made of its manual's headings: some are prose, or a condition of includeIf (git 2.55).
SETTING = re.compile(r"[\w-]+\.")
# Patterns of which all keys are of one kind.
OF_ONE_KIND = frozenset(("advice.*", "color.*", "fsck.*", "fetch.fsck.*", "receive.fsck.*"))
HARMLESS_NAMES = tuple(name for names in HARMLESS.values() for name in names.split())


def unknown(answer: str) -> list[str]:
    """Return what git lists, and the guard neither tells nor has in its list of harmless ones."""
    names = {line.lower() for line in answer.splitlines() if SETTING.match(line)}
    assert len(names) > 500, answer
    return sorted(name for name in names if not _is_told(name) and not _is_harmless(name))


def _is_told(name: str) -> bool:
    section, key = parts(name)
    keys = GIT_SETTINGS.get(section, frozenset())
    # "section.*" stands for all that are listed beside it, unless it is all there is.
    return key in keys or "*" in keys or (key == "*" and bool(keys))


def _is_harmless(name: str) -> bool:
    section, key = parts(name)
    known: Iterable[str] = HARMLESS_NAMES
    if key == "*":
        return any(parts(each)[0] == section for each in known)
    plain = f"{section}.{key}"
    return plain in known or any(fnmatchcase(name, pattern) for pattern in OF_ONE_KIND)
