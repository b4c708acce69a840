"""git's addresses of hosts on the list, as git itself reads them."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway import git_addresses
from gateway.policy import Entry, Policy
from init import paths
from init.session import git_identity

ENTRIES = [
    Entry("git.example.com"), Entry("lan.example", private=True), Entry("*.wild.example"),
    Entry("port.example", 8443), Entry("plain.example", 443, tls=False), Entry("git.example.com"),
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session's home, whose gateway has told git of these entries."""
    monkeypatch.setattr(paths, "GATEWAY", str(tmp_path))
    (tmp_path / "mine").mkdir()
    git_identity.install(str(tmp_path), {"SANDBOX_GATEWAY": "mine", git_identity.NAME: "Ada"})
    git_addresses.write(tmp_path / "mine", Policy("list", ENTRIES))
    return tmp_path


def git(home: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd="/", env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("written", "reached"),
    [
        ("git@git.example.com:a/b.git", "https://git.example.com/a/b.git"),
        ("ssh://git@git.example.com/a/b.git", "https://git.example.com/a/b.git"),
        ("ssh://git@git.example.com:22/a/b.git", "https://git.example.com/a/b.git"),
        ("ssh://git.example.com/a/b", "https://git.example.com/a/b"),
        ("git://git.example.com/a/b", "https://git.example.com/a/b"),
        ("git@lan.example:a", "https://lan.example/a"),
        *[
            (address, address)
            for address in (
                "https://git.example.com/a/b.git", "git@git.example.com.evil.example:a",
                "git@other.example:a", "git@a.wild.example:a", "git@port.example:a", "git@plain.example:a",
                "ssh://git@git.example.com:2222/a",
            )
        ],
    ],
)  # fmt: skip
def test_an_address_by_ssh_becomes_one_by_https_where_that_is_allowed(
    home: Path, written: str, reached: str
) -> None:
    assert git(home, "ls-remote", "--get-url", written) == reached
    assert git(home, "config", "user.name") == "Ada"


def test_a_new_list_counts_for_the_next_command(home: Path) -> None:
    git_addresses.write(home / "mine", Policy("list", [Entry("new.example")]))
    assert git(home, "ls-remote", "--get-url", "git@new.example:a") == "https://new.example/a"
    assert git(home, "ls-remote", "--get-url", "git@git.example.com:a") == "git@git.example.com:a"


def test_where_nothing_is_allowed_nothing_is_told(home: Path) -> None:
    git_addresses.write(home / "mine", Policy("model", ENTRIES))
    assert git(home, "ls-remote", "--get-url", "git@git.example.com:a") == "git@git.example.com:a"


def test_without_the_gateways_file_git_works_all_the_same(home: Path) -> None:
    (home / "mine" / git_addresses.FILE).unlink()
    assert git(home, "config", "user.name") == "Ada"


def test_a_long_list_costs_git_little() -> None:
    many = Policy("list", [Entry(f"h{number}.example") for number in range(10_000)])
    assert git_addresses.settings(many).count("[url") == 500
