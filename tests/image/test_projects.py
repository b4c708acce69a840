"""A folder of the user's own as the workspace, with data that no session of another project sees."""

import uuid
from pathlib import Path

import pytest

from tests.harness.own_checkout import Checkout, Make
from tests.harness.waiting import PATIENCE, wait_for

SHELL = ("--no-build", "--shell", "--", "-c")
# Whatever there is of another project's data, by any way that a session has.
SEARCH = (
    "ls -A ~/data/projects; ls -A ~/data/projects/* 2>/dev/null; cat ~/data/projects/*/secret; "
    "find / -name secret -not -path '/proc/*' 2>/dev/null; "
    "touch ~/data/projects/planted; rmdir ~/data/projects; mv ~/data/projects ~/data/p; "
    "ln -sfn / ~/data/projects/x; umount ~/data/projects; true"
)


@pytest.fixture
def box(checkout: Make, tmp_path: Path) -> Checkout:
    for name in ("shop", "blog"):
        (tmp_path / name).mkdir()
    return checkout("box")


def data_of(box: Checkout, name: str) -> Path:
    (found,) = (box.root / "data" / "projects").glob(f"{name}-*")
    return found


def test_a_project_has_its_own_data_which_no_other_session_sees(box: Checkout, tmp_path: Path) -> None:
    first = box.start("../shop", *SHELL, "pwd; echo mine >../data/secret; echo made >here")
    assert (first.code, first.out) == (0, "/home/agent/workspace\n"), first
    assert (tmp_path / "shop" / "here").read_text() == "made\n"
    secret = data_of(box, "shop") / "secret"
    assert secret.read_text() == "mine\n"
    # What is made is the user's, and so is the folder that it is in; as root, the agent's.
    owner = tmp_path.stat().st_uid or 1000
    assert {path.stat().st_uid for path in (secret, secret.parent, tmp_path / "shop" / "here")} == {owner}
    for words in ((), ("--workspace", str(tmp_path / "blog"))):
        other = box.start(*words, *SHELL, SEARCH)
        assert (other.code, other.out) == (0, ""), other
    assert [path.name for path in secret.parent.parent.glob("**/planted")] == []
    again = box.start("../shop/", *SHELL, "cat ~/data/secret")
    assert (again.code, again.out) == (0, "mine\n"), again
    assert [path.name[:-8] for path in sorted((box.root / "data" / "projects").iterdir())] == [
        "blog-",
        "shop-",
    ]


def test_a_session_by_compose_alone_sees_no_data_of_projects(checkout: Make) -> None:
    # The project of Compose has the folder's name.
    box = checkout(f"box-{uuid.uuid4().hex[:8]}")
    made = box.root / "data" / "projects" / "shop-12345678"
    made.mkdir(parents=True)
    (made / "secret").write_text("theirs\n")
    found = box.compose("run", "--rm", "-T", "sandbox", "-c", SEARCH)
    assert (found.code, found.out) == (0, ""), found
    assert (made / "secret").read_text() == "theirs\n"


def test_two_projects_at_once_and_the_default_beside_them(box: Checkout, tmp_path: Path) -> None:
    wait = "touch ready; until test -e go; do sleep 0.05; done; ls ~/data/projects ~/data | grep -c mark"
    folders = (tmp_path / "shop", tmp_path / "blog", box.root / "workspace")
    processes = [
        box.begin(str(folder), *SHELL, f"touch ~/data/mark-{folder.name}; {wait}") for folder in folders
    ]
    for folder in folders:
        wait_for((folder / "ready").exists, f"the session in {folder}")
    for folder in folders:
        (folder / "go").touch()
    assert [process.communicate(timeout=PATIENCE)[0] for process in processes] == ["1\n"] * 3


def test_what_the_user_says_of_data_has_the_last_word(box: Checkout, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (box.root / ".env").write_text(f"DATA_DIR={tmp_path / 'own'}\n")
    del box.environ["DATA_DIR"]
    told = box.start("../shop", *SHELL, "touch ~/data/mark")
    assert (told.code, (tmp_path / "own" / "mark").exists()) == (0, True), told
    # Nothing that root owns, and that nobody asked for, is left in it.
    assert not (tmp_path / "own" / "projects").exists()
    # The checkout's own data, by name: the cover is on it.
    told = box.start("../shop", *SHELL, f"touch ~/data/mark; {SEARCH}", DATA_DIR="./data")
    assert (told.code, told.out, (box.root / "data" / "mark").exists()) == (0, "", True), told


def test_a_quarantine_is_the_projects(box: Checkout, tmp_path: Path) -> None:
    hook = tmp_path / "shop" / ".git" / "hooks" / "post-checkout"
    plant = "git init -q . && echo evil >.git/hooks/post-checkout && chmod +x .git/hooks/post-checkout"
    ended = box.start("../shop", *SHELL, plant, SANDBOX_GUARD="block")
    assert (ended.code, hook.exists()) == (79, False), ended
    assert box.start("accept").out == ""
    (name,) = box.start("accept", "--workspace", "../shop").out.split()
    taken = box.start("accept", "--workspace", "../shop", name)
    assert (taken.code, hook.exists()) == (0, True), taken


def test_folders_that_are_no_workspace_are_refused(box: Checkout, tmp_path: Path) -> None:
    wrong = {
        "..": "this checkout is in it",
        "data/": "only workspace/ is for the agent",
        "gone/": "there is no folder",
        "gone": "is no verb, and no folder",
    }
    for word, why in wrong.items():
        refused = box.start(word, *SHELL, "true")
        assert (refused.code in (1, 64), why in refused.err, refused.out) == (True, True, ""), refused
    refused = box.start("--workspace", str(tmp_path), *SHELL, "true", HOME=str(tmp_path / "shop"))
    assert refused.code == 1, refused
