"""Examines the machine, the sandbox and the model, in the place and as the user of a session.

PID 1 runs it in the tool's place with SANDBOX_DOCTOR=1: sandbox-doctor [--json].
"""

from __future__ import annotations

import os

from init import mounts, program
from init.doctor import environment, hardening, model, network, task
from init.doctor.report import to_stdout
from init.errors import SandboxError
from init.model import handover
from init.session import config_files, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from init.doctor.report import Report
    from init.model.catalogue import Catalogue
    from init.mounts import Mount
    from init.settings import Settings
    from init.tools import Tool


def main(arguments: list[str]) -> int:
    """Examine everything and tell it; return 1 where something failed."""
    return program.run(examine, arguments)


def examine(settings: Settings, arguments: list[str]) -> int:
    """Go through all areas, from what the rest stands on to the tools' own answers.

    Raises:
        SandboxError: an argument is not known.
    """
    if arguments not in ([], ["--json"]):
        raise SandboxError(f"doctor does not know {' '.join(arguments)!r}", "There is --json, or nothing.")
    report = to_stdout(as_json=bool(arguments))
    report.section("engine")
    environment.machine(report, settings.host)
    report.section("folders")
    table = mounts.read_table()
    environment.folders(report, table)
    report.section("configuration")
    definitions = environment.configuration(report)
    report.section("tools")
    installed = environment.programs(report, definitions, settings)
    report.section("security")
    hardening.session(report, settings)
    report.section("network")
    network.network(report, settings)
    report.section("model")
    examined = model.model(report, settings.model, settings.gateway, installed)
    if examined is not None:
        report.section("tasks")
        hand_over(report, examined.catalogue, installed, table)
        task.try_each(report, installed, examined)
    if arguments:
        print(report.as_json())  # noqa: T201 - what was asked for
    return report.conclude()


def hand_over(report: Report, catalogue: Catalogue, tools: Sequence[Tool], table: Iterable[Mount]) -> None:
    """Give the tools their files, as a session does."""
    home = places.home()
    try:
        handover.clear(home)
        handover.write(home, catalogue, tools, os.environ, warned=True)
        config_files.install(tools, home, table)
    except SandboxError as error:
        report.fail("files", error.what, error.fix)
