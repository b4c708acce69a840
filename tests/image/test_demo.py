"""The model of start.sh --demo: the real server and its toy, through the compose file.

A cap far below the usual one keeps the tests short where many run at once.
"""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.client import giving_a_proxy
from tests.harness.engine import Result, docker, flags, logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import ENVIRON, Sandbox, start
from tests.harness.tools import FACTS, TOOLS, headless
from tests.harness.waiting import PATIENCE, wait_for

# One server for all, and one build.
pytestmark = pytest.mark.xdist_group("demo")
CAP = 12
CONTEXT = 8192
# Asked from inside, where nothing but Python's own library is: path, and a request if there is one.
ASK = """
import sys, urllib.request
request = sys.argv[2].encode() or None
with urllib.request.urlopen("http://model:8080" + sys.argv[1], request, timeout=60) as answer:
    for line in answer:
        sys.stdout.buffer.write(line)
"""
REFUSED = """
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://model:8080" + sys.argv[1], sys.argv[2].encode(), timeout=60)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""
# The same, as somebody who goes away when the first piece is there.
LEAVE = ASK.replace("sys.stdout.buffer.write(line)", "break")


@dataclass
class Demo:
    """The service of one project of the test's own."""

    project: str
    image: str

    def compose(self, *arguments: str, env: dict[str, str] | None = None) -> Result:
        environ = {
            **ENVIRON,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": "demo",
            "DEMO_IMAGE": self.image,
            "DEMO_OUTPUT": str(CAP),
            **(env or {}),
        }
        return subprocess.run(
            ["docker", "compose", "--project-directory", str(ROOT), *arguments], cwd=ROOT, env=environ,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def ask(self, path: str, request: dict[str, Any] | None = None, script: str = ASK) -> str:
        body = json.dumps(request) if request else ""
        result = self.compose("exec", "-T", "model", "python3", "-c", script, path, body)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def chat(self, text: str, **more: object) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.ask("/v1/chat/completions", said(text, **more)))
        return answer

    def log(self) -> str:
        return self.compose("logs", "--no-log-prefix", "model").stdout


def said(text: str, **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


@pytest.fixture(scope="module")
def demo(demo_image: str) -> Iterator[Demo]:
    made = Demo(f"demo-test-{uuid.uuid4().hex[:8]}", demo_image)
    started = made.compose("up", "--detach", "--wait", "--no-build", "model")
    assert started.returncode == 0, started.stderr + made.log()
    yield made
    made.compose("down", "--timeout", "1", "--remove-orphans", "--volumes")


def test_it_serves_the_toy_and_its_context(demo: Demo) -> None:
    (model,) = json.loads(demo.ask("/v1/models"))["data"]
    assert model["id"] == "smollm2-135m-instruct"
    assert model["meta"]["n_ctx_train"] == 8192
    assert json.loads(demo.ask("/health")) == {"status": "ok"}
    assert json.loads(demo.ask("/props"))["default_generation_settings"]["n_ctx"] == 8192


def test_it_answers(demo: Demo) -> None:
    answer = demo.chat("Say hello", temperature=0)
    assert answer["choices"][0]["message"]["content"].strip()


def test_it_streams(demo: Demo) -> None:
    stream = demo.ask("/v1/chat/completions", said("Say hello", stream=True, ignore_eos=True))
    events = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"].get("content") for event in events[:-1]]
    assert 3 < len([delta for delta in deltas if delta]) <= CAP


def test_a_piece_arrives_before_the_answer_is_whole_and_nobody_generates_for_who_left(demo: Demo) -> None:
    def cancelled() -> bool:
        """Leave; on a busy machine the answer may be complete before anybody notices."""
        story = said("Write a long story.", stream=True, ignore_eos=True)
        demo.ask("/v1/chat/completions", story, script=LEAVE)
        # One request after the other: this one waits for the first, so the log has it.
        demo.chat("Hello", max_tokens=1)
        return "cancel task" in demo.log()

    wait_for(cancelled, lambda: f"a cancelled task: {demo.log()}")


@pytest.mark.parametrize(
    "wanted",
    [
        {"max_tokens": 100000}, {"max_tokens": -1}, {"max_tokens": None}, {"max_completion_tokens": 100000},
        {"n_predict": -1}, {"n_predict": 30.5}, {"max_tokens": "30"}, {},
    ],
    ids=str,
)  # fmt: skip
def test_no_answer_is_longer_than_the_cap(demo: Demo, wanted: dict[str, object]) -> None:
    assert demo.chat("Write.", ignore_eos=True, **wanted)["usage"]["completion_tokens"] == CAP


def test_a_shorter_answer_stays_short(demo: Demo) -> None:
    assert demo.chat("Write.", ignore_eos=True, max_tokens=7)["usage"]["completion_tokens"] == 7


def test_an_error_of_llama_cpp_arrives_as_it_is(demo: Demo) -> None:
    result = demo.compose("exec", "-T", "model", "python3", "-c", REFUSED, "/v1/chat/completions", "{")
    status, _, body = result.stdout.partition(" ")
    assert json.loads(body)["error"]["code"] == int(status), result.stderr


def test_it_is_hardened_as_the_sandbox_is(demo: Demo) -> None:
    container = demo.compose("ps", "--quiet", "model").stdout.strip()
    (facts,) = json.loads(docker("inspect", container))
    host = facts["HostConfig"]
    assert facts["Config"]["User"] == "65534:65534"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["PortBindings"]
    assert host["Memory"]
    assert host["PidsLimit"] == 256


def alone(image: str, *options: str, **env: str) -> Result:
    return subprocess.run(
        ["docker", "run", "--rm", "--init", *options, *flags(env), image], capture_output=True, text=True,
        timeout=PATIENCE * 4, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"no model at all", b"GGUF and nothing after"], ids=str)
def test_a_file_that_is_no_model_is_told_in_a_line(demo_image: str, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(content)
    file.chmod(0o644)
    result = alone(demo_image, "-v", f"{file}:/model.gguf:ro", MODEL_GGUF=str(file))
    assert result.returncode == 78
    # llama.cpp may still be writing its own lines.
    (told,) = [line for line in result.stderr.splitlines() if line.startswith("model: error: ")]
    assert "/model.gguf" in told
    assert "Traceback" not in result.stderr


def test_a_number_that_is_none_is_told_in_a_line(demo_image: str) -> None:
    result = alone(demo_image, DEMO_OUTPUT="many")
    assert result.returncode == 78
    assert result.stderr == "\nmodel: error: DEMO_OUTPUT=many is no number of tokens: 1 or more is.\n"


def test_the_toy_has_its_cap_and_sigterm_ends_it_well(demo_image: str) -> None:
    container = docker("run", "--detach", "--init", demo_image)
    try:
        line = "smollm2-135m-instruct, 256 tokens an answer at most"
        wait_for(lambda: line in logs(container), lambda: f"the toy: {logs(container)}")
        docker("stop", "--time", "60", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0", logs(container)
    finally:
        docker("rm", "--force", container)


@pytest.fixture
def checkout(sandbox: Sandbox, demo_image: str) -> Iterator[Sandbox]:
    """A user's checkout with a project of its own, so that what is left of it is what a demo left."""
    sandbox.environ |= {"COMPOSE_PROJECT_NAME": f"demo-test-{uuid.uuid4().hex[:8]}", "DEMO_IMAGE": demo_image}
    yield sandbox
    subprocess.run(
        sandbox.compose("--profile", "demo", "down", "--timeout", "1", "--volumes"), env=sandbox.variables,
        capture_output=True, check=False,
    )  # fmt: skip


def suits(tool: str) -> bool:
    return bool(TOOLS[tool].get("context", 0) <= CONTEXT)


def left(checkout: Sandbox) -> str:
    return docker(
        "ps", "--all", "--format", "{{.Names}} {{.Status}}",
        "--filter", f"label=com.docker.compose.project={checkout.variables['COMPOSE_PROJECT_NAME']}",
    )  # fmt: skip


def gone(checkout: Sandbox, errors: Path | None = None) -> None:
    """Wait until no container is left; the engine may still be at removing one."""
    wait_for(
        lambda: left(checkout) == "",
        lambda: f"the end of {left(checkout)}\n{errors.read_text() if errors else ''}",
    )


SHELL = ("--demo", "--no-build", "--shell", "--", "-c")


def test_start_sh_passes_the_exit_code_on_and_leaves_no_model(checkout: Sandbox) -> None:
    result = start(checkout, *SHELL, 'curl -sS "$SANDBOX_MODEL_URL/models"; env; exit 7')
    assert result.returncode == 7, result.stderr
    assert "smollm2-135m-instruct" in result.stdout
    assert "MODEL_TOOLS=off" in result.stdout
    assert "tiny" in result.stderr
    gone(checkout)


@pytest.mark.parametrize(
    ("number", "group", "options"),
    [
        (signal.SIGINT, True, SHELL),
        (signal.SIGTERM, False, SHELL),
        (signal.SIGHUP, False, SHELL),
        (signal.SIGINT, True, SHELL[1:]),
        (signal.SIGTERM, False, SHELL[1:]),
        (signal.SIGHUP, True, SHELL[1:]),
    ],
    ids=["demo-INT-all", "demo-TERM", "demo-HUP", "plain-INT-all", "plain-TERM", "plain-HUP-all"],
)
def test_a_signal_leaves_nothing(
    checkout: Sandbox, number: signal.Signals, group: bool, options: tuple[str, ...]
) -> None:
    errors = checkout.folder / "stderr"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [str(ROOT / "start.sh"), *options, "echo up; exec sleep 1000"], env=checkout.variables, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, start_new_session=True,
        )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "up\n", errors.read_text()
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(180) >= 128, errors.read_text()
    gone(checkout, errors)


def test_start_sh_refuses_what_is_no_model_before_anything_starts(sandbox: Sandbox, tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("no model at all")
    for file, reason in (
        (tmp_path / "none.gguf", "there is no"),
        (tmp_path, "is not a file"),
        (text, "is not a GGUF"),
    ):
        result = start(sandbox, "--demo", "--no-build", MODEL_GGUF=str(file))
        assert result.returncode == 1
        assert result.stderr.startswith("sandbox: error: MODEL_GGUF: ")
        assert reason in result.stderr


# Whom the toy's context is enough for.
@pytest.mark.parametrize("tool", [tool for tool, facts in FACTS.items() if facts.talks and suits(tool)])
def test_a_newcomer_gets_an_answer_with_nothing_configured(
    checkout: Sandbox, image_with_all_tools: str, tool: str
) -> None:
    checkout.environ["SANDBOX_IMAGE"] = image_with_all_tools
    chosen = () if tool == "opencode" else ("--tool", tool)
    result = start(checkout, "--demo", "--no-build", *chosen, "--", *headless(tool, "Say hello"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip(), result.stderr
    assert "model smollm2-135m-instruct at http://model:8080/v1 (llama.cpp) (context=8192" in result.stderr
    assert "refused" not in result.stderr, "nobody but the toy is asked"
    gone(checkout)


def test_a_proxy_that_docker_gives_to_containers_is_in_nobodys_way(checkout: Sandbox, tmp_path: Path) -> None:
    """Not in that of the health check, without which the start waits for ever, nor in that of the tool."""
    environ = giving_a_proxy(tmp_path / "docker", "http://127.0.0.1:9")
    result = start(checkout, "--demo", "--no-build", "--", *headless("opencode", "Say hello"), **environ)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip(), result.stderr
