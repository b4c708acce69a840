"""`start.sh doctor`: everything well, and each of the usual broken set-ups named with what to do."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.terminal import Terminal
from tests.harness.waiting import PATIENCE

Serve = Callable[..., Model]
Finding = dict[str, str]


def examine(sandbox: Sandbox, code: int, **environ: str) -> list[Finding]:
    """Run the doctor without the tools, which take their time, and return its findings."""
    result = start(sandbox, "doctor", "--no-build", "--json", **{"TOOLS": "python", **environ})
    assert result.returncode == code, f"{result.stdout}{result.stderr}"
    report: dict[str, Any] = json.loads(result.stdout)
    findings: list[Finding] = report["findings"]
    assert report["failed"] == sum(finding["status"] == "fail" for finding in findings)
    return findings


def failures(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding["status"] == "fail"]


def found(findings: list[Finding], area: str, name: str) -> Finding:
    return next(finding for finding in findings if (finding["area"], finding["name"]) == (area, name))


@pytest.mark.parametrize("shape", ["vllm", "llamacpp", "ollama"])
def test_all_is_well_with_each_server_and_the_real_tools(sandbox: Sandbox, serve: Serve, shape: str) -> None:
    serve("--shape", shape)
    result = start(sandbox, "doctor", "--no-build", TOOLS="opencode,omp")
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    told = [line.split() for line in result.stdout.splitlines()]
    for name in ("workspace", "data", "capabilities", "root", "name", "connect", "list", "prompt", "context"):
        assert ["ok", name] in [line[:2] for line in told], result.stdout
    assert "called add(19, 23) and went on from the result" in result.stdout
    assert result.stdout.count("it wrote a file with the model's help") == 2
    assert ", 0 failed" in result.stdout
    assert "opencode does a small task" in result.stderr, "it is said what is waited for"
    assert sandbox.as_root("find", "workspace", "data", "-name", "*.txt", "-o", "-name", "*.jsonl") == ""


# Flags of the server, variables, the finding that fails, what is said to be wrong, and what to do.
Broken = tuple[tuple[str, ...], dict[str, str], str, str, str]
SMALL = ("--shape", "ollama", "--context", "4096")
TEXT, THOUGHT, NO_ID = (("--fault", fault) for fault in ("text-calls", "thought-calls", "empty-id"))
LLAMA = ("--shape", "llamacpp")
BROKEN: dict[str, Broken] = {
    "localhost": ((), {"MODEL_URL": "http://localhost:8000"}, "connect", "in the container", "host.docker"),
    "closed port": ((), {"MODEL_URL": "http://{host}:8001/v1"}, "connect", "refuses the", "--host"),
    "unknown name": ((), {"MODEL_URL": "http://no-such.invalid:8000/v1"}, "name", "not known", "the address"),
    "no scheme": ((), {"MODEL_URL": "{host}:8000"}, "settings", "does not begin with", "http://"),
    "https for http": ((), {"MODEL_URL": "https://{host}:8000/v1"}, "tls", "does not speak TLS", "http://"),
    "key missing": (("--key", "k"), {}, "list", "401", "set MODEL_API_KEY"),
    "web page": (("--fault", "html"), {}, "list", "a web page", "API's own address"),
    "hangs": (("--fault", "hang"), {}, "list", "not complete within", "log"),
    "wrong id": ((), {"MODEL_ID": "scripted-modell"}, "id", "is not served", "Did you mean scripted-model?"),
    "no tool calls": (("--fault", "no-tools"), {}, "tool call", "refused", "--enable-auto-tool-choice"),
    "tool calls as text": (("--fault", "text-calls"), {}, "tool call", "into the text", "--tool-call-parser"),
    "thought, vLLM": (THOUGHT, {}, "tool call", "into the reasoning", "--reasoning-parser"),
    "thought, llama.cpp": ((*THOUGHT, *LLAMA), {}, "tool call", "into the reasoning", "--reasoning-budget"),
    "no id, vLLM": (NO_ID, {}, "tool call", "no id", "--tool-call-parser"),
    "no id, LM Studio": ((*NO_ID, "--shape", "lmstudio"), {}, "tool call", "no id", "Update"),
    "no id, llama.cpp": ((*NO_ID, *LLAMA), {}, "tool call", "no id", "since March 2025"),
    "refused, llama.cpp": (("--fault", "no-tools", *LLAMA), {}, "tool call", "refused", "--jinja"),
    "text, SGLang": ((*TEXT, "--shape", "sglang"), {}, "tool call", "into the text", "--tool-call-parser"),
    "text, Ollama": ((*TEXT, "--shape", "ollama"), {}, "tool call", "into the text", "ollama show"),
    "text, LM Studio": ((*TEXT, "--shape", "lmstudio"), {}, "tool call", "into the text", "LM Studio"),
    "breaks off": (("--fault", "cut"), {}, "answer", "before", "log"),
    "context too small": (SMALL, {"MODEL_CONTEXT": "32768"}, "context", "gives 4096 tokens", "OLLAMA"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_each_broken_set_up_is_named(sandbox: Sandbox, serve: Serve, case: Broken) -> None:
    flags, environ, name, what, fix = case
    model = serve(*flags)
    findings = examine(sandbox, 1, **{key: value.format(host=model.name) for key, value in environ.items()})
    (failure,) = failures(findings)
    assert (failure["area"], failure["name"]) == ("model", name), failure
    assert what in failure["detail"]
    assert fix in failure["fix"]


def test_a_model_that_thinks_aloud_is_well(sandbox: Sandbox, serve: Serve) -> None:
    serve("--fault", "reasoning")
    findings = examine(sandbox, 0)
    assert found(findings, "model", "answer")["status"] == "pass"
    assert found(findings, "model", "tool call")["status"] == "pass"


def test_a_slow_model_is_told_with_what_a_tools_own_prompt_takes(sandbox: Sandbox, serve: Serve) -> None:
    serve("--reading", "100")
    finding = found(examine(sandbox, 0), "model", "prompt")
    assert finding["status"] == "warn"
    assert "an agent's own 10000 take about" in finding["detail"]


def test_a_model_without_tools_is_not_asked_to_call_one(sandbox: Sandbox, serve: Serve) -> None:
    serve("--fault", "no-tools")
    findings = examine(sandbox, 0, MODEL_TOOLS="off")
    assert found(findings, "model", "tool call")["status"] == "skip"


def test_nothing_configured_is_a_failure_that_says_what_to_do(sandbox: Sandbox) -> None:
    (failure,) = failures(examine(sandbox, 1))
    assert failure["detail"] == "no model server is configured"
    assert "MODEL_URL" in failure["fix"]
    assert "--demo" in failure["fix"]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("opencode.json", '{\n  "model": "a"\n  "b": 1\n}\n', "line 3, column 3"),
        ("omp-config.yml", "modelRoles:\n  a: [1\n", "line 3, column 1"),
        ("models.yml", "servers:\n\tbig: 1\n", "line 2, column 1"),
        ("tools.yml", "a: b: c\n", "line 1, column 5"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_named_with_its_place(
    sandbox: Sandbox, model: Model, name: str, text: str, place: str
) -> None:
    (sandbox.config / name).write_text(text)
    failed = failures(examine(sandbox, 1, MODEL_URL=model.url))
    assert (failed[0]["area"], failed[0]["name"]) == ("configuration", name)
    assert place in failed[0]["detail"]


def test_a_folder_that_cannot_be_written_is_named(sandbox: Sandbox, model: Model) -> None:
    sandbox.own("0:0", "data")
    sandbox.as_root("chmod", "0755", "data")
    result = sandbox.plain(
        "--user", "1234:1234", "--network", "none", env={"SANDBOX_DOCTOR": "1", "MODEL_URL": model.url},
        arguments=("--json",),
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    names = {
        (finding["area"], finding["name"]) for finding in failures(json.loads(result.stdout)["findings"])
    }
    assert {("folders", "workspace"), ("folders", "data"), ("model", "name")} <= names


def test_a_sandbox_without_its_compose_file_is_told_what_it_lacks(sandbox: Sandbox) -> None:
    result = sandbox.plain(env={"SANDBOX_DOCTOR": "1", "TOOLS": "python"})
    assert result.returncode == 1
    warned = [line.split()[1] for line in result.stdout.splitlines() if line.strip().startswith("warn")]
    assert {"limits", "filesystem", ".opencode"} <= set(warned), result.stdout


def test_what_weakens_the_sandbox_is_told(sandbox: Sandbox) -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(sandbox.folder / "docker.sock"))
    (sandbox.folder / "more").mkdir()
    (sandbox.folder / "more").chmod(0o777)
    mounts = sandbox.mounts(
        f"{sandbox.folder}/docker.sock:/run/docker.sock:ro", f"{sandbox.folder}/more:/home/agent/.ssh"
    )
    result = sandbox.plain(
        env={
            "SANDBOX_DOCTOR": "1", "TOOLS": "python", "SANDBOX_SECCOMP": "off",
            "SANDBOX_ALLOW_UNSAFE": "engine-socket,devices",
        },
        arguments=("--json",), mounts=mounts,
    )  # fmt: skip
    findings = json.loads(result.stdout)["findings"]
    assert found(findings, "security", "engine-socket")["status"] == "warn"
    assert "engine-socket (/run/docker.sock)" in result.stderr
    assert found(findings, "security", "seccomp")["status"] == "warn"
    assert "/home/agent/.ssh" in found(findings, "security", "mounts")["detail"]


def test_a_sandbox_that_does_not_start_is_a_finding_too(sandbox: Sandbox) -> None:
    result = start(sandbox, "doctor", "--no-build", "--json", PUID="0")
    assert result.returncode == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["area"], finding["status"]) == ("sandbox", "fail")
    assert "PUID='0' would be root" in result.stderr


def test_an_engine_that_does_not_answer_is_a_finding_too(sandbox: Sandbox) -> None:
    result = start(sandbox, "doctor", "--json", DOCKER_HOST="unix:///nonexistent.sock")
    assert result.returncode == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["area"], finding["status"]) == ("engine", "fail")
    assert "engine does not answer" in result.stderr
    plain = start(sandbox, "doctor", DOCKER_HOST="unix:///nonexistent.sock")
    assert plain.returncode == 1
    assert "the engine fails" in plain.stderr


@pytest.mark.parametrize("arguments", [("--jason",), ("--json", "more"), ("model",)])
def test_an_unknown_argument_is_a_usage_error(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    result = start(sandbox, "doctor", *arguments)
    assert result.returncode == 64
    assert "doctor does not know" in result.stderr


@pytest.fixture
def hanging(sandbox: Sandbox, serve: Serve) -> Terminal:
    """Start the doctor at a terminal, before a server that never answers."""
    model = serve("--fault", "hang")
    variables = {**sandbox.variables, "TOOLS": "python", "MODEL_URL": model.url}
    return Terminal([str(ROOT / "start.sh"), "doctor", "--no-build"], variables)


def test_at_a_terminal_it_is_shown_what_is_waited_for(hanging: Terminal) -> None:
    hanging.wait_for("...   asking", "what it serves (up to 10 s)")
    hanging.wait_for("not complete within 15 s", "1 failed")
    assert "..." not in hanging.text, "the line is used again"
    assert hanging.end() == 1


def test_what_a_model_has_the_tools_write_is_told_by_the_guard(sandbox: Sandbox, serve: Serve) -> None:
    """The doctor lets the tools do as the model says, so it is watched as any session."""
    (sandbox.config / "tools.yml").open("a").write(
        "planter:\n  command: [/bin/sh]\n  models: opencode\n"
        "  headless: [-c, 'cd ~/workspace; mkdir -p .git/hooks; echo x >.git/hooks/pre-commit; : {prompt}']\n"
    )
    serve()
    result = start(sandbox, "doctor", "--no-build", "--json", TOOLS="planter", SANDBOX_GUARD="block")
    assert "pre-commit" in result.stderr
    assert sandbox.as_root("find", "workspace", "-name", "pre-commit") == ""


@pytest.mark.parametrize("name", [".DS_Store", "notes.txt", "ca.der"])
def test_a_file_that_is_no_configuration_is_none_of_its_business(sandbox: Sandbox, name: str) -> None:
    (sandbox.config / name).write_bytes(b"\xff\xfe")
    assert [finding["area"] for finding in failures(examine(sandbox, 1))] == ["model"]


def test_an_engine_that_refuses_the_settings_is_a_finding_too(sandbox: Sandbox) -> None:
    result = start(sandbox, "doctor", "--no-build", "--json", SANDBOX_MEMORY="1k")
    assert result.returncode == 1
    assert json.loads(result.stdout)["failed"] == 1
    assert "memory" in result.stderr.lower()


@pytest.mark.parametrize(
    ("words", "variables", "area", "said"),
    [
        ((), {"SANDBOX_PIDS": "many"}, "configuration", "pids_limit"),
        (("--demo",), {"MODEL_GGUF": "/nonexistent"}, "model", "there is no /nonexistent"),
        (("--demo",), {"DEMO_IMAGE": "demo-that-is-not-there"}, "model", "the model server did not start"),
        ((), {"SANDBOX_IMAGE": "sandbox-that-is-not-there"}, "image", "there is no image"),
    ],
)
def test_what_fails_on_the_way_to_the_sandbox_is_a_finding_too(
    sandbox: Sandbox, words: tuple[str, ...], variables: dict[str, str], area: str, said: str
) -> None:
    sandbox.environ["COMPOSE_PROJECT_NAME"] = sandbox.name
    result = start(sandbox, "doctor", "--no-build", "--json", *words, **variables)
    assert result.returncode == 1, result.stderr
    assert [finding["area"] for finding in json.loads(result.stdout)["findings"]] == [area], result.stderr
    assert said in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_end_it_finds_nothing(sandbox: Sandbox, number: signal.Signals) -> None:
    """The engine is one that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as engine:
        engine.settimeout(PATIENCE)
        address = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
        # Bash cannot trap what whoever runs the tests has it ignore.
        process = subprocess.Popen(
            ["env", "--default-signal", str(ROOT / "start.sh"), "doctor", "--json"],
            env={**sandbox.variables, "DOCKER_HOST": address},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        with engine.accept()[0]:
            os.killpg(process.pid, number)
            output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (128 + number, b""), errors


def test_an_image_that_is_not_there_is_not_built_unasked(sandbox: Sandbox) -> None:
    result = start(sandbox, "doctor", "--no-build", SANDBOX_IMAGE="sandbox-that-is-not-there")
    assert result.returncode == 1
    assert "there is no image sandbox-that-is-not-there" in result.stderr


def test_ctrl_c_while_a_server_hangs_ends_it_without_a_traceback(hanging: Terminal) -> None:
    hanging.wait_for("what it serves (up to 10 s)")
    assert hanging.type_until_end("\x03") == 130, hanging.text
    assert "Traceback" not in hanging.text
