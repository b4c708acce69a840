"""Which compose files count, and what is read from Compose's answer."""

import re
from pathlib import Path

import pytest

from host import compose, configuration, containers
from host.checkout import Checkout
from host.compose import Compose
from host.errors import HostError

ANSWER = {
    "name": "mine",
    "services": {
        "sandbox": {
            "image": "agentic-sandbox:latest",
            "networks": {"sandbox": {"link_local_ips": ["169.254.169.254"]}, "theirs": None},
            "environment": {"DEFAULT_TOOL": "omp", "MENU_TIMEOUT": None, "TERM": "", "TZ": "a$$b"},
            "volumes": [
                {"type": "bind", "source": "/home/me/$$HOME/work", "target": "/home/agent/workspace"},
                {
                    "type": "bind",
                    "source": "/ca.pem",
                    "target": "/x.pem",
                    "bind": {"create_host_path": False},
                },
                {"type": "bind", "source": "/short", "target": "/y", "bind": {"create_host_path": True}},
                {"type": "volume", "source": "cache", "target": "/cache"},
                {"type": "tmpfs", "target": "/home/agent/data"},
            ],
        }
    },
    "networks": {"sandbox": {"name": "mine_sandbox"}, "theirs": {"name": "x", "external": True}},
    "x-start": {"BASE_IMAGE": "", "MODEL_GGUF": "mine.gguf"},
}


def test_what_matters_of_the_answer() -> None:
    read = configuration.understand(ANSWER, Path("/home/me/box"))
    assert (read.project, read.projects, read.image) == ("mine", ("mine",), "agentic-sandbox:latest")
    assert read.networks == ("mine_sandbox",)
    assert read.environment == {"DEFAULT_TOOL": "omp", "TZ": "a$b"}
    assert read.folders == (Path("/home/me/$HOME/work"), Path("/short"))
    assert (read.workspace, read.others) == (Path("/home/me/$HOME/work"), (Path("/ca.pem"),))
    assert read.variables == {"MODEL_GGUF": "mine.gguf"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("here", "other"):
        (tmp_path / name).mkdir()
        for file in ("compose.yml", "more.yml"):
            (tmp_path / name / file).touch()
    return tmp_path / "here"


@pytest.mark.parametrize(
    ("named", "chosen", "ignored"),
    [
        ("", ["compose.yml"], False),
        ("compose.yml", ["compose.yml"], False),
        ("compose.yml:more.yml", ["compose.yml", "more.yml"], False),
        ("./compose.yml:more.yml", ["compose.yml", "more.yml"], False),
        ("{root}/compose.yml:{root}/../other/more.yml", ["compose.yml", "../other/more.yml"], False),
        ("../here/compose.yml", ["../here/compose.yml"], False),
        ("more.yml:compose.yml", ["compose.yml"], True),
        ("docker-compose.yml", ["compose.yml"], True),
        ("../other/compose.yml", ["compose.yml"], True),
        ("compose.yml:missing.yml", ["compose.yml"], True),
        ("compose.yml:../other", ["compose.yml"], True),
    ],
)
def test_a_compose_file_of_another_project_has_no_say(
    root: Path, named: str, chosen: list[str], ignored: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose.files(root, named.format(root=root)) == tuple(root / name for name in chosen)
    told = capsys.readouterr().err
    assert ("COMPOSE_FILE=" in told and "is ignored" in told) == ignored, told


def test_a_foreign_file_in_the_environment_hides_not_what_env_names(root: Path) -> None:
    checkout = Checkout(root, root)
    foreign = {"COMPOSE_FILE": "more.yml", "COMPOSE_PATH_SEPARATOR": ",", "A": "b"}
    named = {"SANDBOX_PROJECT": containers.project(root)}
    assert compose.by_environment(checkout, foreign).environ == {"A": "b", **named}
    for kept in ({"COMPOSE_FILE": "compose.yml"}, {"COMPOSE_FILE": ""}, {}):
        assert compose.by_environment(checkout, kept).environ == {**kept, **named}


def test_a_project_that_nobody_named_has_the_name_of_its_path(tmp_path: Path) -> None:
    root = tmp_path / "A check-out"
    named = containers.project(root)
    assert re.fullmatch("a-check-out-[0-9a-f]{8}", named)
    read = configuration.understand({**ANSWER, "name": named}, root)
    assert read.projects == (named, "acheck-out")
    assert compose.by_environment(Checkout(root, root), {}).environ["SANDBOX_PROJECT"] == named


def test_another_separator(root: Path) -> None:
    between = compose.separator({"COMPOSE_PATH_SEPARATOR": ","})
    assert len(compose.files(root, "compose.yml,more.yml", between)) == 2


@pytest.mark.parametrize(("egress", "more"), [("", 0), ("model", 0), ("list", 0), ("open", 1), ("Open", 0)])
def test_a_network_is_added_where_it_is_asked_for(root: Path, egress: str, more: int) -> None:
    chosen = compose.by_environment(Checkout(root, root), {"EGRESS": egress}).files
    assert chosen == (root / "compose.yml", root / "compose.open.yml")[: 1 + more]
    assert compose.with_network(root, chosen, egress) == chosen


@pytest.mark.parametrize("name", compose.OVERRIDES)
def test_an_override_file_counts_as_compose_has_it(root: Path, name: str) -> None:
    (root / name).touch()
    assert compose.files(root, "") == (root / "compose.yml", root / name)


def test_a_command_line_names_folder_and_files(root: Path) -> None:
    made = Compose(root, (root / "compose.yml",), {}).run(["-T"], {"A": "b c"}, ["--version"])
    assert made == [
        "docker", "compose", "--project-directory", str(root), "--file", str(compose.PROJECT_FILE),
        "--file", str(root / "compose.yml"), "run", "-T", "-e", "A=b c", "sandbox", "--version",
    ]  # fmt: skip


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    volume = {"type": "bind", "source": str(tmp_path / "a" / "b"), "target": "/home/agent/data"}
    service = {**ANSWER["services"]["sandbox"], "volumes": [volume]}  # type: ignore[index]
    read = configuration.understand({**ANSWER, "services": {"sandbox": service}}, tmp_path)
    read.provide_folders()
    read.provide_folders()
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    volume = {"type": "bind", "source": str(tmp_path / "file" / "b"), "target": "/home/agent/data"}
    service = {**ANSWER["services"]["sandbox"], "volumes": [volume]}  # type: ignore[index]
    with pytest.raises(HostError, match="cannot be made"):
        configuration.understand({**ANSWER, "services": {"sandbox": service}}, tmp_path).provide_folders()
