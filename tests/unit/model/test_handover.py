"""init/model/handover.py: what is written for the tools, and where."""

from pathlib import Path

import pytest

from init import log, paths
from init.errors import SandboxError
from init.model import handover
from init.session import environment
from init.tools import Tool
from tests.unit.model.test_renderers import sample


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_files_are_the_agents_alone_and_cleared_at_the_next_start(home: Path) -> None:
    handover.write(str(home), sample(), (), {})
    folder = Path(paths.rendered_folder(str(home)))
    assert folder.stat().st_mode & 0o777 == 0o700
    variables = environment.model_variables(str(home))
    assert variables["SANDBOX_MODEL_ID"] == "m"
    assert variables["SANDBOX_MODEL_URL"] == "http://h/v1"
    assert variables["MODEL_BIG_API_KEY"] == "s3cret"
    handover.clear(str(home))
    assert not folder.exists()
    handover.clear(str(home))


@pytest.mark.parametrize("at", [".sandbox", ".sandbox/models"])
def test_a_link_of_an_earlier_session_leads_nothing_elsewhere(home: Path, tmp_path: Path, at: str) -> None:
    elsewhere = tmp_path / "workspace"
    (elsewhere / "models").mkdir(parents=True)
    (home / at).parent.mkdir(exist_ok=True)
    (home / at).symlink_to(elsewhere)
    handover.clear(str(home))
    handover.write(str(home), sample(), (), {})
    assert [path.name for path in elsewhere.rglob("*")] == ["models"]


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [("opencode", "opencode.json", "[tru]"), ("omp", "omp-models.yml", "!own b")],
)
def test_a_file_that_is_not_valid_is_told_and_the_others_are_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str, text: str
) -> None:
    warned: list[tuple[str, str]] = []
    monkeypatch.setattr(log, "warning", lambda what, fix: warned.append((what, fix)))
    monkeypatch.setattr(paths, "CONFIG", str(home))
    (home / file).write_text(text)
    tools = [Tool(each, each, (each,), (), {}, (), (), each) for each in ("opencode", "omp")]
    handover.write(str(home), sample(), tools, {}, warned=True)
    ((what, fix),) = warned
    assert what.startswith(f"{name} is not told of the model: config/{file} is not valid: line 1, column ")
    assert fix == f"Correct config/{file} at this place."
    folder = Path(paths.rendered_folder(str(home)))
    written = {path.name.partition("-")[0] for path in folder.iterdir() if path.is_file()}
    assert written == {"opencode", "omp", "variables"} - {name}
    assert (folder / "none").stat().st_mode & 0o777 == 0o500
    handover.clear(str(home))
    with pytest.raises(SandboxError, match=f"config/{file} is not valid"):
        handover.write(str(home), sample(), tools, {})


def test_a_renderer_that_there_is_not_is_told(home: Path) -> None:
    with pytest.raises(SandboxError, match=r"config/tools\.yml, one\.models: .*'none'") as caught:
        handover.write(str(home), sample(), [Tool("one", "one", ("one",), (), {}, (), (), "none")], {})
    assert "opencode, omp" in caught.value.fix


def test_a_variable_that_the_user_set_stays(home: Path) -> None:
    handover.write(str(home), sample(), (), {"SANDBOX_MODEL_ID": "mine"})
    assert "SANDBOX_MODEL_ID" not in environment.model_variables(str(home))


def test_a_home_that_cannot_be_written_is_told(home: Path) -> None:
    (home / ".sandbox").write_text("")
    with pytest.raises(SandboxError, match="cannot write"):
        handover.write(str(home), sample(), (), {})


def test_a_key_reaches_a_tool_that_wants_it_by_a_name_of_its_own(home: Path) -> None:
    claude = Tool("claude", "Claude Code", ("claude",), (), {}, (), (), "claude")
    catalogue = sample()
    keyless = catalogue._replace(roles={"main": catalogue.roles["fast"]})
    found = []
    for each in (catalogue, keyless):
        handover.write(str(home), each, [claude], {})
        found.append(environment.model_variables(str(home))["ANTHROPIC_AUTH_TOKEN"])
        handover.clear(str(home))
    assert found == ["s3cret", "none"]
