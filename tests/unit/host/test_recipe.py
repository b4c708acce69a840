"""The digest of what an image is made from: it changes with all that a build reads, and with nothing else."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from host import recipe

ROOT = Path(__file__).parents[3]
IGNORE = """# the first line
*
!init
!config
config/*
!config/tools.yml
!scripts/build
**/__pycache__
!VERSION
"""
FILES = (
    "init/inner/deep.py", "init/__pycache__/deep.pyc", "config/tools.yml", "config/egress.yml",
    "scripts/build/run", "scripts/check.sh", "workspace/notes", "VERSION", "Dockerfile",
)  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("as it was\n")
    (root / "init" / "link").symlink_to("inner")
    (root / ".dockerignore").write_text(IGNORE)
    return root


def digest(root: Path, more: dict[str, object] | None = None, **given: str) -> str:
    return recipe.digest(root, {"context": str(root), "dockerfile": "Dockerfile", **(more or {})}, given)


def relink(root: Path) -> None:
    (root / "init" / "link").unlink()
    (root / "init" / "link").symlink_to("elsewhere")


def touch(root: Path) -> None:
    os.utime(root / "VERSION", (0, 0))


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda root: (root / "init/inner/deep.py").write_text("as it is \n"), True),
        (lambda root: (root / "config/tools.yml").write_text("other\n"), True),
        (lambda root: (root / "VERSION").write_text("1\n"), True),
        (lambda root: (root / "Dockerfile").write_text("FROM other\n"), True),
        (lambda root: (root / ".dockerignore").write_text(IGNORE + "!new\n"), True),
        (lambda root: (root / "scripts/build/run").chmod(0o755), True),
        (lambda root: (root / "scripts").chmod(0o700), True),
        (lambda root: (root / "init/new.py").write_text(""), True),
        (lambda root: (root / "init/empty").mkdir(), True),
        (lambda root: (root / "init/inner/deep.py").unlink(), True),
        (lambda root: (root / "init/inner/deep.py").rename(root / "init/inner/flat.py"), True),
        (lambda root: shutil.rmtree(root / "scripts"), True),
        (relink, True),
        (lambda root: os.mkfifo(root / "init/pipe"), True),
        (lambda root: (root / "config/egress.yml").write_text("other\n"), False),
        (lambda root: (root / "config/models.yml").write_text("new\n"), False),
        (lambda root: (root / "init/__pycache__/deep.pyc").write_text("other\n"), False),
        (lambda root: (root / "workspace/notes").write_text("other\n"), False),
        (lambda root: (root / "scripts/check.sh").write_text("other\n"), False),
        (touch, False),
    ],
)  # fmt: skip
def test_what_changes_it(checkout: Path, change: Callable[[Path], object], counts: bool) -> None:
    before = digest(checkout)
    assert before
    change(checkout)
    after = digest(checkout)
    assert after
    assert (after != before) is counts


def test_what_the_build_is_told_changes_it(checkout: Path) -> None:
    told: list[tuple[dict[str, object], dict[str, str]]] = [
        ({}, {}), ({"args": {"IMAGE_TOOLS": "omp"}}, {}), ({"args": {"IMAGE_TOOLS": None}}, {}),
        ({"target": "model"}, {}), ({}, {"platform": "linux/amd64"}), ({}, {"base": "sha256:1"}),
    ]  # fmt: skip
    assert len({digest(checkout, more, **given) for more, given in told}) == len(told)
    assert digest(checkout, {"secrets": [{"source": "extra_ca"}]}) == digest(checkout)


@pytest.mark.parametrize(
    "more",
    [
        {"context": "/elsewhere"},
        {"dockerfile": "Other"},
        {"dockerfile_inline": "FROM x"},
        {"additional_contexts": {}},
    ],
)  # fmt: skip
def test_a_build_of_another_kind_has_none(checkout: Path, more: dict[str, object]) -> None:
    assert digest(checkout, more) == ""


def test_what_is_not_understood_has_none(checkout: Path) -> None:
    (checkout / ".dockerignore").write_text(IGNORE + "config/[a-z]*\n")
    assert digest(checkout) == ""
    (checkout / ".dockerignore").write_text(IGNORE)
    (checkout / "Dockerfile.dockerignore").write_text("*\n")
    assert digest(checkout) == ""
    (checkout / "Dockerfile.dockerignore").unlink()
    (checkout / "Dockerfile").unlink()
    assert digest(checkout) == ""


@pytest.mark.parametrize(
    ("rules", "path", "taken"),
    [
        ("*", "a", False),
        ("*\n!a", "a/b/c", True),
        ("*\n!a\na/b", "a/b/c", False),
        ("*\n!a\na/b\n!a/b/c", "a/b/c", True),
        ("!a\n*", "a", False),
        ("**/x", "x", False),
        ("**/x", "a/b/x/y", False),
        ("**/x", "a/bx", True),
        ("a/**", "a/b", False),
        ("a/*/c", "a/b/c", False),
        ("a/*/c", "a/b/b/c", True),
        ("?", "b", False),
        ("?", "bb", True),
        ("/a/", "a", False),
        ("./a", "a", False),
        ("  a  ", "a", False),
        ("! a", "a", True),
        ("a.b", "axb", True),
    ],
)  # fmt: skip
def test_the_last_rule_decides(tmp_path: Path, rules: str, path: str, taken: bool) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("")
    found = [name.split(b" ", 1)[1].decode() for name, _ in recipe.files(str(tmp_path), recipe.rules(rules))]
    assert (path in found) is taken


def test_the_checkouts_own_rules_are_understood() -> None:
    assert digest(ROOT)
