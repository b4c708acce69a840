"""init/doctor/reading.py: how long a model reads an agent's own prompt, asked of a scripted server."""

import io
from collections.abc import Callable, Iterator

import pytest

from init.doctor import reading
from init.doctor.report import Finding, Report
from init.model import completion
from init.model.catalogue import Model, Provider
from init.model.servers import Origin, Server
from tests.unit.test_scripted_model import Model as Scripted

Read = Callable[..., tuple[float, Finding]]


@pytest.fixture
def read() -> Iterator[Read]:
    """Have a scripted server with these flags read; return the seconds and what is told."""
    running: list[Scripted] = []

    def run(*flags: str) -> tuple[float, Finding]:
        running.append(Scripted(*flags))
        base = f"http://127.0.0.1:{running[-1].port}/v1"
        server = Server("local", base, "", "MODEL_API_KEY", "", Origin(), ())
        entry = Model("scripted-model", 32768, 8192, tools=True, vision=False)
        report = Report(None, io.StringIO())
        seconds = reading.examine(report, Provider(server, "vLLM", base, (entry,)), entry)
        (finding,) = report.findings
        return seconds, finding

    yield run
    for model in running:
        model.process.kill()
        model.process.wait()


def test_a_fast_server_is_well(read: Read) -> None:
    seconds, finding = read()
    assert seconds < reading.LONG
    assert finding.status == "pass"
    assert "an agent's own 10000 take about" in finding.detail


def test_a_slow_one_is_warned_of_with_what_it_takes(read: Read) -> None:
    seconds, finding = read("--reading", "80")
    assert 120 <= seconds < 300, "10,000 tokens at 80 a second"
    assert finding.status == "warn"
    assert "take about" in finding.detail
    assert " min" in finding.detail
    assert "The tools wait for it" in finding.fix


def test_one_that_does_not_come_to_an_end_is_told_with_the_least(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "PATIENCE", 2.0)
    seconds, finding = read("--reading", "1")
    assert seconds == 20
    assert finding.status == "warn"
    assert finding.detail == "1000 tokens are not read within 2 s: an agent's own 10000 take more than 20 s"
