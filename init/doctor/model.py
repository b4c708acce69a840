"""The model server, step by step: its name, the connection, TLS, its list, an answer, a tool call."""

from __future__ import annotations

from init.doctor import other_apis, reading, tool_call
from init.errors import SandboxError
from init.model import apis, completion, configuration, discovery, failures, gateway, proxy
from init.model.catalogue import NO_LIST, ambiguous, joined, resolve
from init.model.failures import EndpointError
from init.model.servers import Places
from init.record import Record
from init.session import link, model_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import NoReturn

    from init.doctor.report import Report
    from init.model.catalogue import Catalogue, Model, Provider
    from init.model.servers import Server
    from init.tools import Tool

# Seconds for the steps before an answer.
PATIENCE = 10.0


class Examined(Record):
    """What the tools can be tried with.

    Attributes:
        catalogue: the models.
        reading: seconds for which the slowest of them reads a tool's own prompt.
        unusable: what the main model cannot be asked by: names of config/tools.yml, api.
    """

    catalogue: Catalogue
    reading: float
    unusable: frozenset[str] = frozenset()


COUNT = "Count from one to twenty in words, separated by commas. Write nothing else."


def model(
    report: Report, variables: Mapping[str, str], sockets: str, tools: Sequence[Tool]
) -> Examined | None:
    """Examine each server and each model; return them where the tools can be tried with them.

    Args:
        report: takes what is found.
        variables: MODEL_*, by name.
        sockets: the folder of the gateway's, "" where there is none.
        tools: those that are installed.
    """

    def warn(what: str, fix: str) -> None:
        report.warn("settings", what, fix)

    try:
        places = Places(via=link.gateway(sockets))
        configured = configuration.read(variables, warn, places)
    except SandboxError as error:
        report.fail("settings", error.what, error.fix)
        return None
    if not configured.servers:
        _nothing_set(report, sockets, tools)
        return None
    report.secrets.extend(server.key for server in configured.servers if server.key)
    if not all([_reach(report, server) for server in configured.servers]):  # noqa: C419 - each is to be told of
        return None

    def choose(server: Server, ids: Sequence[str]) -> NoReturn:
        raise ambiguous(server, ids)

    try:
        catalogue = resolve(configured, choose, warn)
    except SandboxError as error:
        report.fail("id", error.what, error.fix)
        return None
    readings = [
        _examine(report, provider, entry) for provider in catalogue.providers for entry in provider.models
    ]
    known = [seconds for seconds in readings if seconds is not None]
    if len(known) < len(readings):
        return None
    provider, entry = catalogue.main()
    for tool in tools:
        if reason := apis.too_small(tool, entry):
            report.warn("context", reason, "Start the server with more, or take another tool.")
    return Examined(catalogue, max(known), other_apis.examine(report, provider, entry, tools))


def _nothing_set(report: Report, sockets: str, tools: Iterable[Tool]) -> None:
    if all(model_step.untouched(tool) for tool in tools if tool.renderer):
        report.fail("settings", "no model server is configured", model_step.NO_SERVER_FIX)
    else:
        report.warn(
            "settings",
            "MODEL_URL is not set; what the tools' own files name is not tried",
            model_step.UNREACHED_FIX if sockets else model_step.NO_SERVER_FIX,
        )


def _reach(report: Report, server: Server) -> bool:
    """Go the way to a server's list; tell each step, and whether the end was reached."""
    name = "" if server.origin.is_short else f"{server.name}: "
    try:
        key = "with a key" if gateway.has_key(server, PATIENCE) else "without a key"
        report.good("address", f"{name}{server.url}, {key}")
        if server.via or not _by_proxy(report, server):
            _connect(report, server)
        report.waiting(f"asking {server.url} what it serves (up to {PATIENCE:g} s)")
        served = discovery.ask(server, PATIENCE)
    except EndpointError as error:
        if error.status in NO_LIST and all(spec.id for spec in server.models):
            report.warn(
                "list",
                f"{name}{error.what}; the id that is set is taken as it is",
                error.fix,
            )
            return True
        report.fail(
            "list" if error.stage == "answer" else error.stage,
            f"{name}{error.what}",
            error.fix,
        )
        return False
    report.good(
        "list",
        f"{name}{served.base} ({served.kind}) serves {joined(served.entries)}",
    )
    return True


def _by_proxy(report: Report, server: Server) -> bool:
    """Tell whether a proxy is between; where one is named, say whether it is asked."""
    named, way = proxy.named(server.url), proxy.between(server.url)
    if way:
        report.good("proxy", f"{way.shown}, of {way.variable}, is asked for it")
    elif named:
        report.good("proxy", f"{named.shown}, of {named.variable}, is not asked for it")
    return way is not None


def _connect(report: Report, server: Server) -> None:
    """Take the steps before a request one by one, with the time that each takes.

    Raises:
        EndpointError: one cannot be taken.
    """
    host, port = failures.address(server.url)
    report.waiting(f"looking for {host}:{port} (up to {PATIENCE:g} s)")
    for step, text in gateway.steps_to(server, PATIENCE):
        report.good(step, text)


def _examine(report: Report, provider: Provider, entry: Model) -> float | None:
    """Tell what a model can; return the seconds for which it reads a tool's own prompt, None if it fails."""
    report.good("id", f"{entry.id}, context {entry.context}, at most {entry.output} a time")
    try:
        _count(report, provider, entry)
        _context(report, provider, entry)
        if entry.tools:
            seconds = reading.examine(report, provider, entry)
            return seconds if tool_call.examine(report, provider, entry) else None
        report.skip("tool call", "it is set to have no tools: MODEL_TOOLS=off, or tools: false")
    except EndpointError as error:
        report.fail("answer", error.what, error.fix)
        return None
    # It gets a short prompt.
    return 0.0


def _count(report: Report, provider: Provider, entry: Model) -> None:
    """Have the model say something longer, and measure it."""
    report.waiting(f"asking {entry.id} for an answer (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, [{"role": "user", "content": COUNT}], None)
    detail = f"first token after {reply.first:.2f} s"
    if reply.rate:
        detail += f", then {reply.rate:.0f} tokens/s"
    if reply.ended == "time":
        report.warn(
            "answer", f"{detail}; it was not at the end after {completion.PATIENCE:g} s", tool_call.SLOW
        )
    elif reply.text.strip():
        report.good("answer", detail)
    elif reply.thoughts:
        report.good("answer", f"{detail}; it was still thinking after {completion.SHORT} tokens")
    else:
        report.warn(
            "answer",
            "the model answered with nothing",
            "Look at the server's log: is its chat template right?",
        )


def _context(report: Report, provider: Provider, entry: Model) -> None:
    """Ask again now that the model is loaded: Ollama tells only then."""
    try:
        served = discovery.ask(provider.server, PATIENCE)
        context = (
            discovery.context_of(provider.server, served, entry.id) if entry.id in served.entries else None
        )
    except EndpointError:
        context = None
    setting = provider.server.origin.name_of_model("MODEL_CONTEXT", "context", entry.id)
    if context is None:
        report.warn(
            "context", f"the server does not tell it; the tools are told {entry.context}",
            "Compare it with what the server was started with.",
        )  # fmt: skip
    elif context < entry.context:
        report.fail(
            "context", f"the server gives {context} tokens, not the {entry.context} that the tools are told",
            f"Start the server with more (Ollama: OLLAMA_CONTEXT_LENGTH), or set {setting} to {context}.",
        )  # fmt: skip
    else:
        report.good("context", f"the server gives this model {context} tokens")
