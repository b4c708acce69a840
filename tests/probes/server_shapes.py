"""How five model servers speak of themselves: the models they list, the context they tell, their refusals.

The fields are those that the servers send in the autumn of 2026. `old` takes back what they have told
for a year or less, for many a server is older than that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

Json = dict[str, Any]


class Answer(NamedTuple):
    """A status and a body: text is sent as it is, anything else as JSON."""

    status: int
    body: Any


@dataclass
class Told:
    """What there is to tell. Where a context is None, its field is left out."""

    models: list[str]
    context: int | None  # the one that is served
    trained: int | None  # the largest one that the model was made for
    num_ctx: int | None  # the one that an Ollama Modelfile sets
    old: bool
    loaded: set[str] = field(default_factory=set)

    @property
    def first(self) -> str:
        return next(iter(self.models), "none")


def known(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


class Vllm:
    """vLLM, and what the others have in common with it."""

    owner: ClassVar[str] = "vllm"
    kind: ClassVar[str] = "application/json"
    reasoning: ClassVar[str] = "reasoning_content"
    roots: ClassVar[tuple[str, ...]] = ("/v1/",)
    counts_tokens: ClassVar[bool] = True
    lists: ClassVar[tuple[str, ...]] = ("/v1/models",)

    def __init__(self, told: Told) -> None:
        self.told = told

    def models(self) -> Json:
        return {"object": "list", "data": [self.card(model) for model in self.told.models]}

    def card(self, model: str) -> Json:
        granted = ("sampling", "logprobs", "view")
        refused = ("create_engine", "search_indices", "fine_tuning")
        now = int(time.time())
        permission = {
            "id": "modelperm-scripted", "object": "model_permission", "created": now,
            **{f"allow_{name}": name in granted for name in (*granted, *refused)},
            "organization": "*", "group": None, "is_blocking": False,
        }  # fmt: skip
        return {
            "id": model, "object": "model", "created": now, "owned_by": self.owner,
            "root": model, "parent": None, **known(max_model_len=self.told.context),
            "permission": [permission],
        }  # fmt: skip

    def error(self, status: int, message: str, kind: str, param: str | None = None) -> Answer:
        fields = {"message": message, "type": kind, "param": param, "code": status}
        return Answer(status, {"object": "error", **fields} if self.told.old else {"error": fields})

    def own(self, method: str, path: str, _: Json) -> Answer | None:
        """The answer of an endpoint of the server's own."""
        texts: Mapping[tuple[str, str], Any] = {
            ("GET", "/health"): "",
            ("GET", "/ping"): "",
            ("GET", "/version"): {"version": "0.11.2"},
        }
        body = texts.get((method, path))
        return None if body is None else Answer(200, body)

    def guarded(self, path: str) -> bool:
        return path.startswith("/v1")

    def refused(self, _: str | None) -> Answer:
        return Answer(401, {"error": "Unauthorized"})

    def missing(self, _method: str, _path: str) -> Answer:
        return Answer(404, {"detail": "Not Found"})

    def unknown(self, model: str) -> Answer | None:
        """The answer to a completion of a model that is not served, or None where any will do."""
        if model in self.told.models:
            return None
        return self.error(404, f"The model `{model}` does not exist.", "NotFoundError", "model")

    def load(self, model: str) -> str:
        """Take the model for a completion; return the name that answers."""
        return model

    def no_tools(self, _: str) -> Answer | None:
        """The refusal of a server that lacks what tools need, or None where it writes their calls as text."""
        flags = "--enable-auto-tool-choice and --tool-call-parser"
        return self.error(400, f'"auto" tool choice requires {flags} to be set', "BadRequestError")

    def broken(self) -> Answer:
        return self.error(500, "Internal server error", "InternalServerError")


class Sglang(Vllm):
    """SGLang: it never looks at a completion's model, and without a parser a call of a tool is text."""

    owner = "sglang"

    def card(self, model: str) -> Json:
        return {name: value for name, value in super().card(model).items() if name != "permission"}

    def error(self, status: int, message: str, kind: str, param: str | None = None) -> Answer:
        fields = {"message": message, "type": kind, "param": param, "code": status}
        return Answer(status, {"object": "error", **fields})

    def own(self, method: str, path: str, body: Json) -> Answer | None:
        model = self.told.first
        if method == "GET" and path in ("/model_info", "/get_model_info"):  # no context here
            return Answer(200, {"model_path": model, "tokenizer_path": model, "is_generation": True})
        if method == "GET" and path in ("/server_info", "/get_server_info"):
            told = {
                "model_path": model,
                "served_model_name": model,
                **known(context_length=self.told.context),
            }
            return Answer(
                200, {**told, "tool_call_parser": None, "reasoning_parser": None, "version": "0.5.5"}
            )
        if method == "GET" and path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            if name in self.told.models:
                return Answer(200, self.card(name))
            message = f"The model '{name}' does not exist"
            fields = {"type": "invalid_request_error", "param": "model", "code": "model_not_found"}
            return Answer(404, {"error": {"message": message, **fields}})
        return super().own(method, path, body) if path == "/health" else None

    def guarded(self, path: str) -> bool:
        return not path.startswith(("/health", "/metrics"))

    def unknown(self, _: str) -> Answer | None:
        return None

    def no_tools(self, _: str) -> Answer | None:
        return None


class LlamaCpp(Vllm):
    """llama-server: any model will do, and the list of models needs no key."""

    kind = "application/json; charset=utf-8"
    roots = ("/v1/", "/")
    lists = ("/v1/models", "/models")

    def models(self) -> Json:
        details = {
            "parent_model": "", "format": "gguf", "family": "", "families": [""],
            "parameter_size": "", "quantization_level": "",
        }  # fmt: skip
        empty = dict.fromkeys(("modified_at", "size", "digest", "description", "parameters"), "")
        entries = [
            {"name": model, "model": model, **empty, "type": "model", "tags": [""],
             "capabilities": ["completion"], "details": details}
            for model in self.told.models
        ]  # fmt: skip
        return {"models": entries, **super().models()}

    def card(self, model: str) -> Json:
        context = None if self.told.old else self.told.context
        meta = {
            "vocab_type": 2, "n_vocab": 151936, **known(n_ctx=context, n_ctx_train=self.told.trained),
            "n_embd": 2048, "n_params": 30532122624, "size": 18556686336,
        }  # fmt: skip
        now = int(time.time())
        named = {"id": model, "aliases": [model], "tags": [], "object": "model", "created": now}
        return {**named, "owned_by": "llamacpp", "meta": meta}

    def error(self, status: int, message: str, kind: str, _: str | None = None) -> Answer:
        return Answer(status, {"error": {"code": status, "message": message, "type": kind}})

    def own(self, method: str, path: str, _: Json) -> Answer | None:
        if method == "GET" and path in ("/health", "/v1/health"):
            return Answer(200, {"status": "ok"})
        if method == "GET" and path == "/props":
            settings = {"params": {"n_predict": -1, "temperature": 0.8}, **known(n_ctx=self.told.context)}
            return Answer(200, {
                "default_generation_settings": settings, "total_slots": 1, "model_alias": self.told.first,
                "model_path": f"/models/{self.told.first}.gguf",
                "modalities": {"vision": False, "audio": False}, "chat_template": "{{ messages }}",
                "bos_token": "", "eos_token": "<|im_end|>", "build_info": "b8681", "is_sleeping": False,
            })  # fmt: skip
        return None

    def guarded(self, path: str) -> bool:
        return path not in ("/", "/health", "/v1/health", *self.lists)

    def refused(self, _: str | None) -> Answer:
        return self.error(401, "Invalid API Key", "authentication_error")

    def missing(self, _method: str, _path: str) -> Answer:
        return self.error(404, "File Not Found", "not_found_error")

    def unknown(self, _: str) -> Answer | None:
        return None

    def no_tools(self, _: str) -> Answer | None:
        return self.error(500, "tools param requires --jinja flag", "server_error")

    def broken(self) -> Answer:
        return self.error(500, "Compute error.", "server_error")

    @staticmethod
    def loading() -> Answer:
        said = {"message": "Loading model", "type": "unavailable_error", "code": 503}
        return Answer(503, {"error": said})


class LmStudio(Vllm):
    """LM Studio: a path that it does not know is answered with 200, and /v1/models tells no context."""

    kind = "application/json; charset=utf-8"

    def __init__(self, told: Told) -> None:
        super().__init__(told)
        told.loaded.update(told.models[:1])  # the others are loaded by the first completion that names them

    def models(self) -> Json:
        return {"data": super().models()["data"], "object": "list"}

    def card(self, model: str) -> Json:
        return {"id": model, "object": "model", "owned_by": "organization_owner"}

    def downloaded(self, model: str) -> Json:
        """The model as the first of its own interfaces lists it."""
        loaded = model in self.told.loaded
        context = self.told.context if loaded and not self.told.old else None
        return {
            "id": model, "object": "model", "type": "llm", "publisher": "scripted", "arch": "qwen3",
            "compatibility_type": "gguf", "quantization": "Q4_K_M",
            "state": "loaded" if loaded else "not-loaded",
            **known(max_context_length=self.told.trained, loaded_context_length=context),
            **({} if self.told.old else {"capabilities": ["tool_use"]}),
        }  # fmt: skip

    def entry(self, model: str) -> Json:
        """The model as the second of them does."""
        config = {**known(context_length=self.told.context), "parallel": 4, "flash_attention": True}
        instances = [{"id": model, "config": config}] if model in self.told.loaded else []
        return {
            "type": "llm", "publisher": "scripted", "key": model, "display_name": model,
            "architecture": "qwen3", "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "size_bytes": 18556686336, "params_string": "30B", "loaded_instances": instances,
            **known(max_context_length=self.told.trained), "format": "gguf",
            "capabilities": {"vision": False, "trained_for_tool_use": True}, "description": None,
        }  # fmt: skip

    def own(self, method: str, path: str, _: Json) -> Answer | None:
        if method != "GET":
            return None
        if path == "/api/v0/models":
            listed = [self.downloaded(model) for model in self.told.models]
            return Answer(200, {"data": listed, "object": "list"})
        if path == "/api/v1/models" and not self.told.old:
            return Answer(200, {"models": [self.entry(model) for model in self.told.models]})
        name = path.removeprefix("/api/v0/models/")
        return Answer(200, self.downloaded(name)) if name in self.told.models else None

    def guarded(self, _: str) -> bool:
        return True

    def refused(self, given: str | None) -> Answer:
        message = (
            "An LM Studio API token is required to make requests to this server, but none was provided "
            "using the Authorization header using the 'Bearer' scheme."
            if given is None
            else "Malformed LM Studio API token provided. Ensure you are using a valid token."
        )
        said = {"message": message, "type": "invalid_request", "code": "invalid_api_key"}
        return Answer(401, {"error": said})

    def missing(self, method: str, path: str) -> Answer:
        return Answer(200, {"error": f"Unexpected endpoint or method. ({method} {path})"})

    def unknown(self, model: str) -> Answer | None:
        """One model answers to any name, several do not."""
        if model in self.told.models or len(self.told.models) == 1:
            return None
        if not self.told.models:
            command = "Please load a model in the developer page or use the 'lms load' command."
            return Answer(400, {"error": {"message": f"No models loaded. {command}"}})
        names = ", ".join(self.told.models[:3])
        said = f'Invalid model identifier "{model}". Please specify a valid downloaded model (e.g., {names}).'
        fields = {"type": "invalid_request_error", "param": "model", "code": "model_not_found"}
        return Answer(400, {"error": {"message": said, **fields}})

    def load(self, model: str) -> str:
        name = model if model in self.told.models else self.told.first
        self.told.loaded.add(name)
        return name

    def no_tools(self, _: str) -> Answer | None:
        return None

    def broken(self) -> Answer:
        return Answer(500, {"error": "Internal server error"})


class Ollama(Vllm):
    """Ollama: what a model was made for is told by /api/show, what it has by /api/ps once it is loaded."""

    reasoning = "reasoning"
    counts_tokens = False

    def models(self) -> Json:
        return {"object": "list", "data": super().models()["data"] or None}  # null, where there are none

    def card(self, model: str) -> Json:
        return {"id": model, "object": "model", "created": int(time.time()), "owned_by": "library"}

    def error(self, status: int, message: str, _kind: str, _: str | None = None) -> Answer:
        kinds = (
            {400: "invalid_request_error"}
            if self.told.old
            else {400: "invalid_request_error", 404: "not_found_error"}
        )
        fields = {"message": message, "type": kinds.get(status, "api_error"), "param": None, "code": None}
        return Answer(status, {"error": fields})

    def full_name(self, model: str) -> str | None:
        """The name with its tag, for a model may be asked for without `:latest`."""
        return next((name for name in (model, f"{model}:latest") if name in self.told.models), None)

    def entry(self, model: str) -> Json:
        family = self.family(model)
        details = {
            "parent_model": "", "format": "gguf", "family": family, "families": [family],
            "parameter_size": "8.2B", "quantization_level": "Q4_K_M",
        }  # fmt: skip
        return {"name": model, "model": model, "size": 5225388164, "digest": "0" * 64, "details": details}

    @staticmethod
    def family(model: str) -> str:
        found = re.search(r"(?:.*/)?([A-Za-z]\w*)", model)
        return found[1] if found else "llama"

    def own(self, method: str, path: str, body: Json) -> Answer | None:
        if method == "POST":
            return self.show(body) if path == "/api/show" else None
        date = "2026-11-01T12:00:00.000000000Z"
        context = None if self.told.old else self.told.num_ctx or self.told.context
        more = {"expires_at": date, "size_vram": 5225388164, **known(context_length=context)}
        bodies: Mapping[str, Any] = {
            "/": "Ollama is running",
            "/api/version": {"version": "0.35.1"},
            "/api/tags": {
                "models": [{**self.entry(model), "modified_at": date} for model in self.told.models]
            },
            "/api/ps": {"models": [{**self.entry(model), **more} for model in sorted(self.told.loaded)]},
        }
        if path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            full = self.full_name(name)
            return Answer(200, self.card(full)) if full else self.unknown(name)
        return Answer(200, bodies[path]) if path in bodies else None

    def show(self, body: Json) -> Answer:
        name = str(body.get("model") or body.get("name") or "")
        full = self.full_name(name)
        if full is None:
            return Answer(404, {"error": f"model '{name}' not found"})
        family = self.family(full)
        info = {"general.architecture": family, "general.parameter_count": 8190735360}
        if self.told.trained is not None:
            info[f"{family}.context_length"] = self.told.trained
        parameters = None if self.told.num_ctx is None else f"{'num_ctx':<30} {self.told.num_ctx}"
        return Answer(200, {
            "modelfile": f"FROM {full}\n", **known(parameters=parameters), "template": "{{ .Prompt }}",
            "details": self.entry(full)["details"], "model_info": info,
            "capabilities": ["completion", "tools"], "modified_at": "2026-11-01T12:00:00.000000000Z",
        })  # fmt: skip

    def guarded(self, _: str) -> bool:
        return True  # by what stands before it, for Ollama itself knows no keys

    def refused(self, _: str | None) -> Answer:
        return self.error(401, "Unauthorized", "")

    def missing(self, _method: str, _path: str) -> Answer:
        return Answer(404, "404 page not found")

    def unknown(self, model: str) -> Answer | None:
        if self.full_name(model):
            return None
        said = (
            f'model "{model}" not found, try pulling it first'
            if self.told.old
            else f"model '{model}' not found"
        )
        return self.error(404, said, "")

    def load(self, model: str) -> str:
        self.told.loaded.add(self.full_name(model) or model)
        return model

    def no_tools(self, model: str) -> Answer | None:
        return self.error(400, f"{model} does not support tools", "")

    def broken(self) -> Answer:
        return self.error(500, "model runner has unexpectedly stopped", "")


SHAPES: Mapping[str, type[Vllm]] = {
    "vllm": Vllm, "sglang": Sglang, "llamacpp": LlamaCpp, "lmstudio": LmStudio, "ollama": Ollama
}  # fmt: skip
