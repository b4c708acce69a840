"""init/session/authorities.py: the files of the session's CA, and what programs are told of them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from init import paths
from init.errors import SandboxError
from init.session import authorities

PEM = f"{authorities.MARK}\nours\n-----END CERTIFICATE-----\n"


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "SESSION_CA", str(tmp_path / "mounted.pem"))
    monkeypatch.setattr(authorities, "SYSTEM", str(tmp_path / "system.pem"))
    (tmp_path / "system.pem").write_text("system\n")
    return tmp_path / "mounted.pem"


def test_the_files_hold_the_systems_ours_and_the_model_servers(mounted: Path, tmp_path: Path) -> None:
    mounted.write_text(PEM)
    home = tmp_path / "home"
    models = Path(paths.rendered_folder(str(home)))
    models.mkdir(parents=True)
    (models / "ca.pem").write_text("model\n")
    authorities.install(str(home), {"SESSION_CA": "ca.pem"})
    told = authorities.variables(str(home), {"PIP_CERT": "/mine"})
    assert Path(told["SSL_CERT_FILE"]).read_text() == f"system\n\n{PEM}"
    assert Path(told["NODE_EXTRA_CA_CERTS"]).read_text() == f"{PEM}\nmodel\n"
    assert "PIP_CERT" not in told
    assert set(told.values()) == {told["SSL_CERT_FILE"], told["NODE_EXTRA_CA_CERTS"]}


@pytest.mark.parametrize("environ", [{}, {"SESSION_CA": ""}, {"SESSION_CA": "/dev/null"}])
def test_without_one_nothing_is_told(mounted: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    mounted.write_text("0.2.0\n")
    authorities.install(str(tmp_path / "home"), environ)
    assert authorities.variables(str(tmp_path / "home"), {}) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no PEM", "holds no certificate"),
        (None, "cannot be read"),
        (PEM * (1 << 15), "is larger than 1 MiB"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_none_stops_the_start(mounted: Path, tmp_path: Path, text: str | None, why: str) -> None:
    if text is not None:
        mounted.write_text(text)
    with pytest.raises(SandboxError, match=f"SESSION_CA=x.pem:? {why}"):
        authorities.install(str(tmp_path), {"SESSION_CA": "x.pem"})


def test_a_pipe_is_not_waited_for(mounted: Path, tmp_path: Path) -> None:
    os.mkfifo(mounted)
    with pytest.raises(SandboxError, match=r"SESSION_CA=x\.pem: cannot be read .*it is no file"):
        authorities.install(str(tmp_path), {"SESSION_CA": "x.pem"})


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("/dev/full")])
def test_what_an_earlier_session_left_in_their_place_is_replaced(
    mounted: Path, tmp_path: Path, make: Callable[[str], None]
) -> None:
    mounted.write_text(PEM)
    (tmp_path / ".sandbox" / "ca").mkdir(parents=True)
    make(f"{tmp_path}/.sandbox/ca/whole.pem")
    authorities.install(str(tmp_path), {"SESSION_CA": "x.pem"})
    whole = Path(authorities.variables(str(tmp_path), {})["SSL_CERT_FILE"])
    assert whole.read_text() == f"system\n\n{PEM}"
    assert not whole.is_symlink()
