"""A scripted OpenAI-compatible server: it asks for one file to be written, then says it is done.

It stands in for vLLM where there is no GPU. A request that offers a `write` tool is answered by a
call of it, its arguments named by the JSON schema the agent sent; once a tool result is in the
conversation, the answer is "done: wrote FILE". Each request leaves one JSON line on standard output.
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
USAGE = {"prompt_tokens": 1000, "completion_tokens": 16, "total_tokens": 1016}
NOT_FOUND = {"error": {"message": "not found", "code": 404}}
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
        path = next((name for name in ("filePath", "file_path", "path") if name in known), None)
        if path is None or "content" not in known:
            return None
        absolute = "absolute" in str(known[path].get("description", "")).lower()
        place = str(self.directory / self.file) if absolute else self.file
        others = dict.fromkeys(schema.get("required", []), f"write {self.file}")  # such as an intent
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
        function = {"name": "write", "arguments": json.dumps(arguments)}
        call = {"id": "call_write", "type": "function", "function": function}
        return message | {"content": None, "tool_calls": [call]}


def has_result(request: Json) -> bool:
    return any(message.get("role") == "tool" for message in request.get("messages", []))


def deltas(message: Json) -> Iterator[Json]:
    """The message as a stream sends it: the role, then the text or the call piece by piece."""

    def pieces(text: str) -> list[str]:
        return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]

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
        model = {"id": self.script.model, "object": "model", "owned_by": "vllm", "max_model_len": 131072}
        if self.path == "/v1/models":
            self.reply(200, {"object": "list", "data": [model]}, "models")
        else:
            self.reply(404, NOT_FOUND, "not found")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self.reply(404, NOT_FOUND, "not found")
            return
        request: Json = json.loads(body)
        message, result = self.script.answer(request), has_result(request)
        answered = message["content"] or "call: write"
        reason = "tool_calls" if "tool_calls" in message else "stop"
        head: Json = {"id": "chatcmpl-scripted", "created": int(time.time()), "model": self.script.model}
        if not request.get("stream"):
            whole = [{"index": 0, "message": message, "finish_reason": reason}]
            head |= {"object": "chat.completion", "choices": whole, "usage": USAGE}
            self.reply(200, head, answered, result)
            return
        head |= {"object": "chat.completion.chunk", "choices": []}
        steps: list[tuple[Json, str | None]] = [*((delta, None) for delta in deltas(message)), ({}, reason)]
        chunks = [head | {"choices": [{"index": 0, "delta": d, "finish_reason": end}]} for d, end in steps]
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append(head | {"usage": USAGE})
        self.begin({"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}, answered, result)
        for data in [*map(json.dumps, chunks), "[DONE]"]:
            event = f"data: {data}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def reply(self, status: int, data: Json, answered: str, result: bool = False) -> None:
        body = json.dumps(data).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.begin(headers, answered, result, status)
        self.wfile.write(body)

    def begin(self, headers: dict[str, str], answered: str, result: bool, status: int = 200) -> None:
        """Log what is answered, then send the status and the headers."""
        line = {"method": self.command, "path": self.path, "tool_result": result, "answered": answered}
        print(json.dumps(line) + "\n", end="", flush=True)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_request(self, *_: object) -> None:
        """Silent: the JSON lines are the log."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a scripted OpenAI-compatible model.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", default="scripted-model")
    parser.add_argument("--file", default="hello.txt", help="the file to write, relative to the project")
    parser.add_argument("--content", default="hello from the scripted model\n")
    parser.add_argument("--directory", type=PurePosixPath, default="/home/agent/workspace")
    given = parser.parse_args()
    Handler.script = Script(given.model, given.file, given.content, given.directory)
    ThreadingHTTPServer((given.host, given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
