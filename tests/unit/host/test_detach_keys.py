"""The Docker client's configuration that start.sh sets aside, with real files."""

import json
import subprocess
from pathlib import Path

import pytest

from host import detach_keys, terminal
from init.session import terminal as inside


def test_the_users_configuration_is_kept_whole(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "contexts" / "meta").mkdir(parents=True)
    (own / "cli-plugins").mkdir()
    told = {"auths": {"r.example": {"auth": "x"}}, "proxies": {"default": {}}, "credsStore": "pass",
            "currentContext": "far"}  # fmt: skip
    (own / "config.json").write_text(json.dumps(told))
    with detach_keys.set_aside({"DOCKER_CONFIG": str(own), "A": "b"}) as environ:
        made = Path(environ["DOCKER_CONFIG"])
        assert environ["A"] == "b"
        assert json.loads((made / "config.json").read_text()) == {**told, "detachKeys": detach_keys.KEYS}
        assert ((made / "config.json").stat().st_mode & 0o777, made.stat().st_mode & 0o777) == (0o600, 0o700)
        assert (made / "contexts").resolve() == own / "contexts"
        assert (made / "cli-plugins" / "..").resolve() == own
    assert not made.exists()
    assert json.loads((own / "config.json").read_text()) == told


@pytest.mark.parametrize(
    "text",
    ['{"detachKeys": "ctrl-q"}', "no JSON", "[]", "[" * 100_000],
    ids=["chosen", "none", "list", "deep"],
)
def test_who_chose_keys_keeps_them_and_what_is_no_configuration_is_dockers_to_tell(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    given = {"DOCKER_CONFIG": str(tmp_path)}
    with detach_keys.set_aside(given) as environ:
        assert environ == given
    assert bool(detach_keys.options(given)) == ("detachKeys" not in text)


@pytest.mark.parametrize("own", ["", "missing", "file/below"])
def test_without_a_configuration_there_is_one_with_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    given = {"DOCKER_CONFIG": own and str(tmp_path / own)}
    with detach_keys.set_aside(given) as environ:
        made = Path(environ["DOCKER_CONFIG"])
        assert [entry.name for entry in made.iterdir()] == ["config.json"]


def test_start_sh_puts_right_what_pid_1_does() -> None:
    assert terminal.RESET == inside.RESET


def test_a_terminal_that_is_gone_is_no_error() -> None:
    script = "import os, sys; sys.path.append(sys.argv[1]); from host.terminal import put_right; "
    script += "os.close(1); put_right()"
    subprocess.run(["python3", "-ISc", script, Path(__file__).parents[3]], check=True)
