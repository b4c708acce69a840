"""Each tool's own headless mode with the model: can it do a task, end to end."""

from __future__ import annotations

import os
import shutil
import tempfile

from init.doctor import timed_process
from init.doctor.timed_process import Ended
from init.session import config_files, environment, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from init.doctor.model import Examined
    from init.doctor.report import Report
    from init.tools import Tool

# Seconds for a task besides the reading of the tool's own prompt, which may come more than once.
PATIENCE, READINGS = 180.0, 4
# Seconds of reading that nobody waits for.
TOO_LONG = 300.0

TASK = "With your tool for writing files, write {folder}/pong.txt, holding the one word pong. Then say done."
# The folders below data/ in which the tools keep what they keep, by the variable that moves them.
_XDG = {"DATA": "share", "STATE": "state", "CACHE": "cache"}

GREETING = "Say hello in one short sentence."


def try_each(report: Report, tools: Iterable[Tool], examined: Examined) -> None:
    """Give each tool that has a headless mode a task, in folders that are removed afterwards."""
    able = examined.catalogue.main()[1].tools
    patience = PATIENCE + READINGS * examined.reading
    for tool in tools:
        if not (tool.headless and tool.renderer):
            report.skip(tool.name, "config/tools.yml gives it no headless mode, or no models")
            continue
        if tool.api in examined.unusable:
            report.skip(tool.name, f"the server is not to be used by {tool.api}, see above")
            continue
        if examined.reading > TOO_LONG:
            report.skip(tool.name, "the model reads its prompt for too long to wait; try it by hand")
            continue
        folder = tempfile.mkdtemp(prefix="doctor-")
        try:
            _try(report, tool, folder, patience, able=able)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _try(report: Report, tool: Tool, folder: str, patience: float, *, able: bool) -> None:
    prompt = TASK.format(folder=folder) if able else GREETING
    words = [word.replace("{prompt}", prompt) for word in tool.headless]
    # Its sessions are none of the user's.
    data = f"{folder}/.own"
    apart = {f"XDG_{kind}_HOME": f"{data}/{name}" for kind, name in _XDG.items()}
    config_files.provide(tool, places.home(), data)
    command = environment.command(tool, words, places.home(), {**os.environ, **apart}, data)
    report.waiting(f"{tool.name} does a small task (up to {patience:.0f} s)")
    ended = timed_process.run(command.argv, command.environ, folder, patience)
    ended = Ended(ended.code, report.clean(ended.output), report.clean(ended.errors))
    said = ended.last(80)
    if ended.code != 0:
        by_hand = " ".join(tool.headless).replace("{prompt}", f'"{GREETING}"')
        fix = f"Try it by hand: ./start.sh --tool {tool.name} -- {by_hand}"
        report.fail(tool.name, ended.describe(), fix)
    elif able and os.path.isfile(f"{folder}/pong.txt"):
        report.good(tool.name, "it wrote a file with the model's help")
    elif said and not able:
        report.good(tool.name, f"it answered: {said}")
    elif said:
        report.warn(
            tool.name, f"it answered, but wrote no file: {said!r}", "Small models do that; try a larger one."
        )
    else:
        report.fail(tool.name, "it answered nothing", "Look at the model server's log.")
