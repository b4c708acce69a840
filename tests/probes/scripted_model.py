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
CONTENT_NAMES = ("content", "contents", "text")
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
        content = next((name for name in CONTENT_NAMES if name in known), None)
        if path is None or content is None:
            return None
        absolute = "absolute" in str(known[path].get("description", "")).lower()
        place = str(self.directory / self.file) if absolute else self.file
        others = {name: f"write {self.file}" for name in schema.get("required", [])}  # omp wants an intent
        return {**others, path: place, content: self.content}

    def answer(self, request: Json) -> Json:
        """The assistant's next message in this conversation."""
        message: Json = {"role": "assistant", "content": "Scripted task"}  # such as a session's title
        tools = [tool.get("function", {}) for tool in request.get("tools") or []]
        if not tools:
            return message
        if has_result(request):
            return message | {"content": f"done: wrote {self.file}"}
        writer = next((tool for tool in tools if tool.get("name") == "write"), {})
        arguments = self.arguments(writer.get("parameters", {}))
        if arguments is None:
            return message | {"content": "no tool was offered that writes a file"}
        function = {"name": "write", "arguments": json.dumps(arguments)}
        return message | {
            "content": None,
            "tool_calls": [{"id": "call_write", "type": "function", "function": function}],
        }


def has_result(request: Json) -> bool:
    return any(message.get("role") == "tool" for message in request.get("messages", []))


def deltas(message: Json) -> Iterator[Json]:
    """The message as a stream sends it: the role, then the text or the call piece by piece."""

    def pieces(text: str) -> Iterator[str]:
        return (text[start : start + PIECE] for start in range(0, len(text), PIECE))

    yield {"role": "assistant", "content": ""}
    for piece in pieces(message["content"] or ""):
        yield {"content": piece}
    for index, call in enumerate(message.get("tool_calls", [])):
        yield {"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]}
        for piece in pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        if self.path.rstrip("/") != "/v1/models":
            return self.reply(404, {"error": {"message": "not found", "code": 404}}, "not found")
        model = {"id": self.script.model, "object": "model", "created": int(time.time()), "owned_by": "vllm"}
        self.reply(200, {"object": "list", "data": [model | {"max_model_len": 131072}]}, "models")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.rstrip("/") != "/v1/chat/completions":
            return self.reply(404, {"error": {"message": "not found", "code": 404}}, "not found")
        try:
            request: Json = json.loads(body)
            message, result = self.script.answer(request), has_result(request)
        except (ValueError, TypeError, AttributeError) as error:
            return self.reply(400, {"error": {"message": str(error), "code": 400}}, "bad request")
        calls = "tool_calls" in message
        reason, answered = ("tool_calls", "call: write") if calls else ("stop", message["content"])
        used = len(body) // 4
        usage = {"prompt_tokens": used, "completion_tokens": 16, "total_tokens": used + 16}
        head: Json = {"id": "chatcmpl-scripted", "created": int(time.time()), "model": self.script.model}
        if not request.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            whole = head | {"object": "chat.completion", "choices": [choice], "usage": usage}
            return self.reply(200, whole, answered, result)
        events = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas(message)]
        events.append({"index": 0, "delta": {}, "finish_reason": reason})
        chunks: list[Json] = [head | {"object": "chat.completion.chunk", "choices": [event]} for event in events]
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append(head | {"object": "chat.completion.chunk", "choices": [], "usage": usage})
        self.log(answered, result)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for data in [*map(json.dumps, chunks), "[DONE]"]:
            event = f"data: {data}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def reply(self, status: int, data: Json, answered: str, result: bool = False) -> None:
        self.log(answered, result)
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log(self, answered: str, result: bool) -> None:
        line = {"method": self.command, "path": self.path, "tool_result": result, "answered": answered}
        print(json.dumps(line) + "\n", end="", flush=True)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the JSON lines are the log."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a scripted OpenAI-compatible model.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", default="scripted-model")
    parser.add_argument("--file", default="hello.txt", help="the file to write, relative to the project")
    parser.add_argument("--content", default="hello from the scripted model\n")
    parser.add_argument("--directory", default="/home/agent/workspace", help="where absolute paths start")
    options = parser.parse_args()
    Handler.script = Script(options.model, options.file, options.content, PurePosixPath(options.directory))
    ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
