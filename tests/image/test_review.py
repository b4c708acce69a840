"""A copy is looked at, taken and thrown away, as a user does it: start.sh diff, apply and discard."""

import fcntl
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import copies
from tests.harness.engine import docker
from tests.harness.own_checkout import Checkout, Make
from tests.harness.superuser import Superuser
from tests.harness.waiting import wait_for

EX_LEFT = 82
GIT = ("git", "-c", "user.name=u", "-c", "user.email=u@example.com", "-c", "safe.directory=*")
LINES = "".join(f"{number}\n" for number in range(20))
# The agent's work: changed, new, gone, a mode, a link, and what the user's machine would run.
WORK = (
    "sed -i s/^18$/theirs/ file; mkdir -p new/deep; echo new >new/deep/file; rm gone; chmod 755 tool; "
    "ln -s file link; "
    """echo '{"scripts": {"postinstall": "touch stolen"}}' >package.json; printf 'a\\033]0;x\\007b\\n' >odd"""
)


@pytest.fixture
def box(checkout: Make) -> Iterator[Checkout]:
    made = checkout("box")
    yield made
    made.start("reset", "--destroy")


@pytest.fixture(params=["shop", "a,b"])
def shop(tmp_path: Path, superuser: Superuser, request: pytest.FixtureRequest) -> Path:
    """Make a project in a repository; of one whose path has a comma, a copy is made file by file."""
    folder = tmp_path / str(request.param)
    folder.mkdir()
    for name in ("file", "gone", "tool"):
        (folder / name).write_text(LINES)
        (folder / name).chmod(0o644)
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "one")):
        subprocess.run([*GIT, *words], cwd=folder, check=True)
    if os.geteuid() == 0:
        superuser.own("1000:1000", folder.parent, folder.name)
    return folder


def work(box: Checkout, shop: Path, script: str, name: str = "calm-otter") -> None:
    ended = box.start(str(shop), "--no-build", "--copy", "--name", name, "--shell", "--", "-euc", script)
    assert ended.code == 0, ended


def named(box: Checkout) -> list[str]:
    wanted = f"label={copies.LABEL}.checkout={box.root}"
    listed = docker("volume", "ls", "--filter", wanted, "--format", f"[{copies.FORMAT}]")
    return [copy.name for copy in copies.parse(listed)]


def test_a_copy_is_shown_then_taken(box: Checkout, shop: Path) -> None:
    work(box, shop, WORK)
    before = sorted(path.name for path in shop.iterdir())
    shown = box.start("diff")
    assert shown.code == 0, shown
    for line in (
        "-18\n+theirs\n", "+++ b/new/deep/file\n@@ -0,0 +1 @@\n+new\n", "deleted file mode 100644\n",
        "old mode 100644\nnew mode 100755\n", "new file mode 120000\n", "+a\033]0;x\007b\n",
    ):  # fmt: skip
        assert line in shown.out, shown
    assert "added package.json" in shown.err, "the guard has its say"
    counted = box.start("diff", "calm-otter", "--stat", "file", "new")
    assert counted.out.splitlines()[-1] == " 2 files changed, 2 insertions(+), 1 deletion(-)", counted
    assert sorted(path.name for path in shop.iterdir()) == before, "nothing is written"

    # Meanwhile the user goes on, too.
    (shop / "file").write_text(LINES.replace("\n1\n", "\nmine\n"))
    (shop / "own").write_text("mine\n")
    taken = box.start("apply")
    assert (taken.code, named(box)) == (EX_LEFT, ["calm-otter"]), taken
    assert "merged with what you changed:\n    file\n" in taken.err, taken
    assert "    package.json\n" in taken.err, taken
    assert (shop / "file").read_text() == LINES.replace("\n1\n", "\nmine\n").replace("18", "theirs")
    assert (shop / "new/deep/file").read_text() == "new\n"
    assert (shop / "own").read_text() == "mine\n"
    assert (shop / "tool").stat().st_mode & 0o777 == 0o755
    assert (shop / "link").readlink() == Path("file")
    assert (shop / "tool").stat().st_uid == shop.stat().st_uid
    assert not (shop / "gone").exists()
    assert not (shop / "package.json").exists()

    # Who names a file takes it; once nothing is left, the copy goes.
    one = box.start("apply", str(shop / "package.json"))
    assert (one.code, (shop / "package.json").exists()) == (0, True), one
    rest = box.start("apply", "calm-otter")
    assert (rest.code, named(box)) == (0, []), rest
    assert "the copy calm-otter is removed" in rest.err
    assert list((box.root / copies.FOLDER).iterdir()) == []
    assert not [path for path in shop.rglob("*") if "agentic" in path.name]


def test_commits_are_taken(box: Checkout, shop: Path) -> None:
    work(box, shop, "echo x >>file; git -c user.name=a -c user.email=a@b commit -qam two")
    taken = box.start("apply")
    assert (taken.code, named(box)) == (0, []), taken
    assert "refs/heads/" in taken.err, taken
    told = subprocess.run(
        [*GIT, "status", "--porcelain"], cwd=shop, check=True, capture_output=True, text=True
    )
    assert told.stdout == ""
    subprocess.run([*GIT, "fsck", "--strict"], cwd=shop, check=True)
    log = subprocess.run([*GIT, "log", "--format=%s"], cwd=shop, check=True, capture_output=True, text=True)
    assert log.stdout == "two\none\n"


def test_what_is_discarded_is_gone_and_the_folder_as_it_was(box: Checkout, shop: Path) -> None:
    work(box, shop, "echo x >new")
    asked = box.start("discard")
    assert (asked.code, named(box)) == (1, ["calm-otter"]), asked
    thrown = box.start("discard", "calm-otter", "--destroy")
    assert (thrown.code, named(box)) == (0, []), thrown
    assert not (shop / "new").exists()
    assert list((box.root / copies.FOLDER).iterdir()) == []


@pytest.mark.parametrize("shop", ["shop"], indirect=True)
def test_what_cannot_be_done_is_told(box: Checkout, shop: Path) -> None:
    none = box.start("diff")
    assert (none.code, "there is no copy" in none.err) == (1, True), none
    work(box, shop, "echo x >new")
    for words, told in (
        (("diff", ".."), ".. is not in the project"),
        (("apply", "/etc/passwd"), "/etc/passwd is not in the project"),
        (("apply", "nowhere"), "'nowhere' is neither in the project nor in the copy"),
        (("discard", "nobody"), "there is no copy named nobody"),
        (("diff", "--workspace", str(box.root)), "there is no copy"),
    ):
        ended = box.start(*words)
        assert (ended.code != 0, told in ended.err, named(box)) == (True, True, ["calm-otter"]), ended
    (shop / ".git/index.lock").touch()
    held = box.start("apply")
    assert (held.code != 0, "git is at work in the project" in held.err) == (True, True), held
    assert not (shop / "new").exists()
    (shop / ".git/index.lock").unlink()
    moved = shop.rename(shop.with_name("elsewhere"))
    gone = box.start("diff")
    assert (gone.code, "the folder of the copy calm-otter is gone" in gone.err) == (1, True), gone
    moved.rename(shop)
    assert box.start("apply").code == 0


@pytest.mark.parametrize("shop", ["shop"], indirect=True)
def test_while_the_session_runs_what_it_has_so_far_is_taken(box: Checkout, shop: Path) -> None:
    script = "echo 1 >new; touch ~/data/at; until test -e ~/data/go; do sleep 0.05; done; echo 2 >new"
    session = box.begin(str(shop), "--no-build", "--copy", "--name", "one", "--shell", "--", "-c", script)
    wait_for(lambda: list((box.root / "data/projects").glob("shop-*/at")), "the session")
    (at,) = (box.root / "data/projects").glob("shop-*/at")
    first = box.start("apply")
    assert (first.code, named(box), (shop / "new").read_text()) == (0, ["one"], "1\n"), first
    assert "its session runs" in first.err, first
    refused = box.start("discard", "--destroy")
    assert (refused.code, "the session one runs on this copy" in refused.err) == (1, True), refused
    at.with_name("go").touch()
    session.communicate()
    second = box.start("apply")
    assert (second.code, named(box), (shop / "new").read_text()) == (0, [], "2\n"), second


def test_in_roots_folder_the_files_become_the_agents_and_nothing_is_mixed_up(
    box: Checkout, tmp_path: Path
) -> None:
    if os.geteuid():
        pytest.skip("a folder of root's is needed")
    shop = tmp_path / "roots"
    (shop / "src").mkdir(parents=True)
    for name in ("file", "gone", "mine", "src/a", "src/gone"):
        (shop / name).write_text("1\n")
    work(box, shop, "echo 2 >file; rm gone; echo 2 >mine; echo 2 >src/new")
    (shop / "mine").write_text("3\n")
    (shop / "src/gone").unlink()
    taken = box.start("apply")
    assert taken.code == EX_LEFT, taken
    assert "    mine: you and the agent changed it; the agent's is mine.from-calm-otter\n" in taken.err, taken
    found = {str(path.relative_to(shop)): path.read_text() for path in shop.rglob("*") if path.is_file()}
    assert found == {
        "file": "2\n", "mine": "3\n", "mine.from-calm-otter": "2\n", "src/a": "1\n", "src/new": "2\n"
    }, taken  # fmt: skip
    again = box.start("apply")
    assert (again.code, again.err.count("taken: 0")) == (EX_LEFT, 1), again


@pytest.mark.parametrize("shop", ["shop"], indirect=True)
def test_two_do_not_work_on_a_folder_at_a_time(box: Checkout, shop: Path) -> None:
    work(box, shop, "echo x >new")
    folder = os.open(shop, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    second = box.start("apply")
    os.close(folder)
    assert (second.code != 0, "another apply is at work" in second.err) == (True, True), second
    assert not (shop / "new").exists()
    assert box.start("apply").code == 0


@pytest.mark.parametrize("shop", ["shop"], indirect=True)
def test_one_that_is_killed_is_repeated(box: Checkout, shop: Path) -> None:
    work(box, shop, "seq 8000 | split -l 1 -a 4 - new-; rm gone")
    first = box.begin("apply")
    wait_for(lambda: list(shop.glob("new-*")), "it to write")
    mounted = f"volume={copies.volume(box.project, 'calm-otter')}"
    docker("kill", *docker("ps", "--quiet", "--filter", mounted).split())
    first.communicate()
    assert first.returncode != 0
    assert len(list(shop.glob("new-*"))) < 8000, "it came to its end before it was killed"
    last = box.start("apply")
    assert (last.code, named(box)) == (0, []), last
    found = sorted(int(path.read_text()) for path in shop.glob("new-*"))
    assert found == list(range(1, 8001))
    assert not (shop / "gone").exists()
    assert not list(shop.glob(".agentic*"))


@pytest.mark.parametrize("shop", ["shop"], indirect=True)
def test_on_a_terminal_nothing_steers_it(box: Checkout, shop: Path) -> None:
    work(box, shop, "printf 'a\\033]0;x\\007b\\n' >odd")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(box.root / "start.sh"), "diff"], env={**box.environ, "TERM": "xterm"}, cwd=box.root,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 1 << 16):
            shown += block
    except OSError:
        pass  # the other side has gone
    os.close(ours)
    assert process.wait() == 0
    assert b"\033[32m+a\\x1b]0;x\\x07b\033[m" in shown, shown
    assert b"\033]0;" not in shown
