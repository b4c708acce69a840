"""A scripted OpenAI-compatible server: it asks for one file to be written, then says it is done.

It stands in for a real model server where there is no GPU: `--shape` says for which one, `--fault` what
is wrong with it, `--silent` how long it says nothing before a call. A request that offers a `write` tool
is answered by a call of it, its arguments named by the JSON schema the agent sent; once a tool result is
in the conversation, the answer is "done: wrote FILE". A path of a .txt file in the last user message is
written instead. A single tool of another kind is called with arguments made from its schema, and its
result answered as "done: RESULT". Each request leaves one JSON line on standard output.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.probes.server_shapes import SHAPES, Answer, LlamaCpp, Told, Vllm
else:
    sys.path.insert(0, str(Path(__file__).parent))  # which an isolated interpreter leaves out
    from server_shapes import SHAPES, Answer, LlamaCpp, Told, Vllm

Json = dict[str, Any]
USAGE = {"prompt_tokens": 1000, "completion_tokens": 16, "total_tokens": 1016}
PIECE = 24  # characters in one streamed delta
DRIP = 0.5  # seconds between two bytes of a slow answer
HUGE = 64 << 20
DEEP = 100_000  # levels of lists in lists
LOADING = 3  # GETs of the models that find the model loading
THOUGHT = "The user asks for something to be done, and there is a tool for it."
PATH = re.compile(r"(?<![\w./-])/[\w./-]+\.txt\b")
FAULTS = (
    "cut", "deep", "empty", "empty-id", "error500", "half", "hang", "html", "huge", "loading", "no-tools",
    "not-json", "proxy403", "proxy407", "proxy503", "reasoning", "redirect", "slow", "strict", "text-calls",
    "thought-calls", "thousand",
)  # fmt: skip
# What a strict server knows of a request: that which every local one reads.
FIELDS = {
    "frequency_penalty", "max_tokens", "messages", "model", "n", "presence_penalty", "response_format",
    "seed", "stop", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_p",
}  # fmt: skip
# Before the headers, after them and before the first token, between two tokens.
SILENCES = ("headers", "first", "between")


def text_of(content: Any) -> str:
    """A message's content as text, which may come in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content or "")


def messages_of(request: Json) -> list[Json]:
    return request.get("messages") or []


def last_text(request: Json, role: str) -> str:
    texts = [text_of(m.get("content")) for m in messages_of(request) if m.get("role") == role]
    return texts[-1] if texts else ""


def has_result(request: Json) -> bool:
    return any(message.get("role") == "tool" for message in messages_of(request))


def invented(schema: Json, said: str) -> Json:
    """Arguments for a tool of any kind: what was said as `name=value`, or else something of the type."""

    def value(name: str, kind: Json) -> Any:
        types = kind.get("type", "string")
        first = types if isinstance(types, str) else types[0]
        found = re.search(rf"(?<!\w){re.escape(name)}=(?:\"([^\"]*)\"|'([^']*)'|([^\s,;]+))", said)
        word = None
        if found:
            double, single, bare = found.groups()
            word = bare.rstrip(".!?") if bare is not None else double or single or ""
        if first in ("integer", "number"):
            number = re.fullmatch(r"(-?\d+)(\.\d+)?", word or "")
            if number is None:
                return 7
            return float(number[1] + number[2]) if number[2] else int(number[1])
        if first == "boolean":
            return word is None or word == "true"
        if first in ("array", "object"):
            return [] if first == "array" else {}
        return next(iter(kind.get("enum", [name]))) if word is None else word

    return {name: value(name, kind) for name, kind in schema.get("properties", {}).items()}


@dataclass(frozen=True)
class Script:
    """The one file that the model writes."""

    file: str
    content: str
    directory: PurePosixPath

    def arguments(self, schema: Json, file: str) -> Json | None:
        """The arguments of the call, or None where the schema is not that of a file-writing tool."""
        known: Json = schema.get("properties", {})
        path = next((name for name in ("filePath", "file_path", "path") if name in known), None)
        if path is None or "content" not in known:
            return None
        absolute = "absolute" in str(known[path].get("description", "")).lower()
        place = str(self.directory / file) if absolute else file
        others = dict.fromkeys(schema.get("required", []), f"write {file}")  # such as an intent
        return {**others, path: place, "content": self.content}

    def answer(self, request: Json) -> Json:
        """The assistant's next message in this conversation."""
        message: Json = {"role": "assistant", "content": "Scripted task"}  # such as a session's title
        offered = {tool["function"]["name"]: tool["function"] for tool in request.get("tools") or []}
        if not offered:
            return message
        said = last_text(request, "user")
        named = PATH.search(said)
        file = named[0] if named else self.file
        writing = self.arguments(offered.get("write", {}).get("parameters", {}), file)
        other = next(iter(offered.values())) if len(offered) == 1 and writing is None else None
        if has_result(request):
            return message | {"content": f"done: {last_text(request, 'tool') if other else f'wrote {file}'}"}
        if other:
            function = {"name": other["name"], "arguments": invented(other.get("parameters", {}), said)}
        elif writing:
            function = {"name": "write", "arguments": writing}
        else:
            return message | {"content": "no tool was offered that writes a file"}
        function["arguments"] = json.dumps(function["arguments"])
        call = {"id": f"call_{function['name']}", "type": "function", "function": function}
        return message | {"content": None, "tool_calls": [call]}


def as_text(message: Json) -> Json:
    """The message where nothing makes a call of what the model wrote."""
    if "tool_calls" not in message:
        return message
    function = message["tool_calls"][0]["function"]
    call = json.dumps({"name": function["name"], "arguments": json.loads(function["arguments"])})
    return {"role": "assistant", "content": f"<tool_call>\n{call}\n</tool_call>"}


def deltas(message: Json, reasoning: str) -> Iterator[Json]:
    """The message as a stream sends it: the role, then thought, text or call piece by piece."""

    def pieces(text: str) -> list[str]:
        return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]

    yield {"role": "assistant", "content": ""}
    yield from ({reasoning: piece} for piece in pieces(message.get(reasoning, "")))
    yield from ({"content": piece} for piece in pieces(message["content"] or ""))
    for call in message.get("tool_calls", []):  # there is never more than one
        yield {"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]}
        for piece in pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script
    shape: Vllm
    key: str | None
    fault: str | None
    silent: float  # seconds before a call of a tool
    silence: str  # where in the answer it is
    reading: float  # tokens a second of the prompt, 0 for no time at all
    loading = 0  # how often it still says so
    lock = Lock()

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_CONNECT(self) -> None:
        self.serve()

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            parsed = json.loads(body or b"{}")
        except ValueError:
            parsed = {}
        self.asked: Json = parsed if isinstance(parsed, dict) else {}
        path, given = urlsplit(self.path).path, self.headers.get("Authorization")
        if self.spoiled():
            return
        if self.is_loading(path):
            self.reply(LlamaCpp.loading(), "loading")
        elif self.key is not None and given != f"Bearer {self.key}" and self.shape.guarded(path):
            self.reply(self.shape.refused(given), "unauthorized")
        elif self.command == "GET" and path in self.shape.lists:
            self.list_models()
        elif self.command == "POST" and path in self.shape.completions:
            self.complete()
        elif own := self.shape.own(self.command, path, self.asked):
            self.reply(own, "own")
        else:
            self.reply(self.shape.missing(self.command, path), "not found")

    def spoiled(self) -> bool:
        """Whether the fault is one that answers every request, and has answered."""
        page = b"<!doctype html><html><title>Web UI</title><body>Sign in</body></html>"
        if self.fault == "html":
            self.send(200, page, "html", "text/html; charset=utf-8")
        elif self.fault == "deep":
            self.send(200, b'{"data": %b%b}' % (b"[" * DEEP, b"]" * DEEP), "deep")
        elif self.fault == "not-json":
            self.send(200, b'{"object": "list", "data": [{"id": ', "not json")
        elif self.fault in ("proxy403", "proxy407", "proxy503"):
            self.send(int(self.fault[5:]), page, "proxy", "text/html; charset=utf-8")
        elif self.fault == "error500":
            self.reply(self.shape.broken(), "error")
        elif self.fault == "redirect":
            headers = {"Location": "https://elsewhere.invalid/", "Content-Length": "0"}
            self.begin(301, headers, "redirect")
        elif self.fault == "hang":
            self.note("hang")
            self.stall()
        elif self.fault == "slow":
            self.note("slow")
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
            for byte in chain(head, repeat(ord(" "))):  # until the client has had enough
                self.wfile.write(bytes([byte]))
                time.sleep(DRIP)
        else:
            return False
        return True

    def is_loading(self, path: str) -> bool:
        with self.lock:
            loading = Handler.loading > 0
            Handler.loading -= loading and path in self.shape.lists
        return loading

    def list_models(self) -> None:
        listed = self.shape.models()
        if self.fault != "huge":
            self.reply(Answer(200, listed), "models")
            return
        head, tail = json.dumps(listed)[:-1].encode() + b', "padding": "', b'"}'
        self.begin(200, {"Content-Type": self.shape.kind, "Content-Length": str(HUGE)}, "models")
        self.wfile.write(head)
        rest = HUGE - len(head) - len(tail)
        for start in range(0, rest, 1 << 20):
            self.wfile.write(b"x" * min(1 << 20, rest - start))
        self.wfile.write(tail)

    def complete(self) -> None:
        request, model = self.asked, str(self.asked.get("model"))
        refusal, why = self.refusal(request, model)
        if refusal:
            self.reply(refusal, why)
            return
        model = self.shape.load(model)
        tokens = sum(len(text_of(m.get("content"))) for m in messages_of(request)) // 4
        usage = USAGE | ({"prompt_tokens": tokens} if self.reading else {})
        if self.reading:
            time.sleep(tokens / self.reading)
        message = self.with_its_fault(self.script.answer(request))
        calls = message.get("tool_calls")
        answered = f"call: {calls[0]['function']['name']}" if calls else message["content"]
        reason = "tool_calls" if calls else "stop"
        silence = self.silence if calls and self.silent else ""
        if silence == "headers" and not self.keep_silent():
            return
        head: Json = {"id": "chatcmpl-scripted", "created": int(time.time()), "model": model}
        if not request.get("stream"):
            whole = [{"index": 0, "message": message, "finish_reason": reason}]
            head |= {"object": "chat.completion", "choices": whole, "usage": usage}
            self.reply(Answer(200, head), answered)
            return
        head |= {"object": "chat.completion.chunk", "choices": []}
        steps: list[tuple[Json, str | None]] = [
            (delta, None) for delta in deltas(message, self.shape.reasoning)
        ]
        steps.append(({}, reason))
        chunks = [head | {"choices": [{"index": 0, "delta": d, "finish_reason": end}]} for d, end in steps]
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append(head | {"usage": usage})
        self.begin(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}, answered)
        events = [f"data: {data}\n\n".encode() for data in [*map(json.dumps, chunks), "[DONE]"]]
        parts = [b"%x\r\n%b\r\n" % (len(event), event) for event in events] + [b"0\r\n\r\n"]
        if silence in ("first", "between"):
            middle = len(parts) // 2 if silence == "between" else 0
            self.wfile.write(b"".join(parts[:middle]))
            if not self.keep_silent():
                return
            parts = parts[middle:]
        self.body(parts)

    def refusal(self, request: Json, model: str) -> tuple[Answer | None, str]:
        """Why no answer is made, if none is, and how that is logged."""
        unknown = sorted(request.keys() - FIELDS)
        if refusal := self.shape.unknown(model):
            return refusal, "unknown model"
        if self.fault == "strict" and unknown:
            said = f"Extra inputs are not permitted: {', '.join(unknown)}"
            return self.shape.error(400, said, "BadRequestError", unknown[0]), said
        if self.fault == "no-tools" and request.get("tools") and request.get("tool_choice") != "none":
            return self.shape.no_tools(model), "no tools"
        return None, ""

    def with_its_fault(self, message: Json) -> Json:
        """The message as a server sends it that has this fault; no-tools, where nothing refuses them."""
        if self.fault in ("no-tools", "text-calls"):
            return as_text(message)
        if self.fault == "thought-calls" and "tool_calls" in message:
            return {"role": "assistant", "content": "", self.shape.reasoning: as_text(message)["content"]}
        if self.fault == "empty-id" and "tool_calls" in message:
            message["tool_calls"][0]["id"] = ""
        elif self.fault == "reasoning":
            message[self.shape.reasoning] = THOUGHT
        return message

    def keep_silent(self) -> bool:
        """Say nothing for as long as is wanted; tell whether the client is still there."""
        self.note("silent")
        gone, _, _ = select.select([self.connection], [], [], self.silent)
        if gone:
            self.note("given up")
            self.close_connection = True
        return not gone

    def reply(self, answer: Answer, answered: str) -> None:
        if isinstance(answer.body, str):
            self.send(answer.status, answer.body.encode(), answered, "text/plain; charset=utf-8")
        else:
            self.send(answer.status, json.dumps(answer.body).encode(), answered)

    def send(self, status: int, body: bytes, answered: str, kind: str = "") -> None:
        headers = {"Content-Type": kind or self.shape.kind, "Content-Length": str(len(body))}
        self.begin(status, headers, answered)
        middle = len(body) // 2
        self.body([body[:middle], body[middle:]])

    def body(self, parts: list[bytes]) -> None:
        """Send all of it, or half where the fault wants that: then nothing more comes, or the end does."""
        cut = self.fault == "cut" and self.command == "POST"
        if cut or self.fault == "half":
            parts = parts[: len(parts) // 2]
        self.wfile.write(b"".join(parts))
        if self.fault == "half":
            self.stall()
        elif cut:
            self.close_connection = True

    def stall(self) -> None:
        """Say no more, until the client goes away."""
        while self.rfile.read(1):
            pass
        self.close_connection = True

    def begin(self, status: int, headers: dict[str, str], answered: str) -> None:
        """Log what is answered, then send the status and the headers."""
        self.note(answered)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def note(self, answered: str) -> None:
        asked = self.asked
        line = {
            "method": self.command,
            "path": self.path,
            "authorization": self.headers.get("Authorization"),
            "model": asked.get("model"),
            "max_tokens": asked.get("max_tokens") or asked.get("max_completion_tokens"),
            "prompt_characters": sum(len(text_of(m.get("content"))) for m in messages_of(asked)),
            "tools": len(asked.get("tools") or []),
            "tool_result": has_result(asked),
            "answered": answered,
        }
        print(json.dumps(line) + "\n", end="", flush=True)

    def log_message(self, *_: object) -> None:
        """Silent: the JSON lines are the log."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *about: Any) -> None:
        """Tell of what is wrong here, not of a client that went away or spoke no TLS."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*about)


def context(word: str) -> int | None:
    return None if word == "absent" else int(word)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a scripted OpenAI-compatible model.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one and logs it first")
    parser.add_argument("--model", action="append", help="may be given several times")
    parser.add_argument("--file", default="hello.txt", help="the file to write, relative to the project")
    parser.add_argument("--content", default="hello from the scripted model\n")
    parser.add_argument("--directory", type=PurePosixPath, default="/home/agent/workspace")
    parser.add_argument("--shape", choices=SHAPES, default="vllm", help="the server it speaks like")
    parser.add_argument("--old", action="store_true", help="speak like a server of a year or two ago")
    parser.add_argument("--context", type=context, default=131072, help="that is served, or `absent`")
    parser.add_argument("--trained", type=context, default=262144, help="the model's own, or `absent`")
    parser.add_argument("--num-ctx", type=int, help="the context that an Ollama Modelfile sets")
    parser.add_argument("--key", help="what every guarded request must bring as a Bearer token")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEYFILE"), help="PEM files")
    parser.add_argument(
        "--silent", type=float, default=0, help="seconds in which a tool's call does not come"
    )
    parser.add_argument("--silence", choices=SILENCES, default="headers", help="where the silence is")
    parser.add_argument(
        "--reading", type=float, default=0, help="tokens of the prompt that it reads a second"
    )
    parser.add_argument("--fault", choices=FAULTS)
    given = parser.parse_args()
    models = given.model or ["scripted-model"]
    if given.fault == "empty":
        models = []
    elif given.fault == "thousand":
        models += [f"model-{number:04}" for number in range(len(models), 1000)]
    told = Told(models, given.context, given.trained, given.num_ctx, given.old)
    Handler.script = Script(given.file, given.content, given.directory)
    Handler.shape, Handler.key, Handler.fault = SHAPES[given.shape](told), given.key, given.fault
    Handler.silent, Handler.silence, Handler.reading = given.silent, given.silence, given.reading
    Handler.loading = LOADING if given.fault == "loading" else 0
    server = Server((given.host, given.port), Handler)
    if given.tls:
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(*given.tls)
        # The handshake is the thread's, or one client that never shakes hands would keep the others out.
        server.socket = secure.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    if given.port == 0:
        print(json.dumps({"listening": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
