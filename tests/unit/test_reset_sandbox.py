"""scripts/reset-sandbox.sh, run in a copy of the checkout, with a stand-in for the docker command."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONSENT = "Yes, do as I say!"
NOBODY = 65534
UNTOUCHED = {"workspace/.gitkeep", "workspace/project/main.py", "data/.gitkeep", "data/share/session.db"}
EMPTY = {"workspace/.gitkeep", "data/.gitkeep"}


class Checkout:
    """A checkout with one project, one session, and a docker command that sees no container."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("scripts", "host"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "start.sh", root)
        # For a busy machine.
        program = root / "host" / "reset.py"
        text = program.read_text()
        assert text.count("PATIENCE = 5.0") == 1
        program.write_text(text.replace("PATIENCE = 5.0", "PATIENCE = 60.0"))
        for name in UNTOUCHED:
            self.add(name)
        self.docker("exit 0")

    def add(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
        return path

    def docker(self, body: str) -> None:
        program = self.root / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    def reset(
        self, *options: str, answer: str = "", within: tuple[str, ...] = (), **process: Any
    ) -> "Outcome":
        environ = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", **process.pop("env", {})}
        done = subprocess.run(
            [*within, "bash", self.root / "scripts" / "reset-sandbox.sh", *options],
            cwd=process.pop("cwd", self.root),
            env=environ,
            input=answer,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **process,
        )
        return Outcome(done.returncode, done.stdout, done.stderr, self.left())

    def left(self) -> set[str]:
        """Every entry but folders, and folders that are empty."""
        return {
            str(path.relative_to(self.root))
            for folder in ("workspace", "data")
            for path in (self.root / folder).rglob("*")
            if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
        }


@dataclass(frozen=True)
class Outcome:
    """What a run ended with; a failed assertion shows what it printed."""

    code: int
    out: str
    err: str
    left: set[str]

    def __repr__(self) -> str:
        return f"exit {self.code}, left {self.left}\n--- stdout\n{self.out}--- stderr\n{self.err}"

    def ended(self, code: int, *said: str, left: set[str]) -> None:
        assert self.code == code, self
        assert self.left == left, self
        for words in said:
            assert words in self.err, self


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "a check-out [1]*")


@pytest.fixture
def open_checkout() -> Iterator[Checkout]:
    """One that another user can reach: tmp_path is private to who runs the tests."""
    with tempfile.TemporaryDirectory() as root:
        checkout = Checkout(Path(root) / "checkout")
        for path in (Path(root), *Path(root).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        yield checkout


def test_the_exact_words_empty_both_folders(checkout: Checkout) -> None:
    checkout.reset(answer=f"{CONSENT}\n").ended(
        0, "workspace/: 2 files", "data/: 2 files", CONSENT, left=EMPTY
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\n",
        "yes\n",
        "y\n",
        CONSENT,
        f"{CONSENT.lower()}\n",
        f" {CONSENT}\n",
        f"{CONSENT} \n",
        f"no\n{CONSENT}\n",
    ],
)
def test_anything_else_changes_nothing(checkout: Checkout, answer: str) -> None:
    checkout.reset(answer=answer).ended(1, "not confirmed: nothing was removed", left=UNTOUCHED)


def test_the_data_of_projects_goes_and_its_folder_stays(checkout: Checkout) -> None:
    for name in ("shop-1a2b3c4d/share/session.db", "x-1/y", ".gitkeep", ".copies/otter/upper/file"):
        checkout.add(f"data/projects/{name}")
    told = ("data/: 2 files", "data/projects/: 9 files", "of the project shop-1a2b3c4d", "of the project x-1")
    checkout.reset(answer=f"{CONSENT}\n").ended(0, *told, left={*EMPTY, "data/projects/.gitkeep"})
    checkout.reset().ended(0, "nothing to remove", left={*EMPTY, "data/projects/.gitkeep"})


def test_what_else_has_the_name_of_that_folder_goes(checkout: Checkout) -> None:
    outside = checkout.add("outside/file")
    (checkout.root / "data" / "projects").symlink_to(outside.parent)
    checkout.reset("--destroy").ended(0, "data/: 3 files", left=EMPTY)
    assert outside.exists()


def test_destroy_does_not_ask(checkout: Checkout) -> None:
    outcome = checkout.reset("--destroy")
    outcome.ended(0, left=EMPTY)
    assert CONSENT not in outcome.err, outcome


def test_a_second_reset_finds_nothing(checkout: Checkout) -> None:
    checkout.reset("--destroy").ended(0, left=EMPTY)
    checkout.reset().ended(0, "nothing to remove", left=EMPTY)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(checkout: Checkout, option: str) -> None:
    outcome = checkout.reset(option)
    outcome.ended(0, left=UNTOUCHED)
    assert "--destroy" in outcome.out, outcome


@pytest.mark.parametrize(
    "options", [["--force"], ["--destroy", "workspace"], ["--destroy", ""], ["--Destroy"]]
)
def test_what_is_not_an_option(checkout: Checkout, options: list[str]) -> None:
    checkout.reset(*options).ended(64, f"unknown option '{options[-1]}'", "Usage:", left=UNTOUCHED)


@pytest.mark.parametrize(
    "name",
    [
        "project/.gitkeep",
        ".hidden",
        "-rf",
        "--help",
        " two  words ",
        "two\nlines",
        "*",
        "$(touch x)",
        "'\"\\",
        ".gitkeep2",
        "ä",
        "a/b/c/d",
    ],
)
@pytest.mark.parametrize("folder", ["workspace", "data"])
def test_every_name_is_removed(checkout: Checkout, folder: str, name: str) -> None:
    checkout.add(f"{folder}/{name}")
    checkout.reset("--destroy").ended(0, left=EMPTY)


@pytest.mark.parametrize("target", ["file", ".", "missing"])
def test_a_link_is_removed_and_not_followed(checkout: Checkout, target: str) -> None:
    outside = checkout.add("outside/file").parent
    (checkout.root / "workspace" / "link").symlink_to(outside / target)
    checkout.reset("--destroy").ended(0, left=EMPTY)
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize("folder", ["workspace", "data"])
def test_a_folder_that_is_a_link_is_refused(checkout: Checkout, folder: str) -> None:
    elsewhere = checkout.root / "elsewhere"
    (checkout.root / folder).rename(elsewhere)
    (checkout.root / folder).symlink_to(elsewhere)
    before = checkout.left()
    checkout.reset("--destroy").ended(1, f"{folder}/ is a symbolic link", "Nothing was removed", left=before)
    assert len(list(elsewhere.rglob("*"))) == 3


def test_a_missing_folder_is_refused(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "data")
    checkout.reset("--destroy").ended(
        1,
        "is not a folder",
        "Nothing was removed",
        left={name for name in UNTOUCHED if name.startswith("workspace/")},
    )


def test_a_cdpath_does_not_lead_elsewhere(checkout: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other")
    checkout.reset("--destroy", env={"CDPATH": str(other.root)}).ended(0, left=EMPTY)
    assert other.left() == UNTOUCHED


def test_a_running_sandbox_is_not_robbed(checkout: Checkout) -> None:
    checkout.docker(f"printf '%s\\t' 4f1d2c3b project sandbox; echo '{checkout.root}'")
    told = ("is running", "Nothing was removed", "docker stop 4f1d2c3b")
    checkout.reset("--destroy").ended(1, *told, left=UNTOUCHED)


def test_another_checkouts_sandbox_is_not_meant(checkout: Checkout, tmp_path: Path) -> None:
    checkout.docker(f"printf '%s\\t' 4f1d2c3b {checkout.root.name[0]} sandbox; echo '{tmp_path}'")
    checkout.reset("--destroy").ended(0, left=EMPTY)


def test_without_an_answer_from_docker_it_warns_and_goes_on(checkout: Checkout) -> None:
    checkout.docker("echo 4f1d2c3b; exit 1")
    checkout.reset("--destroy").ended(0, "warning: Docker did not say", left=EMPTY)


as_root = pytest.mark.as_root


@as_root
def test_the_owner_removes_what_is_read_only(open_checkout: Checkout) -> None:
    cache = open_checkout.add("data/cache/module/file").parent
    for path in (cache, cache.parent):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o000)
    open_checkout.reset("--destroy", user=NOBODY, group=NOBODY, extra_groups=[]).ended(0, left=EMPTY)


@as_root
@pytest.mark.parametrize("mode", [0o000, 0o700, 0o711, 0o744])
def test_a_folder_that_may_not_be_looked_into_is_refused(open_checkout: Checkout, mode: int) -> None:
    """And nothing goes where the user is: cd fails, and find is one that removes."""
    bystander = open_checkout.add("elsewhere/kept")
    for path in (bystander, bystander.parent):
        os.chown(path, NOBODY, NOBODY)
    os.chown(open_checkout.root / "data", 0, 0)
    (open_checkout.root / "data").chmod(mode)
    outcome = open_checkout.reset(
        "--destroy", cwd=bystander.parent, user=NOBODY, group=NOBODY, extra_groups=[]
    )
    outcome.ended(1, "you may not look into data/", "Nothing was removed", "sudo ", left=UNTOUCHED)
    assert bystander.exists()


@as_root
def test_another_users_files_are_counted(open_checkout: Checkout) -> None:
    open_checkout.add("data/root/file").parent.chmod(0o755)
    outcome = open_checkout.reset("--destroy", user=NOBODY, group=NOBODY, extra_groups=[])
    outcome.ended(
        1,
        "Permission denied",
        "could not remove: 2 in data/",
        "another user",
        "sudo ",
        left={*EMPTY, "data/root/file"},
    )


@as_root
def test_a_mounted_filesystem_is_not_entered(checkout: Checkout) -> None:
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode:
        pytest.skip("may not mount here")
    checkout.add("workspace/mnt/below").unlink()
    mounted = 'mount -t tmpfs none workspace/mnt; touch workspace/mnt/kept; "$@"; ls workspace/mnt'
    outcome = checkout.reset("--destroy", within=("unshare", "-m", "sh", "-c", mounted, "sh"))
    outcome.ended(0, "could not remove: 1 in workspace/", "mounted", left={*EMPTY, "workspace/mnt"})
    assert outcome.out == "kept\n", outcome


@as_root
def test_a_folder_of_this_very_filesystem_mounted_there_is_not_entered(checkout: Checkout) -> None:
    if subprocess.run(["unshare", "-m", "mount", "--bind", "/mnt", "/mnt"], check=False).returncode:
        pytest.skip("may not mount here")
    checkout.add("workspace/mnt/below").unlink()
    precious = checkout.add("precious/file")
    mounted = 'mount --bind precious workspace/mnt; "$@"'
    outcome = checkout.reset("--destroy", within=("unshare", "-m", "sh", "-c", mounted, "sh"))
    assert precious.exists(), outcome
    outcome.ended(1, "could not remove: 1 in workspace/", left={*EMPTY, "workspace/mnt"})


@pytest.mark.as_user
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o400])
def test_a_folder_that_cannot_be_searched_is_removed(checkout: Checkout, mode: int) -> None:
    checkout.add("data/cache/file").parent.chmod(mode)
    checkout.reset("--destroy").ended(0, left=EMPTY)
