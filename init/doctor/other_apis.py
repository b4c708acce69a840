"""What tools speak besides chat completions: each API is tried where a tool that needs it is installed."""

from __future__ import annotations

import json
import time

from init.doctor import tool_call
from init.model import apis, completion, endpoint
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from init.doctor.report import Report
    from init.model.catalogue import Model, Provider
    from init.tools import Tool

# The one tool, in the words of each.
_FUNCTION = tool_call.TOOL["function"]
_TOOLS = {
    "responses": {"type": "function", **_FUNCTION},
    "messages": {
        "name": _FUNCTION["name"],
        "description": _FUNCTION["description"],
        "input_schema": _FUNCTION["parameters"],
    },
}
# What an event of the end is called; an answer that was cut short at so many tokens has one, too.
_ENDS = {"responses": ("response.completed", "response.incomplete"), "messages": ("message_stop",)}


def examine(report: Report, provider: Provider, entry: Model, tools: Iterable[Tool]) -> frozenset[str]:
    """Try what these tools speak; return which of it cannot be used."""
    speakers: dict[str, list[str]] = {}
    for tool in tools:
        if tool.renderer and tool.api != "chat":
            speakers.setdefault(tool.api, []).append(tool.name)
    return frozenset(
        api for api, names in speakers.items() if not _works(report, provider, entry, api, names)
    )


def _works(report: Report, provider: Provider, entry: Model, api: str, names: list[str]) -> bool:
    report.waiting(f"asking {entry.id} by {apis.PATHS[api]} (up to {completion.PATIENCE:g} s)")
    if apis.lacks(provider, api):
        report.fail(api, *apis.missing(provider, api, names))
        return False
    begun = time.monotonic()
    try:
        called, ended = _called(provider, entry, api)
    except EndpointError as error:
        what = f"{error.what}; {apis.needed_by(names)}"
        report.fail(api, what, error.fix)
        return False
    seconds = time.monotonic() - begun
    if called:
        report.good(api, f"it called {called} within {seconds:.1f} s, as {apis.needed_by(names)}")
    elif not entry.tools:
        report.good(api, f"it answered within {seconds:.1f} s")
    elif ended:
        report.warn(api, f"no tool was called by {apis.PATHS[api]}, and {apis.needed_by(names)}",
                    "Compare it with the tool call above: if that is well, update the server.")  # fmt: skip
    else:
        report.warn(api, f"it came to no call within {completion.PATIENCE:g} s", tool_call.SLOW)
    return True


def _called(provider: Provider, entry: Model, api: str) -> tuple[str, bool]:
    """Have the model call the tool; return the tool's name, "" if it does not, and whether it was at its end.

    Raises:
        EndpointError: the server refuses, or its answer breaks off.
    """
    url = f"{provider.base}/{apis.PATHS[api]}"
    most, asked = min(completion.LONG, entry.output), {"role": "user", "content": tool_call.ADD}
    body: dict[str, Any] = {"model": entry.id, "stream": True}
    if api == "responses":
        body |= {"input": [{"type": "message", **asked}], "max_output_tokens": most, "store": False}
    else:
        body |= {"messages": [asked], "max_tokens": most}
    if entry.tools:
        body["tools"] = [_TOOLS[api]]
    called, ended = "", False

    def take(event: dict[str, Any]) -> None:
        nonlocal called, ended
        if event.get("type") in ("error", "response.failed"):
            raise EndpointError("answer", f"the server breaks off: {_said(event)}", "Look at its log.")
        called = _name(event) or called
        ended = ended or event.get("type") in _ENDS[api]

    try:
        endpoint.events(provider.server, url, body, take, seconds=completion.PATIENCE)
    except EndpointError as error:
        if not error.passing or error.status:
            raise
        return called, False
    except endpoint.UNEXPECTED_SHAPE as error:
        what = f"{url} sends events that are of no form known: {error}"
        raise EndpointError("answer", what, "Update the server.") from error
    if not ended:
        what = f"{url} ends its answer before it is finished"
        raise EndpointError(
            "answer", what, "The server, or a proxy before it, breaks off: look at their logs."
        )
    return called, True


def _name(event: dict[str, Any]) -> str:
    """Return the name of the tool that an event calls."""
    for kind, place in (("function_call", "item"), ("tool_use", "content_block")):
        part = event.get(place) or {}
        if part.get("type") == kind:
            return str(part["name"])
    return ""


def _said(event: dict[str, Any]) -> str:
    error = event.get("error") or (event.get("response") or {}).get("error") or event
    return str(error.get("message") if isinstance(error, dict) else error)[:300] or json.dumps(event)[:300]
