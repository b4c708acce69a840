"""scripts/check_pins.py finds each image that a Dockerfile takes without a digest."""

from pathlib import Path

import pytest

from scripts import check_pins

SHA = "0" * 64


@pytest.mark.parametrize(
    ("text", "images"),
    [
        (f"ARG BASE=debian:13@sha256:{SHA}\nFROM ${{BASE}} AS one\nFROM one AS two\nFROM scratch\n", []),
        ("FROM debian:13\n", ["debian:13"]),
        ("ARG BASE=debian:13\nFROM ${BASE}\n", ["${BASE}"]),
        ("ARG BASE\nfrom --platform=linux/amd64 $BASE as a\n", ["$BASE"]),
        ("FROM debian@sha256:123\n", ["debian@sha256:123"]),
        ("FROM two AS one\nFROM scratch AS two\n", ["two"]),
        ("FROM scratch AS y\nCOPY --from=y /x /x\nRUN --mount=type=bind,from=y,target=/x true\n", []),
        ("FROM scratch\nCOPY --chmod=1 \\\n # why\n  --from=x:1 /x /x\n", ["x:1"]),
        (
            "FROM scratch\nRUN --mount=type=cache,target=/y \\\n --mount=type=bind,from=x:1,target=/x true\n",
            ["x:1"],
        ),
        ("FROM scratch\n# RUN --mount=from=x:1 true\nCOPY from=x /x\n", []),
        ("# syntax=docker/dockerfile:1\nFROM scratch\n", ["docker/dockerfile:1"]),
        ("# unpinned: it is built here\nFROM debian:13\n", []),
        ("# unpinned:\nFROM debian:13\n", ["debian:13"]),
    ],
)
def test_dockerfiles(text: str, images: list[str]) -> None:
    assert list(check_pins.unpinned(text)) == images


def test_the_command_fails_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:13\n")
    assert check_pins.main([str(file)]) == 1
    assert capsys.readouterr().out == f"{file}: debian:13 has no digest\n"
    file.write_text("FROM scratch\n")
    assert check_pins.main([str(file)]) == 0
    assert capsys.readouterr().out == ""
