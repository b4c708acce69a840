"""What the agent changed, whatever it made of its tree; and what is left alone."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from init.review import compare, entries
from init.review.ledger import Ledger
from init.review.levels import Trees
from init.review.origin import Origin
from tests.unit.review.sides import Sides, close, state

# What the agent does, and what is found.
CHANGES: dict[str, tuple[str, dict[str, str]]] = {
    "nothing": ("true", {}),
    "a look": ("cat file >/dev/null; ls -R >/dev/null", {}),
    "a touch": ("touch file; touch folder", {}),
    "the same bytes": ("cp file x; mv x file", {}),
    "other bytes": ("echo 2 >file", {"file": "modified"}),
    "as many other bytes, and the time set back": (
        "touch -r file ../stamp; echo 2 >file; touch -r ../stamp file", {"file": "modified"}),
    "a file": ("echo 1 >new", {"new": "added"}),
    "a file of an old time": ("echo 1 >new; touch -d 2001-01-01 new", {"new": "added"}),
    "a deletion": ("rm folder/a", {"folder/a": "deleted"}),
    "a folder is gone": ("rm -r folder", {"folder": "deleted", "folder/a": "deleted", "folder/b": "deleted"}),
    "a folder is made anew, empty": (
        "rm -r folder; mkdir folder", {"folder/a": "deleted", "folder/b": "deleted"}),
    "a folder is made anew, with one file as it was": (
        "cp -a folder ../was; rm -r folder; mkdir folder; cp -a ../was/a folder", {"folder/b": "deleted"}),
    "a folder has another name": (
        "mv folder new 2>/dev/null || (cp -a folder new; rm -r folder)",
        {"folder": "deleted", "folder/a": "deleted", "folder/b": "deleted",
         "new": "added", "new/a": "added", "new/b": "added"}),
    "a link leads elsewhere": ("ln -sfn /etc link", {"link": "modified"}),
    "a file in the place of a folder": (
        "rm -r folder; echo 1 >folder", {"folder": "modified", "folder/a": "deleted", "folder/b": "deleted"}),
    "a folder in the place of a file": (
        "rm file; mkdir file; echo 1 >file/x", {"file": "modified", "file/x": "added"}),
    "a folder in the place of a link": (
        "rm link; mkdir link; echo 1 >link/a", {"link": "modified", "link/a": "added"}),
    "a folder in the place of another": (
        "rm -r folder; (mv other folder || cp -a other folder; rm -rf other) 2>/dev/null; touch folder/new",
        {"folder/a": "modified", "folder/b": "deleted", "folder/new": "added", "other": "deleted",
         "other/a": "deleted"}),
    "a mode": ("chmod 700 folder file", {"folder": "mode", "file": "mode"}),
    "a setuid bit alone": ("chmod u+s file", {}),
    "hard links": ("ln file new; echo 2 >>new", {"file": "modified", "new": "added"}),
    "an attribute": ("setfattr -n user.x -v 1 file 2>/dev/null || true", {}),
    "odd names": (
        r"""touch -- $'a\nb' $'\e[31m' $'\xff' ' ' '-rf' '*' '"'""",
        dict.fromkeys(("a\nb", "\x1b[31m", "\udcff", " ", "-rf", "*", '"'), "added")),
    "a name like a part's": ("touch .agentic-sandbox-part-x", {}),
    "pipes, sockets and devices": (
        "mkfifo p; (mknod c c 1 3; mknod b b 1 3) 2>/dev/null || true; rm file; mkfifo file", {}),
}  # fmt: skip


@pytest.mark.parametrize(("change", "found"), CHANGES.values(), ids=CHANGES)
def test_what_the_agent_changed(sides: Sides, change: str, found: dict[str, str]) -> None:
    sides.user("mkdir folder; echo a >folder/a; echo b >folder/b; echo 1 >file; ln -s folder link")
    sides.user("mkdir other; echo other >other/a; chmod 755 folder other; chmod 644 file")
    sides.copy()
    sides.agent(change)
    assert sides.changed() == found


# What the user does while the copy is there, which is no change of the agent's.
OWN = {
    "a new file": "echo 1 >new",
    "a new folder": "mkdir new; echo 1 >new/x",
    "a change": "echo 2 >file",
    "a mode": "chmod 600 file; chmod 700 folder",
    "a folder under another name": "mv folder other",
    "an old folder moved into another": "mv folder kept/",
    "a folder put in the place of another": "mv kept old; mv folder kept",
    "a deletion where the agent is at work, too": "rm kept/k",
}


@pytest.mark.parametrize("change", OWN.values(), ids=OWN)
def test_what_the_user_changed_stays(sides: Sides, change: str) -> None:
    sides.user("mkdir folder kept; echo a >folder/a; echo k >kept/k; echo 1 >file")
    sides.copy()
    sides.agent("echo new >theirs; mkdir -p kept/deep; echo x >kept/deep/x")
    sides.user(change)
    before = state(sides.mine)
    sides.apply()
    after = state(sides.mine)
    assert {path: after.get(path) for path in before} == before
    assert set(after) - set(before) <= {"theirs", "kept", "kept/deep", "kept/deep/x"}
    assert "theirs" in after


def test_folders_that_did_not_change_are_not_looked_into(make: Callable[..., Sides]) -> None:
    sides = make(overlay=True)
    sides.user("mkdir -p a/b; echo 1 >a/b/c; echo 1 >d")
    sides.copy()
    sides.agent("echo 2 >d")
    (sides.mine / "a/b").chmod(0)
    assert sides.changed() == {"d": "modified"}
    (sides.mine / "a/b").chmod(0o755)


def test_only_what_is_asked_for(sides: Sides) -> None:
    sides.copy()
    sides.agent("mkdir -p a/b ab; touch a/x a/b/y ab/z c")
    assert sides.changed("a/b", "c") == {"a/b": "added", "a/b/y": "added", "c": "added"}
    sides.apply("a/b/y")
    assert set(state(sides.mine)) == {"a", "a/b", "a/b/y"}


def test_a_tree_deeper_than_any_path_is_told(sides: Sides) -> None:
    sides.copy()
    here = os.open(sides.theirs, os.O_RDONLY)
    for _ in range(compare.MAX_DEPTH + 200):
        os.mkdir("d", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)
    try:
        found = sides.compare()
        assert compare.DEEP in found.notes.found
        assert len(found.changes) > compare.MAX_DEPTH
        sides.apply()
        assert depth(sides.mine) == len(found.changes)
    finally:
        # Too deep for pytest to remove.
        sides.agent("rm -rf d")
        sides.user("rm -rf d")


def depth(folder: Path) -> int:
    here, levels = os.open(folder, os.O_RDONLY), 0
    while True:
        try:
            below = os.open("d", os.O_RDONLY, dir_fd=here)
        except FileNotFoundError:
            os.close(here)
            return levels
        os.close(here)
        here, levels = below, levels + 1


def test_more_changes_than_are_kept_are_told(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "MAX_CHANGES", 10)
    sides.copy()
    sides.agent("mkdir a b; touch a/{1..20} b/{1..20}")
    found = sides.compare()
    assert (len(found.changes), found.whole) == (10, False)
    assert found.notes.found[compare.MORE][0] == 1


def test_what_is_mounted_in_the_users_folder_is_left_alone(sides: Sides) -> None:
    sides.user("mkdir folder; touch folder/a b c")
    sides.copy()
    sides.agent("rm -r folder; rm b")
    trees = sides.trees()
    found = compare.compare(trees, sides.origin, Ledger(), (), {"folder", "c"})
    close(trees)
    assert [change.path for change in found.changes] == ["b"]
    assert "folder" in found.notes.found[compare.MOUNTED][1]


@pytest.mark.as_user
def test_what_is_closed_is_told_and_not_taken_for_gone(make: Callable[..., Sides]) -> None:
    sides = make()
    sides.user("mkdir folder; touch folder/a; touch b")
    sides.copy()
    sides.agent("chmod 0 folder; chmod 0 b; echo >new; chmod 0 new")
    found = sides.compare()
    assert "deleted" not in {change.kind for change in found.changes}
    assert compare.CLOSED in found.notes.found
    assert {one.path: one.what for one in sides.apply()}["new"] == "failed"
    sides.agent("chmod 755 folder")
    sides.user("chmod 755 folder")


def test_the_ledger_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"F 1 2 a b\0D 3 0 c\0B 4 5 e\0X 1 1 x\0F nonsense\0F 7 8 hal")
    ledger = Ledger(str(path))
    assert (ledger.files, ledger.folders, ledger.beside) == ({"a b": (1, 2)}, {"c": 3}, {"e": (4, 5)})
    ledger.close()


def test_of_a_result_it_is_known_what_was_taken_away(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs, mine / "folder"):
        folder.mkdir()
    for name in ("gone", "folder/gone", "folder/own", "own"):
        (mine / name).write_text("1\n")
    trees = Trees(*(os.open(folder, entries.FOLDER) for folder in (mine, theirs)))
    # All that is in the user's folder may be newer, and the copy was made file by file.
    origin = Origin("copy", since=0, made=0, deleted=frozenset({"gone", "folder", "folder/gone"}))
    found = compare.compare(trees, origin, Ledger())
    assert [(change.path, change.kind, change.moved) for change in found.changes] == [
        ("gone", "deleted", True), ("folder/gone", "deleted", True),
    ]  # fmt: skip
    assert compare.compare(trees, origin._replace(deleted=frozenset()), Ledger()).changes == []
    os.close(trees.mine)
    os.close(trees.theirs)
