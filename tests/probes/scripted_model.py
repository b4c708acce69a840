"""A scripted model server: it asks for one file to be written, then says it is done.

It stands in for a real model server where there is no GPU: `--shape` says for which one, `--fault` what
is wrong with it, `--silent` how long it says nothing before a call, `--apis` what it speaks, `--strict` that
its template takes only one leading system message, and functions. A request that offers a tool that writes
files is answered by a call of it, its arguments named by the JSON schema the agent sent, or else by one of
its shell; once the tool's result is in the conversation, the answer is "done: wrote FILE". The last user
message that has tasks may name others, one after the other: "write FILE.txt", "run `COMMAND`", "look at
/FILE.png". A single tool of another kind is called with arguments made from its schema, and its result
answered as "done: RESULT". Each request leaves one JSON line on standard output.
"""

from __future__ import annotations

import argparse
import json
import select
import ssl
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path, PurePosixPath
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.probes.scripted import chat, messages, responses
    from tests.probes.scripted.conversation import Answered, Call, Conversation, Json, Reply
    from tests.probes.scripted.script import Script
    from tests.probes.server_shapes import SHAPES, Answer, LlamaCpp, Told, Vllm
else:
    sys.path.insert(0, str(Path(__file__).parent))  # which an isolated interpreter leaves out
    from scripted import chat, messages, responses
    from scripted.conversation import Answered, Call, Conversation, Json, Reply
    from scripted.script import Script
    from server_shapes import SHAPES, Answer, LlamaCpp, Told, Vllm


class Api(Protocol):
    """How a model server is asked, and how it answers."""

    @property
    def PATHS(self) -> tuple[str, ...]: ...  # noqa: N802 - a module's constant

    def heard(self, request: Json, /) -> Conversation: ...

    def most(self, request: Json, /) -> int | None: ...

    def tells_usage(self, request: Json, /) -> bool: ...

    def whole(self, reply: Reply, about: Answered, /) -> Json: ...

    def events(self, reply: Reply, about: Answered, /) -> Iterator[str]: ...


APIS: dict[str, Api] = {"chat": chat, "responses": responses, "messages": messages}
PROMPT, COMPLETION = 1000, 16  # tokens
DRIP = 0.5  # seconds between two bytes of a slow answer
HUGE = 64 << 20
DEEP = 100_000  # levels of lists in lists
LOADING = 3  # GETs of the models that find the model loading
THOUGHT = "The user asks for something to be done, and there is a tool for it."
FAULTS = (
    "cut", "deep", "dies", "empty", "empty-id", "error500", "half", "hang", "html", "huge", "loading",
    "no-tools", "not-json", "proxy403", "proxy407", "proxy503", "reasoning", "redirect", "slow", "text-calls",
    "thought-calls", "thousand", "unknown-fields",
)  # fmt: skip
# What a server that refuses unknown fields knows of a request: that which every local one reads.
FIELDS = {
    "frequency_penalty", "max_tokens", "messages", "model", "n", "presence_penalty", "response_format",
    "seed", "stop", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_p",
}  # fmt: skip
# Before the headers, after them and before the first token, between two tokens.
SILENCES = ("headers", "first", "between")


def as_text(reply: Reply) -> Reply:
    """The reply where nothing makes a call of what the model wrote."""
    if reply.call is None:
        return reply
    call = json.dumps({"name": reply.call.name, "arguments": json.loads(reply.call.arguments)})
    return Reply(f"<tool_call>\n{call}\n</tool_call>")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script
    shape: Vllm
    key: str | None
    fault: str | None
    apis: tuple[str, ...]
    strict: bool  # whether the template is
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
        self.size = len(body)
        path, given = urlsplit(self.path).path, self.headers.get("Authorization")
        self.api = self.api_of(path)
        self.heard = APIS[self.api or "chat"].heard(self.asked)
        if self.spoiled():
            return
        if self.is_loading(path):
            self.reply(LlamaCpp.loading(), "loading")
        elif self.key is not None and given != f"Bearer {self.key}" and self.shape.guarded(path):
            self.reply(self.shape.refused(given), "unauthorized")
        elif self.command == "GET" and path in self.shape.lists:
            self.list_models()
        elif self.command == "POST" and path.endswith("/count_tokens") and self.api:
            self.reply(Answer(200, messages.counted(self.heard)), "count")
        elif self.command == "POST" and self.api:
            self.complete(APIS[self.api])
        elif own := self.shape.own(self.command, path, self.asked):
            self.reply(own, "own")
        else:
            self.reply(self.shape.missing(self.command, path), "not found")

    def api_of(self, path: str) -> str | None:
        """What is spoken at this path, None where it is nothing that this server has."""
        if path.endswith("/count_tokens") and not self.shape.counts_tokens:
            return None
        known = {
            root + name: api for root in self.shape.roots for api in self.apis for name in APIS[api].PATHS
        }
        return known.get(path)

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

    def complete(self, api: Api) -> None:
        request, model = self.asked, str(self.asked.get("model"))
        refusal, why = self.refusal(request, model)
        if refusal:
            self.reply(refusal, why)
            return
        model = self.shape.load(model)
        tokens = self.heard.characters // 4 if self.reading else PROMPT
        if self.reading:
            time.sleep(tokens / self.reading)
        reply = self.with_its_fault(self.script.reply(self.heard))
        about = Answered(model, tokens, COMPLETION, self.shape.reasoning, api.tells_usage(request))
        answered = f"call: {reply.call.name}" if reply.call else reply.text
        silence = self.silence if reply.call and self.silent else ""
        if silence == "headers" and not self.keep_silent():
            return
        if not request.get("stream"):
            self.reply(Answer(200, api.whole(reply, about)), answered)
            return
        self.begin(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}, answered)
        events = [event.encode() for event in api.events(reply, about)]
        parts = [b"%x\r\n%b\r\n" % (len(event), event) for event in events] + [b"0\r\n\r\n"]
        if self.fault == "dies" and reply.call:
            self.wfile.write(b"".join(parts[: len(parts) // 2]))
            self.server.shutdown()
            self.close_connection = True
            return
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
        if not request.get("model"):
            return self.shape.error(400, "Field required: model", "invalid_request_error"), "no model"
        if refusal := self.shape.unknown(model):
            return refusal, "unknown model"
        if self.fault == "unknown-fields" and self.api == "chat" and unknown:
            said = f"Extra inputs are not permitted: {', '.join(unknown)}"
            return self.shape.error(400, said, "BadRequestError", unknown[0]), said
        if self.strict and (said := self.against_the_template()):
            return self.shape.error(400, said, "invalid_request_error"), said
        if self.fault == "no-tools" and request.get("tools") and request.get("tool_choice") != "none":
            return self.shape.no_tools(model), "no tools"
        return None, ""

    def against_the_template(self) -> str:
        """What a template such as Qwen3.5's, or llama.cpp for it, says of this request; "" for nothing."""
        if self.heard.instructions not in ([], [0]):
            return "System message must be at the beginning."
        if set(self.heard.kinds) - {"function"}:
            return "'type' of tool must be 'function'"
        return ""

    def with_its_fault(self, reply: Reply) -> Reply:
        """The reply as a server sends it that has this fault; no-tools, where nothing refuses them."""
        if self.fault in ("no-tools", "text-calls"):
            return as_text(reply)
        if self.fault == "thought-calls" and reply.call:
            return Reply(thought=as_text(reply).text)
        if self.fault == "empty-id" and reply.call:
            return Reply(call=Call("", reply.call.name, reply.call.arguments))
        if self.fault == "reasoning":
            return Reply(reply.text, reply.call, THOUGHT)
        return reply

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
        asked, heard = self.asked, self.heard
        line = {
            "method": self.command,
            "path": self.path,
            "api": self.api,
            "authorization": self.headers.get("Authorization"),
            "model": asked.get("model"),
            "max_tokens": APIS[self.api or "chat"].most(asked),
            "bytes": self.size,
            "prompt_characters": heard.characters,
            "system_messages": len(heard.instructions),
            "tools": len(heard.kinds),
            "kinds": sorted(set(heard.kinds)),
            "tool_result": heard.has_result,
            "images": sum(said.images for said in heard.messages),
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


def apis(words: str) -> tuple[str, ...]:
    named = tuple(words.split(","))
    if unknown := set(named) - set(APIS):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}: {', '.join(APIS)} are")
    return named


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a scripted model.")
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
    parser.add_argument("--apis", type=apis, default=tuple(APIS), help="what it speaks, with commas between")
    parser.add_argument("--strict", action="store_true", help="one leading system message, functions only")
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
    Handler.apis, Handler.strict = given.apis, given.strict
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
    # It has died; its machine has not, and refuses every connection.
    server.server_close()
    Event().wait()


if __name__ == "__main__":
    main()
