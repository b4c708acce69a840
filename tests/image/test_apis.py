"""A tool that speaks more than chat completions, and servers that do not: told before it starts."""

from collections.abc import Callable

import pytest

from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.terminal import Terminal
from tests.image.test_doctor import examine, failures, found

Serve = Callable[..., Model]

TOOLS = """
plain: {title: Chat, command: [/bin/echo, started plain], models: opencode}
picky: {title: Messages, command: [/bin/echo, started picky], models: opencode, api: messages, context: 65536}
other: {title: Responses, command: [/bin/echo, started other], models: opencode, api: responses}
"""
MISSING = "/v1/messages is not there, and picky needs it"
SINCE = {
    "vllm": "vLLM has it since 0.11.1", "sglang": "SGLang has it since 0.5.9",
    "llamacpp": "llama.cpp has it since November 2025", "ollama": "Ollama has it since 0.14.0",
    "lmstudio": "LM Studio has it since 0.4.1",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _tools(sandbox: Sandbox) -> None:
    (sandbox.config / "tools.yml").write_text(TOOLS)


@pytest.mark.parametrize("shape", ["vllm", "ollama", "lmstudio"])
def test_a_tool_is_not_started_into_a_riddle(sandbox: Sandbox, serve: Serve, shape: str) -> None:
    serve("--shape", shape, "--apis", "chat,responses")
    refused = start(sandbox, "--no-build", "--tool", "picky")
    assert refused.returncode == 78, refused.stderr
    assert MISSING in refused.stderr
    assert SINCE[shape] in refused.stderr
    assert refused.stdout == ""
    other = start(sandbox, "--no-build", "--tool", "other")
    assert (other.returncode, other.stdout) == (0, "started other\n"), other.stderr


def test_a_server_that_speaks_it_is_asked_for_nothing(sandbox: Sandbox, serve: Serve) -> None:
    model = serve("--context", "40000", "--key", "k")
    result = start(sandbox, "--no-build", "--tool", "picky", MODEL_API_KEY="k")
    assert (result.returncode, result.stdout) == (0, "started picky\n"), result.stderr
    assert "picky needs a context of 65536, scripted-model has 40000" in result.stderr
    (asked,) = [request for request in model.requests() if request.get("api")]
    assert (asked["path"], asked["bytes"], asked["authorization"]) == ("/v1/messages", 2, "Bearer k")
    start(sandbox, "--no-build", "--tool", "plain", MODEL_API_KEY="k")
    assert len([request for request in model.requests() if request.get("api")]) == 1, (
        "who speaks chat completions asks for nothing else"
    )


def test_the_menu_greys_it_out_with_the_reason(sandbox: Sandbox, serve: Serve) -> None:
    model = serve("--apis", "chat", "--context", "40000")
    environ = {**sandbox.variables, "MENU_TIMEOUT": "0", "TOOLS": "picky,plain,other"}
    terminal = Terminal(
        sandbox.command(env={"MODEL_URL": model.url, "TOOLS": environ["TOOLS"]}, options=()), environ
    )
    terminal.wait_for("1) picky  Messages: the server has no /messages", "Number or name [2")
    assert terminal.text.count("Which tool?") == 1
    terminal.type("1\r")
    terminal.wait_for("picky cannot be used: the server has no /messages. Another, please.")
    terminal.type("\r")
    terminal.wait_for("started plain")
    assert terminal.end() == 0


def test_the_doctor_tries_what_an_installed_tool_speaks(sandbox: Sandbox, serve: Serve) -> None:
    model = serve()
    findings = examine(sandbox, 0, TOOLS="picky,other")
    for api in ("messages", "responses"):
        assert found(findings, "model", api)["status"] == "pass", findings
        assert "it called add" in found(findings, "model", api)["detail"]
    tried = [request for request in model.completions() if request["kinds"] and request["api"] != "chat"]
    assert {request["api"] for request in tried} == {"messages", "responses"}
    findings = examine(sandbox, 0, TOOLS="plain")
    assert not [finding for finding in findings if finding["name"] in ("messages", "responses")]


@pytest.mark.parametrize(
    ("flags", "what", "fix"),
    [
        (("--apis", "chat,responses"), MISSING, "since 0.11.1"),
        (("--apis", "chat,responses", "--shape", "lmstudio"), MISSING, "since 0.4.1"),
    ],
    ids=["404", "LM Studio's 200"],
)
def test_the_doctor_names_the_version_that_has_it(
    sandbox: Sandbox, serve: Serve, flags: tuple[str, ...], what: str, fix: str
) -> None:
    serve(*flags)
    findings = examine(sandbox, 1, TOOLS="picky,other")
    (failure,) = failures(findings)
    assert (failure["area"], failure["name"]) == ("model", "messages"), failure
    assert what in failure["detail"]
    assert fix in failure["fix"]
    assert found(findings, "tasks", "picky")["status"] == "skip"
