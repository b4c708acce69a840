"""What the guard reads against what git reads, of random files.

The files are the same in every run. SANDBOX_FUZZ_SECONDS=600 goes on for ten minutes with each comparison,
and with others; a failure tells the number of the file, which SANDBOX_FUZZ_FROM begins with.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from init.guard import git_config, git_index, search, views
from tests.harness.git_program import Git

SECONDS = float(os.environ.get("SANDBOX_FUZZ_SECONDS", "0"))
FIRST = int(os.environ.get("SANDBOX_FUZZ_FROM", "0"))
EVIL = b"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = evil\n"
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


def text(answer: bytes | None) -> str | None:
    """Return what git prints as one line or several, without the last line's end."""
    return None if answer is None else os.fsdecode(answer.removesuffix(b"\n"))


def unquoted(name: str) -> str:
    """Return a name that git prints, quoted as in C if it is odd."""
    if not name.startswith('"'):
        return name
    return os.fsdecode(name[1:-1].encode().decode("unicode_escape").encode("latin-1"))


def decoys(git: Git, root: Path) -> Path:
    """Return a folder with a repository under each of the places; what is in each would run."""
    app = root / "app"
    app.mkdir(parents=True)
    for place in PLACES:
        target = app / os.fsdecode(place)
        git.do(root, "init", "-q", "made")
        git.do(root / "made", "commit", "-q", "--allow-empty", "-m", "x")
        target.parent.mkdir(exist_ok=True)
        (root / "made" / ".git").rename(target)
        (target / "config").write_bytes(EVIL)
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


def pointers(git: Git, root: Path) -> None:
    """A .git file leads where git goes."""
    prefixes = (b"gitdir: ", b"gitdir: ", b"gitdir:", b"gitdir:\t", b"GITDIR: ")
    _follow(git, root, decoys(git, root) / ".git", prefixes, "--absolute-git-dir")


def shared(git: Git, root: Path) -> None:
    """So does a commondir."""
    app = decoys(git, root)
    git.do(app, "init", "-q", ".")
    _follow(git, root, app / ".git" / "commondir", (b"../", b"../", b"", b".././"), "--git-common-dir")


def _follow(git: Git, root: Path, file: Path, prefixes: tuple[bytes, ...], question: str) -> None:
    used, app = 0, root / "app"
    for number, choose in cases(250):
        data = random_pointer(choose, prefixes)
        file.write_bytes(data)
        place = text(git(app, "rev-parse", question))
        if place is None or not (app / place / "config").exists():
            continue
        used += 1
        items = search.search(str(root)).items
        assert f"{(app / place).resolve().relative_to(root)}/config" in items, (number, data)
    assert used > 25, "git takes some of them"


def alternates(git: Git, root: Path) -> None:
    """Alternates are those of git."""
    used, app = 0, decoys(git, root)
    git.do(app, "init", "-q", ".")
    objects = app / ".git" / "objects"
    for number, choose in cases(150):
        ends = (b"/objects", b"/objects", b"/objects/", b"")
        data = b"\n".join(random_pointer(choose, (b"../../",)).rstrip() + choose.choice(ends) for _ in "ab")
        (objects / "info" / "alternates").write_bytes(data)
        told = (text(git(app, "count-objects", "-v")) or "").split("\n")
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


def attributes(git: Git, root: Path) -> None:
    """No driver of an attributes file is missed."""
    used = 0
    blanks = (b" ", b" ", b" ", b"\t", b"\r", b"\v", b"\f", b"  ")
    root.mkdir()
    git.do(root, "init", "-q", ".")
    for number, choose in cases(300):
        data = b"".join(
            choose.choice(LINES)
            + b"".join(choose.choice(blanks) + choose.choice(STATES) for _ in range(choose.randrange(4)))
            + choose.choice((b"\n", b"\n", b"\r\n", b"\r"))
            for _ in range(choose.randrange(1, 4))
        )
        (root / ".gitattributes").write_bytes(data)
        told = text(git(root, "check-attr", "filter", "diff", "merge", "--", "x.c")) or ""
        if ": evil" in told:
            used += 1
            assert views.settings("attributes", data) != {}, (number, data)
    assert used > 50, "git takes some of them"


# Whole lines and what they are made of.
PIECES = (
    b"[core]", b"[CORE]", b'[core "a"]', b'[Diff "A.b\\"c"]', b"[a-b.c]", b'[core\t "x" ]', b'[core "k\0"]',
    b"[]", b"key", b"K-1", b"=", b" = ", b"value", b'"', b'""', b'"a b"', b"\\", b"\\n", b'\\"', b"\\\\",
    b"\\x", b"\\\n", b"\\\r\n", b" ", b"\t", b"\n", b"\n", b"\n", b"\r\n", b"\r", b"#", b";", b"# c",
    b"\xef\xbb\xbf", b"\0", b"\xe9", b"\nkey = ", b'\n[A "b"] c = ', b"\n[a]\nk = v\n",
)  # fmt: skip


def configurations(git: Git, root: Path) -> None:
    """A configuration has the names and values that git lists."""
    used = 0
    root.mkdir()
    for number, choose in cases(1500):
        data = choose.choice((b"", b"[core]\n", b"[core]\nk = ")) + b"".join(
            choose.choice(PIECES) for _ in range(choose.randrange(1, 12))
        )
        listed = git(root, "config", "-f", "-", "--list", "-z", data=data)
        if not listed:
            continue
        used += 1
        entries = (entry.partition("\n") for entry in os.fsdecode(listed).split("\0")[:-1])
        theirs = [plain(name, value if line else None) for name, line, value in entries]
        assert [plain(ours.name, ours.value) for ours in git_config.parse(data)] == theirs, (number, data)
    assert used > 150, "git takes some of them"


def plain(name: str, value: str | None) -> tuple[str, str | None]:
    """Return what all versions agree on: 2.45 keeps the kind of a blank, and keys are in any case."""
    head, dot, key = name.rpartition(".")
    return head + dot + key.lower(), value and value.replace("\t", " ").replace("\r", " ")


def indexes(git: Git, root: Path) -> None:
    """No gitlink that git lists is missed, whatever became of an index."""
    used = 0
    root.mkdir()
    git.do(root, "init", "-q", ".")
    blob = text(git(root, "hash-object", "-w", "--stdin"))
    for number, choose in cases(200):
        (root / ".git" / "index").unlink(missing_ok=True)
        names = {
            choose.choice("abc") * choose.randrange(1, 9) + choose.choice("xyz") * choose.choice((1, 40, 250))
            for _ in range(choose.randrange(1, 9))
        }
        lines = (f"{choose.choice(('160000', '100644', '120000'))} {blob}\t{name}\0" for name in names)
        git.do(root, "update-index", "-z", "--index-info", data="".join(lines).encode())
        git.do(root, "update-index", "--index-version", choose.choice("24"))
        data = changed(choose, (root / ".git" / "index").read_bytes())
        (root / ".git" / "index").write_bytes(data)
        listed = git(root, "ls-files", "-s", "-z")
        if not listed:
            continue
        used += 1
        entries = (entry.partition(b"\t") for entry in listed.split(b"\0"))
        theirs = {name for head, _, name in entries if name and is_gitlink(head)}
        ours, _whole = git_index.gitlinks(data, 20)
        # One without a name is shown so, and leads nowhere.
        assert theirs <= ours | {b"./"}, (number, theirs - ours)
    assert used > 50, "git takes some of them"


def is_gitlink(listed: bytes) -> bool:
    """Tell it from an entry's mode, whatever bits it has beside its type."""
    return int(listed.split()[0], 8) & 0o170000 == 0o160000


def changed(choose: random.Random, index: bytes) -> bytes:
    """Return an index with some bytes changed, and the sum that git looks for."""
    # A gitlink is one whatever its permissions.
    modes = choose.choice((b"\0\0\xe0\0", b"\1\0\xe1\xa4", b"\0\0\xe0\1"))
    data = bytearray(index[:-20].replace(b"\0\0\xe0\0", modes))
    for _ in range(choose.choice((0, 1, 1, 2, 5))):
        at = choose.choice((choose.randrange(len(data)), choose.randrange(min(80, len(data)))))
        data[at] = choose.choice((0, 1, 0xE0, 0xFF, data[at] ^ 1 << choose.randrange(8)))
    return bytes(data) + hashlib.sha1(data).digest()  # noqa: S324 - it is git's


COMPARISONS: tuple[Callable[[Git, Path], None], ...] = (
    pointers, shared, alternates, attributes, configurations, indexes,
)  # fmt: skip
