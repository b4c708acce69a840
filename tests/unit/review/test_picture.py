"""The patch: what git and patch(1) make of it is what the agent made."""

import os
import shutil
import subprocess
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from init.review.git import Repository
from init.review.picture import Picture
from init.review.screen import Screen
from tests.unit.review.sides import Sides, close, state
from tests.unit.review.test_property import made


def drawn(sides: Sides, *wanted: str, stat_only: bool = False) -> tuple[bytes, dict[str, list[str]]]:
    """Return the patch, and what is told beside it."""
    found = sides.compare(*wanted)
    trees, pieces = sides.trees(), list[bytes]()
    repository = sides.folder / "repository"
    shutil.rmtree(repository, ignore_errors=True)
    picture = Picture(trees, Repository(str(repository)), found)
    picture.draw(pieces.append, stat_only=stat_only)
    picture.close()
    close(trees)
    return b"".join(pieces), {what: paths for what, (_, paths) in found.notes.found.items()}


def applied(patch: bytes, folder: Path, *command: str) -> None:
    """Apply a patch to a folder that is no repository."""
    done = subprocess.run(
        command or ("git", "apply", "--whitespace=nowarn", "-"), cwd=folder, input=patch, check=False,
        capture_output=True, env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr + done.stdout).decode(errors="replace") + repr(patch)


TEXT = st.tuples(
    st.just("file"),
    st.lists(st.sampled_from([b"one\n", b"two\n", b"three", b"-\n", b"\r\n", b"\xff\n"]), max_size=6).map(
        b"".join
    ),
    st.sampled_from([0o644, 0o755]),
)
LINK = st.tuples(st.just("link"), st.sampled_from(["a", "../b", "/etc/passwd"]))
TREES = st.dictionaries(
    st.sampled_from(["a", "b", "d e", '"q"', "x\n", "\udcff", "ä\t"]),
    st.one_of(TEXT, LINK, st.dictionaries(st.sampled_from(["a", "b"]), TEXT, min_size=1)),
    max_size=5,
)


@hypothesis.given(before=TREES, after=TREES)
def test_git_applies_the_patch(before: dict[str, object], after: dict[str, object]) -> None:
    with made(False, before, after) as sides:
        patch, _ = drawn(sides)
        if patch:
            applied(patch, sides.mine)
        assert state(sides.mine) == state(sides.theirs), patch


CHANGED = {
    "a rename": ("mv old new", "rename from old\nrename to new\n"),
    "a rename with a change": ("mv old new; echo 9 >>new", "rename from old\nrename to new\n"),
    "a mode": ("chmod 755 old", "old mode 100644\nnew mode 100755\n"),
    "a link": ("ln -s old link", "new file mode 120000\n"),
    "a deletion": ("rm old", "deleted file mode 100644\n"),
    "a binary file": (r"printf '\0\1' >new", "Binary files /dev/null and b/new differ\n"),
    "a name with a line end": ('echo x >"a\nb"', '+++ "b/a\\nb"\n'),
    "a name that is not UTF-8": (r"echo x >$(printf '\377')", '+++ "b/\\377"\n'),
    "a file in the place of a link": ("rm a; echo x >a", "deleted file mode 120000\n"),
    "a hard link is a file": ("ln old new", "new file mode 100644\n"),
}


@pytest.mark.parametrize(("change", "told"), CHANGED.values(), ids=CHANGED)
def test_what_is_shown(sides: Sides, change: str, told: str) -> None:
    (sides.mine / "old").write_text("".join(f"{number}\n" for number in range(9)))
    (sides.mine / "a").symlink_to("old")
    sides.copy()
    sides.agent(change)
    patch, _ = drawn(sides)
    assert told in patch.decode(), patch.decode()


NOTED = {
    "an empty folder": ("mkdir new", "an empty folder, which a patch cannot hold: added"),
    "an empty folder that is gone": ("rmdir empty", "an empty folder, which a patch cannot hold: deleted"),
    "a mode git has no room for": (
        "chmod 600 old",
        "its mode changed from 0644 to 0600, which a patch cannot hold",
    ),
    "a pipe": ("mkfifo new", "never taken: it is a device, a pipe or a socket"),
    "a setuid bit": ("touch new; chmod 4755 new", "taken without its setuid or setgid bit"),
    "a large file": ("truncate -s 9M new", "named only, since it is too large to show"),
    "a commit": ("mkdir .git; touch .git/HEAD", "below .git: what git keeps there is not shown"),
}


@pytest.mark.parametrize(("change", "told"), NOTED.values(), ids=NOTED)
def test_what_a_patch_cannot_hold_is_told(sides: Sides, change: str, told: str) -> None:
    (sides.mine / "empty").mkdir()
    (sides.mine / "old").write_text("1\n2\n3\n")
    (sides.mine / "old").chmod(0o644)
    sides.copy()
    sides.agent(change)
    _, notes = drawn(sides)
    assert told in notes, notes


def test_patch_takes_it_too(sides: Sides) -> None:
    (sides.mine / "a").write_text("1\n2\n3\n")
    sides.copy()
    (sides.theirs / "a").write_text("1\n2\n4\n")
    (sides.theirs / "folder").mkdir()
    (sides.theirs / "folder/b").write_text("new\n")
    patch, _ = drawn(sides)
    applied(patch, sides.mine, "patch", "-p1")
    assert state(sides.mine) == state(sides.theirs)


def test_the_count_of_lines_is_as_gits(sides: Sides) -> None:
    (sides.mine / "a").write_text("1\n")
    sides.copy()
    (sides.theirs / "a").write_text("2\n")
    shown, _ = drawn(sides, stat_only=True)
    assert shown.decode() == " a | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n"


@pytest.mark.parametrize("attribute", ["* binary\n", "* diff=evil\n", "* -diff\n"])
def test_no_attribute_steers_git(sides: Sides, attribute: str) -> None:
    (sides.mine / "a").write_text("1\n")
    sides.copy()
    (sides.theirs / "a").write_text("2\n")
    (sides.theirs / ".gitattributes").write_text(attribute)
    patch, _ = drawn(sides)
    assert b"-1\n+2\n" in patch


STEERING = {
    "an escape sequence": (b"+\x1b]0;title\x07\n", "\x1b[32m+\\x1b]0;title\\x07\x1b[m\n"),
    "a carriage return": (b"-safe\rrm -rf\n", "\x1b[31m-safe\\rrm -rf\x1b[m\n"),
    "what turns the order around": ("+a\u202eb\n".encode(), "\x1b[32m+a\\u202eb\x1b[m\n"),
    "what is not UTF-8": (b" \xff\x9b1m\n", " \\xff\\x9b1m\n"),
    "a tab": (b" a\tb\n", " a\tb\n"),
}


@pytest.mark.parametrize(("line", "shown"), STEERING.values(), ids=STEERING)
def test_nothing_steers_the_terminal(line: bytes, shown: str) -> None:
    written: list[bytes] = []
    screen = Screen(written.append)
    for byte in line:
        screen.take(bytes([byte]))
    screen.end()
    assert b"".join(written).decode() == shown
