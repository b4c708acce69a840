"""A session that has no network: what it reaches by its gateway, and what it does not."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.engine import IMAGE, docker
from tests.harness.sandbox import PROJECT, Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.waiting import wait_for

KEY = "sk-planted-key-of-the-user"
SHELL = ("--no-build", "--shell", "--", "-c")


def told(text: str) -> Any:
    """Return the object that a command printed last."""
    return json.loads(text[text.rindex('{"object": "list"') :])


@pytest.fixture
def model(serve: Callable[..., Model], sandbox: Sandbox) -> Model:
    """Start a scripted server, and ask for sessions that reach nothing else."""
    served = serve()
    sandbox.environ.update(EGRESS="model", KEYS_DIR=str(sandbox.folder / "keys"), MODEL_API_KEY=KEY)
    return served


@pytest.mark.parametrize("tool", [("opencode", "run"), ("omp", "-p")])
def test_a_tool_finishes_its_task_with_nothing_but_the_loopback(
    sandbox: Sandbox, model: Model, tool: tuple[str, str]
) -> None:
    result = start(sandbox, "--no-build", "--tool", tool[0], "--", tool[1], "Write a file hello.txt")
    assert result.returncode == 0, result.stderr
    assert (sandbox.workspace / "hello.txt").is_file(), result.stdout + result.stderr
    assert {request["authorization"] for request in model.requests()} == {f"Bearer {KEY}"}


def test_a_session_has_no_network_and_no_key(sandbox: Sandbox, model: Model) -> None:
    script = f"""
        cat /proc/net/route | wc -l; ls /sys/class/net; cat /etc/resolv.conf
        env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /home/agent/.sandbox/models/* 2>/dev/null
        grep -rsl {KEY[:8]} /etc /run /home /tmp /opt/sandbox /var 2>/dev/null
        curl -s $SANDBOX_MODEL_URL/models
    """
    result = start(sandbox, *SHELL, script)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == ["1", "lo"], result.stdout
    assert "nameserver 127.0.0.1" in lines
    assert KEY not in result.stdout + result.stderr
    assert "/etc" not in lines
    assert told(result.stdout)["data"][0]["id"] == "scripted-model"
    assert model.requests()[-1]["authorization"] == f"Bearer {KEY}"


ELSEWHERE = {
    "a proxy that is known": "curl -sS -o /dev/null -w %{http_connect} https://example.test",
    "plain HTTP": "curl -sS -o /dev/null -w %{http_code} http://example.test",
}


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("command", ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_not_allowed_is_refused_at_once_and_readably(sandbox: Sandbox, command: str) -> None:
    result = start(sandbox, *SHELL, command)
    assert result.stdout.strip() == "403", result.stderr


def test_nothing_gets_out_without_the_proxy(sandbox: Sandbox, model: Model) -> None:
    script = f"""
        unset {" ".join(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"))}
        getent hosts {model.name} example.test host.docker.internal && echo found
        for host in 127.0.0.11 169.254.169.254 10.0.0.1 172.17.0.1 1.1.1.1; do
          timeout 5 bash -c "exec 3<>/dev/tcp/$host/80" 2>/dev/null && echo "reached $host"
        done
        curl -sS --max-time 5 https://example.test
        rm -f /run/gateway/$SANDBOX_GATEWAY/model && echo removed
        true
    """
    result = start(sandbox, *SHELL, script)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "", result.stderr
    assert "Could not resolve host" in result.stderr


@pytest.mark.usefixtures("model")
def test_the_link_is_back_where_it_was_killed(sandbox: Sandbox) -> None:
    script = """
        for round in 1 2 3; do
          pkill -9 -f '[s]andbox-link'
          curl -s --max-time 20 $SANDBOX_MODEL_URL/models >/dev/null || echo "not back after $round"
        done
        curl -s $SANDBOX_MODEL_URL/models
    """
    result = start(sandbox, *SHELL, script)
    assert told(result.stdout)["data"], result.stdout + result.stderr
    assert "left behind" not in result.stderr


@pytest.mark.usefixtures("model")
def test_a_session_finds_no_gateway_but_its_own(sandbox: Sandbox) -> None:
    # Another session's has another list, and another key.
    script = "ls /run/gateway; ls /run/gateway/$SANDBOX_GATEWAY; echo $SANDBOX_GATEWAY"
    result = start(sandbox, *SHELL, script)
    *sockets, name = result.stdout.split()
    assert {"dns", "gitconfig", "model", "proxy", "tls"} == set(sockets), result.stdout + result.stderr
    assert len(name) >= 32
    assert "cannot open directory '/run/gateway'" in result.stderr


@pytest.mark.usefixtures("model")
def test_the_link_leaves_the_processor_to_pid_1(sandbox: Sandbox) -> None:
    # Its memory is the agent's to write, and so is what it starts.
    result = start(sandbox, *SHELL, "pgrep -f '[p]ython3 -IS .*link' | xargs ps -o ni= -p $$ -p")
    assert len(set(result.stdout.split())) == 1, result.stdout + result.stderr
    assert len(result.stdout.split()) == 2, result.stdout + result.stderr


def test_a_key_in_a_file_is_read_where_only_its_owner_may(sandbox: Sandbox, model: Model) -> None:
    keys = sandbox.folder / "keys"
    keys.mkdir()
    (keys / "model.key").write_text(f"{KEY}-2\n")
    (keys / "model.key").chmod(0o600)
    sandbox.environ.update(MODEL_API_KEY="", MODEL_API_KEY_FILE="model.key")
    result = start(sandbox, *SHELL, "find / -name model.key 2>/dev/null; curl -s $SANDBOX_MODEL_URL/models")
    assert "model.key" not in result.stdout
    assert told(result.stdout)["data"]
    assert model.requests()[-1]["authorization"] == f"Bearer {KEY}-2"


BROKEN = {
    "a list that is none": ({"EGRESS": "list"}, ("egress.yml", "allow: ['*']"), "config/egress.yml"),
    "an entry of the short form": ({"EGRESS": "list", "EGRESS_ALLOW": "10.0.0.1"}, None, "EGRESS_ALLOW"),
    "a key in config/": (
        {"MODEL_URL": ""},
        ("models.yml", "servers: {a: {url: 'http://h', key: s3cret}}"),
        "the agent can read",
    ),
    "a mode that is none": ({"EGRESS": "everything"}, None, "EGRESS='everything' is not known"),
    "no key": ({"MODEL_API_KEY": "", "MODEL_API_KEY_FILE": "none"}, None, "MODEL_API_KEY_FILE"),
}


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("environ", "file", "named"), BROKEN.values(), ids=BROKEN)
def test_a_gateway_that_cannot_start_says_why_and_opens_nothing(
    sandbox: Sandbox, environ: dict[str, str], file: tuple[str, str] | None, named: str
) -> None:
    if file:
        (sandbox.config / file[0]).write_text(file[1])
    sandbox.environ.update(environ)
    result = start(sandbox, "--no-build", "--tool", "shell", "--", "-c", "echo started")
    assert result.returncode == 78, result.stdout + result.stderr
    assert named in result.stderr
    assert "started" not in result.stdout
    assert "s3cret" not in result.stderr


def test_a_list_lets_out_what_is_on_it(sandbox: Sandbox, model: Model) -> None:
    sandbox.environ.update(EGRESS="list")
    host = f"{model.name}.example.test"
    (sandbox.config / "egress.yml").write_text(
        f"allow: [{{host: '{model.name}:8000', private: true, tls: false}}]"
    )
    script = f"curl -s -w ' %{{http_code}}' http://{model.name}:8000/v1/models; curl -s http://{host}:8000/"
    result = start(sandbox, *SHELL, script)
    assert "scripted-model" in result.stdout
    assert "not-allowed" in result.stdout


def test_the_doctor_examines_the_server_from_the_gateway(sandbox: Sandbox, model: Model) -> None:
    result = start(sandbox, "doctor", "--no-build", "--json")
    findings = {
        entry["name"]: entry for entry in json.loads(result.stdout)["findings"] if entry["area"] == "model"
    }
    assert model.url in findings["address"]["detail"]
    assert "with a key" in findings["address"]["detail"]
    for step in ("name", "connect", "list", "answer", "tool call"):
        assert findings[step]["status"] == "pass", findings[step]
    assert "127.0.0.1" not in result.stdout


WRONG = {
    "a name that is not known": ("http://nowhere.example.test:8000", "nowhere.example.test is not known"),
    "this container": ("http://localhost:8000", "host.docker.internal:8000"),
    "another port": ("http://{name}:1", "refuses the connection"),
    "TLS to plain HTTP": ("https://{name}:8000", "does not speak TLS"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "words"), WRONG.values(), ids=WRONG)
def test_a_server_that_is_not_reached_is_told_in_the_same_words(
    sandbox: Sandbox, model: Model, url: str, words: str
) -> None:
    sandbox.environ["MODEL_URL"] = url.format(name=model.name)
    result = start(sandbox, "--no-build", "--tool", "opencode", "--", "run", "Hello")
    assert result.returncode == 78
    assert words in result.stderr
    assert "127.0.0.1:21001" not in result.stderr


@pytest.mark.usefixtures("model")
def test_nothing_is_left_of_a_gateway(sandbox: Sandbox) -> None:
    assert start(sandbox, *SHELL, "true").returncode == 0
    mine = ("label=agentic-sandbox.gateway", f"label=com.docker.compose.project={PROJECT}")
    assert docker("ps", "--all", "--quiet", *(word for one in mine for word in ("--filter", one))) == ""


@pytest.mark.usefixtures("model")
def test_a_session_finds_no_other_sessions_gateway(sandbox: Sandbox) -> None:
    script = "ls /run/gateway; ls /run/gateway/$SANDBOX_GATEWAY | sort | tr '\\n' ' '"
    result = start(sandbox, *SHELL, script)
    assert result.stdout.strip() == "dns gitconfig model proxy tls", result.stdout
    assert "Permission denied" in result.stderr


def test_a_session_that_waits_for_its_gateway_can_be_ended(sandbox: Sandbox) -> None:
    environ = ("--env", "EGRESS=model", "--env", "SANDBOX_GATEWAY=none", "--env", "SANDBOX_SESSION=shell")
    name = f"waiting-{secrets.token_hex(4)}"
    mounts = (f"--volume={place}" for place in sandbox.mounts())

    def status() -> str:
        return docker("exec", name, "cat", "/proc/1/status", check=False)

    docker("run", "--detach", "--name", name, "--network", "none", *environ, *mounts, IMAGE)
    try:
        # In the session phase, which waits.
        wait_for(lambda: "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2" in status(), status)
        docker("stop", "--time", "8", name)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", name) == "143"
    finally:
        docker("rm", "--force", name)
