"""Which requests of a model server pass."""

import pytest

from gateway import endpoints
from gateway.refusal import Refusal

PASS = [
    ("GET", "v1/models"), ("GET", "models"), ("POST", "v1/chat/completions"), ("POST", "chat/completions"),
    ("POST", "v1/completions"), ("POST", "v1/embeddings"), ("POST", "v1/responses"), ("POST", "v1/messages"),
    ("POST", "v1/messages?beta=true"), ("POST", "v1/messages/count_tokens"), ("GET", "props"),
    ("POST", "tokenize"),
    ("POST", "detokenize"), ("POST", "api/show"), ("GET", "api/ps"), ("GET", "api/tags"),
    ("GET", "api/v0/models"),
    ("GET", "v1/models/Qwen/Qwen3-8B"), ("GET", "v1/models/Qwen%2FQwen3-8B"), ("GET", "v1/models/qwen3:8b"),
    ("GET", "version"), ("GET", "health"),
]  # fmt: skip
STAY = [
    ("POST", "sleep"), ("POST", "wake_up"), ("GET", "is_sleeping"), ("POST", "v1/load_lora_adapter"),
    ("GET", "metrics"),
    ("POST", "v1/unload_lora_adapter"), ("POST", "collective_rpc"), ("POST", "reset_prefix_cache"),
    ("POST", "props"),
    ("GET", "slots"), ("POST", "slots/0?action=erase"), ("POST", "lora-adapters"), ("POST", "api/pull"),
    ("POST", "api/push"), ("POST", "api/create"), ("POST", "api/copy"), ("DELETE", "api/delete"),
    ("POST", "api/generate"),
    ("GET", "v1/responses/resp_1"), ("GET", "v1/files"), ("POST", "v1/files"), ("POST", "shutdown"),
    ("GET", ""),
    ("POST", "models/load"), ("POST", "models/unload"), ("DELETE", "v1/models/a"),
    ("PUT", "v1/chat/completions"),
    ("GET", "v1/chat/completions"), ("POST", "v1/models"), ("TRACE", "v1/models"), ("CONNECT", "v1/models"),
    ("POST", "v1/chat/completions/"), ("POST", "v1//chat/completions"), ("POST", "v1/../sleep"),
    ("POST", "./sleep"),
    ("POST", "v1/chat/completions/../../../sleep"), ("POST", "v1/%2e%2e/sleep"),
    ("POST", "v1/chat%2Fcompletions"),
    ("GET", "v1/models/.."), ("GET", "v1/models/../../metrics"), ("GET", "v1/models/%2e%2e/metrics"),
    ("GET", "v1/models/..%2F..%2Fmetrics"), ("GET", "v1/models/a/../../../slots"), ("GET", "v1/models//"),
    ("GET", "v1/models/a;/slots"), ("GET", "v1/models\\..\\slots"), ("GET", "v1/models?a#b"),
    ("GET", "v1/models#x"),
    ("POST", "v1/chat/completions;x=/sleep"), ("POST", "V1/CHAT/COMPLETIONS"),
    ("POST", "v1/v1/chat/completions"),
    ("GET", "v1/models/a?x=%zz "), ("GET", "http://evil.example/v1/models"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target"), PASS)
def test_what_tools_need_passes(method: str, target: str) -> None:
    endpoints.check(method, target)


@pytest.mark.parametrize(("method", "target"), STAY)
def test_all_else_does_not(method: str, target: str) -> None:
    with pytest.raises(Refusal, match="not passed on"):
        endpoints.check(method, target)
