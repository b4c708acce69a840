"""Which copy and which paths are meant, and what a container that looks at them is given."""

from pathlib import Path

import pytest

from host import review, reviewer
from host.copies import OVERLAY, PLAIN, Copy
from host.errors import HostError

NAMES = ["calm-otter", "src"]
WORKSPACE = Path("/home/me/a shop")


@pytest.mark.parametrize(
    ("words", "name", "paths"),
    [
        ((), "", ()),
        (("calm-otter",), "calm-otter", ()),
        (("calm-otter", "src"), "calm-otter", ("src",)),
        (("lib", "calm-otter"), "", ("lib", "calm-otter")),
        (("src",), "src", ()),
        (("./src",), "", ("./src",)),
    ],
)
def test_the_first_word_is_a_copy_where_there_is_one_of_that_name(
    words: tuple[str, ...], name: str, paths: tuple[str, ...]
) -> None:
    assert review.split(words, NAMES) == (name, paths)


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("src", "src"), ("./src/", "src"), ("a/../b", "b"), (".", "."), (str(WORKSPACE), "."),
        (f"{WORKSPACE}/x y", "x y"), ("-rf", "-rf"), ("..a", "..a"),
    ],
)  # fmt: skip
def test_a_path_is_relative_to_the_project(word: str, path: str) -> None:
    assert review.relative(word, WORKSPACE) == path


@pytest.mark.parametrize(
    "word", ["..", "../a", "a/../../b", "/", "/etc/passwd", f"{WORKSPACE}/../x", "\udcff"]
)
def test_no_path_leads_out_of_the_project(word: str) -> None:
    with pytest.raises(HostError):
        review.relative(word, WORKSPACE)


@pytest.mark.parametrize("kind", [OVERLAY, PLAIN])
@pytest.mark.parametrize("writes", [False, True])
def test_only_apply_may_write_and_only_in_the_users_folder(kind: str, writes: bool) -> None:
    place = Path("/checkout/data/projects/.copies/one")
    upper = place / "upper" if kind == OVERLAY else None
    copy = Copy("one", "p_copy-one", Path("/home/me/$HOME"), kind, 1.0, "", upper, "image", place)
    told = reviewer.override(copy, writes=writes)
    services = told["services"]
    assert isinstance(services, dict)
    mounts = {mount["target"]: mount for mount in services["sandbox"]["volumes"]}
    writable = {target for target, mount in mounts.items() if not mount.get("read_only")}
    assert writable == {"/home/agent/data", *(["/home/agent/workspace"] if writes else [])}
    assert mounts["/home/agent/workspace"]["source"] == "/home/me/$$HOME", "Compose replaces what follows a $"
    assert ("/mnt/upper" in mounts) == (kind == OVERLAY)
    assert told["volumes"] == {"copy": {"name": "p_copy-one", "external": True}}
