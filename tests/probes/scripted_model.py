"""A scripted OpenAI-compatible server: it asks for one file to be written, then says it is done.

It stands in for vLLM where there is no GPU. A request that offers a `write` tool is answered by a
call that writes FILE with CONTENT, its arguments named by the JSON schema the agent sent; once a
tool result is in the conversation, the answer is the text "done: wrote FILE". Each request leaves
one JSON line on standard output.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any

Json = dict[str, Any]
PATH_NAMES = ("filePath", "file_path", "path")
USAGE = {"prompt_tokens": 1000, "completion_tokens": 16, "total_tokens": 1016}
PIECE = 24  # characters in one streamed delta


@dataclass(frozen=True)
class Script:
    """What the model is called, and the one file it writes."""

    model: str
    file: str
    content: str
    directory: PurePosixPath

    def arguments(self, schema: Json) -> Json | None:
        """The arguments of the call, or None where the schema is not that of a file-writing tool."""
        known: Json = schema.get("properties", {})
        path = next((name for name in PATH_NAMES if name in known), None)
        if path is None or "content" not in known:
            return None
        absolute = "absolute" in str(known[path].get("description", "")).lower()
        place = str(self.directory / self.file) if absolute else self.file
        others = {name: f"write {self.file}" for name in schema.get("required", [])}  # such as an intent
        return {**others, path: place, "content": self.content}

    def answer(self, request: Json) -> Json:
        """The assistant's next message in this conversation."""
        message: Json = {"role": "assistant", "content": "Scripted task"}  # such as a session's title
        offered = {tool["function"]["name"]: tool["function"] for tool in request.get("tools") or []}
        if not offered:
            return message
        if has_result(request):
            return message | {"content": f"done: wrote {self.file}"}
        arguments = self.arguments(offered.get("write", {}).get("parameters", {}))
        if arguments is None:
            return message | {"content": "no tool was offered that writes a file"}
        call = {"name": "write", "arguments": json.dumps(arguments)}
        return message | {"tool_calls": [{"id": "call_write", "type": "function", "function": call}], "content": None}


def has_result(request: Json) -> bool:
    return any(message.get("role") == "tool" for message in request.get("messages", []))


def pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def deltas(message: Json) -> Iterator[Json]:
    """The message as a stream sends it: the role, then the text or the call piece by piece."""
    yield {"role": "assistant", "content": ""}
    yield from ({"content": piece} for piece in pieces(message["content"] or ""))
    for call in message.get("tool_calls", []):  # there is never more than one
        yield {"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]}
        for piece in pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        if self.path.rstrip("/") != "/v1/models":
            return self.reply(404, {"error": {"message": "not found", "code": 404}}, "not found")
        model = {"id": self.script.model, "object": "model", "owned_by": "vllm", "max_model_len": 131072}
        self.reply(200, {"object": "list", "data": [model]}, "models")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.rstrip("/") != "/v1/chat/completions":
            return self.reply(404, {"error": {"message": "not found", "code": 404}}, "not found")
        try:
            request: Json = json.loads(body)
            message, result = self.script.answer(request), has_result(request)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return self.reply(400, {"error": {"message": str(error), "code": 400}}, "bad request")
        reason, answered = ("stop", message["content"]) if message["content"] else ("tool_calls", "call: write")
        head: Json = {"id": "chatcmpl-scripted", "created": int(time.time()), "model": self.script.model}
        if not request.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            head |= {"object": "chat.completion", "choices": [choice], "usage": USAGE}
            return self.reply(200, head, answered, result)
        head |= {"object": "chat.completion.chunk", "choices": []}
        steps: list[tuple[Json, str | None]] = [*((delta, None) for delta in deltas(message)), ({}, reason)]
        choices = [{"index": 0, "delta": delta, "finish_reason": end} for delta, end in steps]
        chunks = [head | {"choices": [choice]} for choice in choices]
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append(head | {"usage": USAGE})
        headers = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        self.begin(200, headers, answered, result)
        for data in [*map(json.dumps, chunks), "[DONE]"]:
            event = f"data: {data}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def reply(self, status: int, data: Json, answered: str, result: bool = False) -> None:
        body = json.dumps(data).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.begin(status, headers, answered, result)
        self.wfile.write(body)

    def begin(self, status: int, headers: dict[str, str], answered: str, result: bool) -> None:
        """Log what is answered, then send the status and the headers."""
        line = {"method": self.command, "path": self.path, "tool_result": result, "answered": answered}
        print(json.dumps(line) + "\n", end="", flush=True)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the JSON lines are the log."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a scripted OpenAI-compatible model.")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8000)
    add("--model", default="scripted-model")
    add("--file", default="hello.txt", help="the file to write, relative to the project")
    add("--content", default="hello from the scripted model\n")
    add("--directory", type=PurePosixPath, default="/home/agent/workspace", help="start of absolute paths")
    options = parser.parse_args()
    Handler.script = Script(options.model, options.file, options.content, options.directory)
    ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
