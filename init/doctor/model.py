"""The model server, step by step: its name, the connection, TLS, its list, an answer, a tool call."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

from init.errors import SandboxError
from init.model import catalogue, completion, configuration, discovery, endpoint, failures
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


def model(told: Report, environ: Mapping[str, str], tools: Iterable[Tool]) -> Catalogue | None:
    """Examine each server and each model; return them where the tools can be tried with them."""

    def warn(what: str, fix: str) -> None:
        told.warn("settings", what, fix)

    try:
        wanted = configuration.read(environ, warn)
    except SandboxError as error:
        told.fail("settings", error.what, error.fix)
        return None
    if not wanted.servers:
        _nothing_set(told, tools)
        return None
    told.secrets.extend(server.key for server in wanted.servers if server.key)
    if not all([_reach(told, server) for server in wanted.servers]):  # noqa: C419 - each is to be told of
        return None

    def choose(server: Server, ids: Sequence[str]) -> NoReturn:
        raise catalogue.ambiguous(server, ids)

    try:
        drawn = catalogue.resolve(wanted, choose, warn)
    except SandboxError as error:
        told.fail("id", error.what, error.fix)
        return None
    answers = [_examine(told, provider, entry) for provider in drawn.providers for entry in provider.models]
    return drawn if all(answers) else None


def _nothing_set(told: Report, tools: Iterable[Tool]) -> None:
    if all(model_step.untouched(tool) for tool in tools if tool.models):
        told.fail("settings", "no model server is configured", model_step.NO_SERVER_FIX)
    else:
        told.warn(
            "settings",
            "MODEL_URL is not set; what the tools' own files name is not tried",
            model_step.NO_SERVER_FIX,
        )


def _reach(told: Report, server: Server) -> bool:
    """Go the way to a server's list; tell each step, and whether the end was reached."""
    name = "" if server.source == "MODEL_URL" else f"{server.name}: "
    told.good(
        "address",
        f"{name}{server.url}" + (", with a key" if server.key else ", without a key"),
    )
    try:
        if not failures.proxied(server.url):
            _connect(told, server)
        told.waiting(f"asking {server.url} what it serves (up to {PATIENCE:g} s)")
        served = discovery.ask(server, PATIENCE)
    except EndpointError as error:
        if error.status in catalogue.NO_LIST and all(spec.id for spec in server.models):
            told.warn(
                "list",
                f"{name}{error.what}; the id that is set is taken as it is",
                error.fix,
            )
            return True
        told.fail(
            "list" if error.stage == "answer" else error.stage,
            f"{name}{error.what}",
            error.fix,
        )
        return False
    told.good(
        "list",
        f"{name}{served.base} ({served.kind}) serves {catalogue.joined(served.entries)}",
    )
    return True


def _connect(told: Report, server: Server) -> None:
    """Take the steps before a request one by one, with the time that each takes.

    Raises:
        EndpointError: one cannot be taken.
    """
    host, port = failures.address(server.url)
    told.waiting(f"looking for {host}:{port} (up to {PATIENCE:g} s)")
    with endpoint.steps(server, PATIENCE):
        begun = time.monotonic()
        addresses = sorted(
            {str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        )
        told.good("name", f"{host} is {', '.join(addresses)} ({_milliseconds(begun)})")
        begun = time.monotonic()
        connection = socket.create_connection((host, port), PATIENCE)
        told.good("connect", f"port {port} takes connections ({_milliseconds(begun)})")
        with connection:
            if urlsplit(server.url).scheme == "https":
                begun = time.monotonic()
                with endpoint.trust(server).wrap_socket(connection, server_hostname=host) as secured:
                    told.good(
                        "tls",
                        f"{secured.version()}, certificate accepted ({_milliseconds(begun)})",
                    )


def _milliseconds(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1000:.0f} ms"


def _examine(told: Report, provider: Provider, entry: Model) -> bool:
    told.good("id", f"{entry.id}, context {entry.context}, at most {entry.output} a time")
    try:
        _count(told, provider, entry)
        _context(told, provider, entry)
        if entry.tools:
            return _call(told, provider, entry)
        told.skip("tool call", "it is set to have no tools: MODEL_TOOLS=off, or tools: false")
    except EndpointError as error:
        told.fail("answer", error.what, error.fix)
        return False
    return True


def _count(told: Report, provider: Provider, entry: Model) -> None:
    """Have the model say something longer, and measure it."""
    told.waiting(f"asking {entry.id} for an answer (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, [{"role": "user", "content": COUNT}], None)
    detail = f"first token after {reply.first:.2f} s"
    if reply.rate:
        detail += f", then {reply.rate:.0f} tokens/s"
    if reply.ended == "time":
        told.warn("answer", f"{detail}; it was not at the end after {completion.PATIENCE:g} s", SLOW)
    elif reply.text.strip():
        told.good("answer", detail)
    elif reply.thought:
        told.good("answer", f"{detail}; it was still thinking after {completion.SHORT} tokens")
    else:
        told.warn(
            "answer",
            "the model answered with nothing",
            "Look at the server's log: is its chat template right?",
        )


def _context(told: Report, provider: Provider, entry: Model) -> None:
    """Ask again now that the model is loaded: Ollama tells only then."""
    try:
        served = discovery.ask(provider.server, PATIENCE)
        context = (
            discovery.context_of(provider.server, served, entry.id) if entry.id in served.entries else None
        )
    except EndpointError:
        context = None
    setting = provider.server.setting("MODEL_CONTEXT", "models: the context")
    if context is None:
        told.warn(
            "context", f"the server does not tell it; the tools are told {entry.context}",
            "Compare it with what the server was started with.",
        )  # fmt: skip
    elif context < entry.context:
        told.fail(
            "context", f"the server gives {context} tokens, not the {entry.context} that the tools are told",
            f"Start the server with more (Ollama: OLLAMA_CONTEXT_LENGTH), or set {setting} to {context}.",
        )  # fmt: skip
    else:
        told.good("context", f"the server gives this model {context} tokens")


def _call(told: Report, provider: Provider, entry: Model) -> bool:
    """Have the model call a tool, and go on from its result; tell whether it called it."""
    fix = _TOOL_FLAGS.get(provider.kind, _ANY_TOOL_FLAG)
    messages: list[dict[str, Any]] = [{"role": "user", "content": ADD}]
    told.waiting(f"asking {entry.id} for a tool call (up to {completion.PATIENCE:g} s)")
    try:
        reply = completion.converse(provider, entry, messages, [TOOL])
    except EndpointError as error:
        if error.status not in (400, 404, 422, 500, 501):
            raise
        told.fail("tool call", f"a request with a tool is refused: {error.what}", fix)
        return False
    call = next((call for call in reply.calls if call.name == "add"), None)
    if call is None and reply.ended in ("length", "time"):
        told.warn(
            "tool call",
            f"it came to no call within {completion.LONG} tokens or {completion.PATIENCE:g} s",
            SLOW,
        )
        return True
    if call is None:
        said = " ".join(reply.text.split())[:80]
        what = "is written into the text, not made" if _looks_like_call(reply.text) else "is not made"
        told.fail("tool call", f"the call {what}: {said!r}", fix)
        return False
    try:
        given = json.loads(call.arguments)
        total = int(given["a"]) + int(given["b"])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        what = f"the call has arguments that are not as asked: {call.arguments[:80]!r}"
        told.fail("tool call", what, fix)
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
    told.waiting(f"handing {entry.id} the tool's result (up to {completion.PATIENCE:g} s)")
    reply = completion.converse(provider, entry, messages, [TOOL])
    called = f"it called add({given['a']}, {given['b']})"
    if str(total) in reply.text:
        told.good("tool call", f"{called} and went on from the result")
    elif reply.thought or reply.ended == "time":
        told.good("tool call", f"{called}; it was still at it after the result")
    else:
        told.warn(
            "tool call", f"{called}, but did not use the result", "Small models do that; try a larger one."
        )
    return True


def _looks_like_call(text: str) -> bool:
    return any(
        mark in text
        for mark in ("<tool_call", "<function", '"arguments"', '"parameters"', "[TOOL_CALLS]", "add(")
    )
