"""What the guard reads against what the git of this machine reads, of random files.

The files are the same in every run. SANDBOX_FUZZ_SECONDS=600 goes on for ten minutes with each test, and with
others; a failure tells the number of the file, which SANDBOX_FUZZ_FROM begins with.
"""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from init.guard import search, views
from tests.unit.guard.projects import git, put

SECONDS = float(os.environ.get("SANDBOX_FUZZ_SECONDS", "0"))
FIRST = int(os.environ.get("SANDBOX_FUZZ_FROM", "0"))
EVIL = "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = evil\n"
# Pieces of a path: each of them is also a folder, so that every reading leads somewhere.
NAMES = (b"g", b" g", b"g ", b"g\n", b"g\r", b"\tg", b"g\nx", b'"g"', b"g\\040", b"#g", b"g#x")
PLACES = tuple(b"node_modules/" + name for name in NAMES)


def cases(usual: int) -> Iterator[tuple[int, random.Random]]:
    """Yield the number of each case, and what it is made by."""
    end = time.monotonic() + SECONDS
    number = FIRST
    while number < FIRST + usual or time.monotonic() < end:
        yield number, random.Random(number)  # noqa: S311 - it is to be the same every time
        number += 1


def answer(folder: Path, *words: str) -> str | None:
    """Return what git prints; None if it refuses."""
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return os.fsdecode(done.stdout.removesuffix(b"\n")) if done.returncode == 0 else None


def unquoted(text: str) -> str:
    """Return a name that git prints, quoted as in C if it is odd."""
    if not text.startswith('"'):
        return text
    return os.fsdecode(text[1:-1].encode().decode("unicode_escape").encode("latin-1"))


@pytest.fixture
def decoys(root: Path) -> Path:
    """Return a folder with a repository under each of the places; what is in each would run."""
    app = root / "app"
    app.mkdir()
    git(root, "init", "-q", "first")
    git(root / "first", "commit", "-q", "--allow-empty", "-m", "x")
    for place in PLACES:
        target = app / os.fsdecode(place)
        target.mkdir(parents=True)
        subprocess.run(["cp", "-a", f"{root}/first/.git/.", os.fspath(target)], check=True)
        put(target / "config", EVIL)
    return app


def random_pointer(choose: random.Random, prefix: tuple[bytes, ...]) -> bytes:
    """Return a file that names a folder, as odd as can be."""
    blank = (*[b""] * 12, b" ", b"\t", b"\n", b"\r", b"\0", b"./", b"x\0", b"\xef\xbb\xbf", b"/")
    pieces = [
        choose.choice((*[b""] * 8, b" ", b"\n")), choose.choice(prefix), choose.choice(blank),
        choose.choice(PLACES), choose.choice(blank), choose.choice(blank),
        choose.choice((b"\n", b"\n", b"\r\n", b"", b"\n\n")),
    ]  # fmt: skip
    if choose.random() < 0.1:
        choose.shuffle(pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("name", "prefixes", "question"),
    [
        (".git", (b"gitdir: ", b"gitdir: ", b"gitdir:", b"gitdir:\t", b"GITDIR: "), "--absolute-git-dir"),
        (".git/commondir", (b"../", b"../", b"", b".././"), "--git-common-dir"),
    ],
)
def test_a_pointer_leads_where_git_goes(
    root: Path, decoys: Path, name: str, prefixes: tuple[bytes, ...], question: str
) -> None:
    used = 0
    if name != ".git":
        git(decoys, "init", "-q", ".")
    for number, choose in cases(250):
        data = random_pointer(choose, prefixes)
        (decoys / name).write_bytes(data)
        place = answer(decoys, "rev-parse", question)
        if place is None or not (decoys / place / "config").exists():
            continue
        used += 1
        items = search.search(str(root)).items
        assert f"{(decoys / place).resolve().relative_to(root)}/config" in items, (number, data)
    assert used > 25, "git takes some of them"


def test_alternates_are_those_of_git(root: Path, decoys: Path) -> None:
    used = 0
    git(decoys, "init", "-q", ".")
    objects = decoys / ".git" / "objects"
    for number, choose in cases(150):
        ends = (b"/objects", b"/objects", b"/objects/", b"")
        data = b"\n".join(random_pointer(choose, (b"../../",)).rstrip() + choose.choice(ends) for _ in "ab")
        (objects / "info" / "alternates").write_bytes(data)
        told = (answer(decoys, "count-objects", "-v") or "").split("\n")
        places = [
            unquoted(line.removeprefix("alternate: ")) for line in told if line.startswith("alternate: ")
        ]
        items = search.search(str(root)).items if places else {}
        # Git asks a repository for its branches, so only where the folder is called so.
        for place in (place for place in places if place.endswith("/objects")):
            used += 1
            repository = Path(place).resolve().parent
            assert f"{repository.relative_to(root)}/config" in items, (number, data, place)
    assert used > 10, "git takes some of them"


STATES = (
    b"filter", b"filter=evil", b"filter=evil", b"diff=evil", b"merge=evil", b"-filter", b"!diff", b"filter=",
    b"=evil", b"m", b"text", b"#", b"\\", b"\0", b"filter=evil\0",
)  # fmt: skip
LINES = (b"*", b"*.c", b"x.c", b'"x.c"', b"[attr]m", b"\xef\xbb\xbf*", b" *", b"#*", b"[abx].c", b"m")


def test_no_driver_of_an_attributes_file_is_missed(project: Path) -> None:
    used = 0
    blanks = (b" ", b" ", b" ", b"\t", b"\r", b"\v", b"\f", b"  ")
    put(project / "x.c", "x")
    for number, choose in cases(300):
        data = b"".join(
            choose.choice(LINES)
            + b"".join(choose.choice(blanks) + choose.choice(STATES) for _ in range(choose.randrange(4)))
            + choose.choice((b"\n", b"\n", b"\r\n", b"\r"))
            for _ in range(choose.randrange(1, 4))
        )
        (project / ".gitattributes").write_bytes(data)
        told = answer(project, "check-attr", "filter", "diff", "merge", "--", "x.c") or ""
        if ": evil" in told:
            used += 1
            assert views.settings("attributes", data) != {}, (number, data)
    assert used > 50, "git takes some of them"
