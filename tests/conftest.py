"""What the conformance suite is run against; see tests/conformance."""

import pytest

from tests.verify import Report

# An assertion of the harness tells what it compared, as one of a test does.
pytest.register_assert_rewrite("tests.harness")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance suite: what to attack")
    group.addoption("--image", metavar="NAME", help="image to attack (default: the one compose.yml names)")
    group.addoption("--compose", metavar="FILE", help="compose file that starts it (default: compose.yml)")
    group.addoption("--bare", action="store_true", help="a bare `docker run` in place of a compose file")
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
