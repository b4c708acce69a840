"""The model server, end to end: nothing set but MODEL_URL, what may be wrong, and who sees the key."""

import json
import subprocess
import uuid
from collections.abc import Callable

import pytest

from tests.harness.engine import IMAGE, Result, docker, flags, logs
from tests.harness.repository import ROOT
from tests.harness.sandbox import PROJECT, Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.terminal import Terminal
from tests.harness.tools import CONTENT, headless
from tests.harness.waiting import PATIENCE, wait_for

Serve = Callable[..., Model]

AWKWARD = 'org/My "Model" $(id) `x` ü'
KEY = "planted-s3cr3t-k3y"
# Where a session finds the server of MODEL_URL, which only the gateway reaches.
LINKED = "http://127.0.0.1:21001/local/v1"


@pytest.mark.parametrize("tool", ["omp", "opencode"])
@pytest.mark.parametrize("shape", ["vllm", "llamacpp", "ollama"])
def test_a_task_is_done_with_nothing_set_but_the_url(
    sandbox: Sandbox, serve: Serve, shape: str, tool: str
) -> None:
    model = serve("--shape", shape)
    result = start(
        sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"),
        MODEL_URL=model.url.removesuffix("/v1"),
    )  # fmt: skip
    told = f"{result.stdout}\n{result.stderr}\n{logs(model.name)}"
    assert result.returncode == 0, told
    assert "done: wrote hello.txt" in result.stdout, told
    assert sandbox.as_root("cat", "workspace/hello.txt") == CONTENT.strip()
    assert any(request["tool_result"] for request in model.completions()), told
    assert {request["authorization"] for request in model.completions()} <= {None, ""}, told


@pytest.mark.parametrize("tool", ["omp", "opencode"])
def test_awkward_ids_and_keys_arrive_as_they_are(sandbox: Sandbox, serve: Serve, tool: str) -> None:
    key = 's3cr"et\\$k{}y'
    model = serve("--model", AWKWARD, "--model", "other", "--key", key, "--context", "50000")
    result = start(
        sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"),
        MODEL_ID=AWKWARD, MODEL_API_KEY=key, MODEL_OUTPUT="1234",
    )  # fmt: skip
    told = f"{result.stdout}\n{result.stderr}\n{logs(model.name)}"
    assert result.returncode == 0, told
    assert "done: wrote hello.txt" in result.stdout, told
    assert f"model {AWKWARD} at {model.url} (vLLM) (context=50000, output=1234)" in result.stderr
    assert {request["model"] for request in model.completions()} == {AWKWARD}
    assert {request["authorization"] for request in model.completions()} == {f"Bearer {key}"}
    assert max(request["max_tokens"] or 0 for request in model.completions()) == 1234


@pytest.mark.parametrize("tool", ["omp", "opencode"])
def test_a_strict_server_is_asked_for_nothing_that_it_does_not_know(
    sandbox: Sandbox, serve: Serve, tool: str
) -> None:
    model = serve("--fault", "unknown-fields")
    result = start(
        sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"), MODEL_OUTPUT="1234"
    )
    told = f"{result.stdout}\n{result.stderr}\n{logs(model.name)}"
    assert "done: wrote hello.txt" in result.stdout, told
    assert max(request["max_tokens"] or 0 for request in model.completions()) == 1234, told
    assert not any("Extra inputs" in request["answered"] for request in model.completions()), told


def connect(sandbox: Sandbox, *, stdin: str = "", script: str = "true", **environ: str) -> Result:
    """Start the tool that does nothing but get a model."""
    return sandbox.run("-c", script, env={"TOOLS": "modelled", **environ}, stdin=stdin)


ASSUMED = "(vLLM) (context=32768, output=8192)"
CONTEXTS = {
    "vllm": (("--shape", "vllm", "--context", "40960"), "(vLLM) (context=40960, output=10240)"),
    "old llamacpp": (
        ("--shape", "llamacpp", "--old", "--context", "16384"),
        "(llama.cpp) (context=16384, output",
    ),
    "sglang": (("--shape", "sglang", "--context", "32768"), "(SGLang) (context=32768, output=8192)"),
    "llamacpp": (("--shape", "llamacpp", "--context", "16384"), "(llama.cpp) (context=16384, output=4096)"),
    "lmstudio": (("--shape", "lmstudio", "--context", "20480"), "(LM Studio) (context=20480, output=5120)"),
    "ollama": (("--shape", "ollama", "--num-ctx", "24576"), "(Ollama) (context=24576, output=6144)"),
    "absent": (("--context", "absent"), ASSUMED),
    "zero": (("--context", "0"), ASSUMED),
}


@pytest.mark.parametrize(("flags", "told"), CONTEXTS.values(), ids=CONTEXTS)
def test_the_context_is_the_servers(
    sandbox: Sandbox, serve: Serve, flags: tuple[str, ...], told: str
) -> None:
    serve(*flags)
    result = connect(sandbox)
    assert result.returncode == 0, result.stderr
    assert told in result.stderr
    assert ("does not tell the context of scripted-model: 32768 is assumed" in result.stderr) == (
        told == ASSUMED
    )


# Flags of the server, variables of the sandbox, what is said to be wrong, and what to do.
Bad = tuple[tuple[str, ...], dict[str, str], str, str]
BAD: dict[str, Bad] = {
    "no scheme": ((), {"MODEL_URL": "model:8000"}, "MODEL_URL='model:8000' does not begin", "http://10.0.0.13"),
    "localhost": ((), {"MODEL_URL": "http://localhost:8000"}, "in the container", "http://host.docker"),
    "401": (("--key", KEY), {}, "401 Unauthorized", "set MODEL_API_KEY"),
    "wrong key": (("--key", KEY), {"MODEL_API_KEY": "wr0ng"}, "401 Unauthorized", "mend MODEL_API_KEY"),
    "wrong id": ((), {"MODEL_ID": "scripted"}, "MODEL_ID 'scripted' is not served", "Did you mean scripted-"),
    "several": (("--model", "a", "--model", "b"), {}, "and none is chosen: a, b", "Set MODEL_ID"),
    "thousand": (("--fault", "thousand"), {}, "and 970 more", "Set MODEL_ID"),
    "html": (("--fault", "html"), {}, "a web page", "the API's own address"),
    "nested": (("--fault", "deep"), {}, "nested too deeply", "the address of a model server"),
    "newline in the key": ((), {"MODEL_API_KEY": f"{KEY}\nX: y"}, "MODEL_API_KEY holds", "one line"),
    "context 0": ((), {"MODEL_CONTEXT": "0"}, "MODEL_CONTEXT='0' is not a whole number", "32768"),
    "no such key file": ((), {"MODEL_API_KEY_FILE": "none.key"}, "keys/none.key cannot be read", "keys/"),
    "CA that is none": ((), {"MODEL_CA": "tools.yml"}, "holds no certificate", "PEM"),
    "https for http": ((), {"MODEL_URL": "https://{host}:8000"}, "does not speak TLS", "http://"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_what_is_wrong_is_told_and_the_tool_is_not_started(sandbox: Sandbox, serve: Serve, case: Bad) -> None:
    flags, environ, what, fix = case
    model = serve(*flags)
    variables = {name: value.format(host=model.name) for name, value in environ.items()}
    result = connect(sandbox, script="echo started", **variables)
    assert result.returncode == 78, result.stderr
    error = result.stderr[result.stderr.index("sandbox: error:") :].splitlines()
    assert what in error[0]
    assert fix in error[1]
    assert "started" not in result.stdout
    assert "Traceback" not in result.stderr
    assert KEY not in result.stderr
    assert "wr0ng" not in result.stderr


def test_a_server_that_does_not_end_its_answer_is_asked_again_and_given_up(
    sandbox: Sandbox, serve: Serve
) -> None:
    serve("--fault", "slow")
    result = connect(sandbox)
    assert result.returncode == 78
    assert result.stderr.count("asking again") == 3, result.stderr
    # The gateway has five seconds of its own for the connection.
    assert "not complete within 10 s" in result.stderr


def test_a_server_that_still_loads_is_waited_for(sandbox: Sandbox, serve: Serve) -> None:
    serve("--shape", "llamacpp", "--fault", "loading")
    result = connect(sandbox)
    assert result.returncode == 0, result.stderr
    assert "503" in result.stderr
    assert result.stderr.count("asking again") == 3
    assert "model scripted-model at" in result.stderr


@pytest.mark.parametrize("env", [{"TOOLS": "modelled"}, {"SANDBOX_SHELL": "1"}], ids=["tool", "shell"])
def test_a_stop_while_a_server_hangs_is_heard(
    serve: Serve, container: Callable[..., str], env: dict[str, str]
) -> None:
    model = serve("--fault", "hang")
    started = container("-c", "echo started; exec sleep 1000", env={"MODEL_URL": model.url, **env})
    wait_for(model.requests, "the sandbox to ask")
    docker("stop", "--time", str(int(PATIENCE)), started)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", started) == "143", logs(started)
    assert "started" not in logs(started)
    assert logs(started).count("asking again") < 3, "it went on until it would have given up anyway"


def test_a_shell_starts_without_a_server_and_says_why(sandbox: Sandbox) -> None:
    result = start(
        sandbox, "--no-build", "--shell", "--", "-c", "echo started", MODEL_URL="http://localhost:9"
    )
    assert (result.returncode, result.stdout) == (0, "started\n")
    assert "sandbox: warning: nothing listens on localhost:9 in the container" in result.stderr


def test_a_session_outlives_its_server(sandbox: Sandbox, model: Model) -> None:
    running = subprocess.Popen(
        sandbox.command("-c", "echo ready; read line && echo $line", env={"TOOLS": "modelled"}), cwd=ROOT,
        env=sandbox.variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert running.stdout
    assert running.stdout.readline() == "ready\n", logs(model.name)
    docker("rm", "--force", model.name)
    output, errors = running.communicate("still here\n", timeout=PATIENCE * 4)
    assert (running.returncode, output) == (0, "still here\n"), errors


@pytest.fixture
def secured(sandbox: Sandbox, serve: Serve) -> Model:
    """Start a server with a certificate of its own making, config/ca.pem."""
    name, folder = f"model-{uuid.uuid4().hex[:12]}", "/etc/sandbox/config"
    sandbox.as_root(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "config/server.key", "-out",
        "config/ca.pem", "-days", "2", "-subj", "/CN=model", "-addext", f"subjectAltName=DNS:{name}",
    )  # fmt: skip
    sandbox.as_root("chmod", "0644", "config/server.key", "config/ca.pem")
    mounts = (f"{sandbox.config}:{folder}:ro",)
    model = serve("--tls", f"{folder}/ca.pem", f"{folder}/server.key", name=name, mounts=mounts)
    sandbox.environ["MODEL_URL"] = model.url.replace("http://", "https://")
    return model


def test_a_certificate_of_ones_own_is_refused_and_it_is_said_what_to_do(
    sandbox: Sandbox, secured: Model
) -> None:
    refused = connect(sandbox)
    assert refused.returncode == 78
    assert (
        f"the certificate of {secured.name}:8000 is not accepted: self-signed certificate" in refused.stderr
    )
    assert "name it in MODEL_CA" in refused.stderr
    address = docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", secured.name
    )
    elsewhere = connect(sandbox, MODEL_URL=f"https://{address}:8000", MODEL_CA="ca.pem")
    assert elsewhere.returncode == 78
    assert "IP address mismatch" in elsewhere.stderr
    assert "the name that the certificate is for" in elsewhere.stderr
    plain = connect(sandbox, MODEL_URL=secured.url)
    assert plain.returncode == 78
    assert "ends the connection before its answer is complete" in plain.stderr
    assert "write https:// in MODEL_URL" in plain.stderr


@pytest.mark.parametrize("tool", ["omp", "opencode"])
def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(
    sandbox: Sandbox, secured: Model, tool: str
) -> None:
    result = start(
        sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"), MODEL_CA="ca.pem"
    )
    assert "done: wrote hello.txt" in result.stdout, f"{result.stdout}{result.stderr}{logs(secured.name)}"


def test_a_key_is_seen_by_the_server_and_nobody_else(
    sandbox: Sandbox, serve: Serve, container: Callable[..., str]
) -> None:
    model = serve("--key", KEY)
    (sandbox.keys / "model.key").write_text(f"{KEY}\n")
    variables = {"MODEL_URL": model.url, "MODEL_API_KEY_FILE": "model.key", "SANDBOX_LOG_LEVEL": "debug"}
    told = []
    for tool in ("opencode", "omp"):
        result = start(
            sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"), **variables
        )
        assert "done: wrote hello.txt" in result.stdout, f"{result.stdout}{result.stderr}"
        told += [result.stdout, result.stderr]
    doctor = start(sandbox, "doctor", "--no-build", "--json", **variables, TOOLS="opencode,omp")
    assert doctor.returncode == 0, f"{doctor.stdout}{doctor.stderr}"
    running = container(
        "-c", "cat /proc/[0-9]*/cmdline 2>&1; ls -la ~/.sandbox/models; sleep 1000",
        env={"TOOLS": "modelled", **variables},
    )  # fmt: skip
    wait_for(lambda: "variables" in logs(running), "the tool")
    told += [doctor.stdout, doctor.stderr, logs(running), docker("inspect", running)]
    told.append(docker("exec", running, "sh", "-c", "cat /proc/[0-9]*/cmdline; true"))
    assert [text for text in told if KEY in text] == []
    assert sandbox.as_root("sh", "-c", f"grep -rl {KEY} workspace data; test $? = 1") == ""
    assert {request["authorization"] for request in model.completions()} == {f"Bearer {KEY}"}


def test_at_a_terminal_one_of_several_models_is_asked_for(sandbox: Sandbox, serve: Serve) -> None:
    model = serve("--model", "first", "--model", "org/second")
    variables = {**sandbox.variables, "TOOLS": "modelled", "MODEL_URL": model.url}
    command = [str(ROOT / "start.sh"), "--no-build", "--", "-c", "echo took $SANDBOX_MODEL_ID"]
    terminal = Terminal(command, variables)
    terminal.wait_for("Which model?", "2) org/second", "Number or name [1]:")
    terminal.type("org/second\r")
    terminal.wait_for("took org/second")
    assert terminal.end() == 0
    stopped = Terminal(command, variables)
    stopped.wait_for("Number or name [1]:")
    assert stopped.type_until_end("\x03") == 130, stopped.text


@pytest.mark.usefixtures("model")
def test_what_the_user_configured_wins(sandbox: Sandbox) -> None:
    (sandbox.config / "opencode.json").write_text(
        json.dumps(
            {"model": "own/x", "provider": {"own": {"npm": "@ai-sdk/openai-compatible", "models": {"x": {}}}}}
        )
    )
    result = connect(sandbox, script="cat $OPENCODE_CONFIG")
    document = json.loads(result.stdout)
    assert "model" not in document
    assert document["provider"]["local"]["options"]["baseURL"] == LINKED
    assert "config/opencode.json sets model to own/x: opencode begins with that" in result.stderr


def test_servers_and_roles_of_the_file(sandbox: Sandbox, serve: Serve) -> None:
    big = serve("--model", "a", "--model", "b", "--key", KEY)
    small = serve("--shape", "llamacpp", "--model", "s")
    del sandbox.environ["MODEL_URL"]
    (sandbox.keys / "big.key").write_text(KEY)
    (sandbox.config / "models.yml").write_text(
        f"servers:\n  big: {{url: '{big.url}', key_file: big.key}}\n  small: {{url: '{small.url}'}}\n"
        "roles: {main: big/b, fast: small}\n"
    )
    for tool in ("opencode", "omp"):
        result = start(sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"))
        assert "done: wrote hello.txt" in result.stdout, f"{result.stdout}{result.stderr}"
    assert {(request["model"], request["authorization"]) for request in big.completions()} == {
        ("b", f"Bearer {KEY}")
    }
    wait_for(small.completions, "the fast model to be asked for a title")
    assert {request["model"] for request in small.completions()} == {"s"}
    assert all(KEY not in str(request["authorization"]) for request in small.requests())


def test_a_program_that_enters_knows_the_model_too(model: Model, container: Callable[..., str]) -> None:
    running = container("-c", "echo ready; sleep 1000", env={"TOOLS": "modelled", "MODEL_URL": model.url})
    wait_for(lambda: "ready" in logs(running), "the tool")
    told = docker(
        "exec",
        running,
        "sandbox-enter",
        "sh",
        "-c",
        "echo $SANDBOX_MODEL_ID $SANDBOX_MODEL_URL; cat $OPENCODE_CONFIG",
    )
    assert f"scripted-model {LINKED}" in told
    assert "local/scripted-model" in told


@pytest.mark.parametrize("keys", ["\x03", "\x1c"], ids=["Ctrl-C", "Ctrl-backslash"])
def test_a_key_ends_the_wait_for_a_server_without_a_traceback(
    sandbox: Sandbox, serve: Serve, keys: str
) -> None:
    serve("--fault", "hang")
    terminal = Terminal([str(ROOT / "start.sh"), "--no-build"], {**sandbox.variables, "TOOLS": "modelled"})
    terminal.wait_for("asking again")
    assert terminal.type_until_end(keys) >= 128, terminal.text
    assert "Traceback" not in terminal.text


def test_a_restart_trusts_nothing_that_an_earlier_session_left(sandbox: Sandbox, model: Model) -> None:
    """A container without a tmpfs at home keeps it: what the agent made of the folder is taken away."""
    script = (
        "rm -rf ~/.sandbox; mkdir -p workspace/t; ln -s ~/workspace/t ~/.sandbox; echo took $SANDBOX_MODEL_ID"
    )
    mounts = [word for mount in sandbox.mounts() for word in ("-v", mount)]
    variables = flags({"TOOLS": "modelled", "MODEL_URL": model.url})
    options = ["--detach", "--name", sandbox.name, "--network", f"{PROJECT}_sandbox", *mounts, *variables]
    docker("run", *options, IMAGE, "-c", f"cd; {script}")
    try:
        docker("wait", sandbox.name)
        docker("restart", sandbox.name)
        docker("wait", sandbox.name)
        assert logs(sandbox.name).count("took scripted-model") == 2, logs(sandbox.name)
        assert sandbox.as_root("find", "workspace/t") == "workspace/t"
    finally:
        docker("rm", "--force", sandbox.name)


def test_a_key_may_be_a_secret_of_the_engine(sandbox: Sandbox, serve: Serve) -> None:
    model = serve("--key", KEY)
    secret = sandbox.folder / "secret"
    secret.write_text(f"{KEY}\n")
    places = sandbox.mounts(f"{secret}:/run/secrets/model_api_key:ro")
    result = sandbox.plain(
        "--network", f"{PROJECT}_sandbox", env={"TOOLS": "modelled", "MODEL_URL": model.url}, mounts=places,
        arguments=("-c", "test -n \"$MODEL_API_KEY\" && echo took $SANDBOX_MODEL_ID"),
    )  # fmt: skip
    assert result.stdout == "took scripted-model\n", result.stderr
