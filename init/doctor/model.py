"""The model server, step by step: its name, the connection, TLS, its list, an answer, a tool call."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

from init.errors import SandboxError
from init.model import completion, configuration, discovery, endpoint, failures
from init.model.catalogue import NO_LIST, ambiguous, joined, resolve
from init.model.failures import EndpointError
from init.session import model_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, NoReturn

    from init.doctor.report import Report
    from init.model.catalogue import Catalogue, Model, Provider
    from init.model.servers import Server
    from init.tools import Tool

# Seconds for the steps before an answer.
PATIENCE = 10.0

COUNT = "Count from one to twenty in words, separated by commas. Write nothing else."
ADD = "Use the tool add to add a=19 and b=23, then tell me the sum. Do not calculate it yourself."
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two whole numbers and returns the sum.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}

SLOW = "It thinks long, or the server is slow: an agent will be, too."

# What makes a server hand tool calls over as such.
_TOOL_FLAGS = {
    "vLLM": "Start vLLM with --enable-auto-tool-choice --tool-call-parser NAME, which goes with the model.",
    "SGLang": "Start SGLang with --tool-call-parser NAME, which goes with the model.",
    "llama.cpp": "Start llama-server with --jinja, and with a model whose template knows tools.",
    "Ollama": "Take a model that `ollama show NAME` lists the capability tools of.",
    "LM Studio": "Take a model that LM Studio marks as trained for tool use.",
}
_ANY_TOOL_FLAG = (
    "Switch tool calls on in the server (README, Model servers), or take a model that is made for them."
)


def model(report: Report, environ: Mapping[str, str], tools: Iterable[Tool]) -> Catalogue | None:
    """Examine each server and each model; return them where the tools can be tried with them."""

    def warn(what: str, fix: str) -> None:
        report.warn("settings", what, fix)

    try:
        configured = configuration.read(environ, warn)
    except SandboxError as error:
        report.fail("settings", error.what, error.fix)
        return None
    if not configured.servers:
        _nothing_set(report, tools)
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
    answers = [
        _examine(report, provider, entry) for provider in catalogue.providers for entry in provider.models
    ]
    return catalogue if all(answers) else None


def _nothing_set(report: Report, tools: Iterable[Tool]) -> None:
    if all(model_step.untouched(tool) for tool in tools if tool.renderer):
        report.fail("settings", "no model server is configured", model_step.NO_SERVER_FIX)
    else:
        report.warn(
            "settings",
            "MODEL_URL is not set; what the tools' own files name is not tried",
            model_step.NO_SERVER_FIX,
        )


def _reach(report: Report, server: Server) -> bool:
    """Go the way to a server's list; tell each step, and whether the end was reached."""
    name = "" if server.origin.is_short else f"{server.name}: "
    report.good(
        "address",
        f"{name}{server.url}" + (", with a key" if server.key else ", without a key"),
    )
    try:
        if not failures.proxied(server.url):
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


def _connect(report: Report, server: Server) -> None:
    """Take the steps before a request one by one, with the time that each takes.

    Raises:
        EndpointError: one cannot be taken.
    """
    host, port = failures.address(server.url)
    report.waiting(f"looking for {host}:{port} (up to {PATIENCE:g} s)")
    with endpoint.steps(server, PATIENCE):
        begun = time.monotonic()
        addresses = sorted(
            {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        )
        report.good("name", f"{host} is {', '.join(addresses)} ({_milliseconds(begun)})")
        begun = time.monotonic()
        connection = socket.create_connection((host, port), PATIENCE)
        report.good("connect", f"port {port} takes connections ({_milliseconds(begun)})")
        with connection:
            if urlsplit(server.url).scheme == "https":
                begun = time.monotonic()
                with endpoint.trust(server).wrap_socket(connection, server_hostname=host) as secured:
                    report.good(
                        "tls",
                        f"{secured.version()}, certificate accepted ({_milliseconds(begun)})",
                    )


def _milliseconds(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1000:.0f} ms"


def _examine(report: Report, provider: Provider, entry: Model) -> bool:
    report.good("id", f"{entry.id}, context {entry.context}, at most {entry.output} a time")
    try:
        _count(report, provider, entry)
        _context(report, provider, entry)
        if entry.tools:
            return _call(report, provider, entry)
        report.skip("tool call", "it is set to have no tools: MODEL_TOOLS=off, or tools: false")
    except EndpointError as error:
        report.fail("answer", error.what, error.fix)
        return False
    return True


def _count(report: Report, provider: Provider, entry: Model) -> None:
    """Have the model say something longer, and measure it."""
    report.waiting(f"asking {entry.id} for an answer (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, [{"role": "user", "content": COUNT}], None)
    detail = f"first token after {reply.first:.2f} s"
    if reply.rate:
        detail += f", then {reply.rate:.0f} tokens/s"
    if reply.ended == "time":
        report.warn("answer", f"{detail}; it was not at the end after {completion.PATIENCE:g} s", SLOW)
    elif reply.text.strip():
        report.good("answer", detail)
    elif reply.thought:
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


def _call(report: Report, provider: Provider, entry: Model) -> bool:
    """Have the model call a tool, and go on from its result; tell whether it called it."""
    fix = _TOOL_FLAGS.get(provider.kind, _ANY_TOOL_FLAG)
    messages: list[dict[str, Any]] = [{"role": "user", "content": ADD}]
    report.waiting(f"asking {entry.id} for a tool call (up to {completion.PATIENCE:g} s)")
    try:
        reply = completion.converse(provider, entry, messages, [TOOL])
    except EndpointError as error:
        if error.status not in (400, 404, 422, 500, 501):
            raise
        report.fail("tool call", f"a request with a tool is refused: {error.what}", fix)
        return False
    call = next((call for call in reply.calls if call.name == "add"), None)
    if call is None and reply.ended in ("length", "time"):
        report.warn(
            "tool call",
            f"it came to no call within {completion.LONG} tokens or {completion.PATIENCE:g} s",
            SLOW,
        )
        return True
    if call is None:
        said = " ".join(reply.text.split())[:80]
        what = "is written into the text, not made" if _looks_like_call(reply.text) else "is not made"
        report.fail("tool call", f"the call {what}: {said!r}", fix)
        return False
    try:
        given = json.loads(call.arguments)
        total = int(given["a"]) + int(given["b"])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        what = f"the call has arguments that are not as asked: {call.arguments[:80]!r}"
        report.fail("tool call", what, fix)
        return False
    # Some templates take no id but the model's own.
    call = call._replace(id=call.id or "call_1")
    function = {"name": call.name, "arguments": call.arguments}
    messages += [
        {
            "role": "assistant",
            "content": reply.text or None,
            "tool_calls": [{"id": call.id, "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": call.id, "content": str(total)},
    ]
    report.waiting(f"handing {entry.id} the tool's result (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, messages, [TOOL])
    called = f"it called add({given['a']}, {given['b']})"
    if str(total) in reply.text:
        report.good("tool call", f"{called} and went on from the result")
    elif reply.thought or reply.ended == "time":
        report.good("tool call", f"{called}; it was still at it after the result")
    else:
        report.warn(
            "tool call", f"{called}, but did not use the result", "Small models do that; try a larger one."
        )
    return True


def _looks_like_call(text: str) -> bool:
    return any(
        mark in text
        for mark in ("<tool_call", "<function", '"arguments"', '"parameters"', "[TOOL_CALLS]", "add(")
    )
