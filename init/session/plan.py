"""Which session it is, what it is given before it starts, and what it runs."""

from __future__ import annotations

import sys

from init import log, paths, signals, tools
from init.errors import Finished, SandboxError
from init.record import Record
from init.session import environment, menu, places, survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal, TypeAlias

    from init.session.supervise import Answer, Command
    from init.settings import Settings
    from init.tools import Tool

    Models: TypeAlias = Literal["needed", "lenient", "none"]
    Gateway: TypeAlias = Literal["needed", "lenient", "examined", "none"]


class Needs(Record):
    """What a session is given before it starts.

    Attributes:
        places: whether workspace/ and data/ must be usable.
        models: whether the model servers are asked: a failure stops the start (needed), or is only told
            (lenient).
        files: whether the tools' configuration files are put in place.
        gateway: who waits for the gateway: PID 1, which stops where it is not there (needed), or tells it
            (lenient); what runs (examined); or nobody, since no way out is opened (none).
    """

    places: bool
    models: Models
    files: bool
    gateway: Gateway


# By the setting that says which session it is. The doctor examines for itself what it finds, or does not.
NEEDS = {
    "tool": Needs(places=True, models="needed", files=True, gateway="needed"),
    "task": Needs(places=True, models="needed", files=True, gateway="needed"),
    "shell": Needs(places=True, models="lenient", files=True, gateway="lenient"),
    "plain": Needs(places=True, models="none", files=True, gateway="lenient"),
    "doctor": Needs(places=False, models="none", files=False, gateway="examined"),
    "accept": Needs(places=True, models="none", files=False, gateway="none"),
    # It writes nothing, and the workspace is mounted so.
    "diff": Needs(places=False, models="none", files=False, gateway="none"),
    "apply": Needs(places=True, models="none", files=False, gateway="none"),
    # It tells itself which of its volumes cannot be written.
    "fetch": Needs(places=False, models="none", files=False, gateway="needed"),
    "result": Needs(places=False, models="none", files=False, gateway="none"),
    "unpack": Needs(places=True, models="none", files=False, gateway="none"),
}
# What runs in those that are a program of ours.
PROGRAMS = {
    "doctor": paths.DOCTOR, "accept": paths.ACCEPT, "diff": paths.DIFF, "apply": paths.APPLY,
    "fetch": paths.FETCH, "result": paths.RESULT, "unpack": paths.UNPACK,
}  # fmt: skip


class Plan(Record):
    """A session that was chosen.

    Attributes:
        kind: a key of NEEDS.
        home: the agent's home directory.
        tools: those whose files are put in place: all that are installed, since one tool or a shell may start
            another.
        tool: the one that is started, None where none is.
    """

    kind: str
    home: str
    tools: tuple[Tool, ...]
    tool: Tool | None

    @property
    def needs(self) -> Needs:
        """What a session of this kind is given."""
        return NEEDS[self.kind]


def choose(settings: Settings) -> Plan:
    """Settle what is started.

    Raises:
        SandboxError: the definitions or the settings name nothing that can be started.
        Finished: nobody chose.
    """
    kind, home = settings.session, places.home()
    if not NEEDS[kind].files:
        return Plan(kind, home, (), None)
    definitions = tools.load(paths.DEFINITIONS)
    every = tools.installed(definitions, paths.PATH)
    if kind not in ("tool", "task"):
        return Plan(kind, home, every, None)
    tool = choose_tool(settings, tools.available(definitions, settings.tools, paths.PATH))
    if tool is None:
        log.info("no tool chosen")
        raise Finished(0)
    return Plan(kind, home, every, tool)


def choose_tool(settings: Settings, installed: tuple[Tool, ...]) -> Tool | None:
    """Take the tool that was named, the only one, or the answer of whoever is at the terminal.

    Raises:
        SandboxError: the tool that was named is not there.
    """
    if settings.default_tool:
        return tools.named(settings.default_tool, installed)
    if len(installed) == 1:
        return installed[0]
    if not menu.is_interactive():
        log.info(f"no terminal to ask at: starting {installed[0].name}, the first in TOOLS")
        return installed[0]
    news = survey.begin(installed, settings)
    try:
        with signals.interruptible():
            return menu.ask(installed, 0, sys.stderr, settings.menu_timeout, news=news)
    finally:
        if news is not None:
            news.end()


def command(plan: Plan, arguments: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Return what the session runs, with these arguments."""
    if plan.tool is not None:
        words = headless(plan.tool, arguments) if plan.kind == "task" else arguments
        return environment.command(plan.tool, words, plan.home, environ)
    if plan.kind in PROGRAMS:
        return environment.program(PROGRAMS[plan.kind], arguments, plan.home, environ)
    return environment.shell(arguments, plan.home, environ)


def headless(tool: Tool, arguments: Sequence[str]) -> list[str]:
    """Return the arguments that have a tool do one prompt with nobody there.

    Raises:
        SandboxError: it has no such form, or there is not one prompt.
    """
    if not tool.headless:
        raise SandboxError(
            f"{tool.name} has no form that does one prompt with nobody there",
            f"Give it one in {tools.FILE}: `headless: [...]`, with {{prompt}} in it. Or take another tool.",
        )
    if len(arguments) != 1 or not arguments[0].strip():
        raise SandboxError("a task is one prompt, and no arguments", 'Put it into quotes: "Fix the tests".')
    # What begins with a dash would be taken for an option.
    prompt = f" {arguments[0]}" if arguments[0].startswith("-") else arguments[0]
    return [word.replace("{prompt}", prompt) for word in tool.headless]


def when_stopped(plan: Plan, environ: Mapping[str, str]) -> Callable[[], Answer]:
    """Return what is asked when what runs was stopped with Ctrl-Z: a tool gives way, all else goes on."""
    tool = plan.tool
    if tool is None:
        return lambda: "resume"

    def ask() -> Answer:
        with signals.interruptible():
            answer = menu.ask_stopped(tool.name, 0, sys.stderr)
        try:
            return environment.shell((), plan.home, environ) if answer == "shell" else answer
        except SandboxError as error:
            log.error(error.what, fix=error.fix)
            return "resume"

    return ask
