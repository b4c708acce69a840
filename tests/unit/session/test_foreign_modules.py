"""init/session/foreign_modules.py: packages of a machine of another kind."""

import os
from pathlib import Path

import pytest

from init.session import foreign_modules

OWN = f"linux-{foreign_modules.PROCESSORS[os.uname().machine]}"


@pytest.mark.parametrize("project", ["", "project"])
@pytest.mark.parametrize(
    ("packages", "told"),
    [
        (("@esbuild/darwin-arm64", "@scope/plain", "left-pad"), "darwin-arm64"),
        (("@next/swc-win32-x64-msvc", "lightningcss-darwin-x64"), "darwin-x64, win32-x64"),
        (("@rollup/rollup-linux-s390x-gnu", "x64-darwin", "linux"), ""),
        (("@esbuild/darwin-arm64", f"lightningcss-{OWN}-gnu"), ""),
        ((), ""),
    ],
)
def test_what_only_another_platform_runs_is_told(
    tmp_path: Path, project: str, packages: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in packages:
        (tmp_path / project / "node_modules" / package).mkdir(parents=True)
    foreign_modules.tell(str(tmp_path))
    said = capsys.readouterr().err
    where = Path("workspace", project, "node_modules")
    assert (f"{where} was installed for {told}: " in said) if told else said == ""
