"""Hostile trees: whatever is in a workspace, the search ends, soon, and says what it left out."""

import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from init.guard import acceptance, budget, changes, quarantine, search
from init.guard.snapshot import Comparison
from init.guard.workspace import folders_of
from tests.unit.guard.projects import EMPTY, NOTHING, compared, made, put, told

NAMES = (b"new\nline", b"\xff\xfe", b" ", b"-rf", b"\x1b[2J", b"\\", b"*", b"**", "é\u202e".encode())


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_bytes_are_told_and_cannot_steer_a_terminal(root: Path, name: bytes) -> None:
    text = os.fsdecode(name)

    def act() -> None:
        put(root / text / ".envrc", b"\x1b]0;x\x07\xff\n")
        put(root / ".git" / "hooks" / text, "a")

    found = compared(root, act)
    assert {change.path for change in found.changes} == {f"{text}/.envrc", f".git/hooks/{text}"}
    assert all(line.isprintable() for line in changes.report(found).split("\n"))


def special_files(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / "fifo")
    yield folder / "fifo"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder / "socket"))
    yield folder / "socket"


@pytest.mark.parametrize(
    "name",
    [".envrc", ".git/config", ".git/hooks/x", "package.json", ".git", ".git/commondir", ".gitattributes"],
)
@pytest.mark.parametrize("kind", [0, 1], ids=["fifo", "socket"])
def test_a_special_file_neither_hangs_nor_stops_the_search(
    root: Path, tmp_path: Path, name: str, kind: int
) -> None:
    def act() -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        list(special_files(tmp_path / "made"))[kind].rename(root / name)
        put(root / "z" / ".envrc", "a")

    found = made(root, act)
    assert {change.path: change.lines for change in found} == {name: ("is not a file",), "z/.envrc": ("a",)}
    outcomes = quarantine.put_away(str(root), found, str(tmp_path / "q"))
    assert {outcome.what for outcome in outcomes} == {"moved"}
    assert changes.compare(EMPTY, search.search(str(root))) == NOTHING


@pytest.mark.parametrize("name", [".envrc", ".git", ".vscode", ".git/hooks", ".git/config", "HEAD"])
def test_links_in_a_circle_end(root: Path, name: str) -> None:
    put(root / "objects")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(Path(name).name)
    (root / "up").symlink_to(".")
    assert not search.search(str(root)).unseen


def test_a_workspace_that_is_itself_all_it_can_be(root: Path) -> None:
    put(root / ".git", "gitdir: .")
    put(root / "commondir", ".")
    put(root / "HEAD", "ref: x")
    put(root / "config", "[core]\nworktree = .\nhooksPath = .\n[include]\npath = config\n")
    put(root / "hooks" / "x", "a")
    found = search.search(str(root))
    assert {"hooks/x", "config", ".git"} <= set(found.items)
    assert not found.unseen


HOSTILE = {
    ".vscode/settings.json": ['"' + '\\"' * 120_000 + "\\", "/*" * 60_000, ",/*" * 40_000, ', "' * 40_000,
                              "{" * 100_000],
    ".git/config": [
        "[a]\nb = " + '"\\"' * 40_000, "[alias]\n" + "a=x\n" * 50_000, '[a "' + "\\" * 100_000,
        "[alias]\n" + "".join(f"a{number}=x\n" for number in range(20_000)),
        "[include]\n" + "path=/a/b/c/d/e/f/g\n" * 10_000, "[include]\npath=/" + "a/" * 60_000,
        "[core]\n" + "".join(f"hooksPath=a{number}\n" for number in range(10_000)),
        "[core]\n" + "".join(f"worktree=a{number}\n" for number in range(10_000)),
    ],
    ".git/commondir": ["/" * 200_000, "a/" * 100_000, "\0"],
    ".git": ["gitdir: " + "../" * 60_000, "gitdir: a\0b", ""],
    ".gitattributes": [" filter" * 20_000, " filter=\n" * 20_000],
    "package.json": ['{"scripts":' * 20_000, json.dumps({"scripts": {str(n): "x" for n in range(10_000)}})],
    "pyproject.toml": ["backend-path\n" + "[a." * 50_000, "a = '\\'\n" + "a." * 100_000],
    "Makefile": ["x\n" * 500_000, "x" * 1_000_000, "".join(f"{number}\n" for number in range(200_000))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, contents in HOSTILE.items() for number in range(len(contents))],
)
def test_content_made_to_take_long_does_not(root: Path, tmp_path: Path, name: str, number: int) -> None:
    put(root / name, HOSTILE[name][number])
    start = time.process_time()
    found = changes.compare(EMPTY, search.search(str(root)))
    assert len(changes.report(found)) < 5000
    quarantine.put_away(str(root), found.changes, str(tmp_path / "q"))
    assert changes.compare(EMPTY, search.search(str(root))).changes == ()
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    ("limit", "value"),
    [("MAX_DEPTH", 2), ("MAX_FOLDERS", 3), ("MAX_ENTRIES", 3), ("MAX_ITEMS", 1), ("MAX_LEADS", 0)],
)
def test_where_a_limit_ends_the_search_it_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    put(root / "a" / "b" / "c" / "d" / ".envrc", "a")
    put(root / ".envrc", "a")
    (root / ".vimrc").symlink_to(".envrc")
    assert not search.search(str(root)).unseen
    monkeypatch.setattr(budget, limit, value)
    found = search.search(str(root))
    assert found.unseen
    assert changes.compare(found, found).unseen == found.unseen
    assert "not searched" in changes.report(Comparison((), found.unseen))


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILE", 10), ("MAX_READ", 10)])
def test_a_file_too_large_to_read_is_told_when_it_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(budget, limit, value)
    put(root / ".envrc", "a" * 100)
    assert told(root, lambda: None) == {}
    os.utime(root / ".envrc", (0, 0))
    before = (root / ".envrc").stat()

    def act() -> None:
        put(root / ".envrc", "b" * 100)
        os.utime(root / ".envrc", ns=(before.st_atime_ns, before.st_mtime_ns))

    ((path, (what, (line,))),) = told(root, act).items()
    assert (path, what, line) == (".envrc", "changed", "is too large to show, or not readable (100 bytes)")


@pytest.mark.as_user
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o200, 0o100])
@pytest.mark.parametrize("locked", ["docs", "docs/objects"])
def test_a_repository_that_the_agent_locks_is_found(root: Path, mode: int, locked: str) -> None:
    def act() -> None:
        put(root / "docs" / "HEAD", "ref: refs/heads/main")
        put(root / "docs" / "objects" / "info" / "alternates", "/elsewhere/objects")
        put(root / "docs" / "config", "[core]\nfsmonitor = evil\n")
        (root / locked).chmod(mode)

    found = compared(root, act)
    (root / locked).chmod(0o700)
    assert {change.path for change in found.changes} == {
        "docs/HEAD", "docs/config", "docs/objects/info/alternates",
    }  # fmt: skip
    assert not found.may_hide


@pytest.mark.as_user
def test_what_was_locked_before_stays_locked_and_may_hide_something(root: Path) -> None:
    put(root / "docs" / "HEAD", "ref: refs/heads/main")
    put(root / "docs" / "objects" / "x")
    put(root / "docs" / ".envrc", "mine")
    (root / "docs").chmod(0o400)
    found = compared(root, lambda: None)
    assert (found.changes, found.may_hide) == ((), True)
    assert "docs" in found.unseen
    assert stat.S_IMODE((root / "docs").stat().st_mode) == 0o400
    (root / "docs").chmod(0o700)


@pytest.mark.as_user
def test_what_may_not_be_read_is_told(root: Path) -> None:
    put(root / ".envrc", "a", 0)
    put(root / "a" / ".envrc").parent.chmod(0)
    try:
        found = changes.compare(EMPTY, search.search(str(root)))
    finally:
        (root / "a").chmod(0o700)
    assert [(change.path, change.what) for change in found.changes] == [(".envrc", "added")]
    assert found.unseen == ("a",)


def test_a_search_leaves_no_descriptor_open(root: Path, project: Path, tmp_path: Path) -> None:
    put(project / ".envrc", "a")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    found = changes.compare(EMPTY, search.search(str(root)))
    quarantine.put_away(str(root), found.changes, str(tmp_path / "q"))
    acceptance.accept(str(root), str(tmp_path / "q"))
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


# What opens as the second on a file system that folds case, or skips what cannot be seen.
EQUAL = {
    ".GIT/config": ".git/config",
    ".g\u200cit/config": ".git/config",
    "\ufeff.git\U000e0001/hooks/pre-commit": ".git/hooks/pre-commit",
    ".v\u017fcode/ta\u017f\u212a\u017f.json": ".vscode/tasks.json",
    ".gitcon\ufb01g": ".gitconfig",
    "docs/\u200dHEAD": "docs/HEAD",
    "a.code-work\u017fpace": "a.code-workspace",
}


@pytest.mark.parametrize("name", EQUAL)
def test_a_name_that_some_file_system_holds_equal_counts(root: Path, tmp_path: Path, name: str) -> None:
    put(root / "docs" / "objects" / "x")
    found = made(root, lambda: put(root / name, "[core]\nfsmonitor = evil\n"))
    assert {change.path for change in found} == {name}
    outcomes = quarantine.put_away(str(root), found, str(tmp_path / "q"))
    assert {outcome.what for outcome in outcomes} <= {"moved", "restored"}
    assert not (root / name).exists() or b"evil" not in (root / name).read_bytes()


def test_the_folders_of_long_paths_take_neither_time_nor_memory() -> None:
    deep = "a/" * 2000
    begun = time.process_time()
    assert len(folders_of(f"{deep}{number}" for number in range(5000))) == 2000
    crowd = folders_of(f"{number}/{deep}x" for number in range(100))
    assert len(crowd) == budget.MAX_FOLDERS_KNOWN
    assert time.process_time() - begun < 5
