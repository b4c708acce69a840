"""What a task changed, told as lines and put into a copy: the copy is what the workspace was."""

import base64
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
from pathlib import Path

import hypothesis
import pytest

from init.errors import SandboxError
from init.pod import payload, unpack
from init.review import compare, entries
from init.review.ledger import Ledger
from init.review.levels import Trees
from init.review.origin import Origin
from tests.unit.review.sides import state
from tests.unit.review.test_property import TREES, build


def opened(path: Path) -> int:
    return os.open(path, entries.FOLDER)


def told(origin: Path, workspace: Path) -> tuple[dict[str, object], bytes]:
    """Return what the first line says, and the payload; each line is of the form that it has to be."""
    trees = Trees(opened(origin), opened(workspace))
    lines: list[str] = []
    try:
        found = compare.compare(trees, Origin("", since=sys.maxsize), Ledger())
        payload.tell(found, trees.theirs, lines.append)
    finally:
        os.close(trees.mine)
        os.close(trees.theirs)
    assert all(
        line.startswith(payload.MARK) and line.isascii() and line.index("\n") == len(line) - 1
        for line in lines
    )
    head = json.loads(lines[0].removeprefix(f"{payload.MARK} begin "))
    assert lines[-1] == f"{payload.MARK} end\n"
    data = b""
    for number, line in enumerate(lines[1:-1]):
        mark, kind, count, text = line.split()
        assert (mark, kind, count) == (payload.MARK, "data", str(number))
        assert len(text) <= payload.LINE
        data += base64.b64decode(text, validate=True)
    assert (head["bytes"], head["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    return head, data


def put(data: bytes, copy: Path) -> tuple[unpack.Manifest, list[str]]:
    top = opened(copy)
    try:
        return unpack.unpack(io.BytesIO(data), top)
    finally:
        os.close(top)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, Path, Path]:
    for name in ("origin", "workspace", "copy"):
        (tmp_path / name).mkdir()
    return tmp_path / "origin", tmp_path / "workspace", tmp_path / "copy"


@hypothesis.given(before=TREES, after=TREES)
@hypothesis.settings(max_examples=200, deadline=None)
def test_a_copy_becomes_the_workspace(before: dict[str, object], after: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        origin, workspace, copy = (Path(folder) / name for name in ("origin", "workspace", "copy"))
        for place, tree in ((origin, before), (workspace, after), (copy, before)):
            place.mkdir()
            build(place, tree)
        _, data = told(origin, workspace)
        for _ in range(2):  # killed and called again, it is the same
            _, missed = put(data, copy)
            assert missed == []
            assert state(copy) == state(workspace)


def test_what_did_not_change_is_not_told(three: tuple[Path, Path, Path]) -> None:
    origin, workspace, _ = three
    for place in (origin, workspace):
        (place / "same").write_text("same\n")
        (place / "touched").write_text("old\n")
    os.utime(workspace / "same", (1, 1))
    status = (origin / "touched").stat()
    # As long, and as old as it was: only its bytes differ.
    (workspace / "touched").write_text("new\n")
    os.utime(workspace / "touched", ns=(status.st_atime_ns, status.st_mtime_ns))
    (workspace / ".git").mkdir()
    (workspace / ".git" / "config").write_text("evil\n")
    head, data = told(origin, workspace)
    with tarfile.open(fileobj=io.BytesIO(data)) as archived:
        listed = archived.getnames()
    assert (head["files"], listed) == (1, ["manifest.json", "files/touched"])


def test_what_is_never_taken_is_left_out(three: tuple[Path, Path, Path]) -> None:
    origin, workspace, copy = three
    os.mkfifo(workspace / "pipe")
    (workspace / "tool").write_text("x\n")
    (workspace / "tool").chmod(0o4755)
    _, data = told(origin, workspace)
    manifest, missed = put(data, copy)
    assert (names(copy), missed) == (["tool"], [])
    assert (copy / "tool").stat().st_mode & 0o7777 == 0o755
    assert sorted(note.rpartition(": ")[2] for note in manifest.notes) == ["pipe", "tool"]


@pytest.mark.parametrize("kind", ["noise", "sparse", "many"])
def test_more_than_a_log_holds_is_said_and_not_told(three: tuple[Path, Path, Path], kind: str) -> None:
    origin, workspace, _ = three
    if kind == "noise":
        (workspace / "large").write_bytes(os.urandom(6 << 20))
    elif kind == "sparse":
        with (workspace / "large").open("wb") as file:
            file.truncate(1 << 40)
    else:
        for number in range(70):
            (workspace / f"large-{number}").write_bytes(os.urandom(1 << 16) + b"\0" * (1 << 20))
    head, data = told(origin, workspace)
    assert (head["cut"], head["bytes"], data) == (True, 0, b"")
    assert head["files"] == (70 if kind == "many" else 1)


def archive(*members: tuple[str, bytes, str], manifest: object = None, first: bool = True) -> bytes:
    """Return a payload: of each member name, type and what it leads to or holds."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as made:
        whole = {"version": 1, "deleted": [], "notes": []} if manifest is None else manifest
        data = json.dumps(whole).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(data)
        if first:
            made.addfile(info, io.BytesIO(data))
        for name, kind, more in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, more
            if kind == tarfile.REGTYPE:
                info.size = len(more)
            made.addfile(info, io.BytesIO(more.encode()))
    return out.getvalue()


FILE, LINK = tarfile.REGTYPE, tarfile.SYMTYPE


def deleting(*paths: object) -> dict[str, object]:
    return {"version": 1, "deleted": list(paths), "notes": []}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no gzip", gzip.compress(b"no tar" * 200), archive(first=False), archive()[:40],
        archive(("files/a", FILE, "x" * 9000))[:60],
        archive(("files/../a", FILE, "x")), archive(("files//a", FILE, "x")), archive(("/etc/a", FILE, "x")),
        archive(("files/./a", FILE, "x")), archive(("other/a", FILE, "x")), archive(("files/", FILE, "x")),
        archive(("files/.git/hooks/a", FILE, "x")), archive(("files/b/.GIT/config", FILE, "x")),
        archive(("files/a", tarfile.CHRTYPE, "")), archive(("files/a", tarfile.FIFOTYPE, "")),
        archive(("files/a", tarfile.LNKTYPE, "files/b")), archive(("manifest.json", FILE, "x")),
        archive(manifest=[]), archive(manifest={}), archive(manifest=deleting(1)),
        archive(manifest=deleting("../a")),
        archive(manifest=deleting("/etc/passwd")), archive(manifest=deleting(".git/HEAD")),
        archive(manifest={**deleting(), "version": 2}), archive(("files/" + "a/" * 2000, FILE, "")),
    ],
    # An archive's own bytes have the time in them, and each worker of a run would have other tests.
    ids=lambda _: "payload",
)  # fmt: skip
def test_what_is_no_payload_is_refused(three: tuple[Path, Path, Path], data: bytes) -> None:
    _, _, copy = three
    (copy.parent / "a").write_text("outside\n")
    with pytest.raises(SandboxError):
        put(data, copy)
    assert (copy.parent / "a").read_text() == "outside\n"


def test_a_bomb_is_refused(three: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST", 1 << 20)
    with pytest.raises(SandboxError, match="more than"):
        put(archive(("files/a", FILE, "\0" * (2 << 20))), three[2])


def test_nothing_is_written_by_way_of_a_link(three: tuple[Path, Path, Path]) -> None:
    _, _, copy = three
    (copy.parent / "kept").write_text("outside\n")
    (copy / "there").symlink_to(copy.parent)
    (copy / "file").symlink_to("../kept")
    data = archive(
        ("files/made", LINK, ".."), ("files/made/a", FILE, "x"), ("files/there/b", FILE, "x"),
        ("files/file", FILE, "x"),
        manifest=deleting("there/kept"),
    )  # fmt: skip
    _, missed = put(data, copy)
    assert [path.split(":")[0] for path in missed] == ["made/a", "there/b"]
    assert names(copy.parent) == ["copy", "kept", "origin", "workspace"]
    assert (copy.parent / "kept").read_text() == "outside\n"
    assert (copy / "file").read_text() == "x"
    assert not (copy / "file").is_symlink()


def test_what_the_user_has_put_into_a_folder_stays(three: tuple[Path, Path, Path]) -> None:
    _, _, copy = three
    (copy / "old").mkdir()
    (copy / "old" / "own").write_text("mine\n")
    (copy / "full").mkdir()
    (copy / "full" / "own").write_text("mine\n")
    _, missed = put(archive(("files/full", FILE, "x"), manifest=deleting("old", "gone")), copy)
    assert [path.split(":")[0] for path in missed] == ["full"]
    assert (copy / "old" / "own").read_text() == "mine\n"
    assert names(copy) == ["full", "old"]
