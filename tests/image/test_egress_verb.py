"""What was refused is told, and allowed, while the session runs: ./start.sh egress."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.waiting import wait_for

SHELL = ("--no-build", "--shell", "--", "-c")

# Waits for a file of this name in the workspace.
WAIT = 'await() { until [ -e "$1" ]; do sleep 0.1; done; }'

# Holds a connection through the proxy open, and uses it when told to.
HOLD = """
import os, socket, sys, time
connection = socket.create_connection(("127.0.0.1", 21002))
connection.sendall(b"CONNECT %b HTTP/1.1\\r\\n\\r\\n" % sys.argv[1].encode())
assert b" 200 " in connection.recv(1000)
open("held", "x")
while not os.path.exists("use"):
    time.sleep(0.1)
connection.sendall(b"GET /v1/models HTTP/1.1\\r\\nhost: h\\r\\nconnection: close\\r\\n\\r\\n")
answer = b""
while block := connection.recv(1000):
    answer += block
print("held: " + ("scripted-model" if b"scripted-model" in answer else "broken"), flush=True)
"""


@pytest.fixture
def listed(sandbox: Sandbox) -> Sandbox:
    """Have sessions with a list, which is empty but for comments."""
    sandbox.environ.update(EGRESS="list", KEYS_DIR=str(sandbox.folder / "keys"))
    return sandbox


@contextlib.contextmanager
def running(sandbox: Sandbox, script: str) -> Iterator["subprocess.Popen[str]"]:
    """Have a session run beside, in a shell that knows `await FILE`."""
    session = subprocess.Popen(
        [str(ROOT / "start.sh"), *SHELL, f"{WAIT}; {script}"], env=sandbox.variables, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield session
    finally:
        session.terminate()
        session.communicate()


def shown(sandbox: Sandbox) -> dict[str, Any]:
    result = start(sandbox, "egress", "--json")
    assert result.returncode == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def refused(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {f"{one['host']}:{one['port']}": one for one in shown(sandbox)["refused"]}


def test_what_is_refused_is_told_and_allowed_while_the_session_runs(
    listed: Sandbox, serve: Callable[..., Model]
) -> None:
    held, wanted = f"{serve().name}:8000", f"{serve().name}:8000"
    # The first is a model server for the gateway.
    (listed.config / "egress.yml").write_text(
        f"# mine\nallow:\n  - {{host: '{held}', private: true, tls: false}}  # held\n"
    )
    (listed.workspace / "hold.py").write_text(HOLD)
    curl = f"curl -s -o /dev/null -w '%{{http_code}}\\n' http://{wanted}/v1/models"
    script = f"""
        {curl}; {curl}; python3 hold.py {held} & await held; touch ready
        await allowed; {curl}; touch use; wait; await end; exit 7
    """
    with running(listed, script) as session:
        wait_for((listed.workspace / "ready").exists, lambda: "the session to be refused")
        one = refused(listed)[wanted]
        assert (one["count"], one["reason"], one["allowed"]) == (2, "not-allowed", "")
        assert one["command"] == f"./start.sh egress allow --no-tls {wanted}"
        assert start(listed, "egress", "allow", "--private", "--no-tls", wanted).returncode == 0
        (listed.workspace / "allowed").touch()
        wait_for((listed.workspace / "use").exists, lambda: "the session to go on")
        assert refused(listed)[wanted]["allowed"] == "config/egress.yml, line 4"
        log = start(listed, "egress", "log").stdout
        (listed.workspace / "end").touch()
        output, errors = session.communicate()
    assert output.splitlines() == ["403", "403", "200", "held: scripted-model"], errors
    assert session.returncode == 7, errors
    name = wanted.partition(":")[0]
    assert errors.count(f"egress: 1 host was refused: {name}; ./start.sh egress tells more") == 1
    assert [
        line
        for line in log.splitlines()
        if wanted in line and "refused" in line and "not on the list" in line
    ]
    # Its container is gone, and the log with it.
    assert refused(listed)[wanted]["count"] == 2
    # The one that tests of a worker share may run.
    assert wanted not in start(listed, "egress", "log").stdout
    text = (listed.config / "egress.yml").read_text()
    assert text.startswith("# mine\nallow:\n")
    assert "# held\n" in text


def test_nothing_is_said_where_nothing_was_refused(listed: Sandbox) -> None:
    # By the gateway that tests of a worker share.
    before = shown(listed)["refused"]
    result = start(listed, *SHELL, "true")
    assert "egress" not in result.stderr
    assert shown(listed)["refused"] == before


def test_no_name_steers_the_terminal(listed: Sandbox) -> None:
    script = r"""python3 -c '
import socket
asked = b"\0\1\1\0\0\1\0\0\0\0\0\0\x09ev\x1b[31mil\4test\0\0\1\0\1"
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.settimeout(20)
port.sendto(asked, ("127.0.0.1", 53))
port.recv(500)
'"""
    result = start(listed, *SHELL, script)
    assert r"1 host was refused: ev\x1b[31mil.test;" in result.stderr
    told = start(listed, "egress")
    assert r"ev\x1b[31mil.test: not on the list" in told.stdout
    assert "\x1b" not in result.stderr + told.stdout


def test_what_may_not_be_allowed_is_not_written(listed: Sandbox) -> None:
    before = (listed.config / "egress.yml").read_text()
    result = start(listed, "egress", "allow", "a.example.test", "*")
    assert result.returncode == 1
    assert "'*' allows every name" in result.stderr
    assert (listed.config / "egress.yml").read_text() == before


def test_a_list_that_is_broken_is_told_and_left_alone(listed: Sandbox) -> None:
    (listed.config / "egress.yml").write_text("allow: [")
    for words in ((), ("allow", "a.example.test")):
        result = start(listed, "egress", *words)
        assert result.returncode == 1
        assert "config/egress.yml is not valid: line " in result.stdout + result.stderr
    assert (listed.config / "egress.yml").read_text() == "allow: ["


def test_a_list_without_effect_is_told_as_that(listed: Sandbox) -> None:
    listed.environ["EGRESS"] = "model"
    result = start(listed, "egress", "allow", "a.example.test")
    assert result.returncode == 0
    assert "EGRESS is model (the environment), so the list has no effect" in result.stderr
    assert "EGRESS=list" in result.stderr


def test_a_project_proposes_and_nothing_follows(listed: Sandbox) -> None:
    folder = listed.workspace / "project" / ".sandbox"
    folder.mkdir(parents=True)
    (folder / "egress.yml").write_text(
        "allow: [a.example.test, '*', {host: b.lan, private: true}]\n# \x1b[31m\n"
    )
    told = start(listed, "egress").stdout
    assert "proposed by project/.sandbox/egress.yml" in told
    assert "it is not read" in told, "a control character is no YAML"
    (folder / "egress.yml").write_text("allow: [a.example.test, '*', {host: b.lan, private: true}]\n")
    told = start(listed, "egress").stdout
    assert "./start.sh egress allow a.example.test\n" in told
    assert "./start.sh egress allow --private b.lan\n" in told
    assert "'*' allows every name" in told
    assert start(listed, *SHELL, "curl -sS https://a.example.test").returncode != 0
    assert shown(listed)["entries"] == []
    (folder / "egress.yml").unlink()
    (folder / "egress.yml").symlink_to(Path("/etc/passwd"))
    assert "it is a link, which is not followed" in start(listed, "egress").stdout


DIRECT = "env -i /usr/bin/curl -sS"
# What each kind of program shows of a refusal.
PROGRAMS = {
    "curl -sS http://a.example.test:8080/": '"allow": "./start.sh egress allow --no-tls a.example.test:8080"',
    "python3 -c 'import urllib.request; urllib.request.urlopen(\"https://b.example.test\")'": (
        "403 Refused by the sandbox, the user can allow it: ./start.sh egress allow b.example.test"
    ),
    f"{DIRECT} https://c.example.test": "Could not resolve host: c.example.test",
    f"{DIRECT} --connect-to ::127.64.0.1:443 https://d.example.test": "alert access denied",
    "curl -sS ${SANDBOX_MODEL_URL%/v1}/metrics": "nothing can allow it",
}  # fmt: skip


def test_a_refused_program_reads_why_at_once(listed: Sandbox, serve: Callable[..., Model]) -> None:
    serve()
    result = start(listed, *SHELL, "\n".join(f"{command} 2>&1; echo" for command in PROGRAMS))
    assert [words for words in PROGRAMS.values() if words not in result.stdout] == [], result.stdout


def test_the_doctor_examines_the_network(listed: Sandbox) -> None:
    result = start(listed, "doctor", "--no-build", "--json")
    found = {
        one["name"]: one["status"]
        for one in json.loads(result.stdout)["findings"]
        if one["area"] == "network"
    }
    assert found == dict.fromkeys(
        ("interfaces", "name server", "gateway", "proxy", "name", "refused"), "pass"
    )
    # What it tried is no news.
    assert "refused" not in result.stderr
    result = start(listed, "doctor", "--no-build", "--json", EGRESS="open")
    found = {
        one["name"]: one["status"]
        for one in json.loads(result.stdout)["findings"]
        if one["area"] == "network"
    }
    assert found == {"way out": "warn"}
