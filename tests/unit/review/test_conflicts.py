"""What both the user and the agent changed: put together where git knows what it was, else both are kept."""

import subprocess
from collections.abc import Callable

import pytest

from tests.unit.review.sides import Sides, state

BASE = "".join(f"{number}\n" for number in range(20))
GIT = "git -c user.name=u -c user.email=u@example.com -c init.defaultBranch=main"


def begun(sides: Sides) -> None:
    """Have a repository with a file in the user's folder, and the copy."""
    (sides.mine / "file").write_text(BASE)
    sides.user(f"{GIT} init -q && {GIT} add file && {GIT} commit -qm one")
    sides.commit = head(sides)
    sides.copy()


def head(sides: Sides, name: str = "HEAD") -> str:
    command = ["git", "-C", str(sides.mine), "rev-parse", name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_lines_that_each_changed_are_merged(sides: Sides) -> None:
    begun(sides)
    sides.agent("sed -i s/^18$/theirs/ file; chmod 755 file")
    sides.user("sed -i s/^1$/mine/ file")
    (outcome,) = sides.apply()
    assert outcome.what == "merged"
    text = (sides.mine / "file").read_text()
    assert text == BASE.replace("\n1\n", "\nmine\n").replace("\n18\n", "\ntheirs\n")
    assert (sides.mine / "file").stat().st_mode & 0o777 == 0o755
    (again,) = sides.apply()
    assert (again.what, (sides.mine / "file").read_text()) == ("kept", text), "a second time it stays"


def test_lines_that_both_changed_are_kept_on_both_sides(sides: Sides) -> None:
    begun(sides)
    sides.agent("sed -i s/^5$/theirs/ file")
    sides.user("sed -i s/^5$/mine/ file")
    (outcome,) = sides.apply()
    assert (outcome.what, outcome.beside) == ("conflict", "file.from-calm-otter")
    assert "mine" in (sides.mine / "file").read_text()
    assert (sides.mine / "file.from-calm-otter").read_text() == (sides.theirs / "file").read_text()
    before = state(sides.mine)
    assert [one.what for one in sides.apply()] == ["conflict"]
    assert state(sides.mine) == before, "called again, nothing more comes of it"


# By what was there, and what each did: what is there in the end, None for nothing; and what is told.
CASES: dict[str, tuple[str, str, str, dict[str, str | None], str]] = {
    "both changed what git does not know": (
        "echo a >new", "echo mine >new", "echo theirs >new",
        {"new": "mine\n", "new.from-calm-otter": "theirs\n"}, "conflict"),
    "both made it": (
        "", "echo mine >new", "echo theirs >new",
        {"new": "mine\n", "new.from-calm-otter": "theirs\n"}, "conflict"),
    "both made it alike": ("", "echo same >new", "echo same >new", {"new": "same\n"}, ""),
    "the user deleted what the agent changed": (
        "", "rm file", "echo theirs >file",
        {"file": None, "file.from-calm-otter": "theirs\n"}, "conflict"),
    "the user deleted, the agent wrote the same": (
        "", "rm file", "cp file x; mv x file", {"file": None}, "kept"),
    "the user changed, the agent wrote the same": (
        "", "echo mine >file", "cp file x; mv x file", {"file": "mine\n"}, "kept"),
    "the agent made a link of it": (
        "", "echo mine >file", "ln -sf there file",
        {"file": "mine\n", "file.from-calm-otter": "-> there"}, "conflict"),
    "the agent made a folder of it": (
        "", "echo mine >file", "rm file; mkdir file; echo x >file/x", {"file": "mine\n"}, "conflict"),
    "the user made a folder of it": (
        "", "rm file; mkdir file; echo x >file/x", "echo theirs >file",
        {"file": None, "file/x": "x\n", "file.from-calm-otter": "theirs\n"}, "conflict"),
    "the user put a link to elsewhere in the place of a folder": (
        "mkdir folder; echo a >folder/a", "rm -r folder; mkdir ../elsewhere; ln -s ../elsewhere folder",
        "echo b >folder/b", {"folder": "-> ../elsewhere"}, "conflict"),
    "the user put something into a folder that the agent deleted": (
        "mkdir folder; echo a >folder/a", "echo mine >folder/b", "rm -r folder",
        {"folder/a": "a\n", "folder/b": "mine\n"}, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_is_lost(sides: Sides, case: tuple[str, str, str, dict[str, str | None], str]) -> None:
    given, mine, theirs, expected, told = case
    sides.user(given)
    begun(sides)
    sides.agent(theirs)
    sides.user(mine)
    outcomes = sides.apply()
    wanted = {name: text for name, text in {"file": BASE, **expected}.items() if text is not None}
    assert contents(sides) == wanted, outcomes
    assert not told or told in {outcome.what for outcome in outcomes}, outcomes


def test_what_the_agent_deleted_stays_if_the_user_changed_it(sides: Sides) -> None:
    begun(sides)
    sides.agent("rm file")
    sides.user("echo mine >file")
    outcomes = sides.apply()
    assert contents(sides) == {"file": "mine\n"}
    # In a plain copy it cannot be told from a file that the user made since.
    assert [one.what for one in outcomes] == ["conflict"] * sides.overlay


def test_what_the_agent_deleted_goes_if_the_user_only_touched_it(make: Callable[..., Sides]) -> None:
    sides = make(overlay=True)
    begun(sides)
    sides.agent("rm file")
    sides.user("cp file x; mv x file")
    sides.apply()
    assert contents(sides) == {}


def contents(sides: Sides) -> dict[str, str]:
    """Return what files and links have, but for git's."""
    found = {}
    for name, what in state(sides.mine).items():
        if what[0] in ("file", "link") and not name.startswith(".git/"):
            last = what[-1]
            found[name] = last.decode() if isinstance(last, bytes) else f"-> {last}"
    return found


def test_what_was_taken_is_no_conflict_when_the_agent_goes_on(sides: Sides) -> None:
    (sides.mine / "file").write_text("1\n")
    sides.copy()
    sides.agent("echo 2 >file; echo 2 >new")
    assert {one.what for one in sides.apply()} == {"taken"}
    sides.agent("echo 3 >file; echo 3 >new")
    assert {one.what for one in sides.apply()} == {"taken"}
    assert (sides.mine / "file").read_text() == (sides.mine / "new").read_text() == "3\n"
    sides.user("echo mine >file")
    sides.agent("echo 4 >file")
    assert {one.what for one in sides.apply()} == {"conflict"}
    assert (sides.mine / "file").read_text() == "mine\n"


def test_a_folder_that_the_user_moved_in_is_not_taken_for_deleted(sides: Sides) -> None:
    sides.user("mkdir -p src/deep old; echo a >src/a; echo b >src/deep/b; echo c >old/c")
    sides.copy()
    sides.agent("echo changed >src/a; rm -r src/deep")
    sides.user("mv src lib; mv old src")
    sides.apply()
    assert {"lib/a", "lib/deep/b", "src/c"} <= set(state(sides.mine))


COMMIT = f"echo x >>file; {GIT} commit -qam two; "


def test_the_agents_commits_are_taken(sides: Sides) -> None:
    begun(sides)
    sides.agent(COMMIT + f"{GIT} checkout -qb work; echo y >y; {GIT} add y; {GIT} commit -qm three")
    assert {one.what for one in sides.apply()} == {"taken"}
    sides.user(
        f'{GIT} fsck --strict; test -z "$({GIT} status --porcelain)"; test $({GIT} rev-list --count HEAD) = 3'
    )


def test_that_the_user_looked_meanwhile_is_no_conflict(sides: Sides) -> None:
    begun(sides)
    sides.agent(COMMIT)
    sides.user(f"touch -d 2020-01-01 file; {GIT} status")
    sides.apply()
    sides.user(f'test -z "$({GIT} status --porcelain)"; test $({GIT} rev-list --count HEAD) = 2')


@pytest.mark.parametrize(
    "mine", [f"echo m >m; {GIT} add m; {GIT} commit -qm mine", f"echo m >m; {GIT} add m"]
)
def test_commits_of_both_are_kept(sides: Sides, mine: str) -> None:
    begun(sides)
    sides.agent(COMMIT)
    sides.user(mine)
    before = head(sides)
    outcomes = sides.apply()
    assert head(sides) == before, "what the user named stays"
    theirs = head(sides, "main.from-calm-otter")
    assert theirs != before, outcomes
    sides.user(f"{GIT} fsck --strict; {GIT} ls-files --error-unmatch m; {GIT} merge-base {theirs} HEAD")


def test_a_repository_that_the_agent_deleted_stays(sides: Sides) -> None:
    begun(sides)
    sides.agent("rm -rf .git")
    outcomes = sides.apply()
    sides.user(f"{GIT} fsck --strict; {GIT} log")
    assert [one.path for one in outcomes if one.what == "conflict"], outcomes


def test_a_pack_takes_the_place_of_objects_and_none_is_lost(sides: Sides) -> None:
    begun(sides)
    sides.agent(COMMIT + f"{GIT} gc -q")
    sides.user(f"echo m >m; {GIT} add m; {GIT} commit -qm mine")
    sides.apply()
    sides.user(f"{GIT} fsck --strict; {GIT} log main main.from-calm-otter || {GIT} log main")


def test_a_lock_of_gits_is_not_taken(sides: Sides) -> None:
    begun(sides)
    sides.agent("touch .git/index.lock .git/refs/heads/main.lock")
    assert {one.what for one in sides.apply()} == {"kept"}
    assert not list((sides.mine / ".git").rglob("*.lock"))
