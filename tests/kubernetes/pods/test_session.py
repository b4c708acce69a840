"""The pods of base and session: what a session does there, what it is made of, and how it ends."""

import json
from typing import Any

import pytest

from tests.harness.podman import GATEWAY, KEY, Cluster
from tests.harness.terminal import Terminal
from tests.harness.tools import CONTENT, headless
from tests.harness.waiting import wait_for

NONE = "0000000000000000"
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NAME = "sandbox-sandbox"
PLAIN = {"SANDBOX_SHELL": "plain"}
PROBES = {"/probes": "/checkout/tests/probes"}
ATTACKS = {"/attacks": "/checkout/tests/conformance/attacks"}


def ended(cluster: Cluster, *arguments: str, **how: Any) -> str:
    """Run a session to its end, which is a good one; return what it wrote to stdout."""
    started = cluster.session(*arguments, **how)
    assert started.returncode == 0, started.stderr
    assert cluster.wait(NAME) == 0, cluster.logs(NAME)
    return cluster.output(NAME)


def shell(cluster: Cluster, script: str, **how: Any) -> str:
    """Run a script as the agent, in the place of the tool."""
    return ended(cluster, "-c", script, env=PLAIN, **how)


@pytest.mark.parametrize("tool", ["opencode", "omp"])
def test_a_task_is_done_through_the_gateway(cluster: Cluster, tool: str) -> None:
    before = len(cluster.requests())
    told = ended(cluster, *headless(tool, "Write hello.txt"), env={"DEFAULT_TOOL": tool})
    assert "done: wrote hello.txt" in told
    assert cluster.volume("workspace", "cat", "hello.txt") == CONTENT
    owners = cluster.volume("workspace", "find", ".", "-mindepth", "1", "-printf", r"%U:%G\n").split()
    assert set(owners) == {"1000:1000"}
    asked = [request for request in cluster.requests()[before:] if request.get("api")]
    assert any(request["tool_result"] for request in asked)
    assert {request["authorization"] for request in asked} == {f"Bearer {KEY}"}


def test_nobody_in_a_session_is_root_or_can_become_it(cluster: Cluster) -> None:
    received = json.loads(shell(cluster, "/usr/bin/python3 -I /probes/report.py", mounts=PROBES))
    for process in (received["self"], received["init"]):
        assert {process[name] for name in SETS} == {NONE}
        assert process["Uid"].split() == process["Gid"].split() == ["1000"] * 4
        assert (process["NoNewPrivs"], process["Seccomp"]) == ("1", "2")
    assert all(uids == ["1000"] * 4 for uids in received["uids"].values()), received["uids"]


@pytest.mark.parametrize("name", ["gateway-pod-gateway", NAME])
def test_no_process_of_a_pod_is_root_seen_from_its_node(cluster: Cluster, name: str) -> None:
    cluster.session("-c", "sleep 1000 & echo ready; wait", env=PLAIN)
    wait_for(lambda: "ready" in cluster.logs(NAME), lambda: cluster.logs(NAME))
    numbers = cluster.podman("top", name, "hpid").split()[1:]
    assert len(numbers) > 1
    user = "65534" if name.startswith("gateway") else "1000"
    for number in numbers:
        lines = cluster.run("cat", f"/proc/{number}/status").stdout.splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        assert status["Uid"] == status["Gid"] == [user] * 4
        assert {status[one][0] for one in SETS} == {NONE}
        assert (status["NoNewPrivs"], status["Seccomp"]) == (["1"], ["2"])


def test_a_session_holds_neither_key_nor_token(cluster: Cluster) -> None:
    program = f"/usr/bin/python3 -I /wall/tests/conformance/attacks/find_key.py '{KEY[::-1]}'"
    found = json.loads(shell(cluster, program, mounts={"/wall/tests": "/checkout/tests"}))
    assert not [place for place in found["found"] if not place.startswith("/wall/")]
    # Podman makes the folder, and leaves it empty.
    assert not shell(cluster, "ls -A /run/secrets; env | grep -E 'KEY|TOKEN|SECRET'; true")


def test_nothing_leads_out_of_a_session_but_the_gateway(cluster: Cluster) -> None:
    script = (
        "cat /etc/resolv.conf; tail -n +2 /proc/net/route | cut -f2,3; env;"
        " curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:21001/local/v1/models;"
        " echo; for at in 10.89.1.2/21001 10.89.2.10/8000 10.89.2.1/80 192.0.2.1/80; do"
        "  (exec 3<>/dev/tcp/$at) 2>/dev/null && echo reached $at; done;"
        " getent hosts example.test || echo unknown"
    )
    told = shell(cluster, script).splitlines()
    assert "nameserver 127.0.0.1" in told
    assert [line for line in told if line.startswith("nameserver")] == ["nameserver 127.0.0.1"]
    # One route, which is no way out: proc_net(5), destination and gateway in reverse order.
    assert [line for line in told if "\t" in line] == ["0001590A\t00000000"]
    assert {"200", "unknown"} <= set(told), told
    assert [line for line in told if line.startswith("reached")] == [f"reached {GATEWAY}/21001"]
    assert not [line for line in told if line.startswith(("GATEWAY_", "KUBERNETES_"))]


def test_nothing_can_be_written_but_what_is_declared(cluster: Cluster) -> None:
    found = json.loads(shell(cluster, "/usr/bin/python3 -I /attacks/writable.py", mounts=ATTACKS))
    assert {path for path in found["writable"] if not path.startswith(("/proc/", "/dev/"))} == {
        "/home/agent", "/home/agent/workspace", "/home/agent/data", "/tmp",  # noqa: S108 - an expectation
        # Podman mounts a tmpfs on /run and /var/tmp where the root is read-only; Kubernetes does not.
        "/run/gateway", "/run/lock", "/var/tmp",  # noqa: S108 - an expectation
    }  # fmt: skip


def test_a_terminal_is_attached_and_the_tool_drawn(cluster: Cluster) -> None:
    cluster.session(terminal=True, env={"SANDBOX_SHELL": "1"})
    terminal = Terminal(cluster.attaching(NAME), {"PATH": "/usr/bin:/usr/local/bin"})
    terminal.type_until("stty size; echo $((40 + 2)) $0\r", "42 ")
    terminal.type("exit 7\r")
    terminal.end()
    assert cluster.wait(NAME) == 7


def test_a_pod_that_is_stopped_ends_with_the_tools_code(cluster: Cluster) -> None:
    script = "trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    cluster.session("-c", script, env=PLAIN)
    wait_for(lambda: "ready" in cluster.logs(NAME), lambda: cluster.logs(NAME))
    cluster.podman("pod", "stop", "sandbox")
    assert cluster.wait(NAME) == 9
    assert "asked" in cluster.output(NAME)


def test_the_doctor_finds_all_well_in_a_pod(cluster: Cluster) -> None:
    told = ended(cluster, env={"SANDBOX_SESSION": "doctor", "TOOLS": "opencode,omp"})
    for name in ("workspace", "data", "capabilities", "root", "list", "prompt"):
        assert f"ok {name}" in " ".join(told.split()), told
    assert ", 0 failed" in told
