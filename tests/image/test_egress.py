"""A session that has no network: what it reaches by its gateway, and what it does not."""

import json
import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import IMAGE, Result, docker, logs
from tests.harness.sandbox import PROJECT, Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.waiting import wait_for

KEY = "sk-planted-key-of-the-user"
GATEWAY = "/usr/local/bin/sandbox-gateway"
SHELL = ("--no-build", "--shell", "--", "-c")


def told(text: str) -> Any:
    """Return the object that a command printed last."""
    return json.loads(text[text.rindex('{"object": "list"') :])


@pytest.fixture
def model(serve: Callable[..., Model], sandbox: Sandbox) -> Model:
    """Start a scripted server for sessions that reach nothing else, which is the default."""
    served = serve()
    sandbox.environ.update(MODEL_API_KEY=KEY)
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
def test_the_link_is_back_where_it_was_killed_under_load(sandbox: Sandbox) -> None:
    # What is on its way ends at once: none waits for curl's own time.
    script = """
        for number in $(seq 30); do
          while [ ! -e /tmp/done ]; do curl -s --max-time 60 $SANDBOX_MODEL_URL/models; done >/dev/null &
        done
        for round in 1 2 3; do
          until curl -s $SANDBOX_MODEL_URL/models >/dev/null; do :; done
          pkill -9 -f '[s]andbox-link'
        done
        touch /tmp/done
        wait
        curl -s --max-time 60 $SANDBOX_MODEL_URL/models
    """
    result = start(sandbox, *SHELL, script)
    assert told(result.stdout)["data"], result.stdout + result.stderr


USED_UP = {
    "processes": (
        "SANDBOX_PIDS",
        """
import os, signal
held = []
try:
    for _ in range(200):
        held.append(os.fork())
        if held[-1] == 0:
            signal.pause()
except BlockingIOError:
    print("used up")
for pid in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        if b"sandbox-" b"link" in file.read():
            os.kill(int(pid), 9)
for pid in held:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
""",
    ),
    "descriptors": (
        "SANDBOX_NOFILE",
        """
import os, socket
held = []
for _ in range(3):
    held.append(os.fork())
    if held[-1] == 0:
        open_ = [socket.create_connection(("127.0.0.1", 21002)) for _ in range(40)]
        os._exit(0)
for pid in held:
    os.waitpid(pid, 0)
print("used up")
""",
    ),
}


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("limit", "code"), USED_UP.values(), ids=USED_UP)
def test_the_link_is_back_where_all_was_used_up(sandbox: Sandbox, limit: str, code: str) -> None:
    sandbox.environ[limit] = "64"
    script = f"""
        python3 -c '{code}'
        curl -s --max-time 60 --retry 30 --retry-delay 1 --retry-all-errors $SANDBOX_MODEL_URL/models
    """
    result = start(sandbox, *SHELL, script)
    assert "used up" in result.stdout, result.stderr
    assert told(result.stdout)["data"], result.stdout + result.stderr


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
    (sandbox.keys / "model.key").write_text(f"{KEY}-2\n")
    (sandbox.keys / "model.key").chmod(0o600)
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
    "a file with a key in config/": (
        {"MODEL_API_KEY": "", "MODEL_API_KEY_FILE": "model.key"},
        ("model.key", "s3cret"),
        "Move it: mv config/model.key keys/",
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


@pytest.mark.parametrize("word", ["--tool", "--shell"])
def test_a_gateway_that_the_engine_refuses_ends_the_start_at_once(
    sandbox: Sandbox, tmp_path: Path, word: str
) -> None:
    """Both are made at a time: PID 1 would wait for it, and start a shell without it."""
    # The first start of a project has the engine make its network by a gateway that does nothing.
    assert start(sandbox, *SHELL, "true").returncode == 0
    more = tmp_path / "more.yml"
    more.write_text("services: {gateway: {devices: [/dev/there-is-none]}}\n")
    sandbox.environ["COMPOSE_FILE"] = f"{sandbox.variables['COMPOSE_FILE']}:{more}"
    words = ("--tool", "shell") if word == "--tool" else ("--shell",)
    result = start(sandbox, "--no-build", *words, "--", "-c", "echo started")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "the gateway, the sandbox's way out, cannot be started" in result.stderr
    assert "/dev/there-is-none" in result.stderr
    assert "started" not in result.stdout
    assert not docker(
        "ps", "--all", "--quiet", "--filter", f"name={sandbox.variables['COMPOSE_PROJECT_NAME']}"
    )


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


UNFILTERED = "sandbox: warning: the network is not filtered: EGRESS=open"


def test_a_network_is_given_where_it_is_asked_for_and_each_start_says_so(
    sandbox: Sandbox, model: Model
) -> None:
    sandbox.environ["EGRESS"] = "open"
    script = f"curl -s http://{model.name}:8000/v1/models; echo; echo $MODEL_API_KEY; ls /run/gateway"
    result = start(sandbox, *SHELL, script)
    assert told(result.stdout.splitlines()[0])["data"], result.stderr
    assert KEY in result.stdout
    assert result.stderr.count(UNFILTERED) == 1


def test_the_image_alone_warns_of_a_network_and_of_none_does_not(sandbox: Sandbox) -> None:
    for network, count in (("bridge", 1), ("none", 0)):
        result = sandbox.plain("--network", network, env={"TOOLS": "shell"}, arguments=("-c", "echo started"))
        assert result.stdout == "started\n", result.stderr
        assert result.stderr.count(UNFILTERED) == count, network


def test_a_network_that_only_a_variable_asks_for_is_refused(sandbox: Sandbox) -> None:
    result = sandbox.shell("echo started", env={"EGRESS": "open"})
    assert (result.returncode, result.stdout) == (78, "")
    assert "COMPOSE_FILE=compose.yml:compose.open.yml" in result.stderr


def test_a_shell_starts_without_its_gateway_and_says_why(sandbox: Sandbox) -> None:
    """Whoever mends a setting needs one."""
    for shell in ("1", "plain"):
        script = "echo started; curl -sS -m 9 http://example.test >&2"
        result = sandbox.run("-c", script, env={"SANDBOX_SHELL": shell, "MODEL_URL": "nonsense"})
        assert result.stdout == "started\n", result.stderr
        assert result.stderr.count("MODEL_URL='nonsense' does not begin with") == 1, result.stderr


def test_who_takes_a_quarantine_back_has_no_gateway(sandbox: Sandbox) -> None:
    sandbox.environ["COMPOSE_PROJECT_NAME"] = sandbox.name
    began = time.time()
    # A gateway could not start, and would end with 78.
    result = start(sandbox, "accept", MODEL_URL="nonsense")
    sandbox.ended(sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes"))
    assert result.returncode == 0, result.stderr
    mine = ("--filter", f"label=com.docker.compose.project={sandbox.name}", "--filter", "event=die")
    times = (f"--since={began:.3f}", f"--until={time.time():.3f}")
    ended = docker("events", *times, *mine, "--format", "{{.Actor.Attributes.exitCode}}")
    assert set(ended.split()) == {"0"}


def test_compose_alone_has_a_gateway_that_hears_of_what_was_mended(sandbox: Sandbox) -> None:
    sandbox.environ.update(COMPOSE_PROJECT_NAME=sandbox.name, TOOLS="shell,modelled", DEFAULT_TOOL="shell")
    script = ("-c", "wc -l </proc/net/route; curl -s -o /dev/null -w %{http_code} http://example.test")

    def run(*options: str, url: str) -> Result:
        sandbox.environ["MODEL_URL"] = url
        return sandbox.ended(sandbox.compose("run", "--rm", "-T", *options, "sandbox", *script))

    try:
        broken = run(url="nonsense")
        assert (broken.returncode, broken.stdout) == (78, "")
        assert "MODEL_URL='nonsense' does not begin with" in broken.stderr
        mended = run(url="http://one.invalid:8000")
        assert (mended.returncode, mended.stdout.split()) == (0, ["1", "403"]), mended.stderr
        another = run(
            "-e", "MODEL_URL=http://two.invalid:8000", "-e", "DEFAULT_TOOL=modelled",
            url="http://one.invalid:8000",
        )  # fmt: skip
        assert another.returncode == 78
        assert "'local' is http://one.invalid:8000, and not http://two.invalid:8000" in another.stderr
        assert "docker compose down" in another.stderr
    finally:
        sandbox.ended(sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes"))


def test_a_gateway_that_hangs_is_told_and_not_waited_for_without_end(sandbox: Sandbox) -> None:
    mark = f"hanging-{secrets.token_hex(4)}"
    environ = ("--env", "EGRESS=model", "--env", "SANDBOX_GATEWAY=default", "--env", "SANDBOX_SESSION=shell")
    volume = f"--volume={mark}:/run/gateway"
    docker("run", "--detach", "--name", mark, "--env=EGRESS=model", volume, "--entrypoint", GATEWAY, IMAGE)
    try:
        wait_for(lambda: '"ready"' in logs(mark), lambda: logs(mark))
        docker("exec", mark, "/bin/bash", "-c", "kill -STOP $(cat /proc/1/task/1/children)")
        mounts = (f"--volume={place}" for place in sandbox.mounts())
        options = ("--rm", "--network", "none", *environ, *mounts, f"{volume}:ro")
        run = ("docker", "run", *options, IMAGE, "-c", "echo started")
        result = subprocess.run(run, capture_output=True, text=True, check=False)
        # A shell is of use without it.
        assert result.stdout == "started\n", result.stderr
        assert "does not answer: timed out" in result.stderr
    finally:
        docker("rm", "--force", "--volumes", mark)
        docker("volume", "rm", mark)


def test_a_volume_without_room_is_told_by_the_gateway() -> None:
    mark = f"full-{secrets.token_hex(4)}"
    full = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=nr_inodes=1")
    docker("volume", "create", *full, mark)
    try:
        run = ("docker", "run", "--rm", f"--volume={mark}:/run/gateway", "--entrypoint", GATEWAY, IMAGE)
        result = subprocess.run(run, capture_output=True, text=True, check=False)
        assert result.returncode == 78, result.stderr
        assert "cannot make its sockets in /run/gateway/default: No space left on device" in result.stderr
        assert "Is the volume there, not full" in result.stderr
    finally:
        docker("volume", "rm", mark)
