"""A session on a copy: the folder itself stays as it is, whatever the session does, and the copy is kept."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import copies
from host.copies import OVERLAY, PLAIN, Copy
from tests.harness.engine import docker
from tests.harness.own_checkout import Checkout, Make
from tests.harness.waiting import PATIENCE, wait_for

COPY = ("--no-build", "--copy", "--shell")
SHELL = (*COPY, "--", "-c")
# All that a session may do to a folder, links and rights included.
CHANGE = (
    "set -e; echo more >>kept; echo new >new; rm gone; mv moved elsewhere; mkdir -p deep/er; rm -r folder; "
    "mkdir folder; echo x >folder/y; chmod 700 mode; ln -sfn nowhere link; ln twice third; "
    "truncate -s 5 large; touch -d 2001-01-01 time; ls -A"
)
AFTER = [
    "deep",
    "elsewhere",
    "folder",
    "kept",
    "large",
    "link",
    "mode",
    "new",
    "sub",
    "third",
    "time",
    "twice",
]


@pytest.fixture
def box(checkout: Make) -> Iterator[Checkout]:
    made = checkout("box")
    yield made
    # What the engine mounted in its name is root's.
    made.start("reset", "--destroy")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return fill(tmp_path / "shop")


def fill(folder: Path) -> Path:
    """Make a project, the agent's own where root runs the tests: root's files would become the agent's."""
    (folder / "folder").mkdir(parents=True)
    (folder / "sub").mkdir()
    for name in ("kept", "gone", "moved", "mode", "time", "twice", "folder/old", "sub/odd \n'\"$x\\ ä"):
        (folder / name).write_text(f"{name}\n")
    (folder / "other").hardlink_to(folder / "twice")
    (folder / "other").rename(folder / "sub" / "once")
    (folder / "link").symlink_to("kept")
    with (folder / "large").open("wb") as file:
        file.truncate(1 << 30)
    return owned(folder)


def owned(folder: Path) -> Path:
    for path in (folder, *folder.rglob("*")) if os.geteuid() == 0 else ():
        os.chown(path, 1000, 1000, follow_symlinks=False)
    return folder


def seen(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return all that can be told of what is in a folder."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        what: object = None
        if stat.S_ISLNK(status.st_mode):
            what = path.readlink()
        elif stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20:
            what = path.read_bytes()
        found[str(path.relative_to(folder))] = (
            status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns,
            status.st_ctime_ns, status.st_nlink, what,
        )  # fmt: skip
    return found


def kept(box: Checkout) -> list[Copy]:
    named = f"label={copies.LABEL}.checkout={box.root}"
    return copies.parse(docker("volume", "ls", "--filter", named, "--format", f"[{copies.FORMAT}]"))


def test_whatever_a_session_does_the_folder_stays_as_it_is(box: Checkout, shop: Path) -> None:
    git = ["git", "-C", str(shop), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "x"], check=True)
    at = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    before = seen(owned(shop))
    ended = box.start(
        str(shop), *SHELL, f"{CHANGE}; id -u; grep ' /home/agent/workspace ' /proc/self/mountinfo"
    )
    *names, uid, mount = ended.out.splitlines()
    assert (ended.code, names) == (0, [".git", *AFTER]), ended
    assert int(uid) == shop.stat().st_uid
    assert " overlay " in mount, mount
    assert seen(shop) == before
    (copy,) = kept(box)
    assert (copy.kind, copy.workspace, copy.commit) == (OVERLAY, shop, at)
    assert shop.stat().st_mtime <= copy.since
    assert f"./start.sh diff {copy.name}" in ended.err, ended
    assert "while this session ran" not in ended.err, "diff tells it, of the copy"
    assert copy.upper is not None
    assert (copy.upper / "kept").read_text() == "kept\nmore\n"
    assert shop.stat().st_mode == copy.upper.stat().st_mode
    # Nor does a session see what another wrote. Where nothing is written, nothing is left, and nothing said.
    other = box.start(str(shop), *SHELL, "cat kept gone; ls new; cat sub/*")
    assert (other.code, other.out.startswith("kept\ngone\n"), "diff" in other.err) == (0, True, False), other
    assert kept(box) == [copy]
    assert [path.name for path in (box.root / copies.FOLDER).iterdir()] == [copy.name]
    emptied = box.start("reset", "--destroy")
    assert (emptied.code, f"the copy {copy.name}, of {shop}" in emptied.err) == (0, True), emptied
    assert (kept(box), seen(shop)) == ([], before)
    assert list((box.root / copies.FOLDER.parent).iterdir()) == []


@pytest.mark.parametrize("why", ["a comma in its path", "another user", "the engine refuses"])
def test_where_there_is_no_overlay_the_files_are_copied(box: Checkout, tmp_path: Path, why: str) -> None:
    folder, environ = tmp_path / "shop", {}
    if why == "a comma in its path":
        folder = tmp_path / 'a,"b":c\\d'
    elif why == "another user":
        environ = {"PUID": "4321"}
    else:
        # As with some file systems: only the engine knows.
        environ = client(tmp_path, "cp", "echo 'failed to mount local volume: invalid argument' >&2; exit 1")
    fill(folder)
    before = seen(folder)
    ended = box.start(str(folder), *SHELL, f"{CHANGE}; id -u", **environ)
    assert (ended.code, ended.out.split()[:-1]) == (0, AFTER), ended
    assert "is made file by file: " in ended.err, ended
    assert seen(folder) == before
    (copy,) = kept(box)
    assert (copy.kind, copy.workspace, copy.upper) == (PLAIN, folder, None)
    # Owner, rights, times, links, holes and odd names came along.
    found = docker(
        "run", "--rm", "--network=none", "--volume", f"{copy.volume}:/copy:ro", "--entrypoint=sh",
        box.environ["SANDBOX_IMAGE"], "-c",
        "cd /copy; stat -c %h twice; stat -c %s large; du -k large; cat sub/odd*; stat -c %u:%a . sub mode",
    ).splitlines()  # fmt: skip
    owner = environ.get("PUID", str(folder.stat().st_uid))
    mode = f"{folder.stat().st_mode & 0o777:o}"
    assert found[:2] == ["3", "5"], found
    assert found[-3:] == [f"{owner}:{mode}", f"{owner}:{mode}", f"{owner}:700"], found
    assert "sub/odd" in "".join(found), found


def client(folder: Path, words: str, script: str) -> dict[str, str]:
    """Return the PATH of a start whose Docker client does something else, where its first words are these."""
    program = folder / "bin" / "docker"
    program.parent.mkdir(exist_ok=True)
    real = shutil.which("docker")
    program.write_text(f'#!/bin/sh\ncase "$*" in "{words} "*) {script} ;; esac\nexec {real} "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}"}


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Path]:
    """A project on another file system than the checkout, where there is one: files have numbers by it."""
    shared = Path("/dev/shm")  # noqa: S108 - a file system that every Linux has
    top = Path(tempfile.mkdtemp(dir=shared)) if shared.is_dir() else tmp_path
    yield fill(top / "shop")
    shutil.rmtree(top, ignore_errors=True)


def test_many_sessions_on_one_folder_each_have_their_own(box: Checkout, far: Path) -> None:
    before = seen(far)
    script = "echo $1 >mine; until test -e ~/data/go; do sleep 0.05; done; cat mine; touch ~/data/saw-$1"
    marks = [str(number) for number in range(3)]
    processes = [
        box.begin(*SHELL, f"set -- {mark}; touch ~/data/at-$1; {script}", WORKSPACE_DIR=str(far))
        for mark in marks
    ]
    data = box.root / "data"
    wait_for(lambda: all((data / f"at-{mark}").exists() for mark in marks), "three sessions")
    (data / "go").touch()
    told = [process.communicate(timeout=PATIENCE) for process in processes]
    assert [out for out, _ in told] == [f"{mark}\n" for mark in marks], told
    assert [errors for _, errors in told if "warning" in errors] == []
    assert seen(far) == before
    assert len({copy.name for copy in kept(box)}) == 3


def wait_for_data(box: Checkout) -> list[Path]:
    wait_for(lambda: list((box.root / "data" / "projects").glob("shop-*")), "the data of the project")
    return list((box.root / "data" / "projects").glob("shop-*"))


def test_a_copy_is_gone_on_with_by_its_name_and_by_nothing_else(box: Checkout, shop: Path) -> None:
    named = (*COPY, "--name", "search", "--", "-c")
    before = seen(shop)
    first = box.start(str(shop), *named, "echo x >new")
    assert (first.code, "./start.sh diff search" in first.err) == (0, True), first
    (copy,) = kept(box)
    assert (copy.name, copy.volume) == ("search", f"{box.project}_copy-search")
    again = box.start(str(shop), *named, "cat new; rm new; echo y >newer")
    assert (again.code, again.out, "search goes on with its copy of " in again.err) == (0, "x\n", True), again
    assert kept(box) == [copy]
    # Another folder's, one of which the files are gone, and one whose folder is.
    other = box.start(*named, "true")
    assert (other.code, f"the copy search is of another folder: {shop}" in other.err) == (1, True), other
    assert copy.upper is not None
    copy.upper.rename(copy.place / "elsewhere")
    broken = box.start(str(shop), *named, "true")
    assert (broken.code, "the files of the copy search are gone" in broken.err) == (1, True), broken
    (copy.place / "elsewhere").rename(copy.upper)
    assert seen(shop) == before
    shop.rename(shop.with_name("moved"))
    moved = box.start(str(shop.with_name("moved")), *named, "true")
    assert (moved.code, "is of another folder" in moved.err) == (1, True), moved
    assert kept(box) == [copy]


def test_a_session_that_ends_alone_has_its_copy_told_by_whoever_comes_next(box: Checkout, shop: Path) -> None:
    for name, script in (("reads", "cat kept"), ("writes", "echo x >new")):
        words = ("--name", name, "--detach", *SHELL, f"{script}; touch ~/data/{name}; sleep 0.2")
        detached = box.start(str(shop), *words)
        assert (detached.code, "diff" in detached.err) == (0, False), detached
    wait_for(lambda: not docker("ps", "--quiet", "--filter", f"name={box.project}-[rw]"), "the sessions' end")
    told = box.start("ps")
    assert "what changed is in the copy writes: ./start.sh diff writes" in told.err, told
    assert [copy.name for copy in kept(box)] == ["writes"], told
    assert "diff" not in box.start("ps").err


def test_a_start_that_is_killed_leaves_a_copy_that_can_be_removed(box: Checkout, shop: Path) -> None:
    process = box.begin(str(shop), *SHELL, "echo x >new; touch ~/data/there; exec sleep 1000")
    (data,) = wait_for_data(box)
    wait_for((data / "there").exists, "the session")
    process.kill()
    process.wait(PATIENCE)
    docker("rm", "--force", *box.containers())
    (copy,) = kept(box)
    assert copy.upper is not None
    assert (copy.upper / "new").read_text() == "x\n"
    emptied = box.start("reset", "--destroy")
    assert (emptied.code, kept(box)) == (0, []), emptied


def test_what_a_start_leaves_that_is_killed_while_it_makes_a_copy_is_none(
    box: Checkout, shop: Path, tmp_path: Path
) -> None:
    before = seen(shop)
    for words in ("volume create", "create", "cp", "run"):
        # The last one is reached where the files are copied.
        asked = {"PUID": "4321"} if words == "run" else {}
        killed = box.start(str(shop), *SHELL, "true", **client(tmp_path, words, "kill -9 $PPID"), **asked)
        assert killed.code == -signal.SIGKILL, (words, killed)
    # The client itself went on.
    found = kept(box)
    assert (len(found), [copy for copy in found if copy.is_ready]) == (4, []), found
    ended = box.start(str(shop), *SHELL, "echo x >new")
    assert (ended.code, len([copy for copy in kept(box) if copy.is_ready])) == (0, 1), ended
    assert seen(shop) == before
    emptied = box.start("reset", "--destroy")
    assert (emptied.code, kept(box)) == (0, []), emptied
    tried = [f"label={copies.TRIAL}={copy.volume}" for copy in found]
    assert [docker("ps", "--all", "--quiet", "--filter", label) for label in tried] == [""] * 4
    assert not (box.root / copies.FOLDER).exists()


def test_where_no_copy_can_be_made_no_session_starts(box: Checkout, shop: Path, tmp_path: Path) -> None:
    before = seen(shop)
    full = client(tmp_path, "run", "echo \"cp: error writing '/to/x': No space left on device\" >&2; exit 1")
    refused = box.start(str(shop), *SHELL, "touch new", PUID="4321", **full)
    assert (refused.code, "there is no copy of " in refused.err) == (1, True), refused
    assert "No space left on device" in refused.err, refused
    slow = client(tmp_path, "run", f"touch {tmp_path}/slow; exec sleep 1000")
    process = box.begin(str(shop), *SHELL, "touch new", PUID="4321", **slow)
    wait_for((tmp_path / "slow").exists, "the files to be copied")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 128 + signal.SIGINT
    assert (kept(box), seen(shop)) == ([], before)


@pytest.mark.as_root
def test_what_is_mounted_below_the_folder_is_told(box: Checkout, shop: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(shop / "sub")], check=False).returncode:
        pytest.skip("may not mount here")
    try:
        (shop / "sub" / "inside").touch()
        ended = box.start(str(shop), *SHELL, "ls -A sub")
    finally:
        subprocess.run(["umount", str(shop / "sub")], check=True)
    assert (ended.code, "inside" in ended.out) == (0, False), ended
    assert f"not in the copy: what is mounted at {shop}/sub" in ended.err, ended
