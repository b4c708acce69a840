"""Which requests of a model server pass: what tools, the list of models and the doctor need.

Not what administers a server (vLLM's sleep, load_lora_adapter, collective_rpc; Ollama's pull, delete, create;
llama.cpp's POST /props), nor what shows what others ask of it (llama.cpp's slots, vLLM's metrics, stored
responses).
"""

from __future__ import annotations

import re

from gateway.refusal import Refusal

# By method; the version in front of an OpenAI-compatible endpoint may be missing, as in the server's address.
_OPENAI = {
    "GET": ("models",),
    "POST": (
        "chat/completions", "completions", "embeddings", "messages", "messages/count_tokens", "rerank",
        "responses",
    ),
}  # fmt: skip
# llama.cpp's and vLLM's; LM Studio's; Ollama's.
_OWN = {
    "GET": ("api/ps", "api/tags", "api/v0/models", "api/version", "health", "props", "version"),
    "POST": ("api/chat", "api/show", "apply-template", "detokenize", "infill", "tokenize"),
}
# One model of the list: its id may hold slashes, as Hugging Face's do, and colons.
_ONE_MODEL = re.compile(r"(?:v1/)?(?:models|api/v0/models)/((?:[A-Za-z0-9._@:+-]|%2F|%3A|/)+)", re.ASCII)
_QUERY = re.compile(r"[A-Za-z0-9._~=&%+,:-]*", re.ASCII)


def check(method: str, target: str) -> None:
    """Look at one request of a model server.

    Args:
        method: of the request.
        target: path and query below the server's root, without a slash in front.

    Raises:
        Refusal: it is none that a tool needs.
    """
    path, _, query = target.partition("?")
    plain = path.removeprefix("v1/")
    known = plain in _OPENAI.get(method, ()) or path in _OWN.get(method, ())
    if not (known or (method == "GET" and _is_one_model(path))) or not _QUERY.fullmatch(query):
        raise Refusal("endpoint", f"{method} /{path[:200]} of the model server is not passed on")


def _is_one_model(path: str) -> bool:
    match = _ONE_MODEL.fullmatch(path)
    if match is None:
        return False
    parts = match[1].replace("%2F", "/").split("/")
    return all(part.strip(".") for part in parts)
