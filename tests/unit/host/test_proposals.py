"""A project's own list, which is the agent's to write."""

import os
from pathlib import Path

import pytest

from host import listing, proposals
from host.journal import Tally
from host.listing import Proposed


def propose(workspace: Path, project: str = "", text: str = "allow: [a.example]\n") -> Path:
    folder = workspace / project / ".sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "egress.yml").write_text(text)
    return folder / "egress.yml"


def test_those_of_the_workspace_and_its_projects_are_found(tmp_path: Path) -> None:
    assert proposals.find(tmp_path) == []
    for project in ("", "one", "two"):
        propose(tmp_path, project)
    propose(tmp_path, "one/too-deep")
    (tmp_path / "file").touch()
    assert [one.place for one in proposals.find(tmp_path)] == [
        ".sandbox/egress.yml", "one/.sandbox/egress.yml", "two/.sandbox/egress.yml",
    ]  # fmt: skip


def test_no_more_are_shown_than_somebody_reads(tmp_path: Path) -> None:
    for number in range(20):
        propose(tmp_path, f"p{number}")
    assert len(proposals.find(tmp_path)) == proposals.MOST


def secret(tmp_path: Path) -> Path:
    file = tmp_path.parent / f"{tmp_path.name}-secret"
    file.write_text("allow: [secret.example]")
    return file


def test_no_link_is_followed(tmp_path: Path) -> None:
    file = propose(tmp_path)
    file.unlink()
    file.symlink_to(secret(tmp_path))
    (found,) = proposals.find(tmp_path)
    assert (found.text, found.problem) == ("", "it is a link, which is not followed")


@pytest.mark.parametrize("linked", [".sandbox", "project"])
def test_no_folder_that_is_a_link_is_entered(tmp_path: Path, linked: str) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    propose(elsewhere)
    (tmp_path / linked).symlink_to(elsewhere / ".sandbox" if linked == ".sandbox" else elsewhere)
    assert all(one.text == "" for one in proposals.find(tmp_path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    file = propose(tmp_path)
    file.unlink()
    os.mkfifo(file)
    (found,) = proposals.find(tmp_path)
    assert found.problem == "it is no file"


def test_a_file_that_is_large_is_not_read(tmp_path: Path) -> None:
    with propose(tmp_path).open("wb") as file:
        file.truncate(1 << 40)
    (found,) = proposals.find(tmp_path)
    assert "64 KiB" in found.problem


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    propose(tmp_path).write_bytes(b"\xff")
    (found,) = proposals.find(tmp_path)
    assert found.problem == "it is no UTF-8 text"


def test_what_takes_a_proposal_over_names_what_was_shown() -> None:
    def entry(name: str, port: int = 443, *, private: bool = False, tls: bool = True) -> dict[str, object]:
        return {"name": name, "port": port, "private": private, "tls": tls, "source": ""}

    entries = [entry("a.example"), entry("*.b.example", 8443), entry("c.example", 80, tls=False),
               entry("d.lan", private=True), entry("e.lan", 5432, private=True, tls=False)]  # fmt: skip
    told = {"entries": entries, "profiles": ["npm"], "refused": ["'\033' is no host name"], "left": 3}
    assert Proposed("p", "", told).commands() == [
        "./start.sh egress allow a.example '*.b.example:8443' c.example:80",
        "./start.sh egress allow --private d.lan",
        "./start.sh egress allow --private --no-tls e.lan:5432",
        "./start.sh egress allow --profile npm",
    ]
    shown = listing.as_text(
        {"mode": "model", "set": "the default", "problems": [], "servers": [], "entries": [], "allowed": []},
        Tally(), [Proposed("\033p", "", told)], 0,
    )  # fmt: skip
    assert all(line.isprintable() for line in shown.splitlines())
    assert "and 3 more, which are left out" in shown
