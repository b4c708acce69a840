"""The report of `./start.sh verify`: a line for each property, what broke the others, and the count."""

import shutil
from pathlib import Path

import pytest

_MARKS = {"passed": "holds", "failed": "BROKEN", "skipped": "left out"}


class Report:
    """Takes the place of pytest's own output."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(_MARKS, 0)
        self.chapter = ""
        self.width = shutil.get_terminal_size().columns

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what shows only that the attacks are real, and what takes a minute."""
        kept = [item for item in items if not any(map(item.get_closest_marker, ("vacuity", "slow")))]
        items[:] = kept

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A suite that cannot be read has shown nothing."""
        if report.failed:
            self.counts["failed"] += 1
            print(f"  {_MARKS['failed']:8}  {report.nodeid}\n{report.longrepr}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print a property when it is known; a set-up that fails is a property that was not shown."""
        if report.when != "call" and report.passed:
            return
        chapter = Path(report.fspath).stem.removeprefix("test_").replace("_", " ")
        if chapter != self.chapter:
            self.chapter = chapter
            print(f"\n{chapter}")
        self.counts[report.outcome] += 1
        print(f"  {_MARKS[report.outcome]:8}  {_property(report.nodeid)}", flush=True)
        if report.failed:
            print(_indented(report.longreprtext))
        elif report.skipped and isinstance(report.longrepr, tuple):
            print(f"            {report.longrepr[2].removeprefix('Skipped: ')}")

    def pytest_sessionfinish(self) -> None:
        """Print the count."""
        total = sum(self.counts.values())
        print(
            f"\n{total} properties: "
            + ", ".join(
                f"{n} {word}"
                for word, n in zip(("hold", "broken", "left out"), self.counts.values(), strict=True)
            )
        )


def _property(nodeid: str) -> str:
    name, bracket, case = nodeid.partition("::")[2].partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f": {case.removesuffix(']')}" if bracket else "")


def _indented(text: str) -> str:
    # What an assertion says stands in lines that start with E.
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")] or text.splitlines()
    return "\n".join(f"            {line}" for line in lines[:20])
