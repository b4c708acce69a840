"""What the doctor finds: a line each as soon as it is known, and all of them as JSON."""

from __future__ import annotations

import json
import sys

from init.log import printable, redact
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TextIO, TypeAlias

    Status: TypeAlias = Literal["pass", "warn", "fail", "skip"]

# Characters of one detail: servers and programs choose what they say.
MOST = 2000

_SHOWN = {"pass": "ok  ", "warn": "warn", "fail": "FAIL", "skip": "-   "}


class Finding(Record):
    """One examined thing.

    Attributes:
        area: what it belongs to, such as `model`.
        name: what was examined, such as `connect`.
        status: how it ended; `skip` where it could not be examined.
        detail: what was seen.
        fix: what to do next, "" where nothing is.
    """

    area: str
    name: str
    status: Status
    detail: str
    fix: str = ""


class Report:
    """Collects findings and shows each at once, but for what stands in `secrets`.

    Args:
        out: where lines for a person go; None shows none.
        wait: where it is said what is being waited for; a terminal's line is used again.
    """

    def __init__(self, out: TextIO | None, wait: TextIO) -> None:
        self.out, self.wait = out, wait
        self.secrets: list[str] = []
        self.findings: list[Finding] = []
        self.area, self._heading = "", [""]
        self._waiting = False

    def section(self, area: str) -> None:
        """Begin the next area."""
        self.area = area
        self._heading = ["", area]

    def good(self, name: str, detail: str) -> None:
        """Take what is as it should be."""
        self._add(Finding(self.area, name, "pass", self.clean(detail)))

    def skip(self, name: str, detail: str) -> None:
        """Take what could not be examined, or need not be."""
        self._add(Finding(self.area, name, "skip", self.clean(detail)))

    def warn(self, name: str, detail: str, fix: str = "") -> None:
        """Take what works, but not as the user may think."""
        self._add(Finding(self.area, name, "warn", self.clean(detail), self.clean(fix)))

    def fail(self, name: str, detail: str, fix: str) -> None:
        """Take what does not work."""
        self._add(Finding(self.area, name, "fail", self.clean(detail), self.clean(fix)))

    def waiting(self, what: str) -> None:
        """Say what takes a while."""
        self._clear()
        self._waiting = self.wait.isatty()
        self.wait.write(f"  ...   {what}" + ("" if self._waiting else "\n"))
        self.wait.flush()

    def count(self, status: Status) -> int:
        """Return how many findings ended so."""
        return sum(finding.status == status for finding in self.findings)

    def conclude(self) -> int:
        """Show the sum; return the exit code, 1 where something failed."""
        self._clear()
        failed, warned = self.count("fail"), self.count("warn")
        if self.out is not None:
            print(
                f"\n{self.count('pass')} ok, {warned} to look at, {failed} failed", file=self.out, flush=True
            )
        return 1 if failed else 0

    def as_json(self) -> str:
        """Return all findings and their sum."""
        counts = {"passed": self.count("pass"), "warned": self.count("warn"), "failed": self.count("fail")}
        return json.dumps({"findings": [finding._asdict() for finding in self.findings], **counts}, indent=2)

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._clear()
        if self.out is None:
            return
        lines = [*self._heading, f"  {_SHOWN[finding.status]}  {finding.name:<12}  {finding.detail}"]
        if finding.fix:
            lines.append(f"        {'':<12}  -> {finding.fix}")
        self._heading = []
        print(*lines, sep="\n", file=self.out, flush=True)

    def clean(self, text: str) -> str:
        """Return text without secrets and control characters, and no more of it than somebody reads."""
        for secret in self.secrets:
            text = redact(secret, text)
        text = printable(text)
        return text if len(text) <= MOST else f"{text[:MOST]}… ({len(text)} characters)"

    def _clear(self) -> None:
        if self._waiting:
            self.wait.write("\r\033[K")
            self._waiting = False


def to_stdout(as_json: bool) -> Report:
    """Return a report for a person on stdout, or one that is printed as JSON at the end."""
    return Report(None if as_json else sys.stdout, sys.stderr)
