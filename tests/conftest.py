"""What every run begins with: what the conformance suite attacks, and on which base and engine."""

import re
import subprocess

import pytest

from tests.verify import Report

# An assertion of the harness tells what it compared, as one of a test does.
pytest.register_assert_rewrite("tests.harness")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance suite: what to attack")
    group.addoption("--image", metavar="NAME", help="image to attack (default: the one compose.yml names)")
    group.addoption("--compose", metavar="FILE", help="compose file that starts it (default: compose.yml)")
    group.addoption("--bare", action="store_true", help="a bare `docker run` in place of a compose file")
    group.addoption(
        "--pod", metavar="CONTAINER",
        help="the session's pod of deploy/kubernetes: in Podman, which runs in this container, with a gateway"
        " (tests/kubernetes/pods)",
    )  # fmt: skip
    group.addoption("--service", default="sandbox", metavar="NAME", help="its service (default: sandbox)")
    group.addoption(
        "--run-with", metavar="WORDS",
        help="arguments after which a script makes the image run it in place of its tool (default: -c, with"
        " SANDBOX_SHELL=plain); for an entry point that executes its arguments: 'bash -c'",
    )  # fmt: skip
    group.addoption("--verify", action="store_true", help="print one line for each property, and the count")


@pytest.hookimpl(trylast=True)  # once pytest's own reporter is there
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--verify"):
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(Report(), "verify")


def pytest_report_header() -> list[str]:
    """Say on which base and engine the tests run."""
    from tests.harness.engine import IMAGE  # noqa: PLC0415 - once its assertions will be rewritten

    asked = {
        "engine": ("docker", "version", "--format", "{{.Server.Version}}, {{.Server.Os}}/{{.Server.Arch}}"),
        "base": (
            "docker",
            "run",
            "--rm",
            "--network=none",
            "--entrypoint=/bin/cat",
            IMAGE,
            "/etc/os-release",
        ),
    }
    return [f"{what}: {_answer(command)}" for what, command in asked.items()]


def _answer(command: tuple[str, ...]) -> str:
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "none"
    name = re.search('^PRETTY_NAME="(.*)"$', told, re.MULTILINE)
    return name[1] if name else told
