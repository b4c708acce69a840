"""Pods of the job, as an Indexed Job makes one for each index: fetched, done, told, and put into a copy.

Podman knows no index. tests/harness/kubelet.py makes the pods of the Job's template as its controller does.
"""

import base64
import json
from typing import Any

import pytest

from tests.harness.podman import KEY, Cluster
from tests.harness.tools import CONTENT

MARK = "agentic-sandbox-result: "
TREE = r"find . -path ./.git -prune -o -type f -printf '%P %m\n' -exec cat {} \; | sort"


def task(prompt: str, tool: str = "", timeout: int = 0) -> dict[str, Any]:
    return {"name": "one", "prompt": prompt, "tool": tool, "timeout": timeout}


def payload(log: str) -> tuple[dict[str, Any], bytes]:
    """Return what the first line of a result says, and the archive."""
    lines = [line.removeprefix(MARK) for line in log.splitlines() if line.startswith(MARK)]
    assert lines, log
    assert lines[-1] == "end", log
    data = b"".join(base64.b64decode(line.split()[2]) for line in lines[1:-1])
    return json.loads(lines[0].removeprefix("begin ")), data


@pytest.fixture
def sourced(cluster: Cluster) -> Cluster:
    """Put a project into the folder that tasks are fetched from."""
    cluster.claim("source", group=1000, mode="2775")
    cluster.volume("source", "sh", "-c", "echo kept >kept; echo old >changed; echo gone >gone; mkdir sub")
    cluster.volume("source", "sh", "-c", "echo x >sub/run; chmod 755 sub/run; chown -R 1000:1000 .")
    return cluster


def test_two_agents_do_tasks_at_once_and_each_result_is_told(sourced: Cluster) -> None:
    before = len(sourced.requests())
    started = sourced.tasks(
        task("Write hello.txt", "opencode"),
        task("Run `rm gone; echo new >changed`, then write it.txt", "omp"),
    )
    assert started.returncode == 0, started.stderr
    written = ["hello.txt", "it.txt"]
    for index, file in enumerate(written):
        assert sourced.wait(f"tasks-{index}-task") == 0, sourced.logs(f"tasks-{index}-task")
        assert f"wrote {file}" in sourced.logs(f"tasks-{index}-task")
        assert sourced.wait(f"tasks-{index}-result") == 0, sourced.logs(f"tasks-{index}-result")
        told, data = payload(sourced.output(f"tasks-{index}-result"))
        assert not told["cut"]
        copy = f"copy-{index}"
        sourced.claim(copy, group=1000, mode="2777")
        sourced.volume(copy, "cp", "-a", "../source/.", ".")
        sourced.unpack(copy, data)
        done = sourced.volume(copy, "sh", "-c", TREE)
        assert done == sourced.workspace(index, "sh", "-c", TREE)
        assert sourced.volume(copy, "cat", file) == CONTENT
        assert (index == 1) == ("new\n" in done and "gone" not in done), done
    asked = [request for request in sourced.requests()[before:] if request.get("api")]
    assert {request["authorization"] for request in asked} == {f"Bearer {KEY}"}


def test_a_task_that_takes_too_long_is_ended_and_what_it_did_is_told(sourced: Cluster) -> None:
    sourced.tasks(task("Run `touch half; sleep 1000`", "opencode", timeout=30))
    assert sourced.wait("tasks-0-task") == 124, sourced.logs("tasks-0-task")
    assert sourced.wait("tasks-0-result") == 0
    told, _ = payload(sourced.output("tasks-0-result"))
    assert told["files"] >= 1


def test_a_task_that_is_killed_is_told_of(sourced: Cluster) -> None:
    sourced.tasks(task("Write hello.txt", "opencode"))
    sourced.podman("kill", "--signal=KILL", "tasks-0-task")
    assert sourced.wait("tasks-0-task") == 137
    assert sourced.wait("tasks-0-result") == 0, sourced.logs("tasks-0-result")
    payload(sourced.output("tasks-0-result"))


def test_no_container_of_a_task_is_given_what_is_anothers(sourced: Cluster) -> None:
    """The agent gets neither the origin nor what git logs in with; who tells of it writes nothing."""
    sourced.tasks(task("Write hello.txt", "opencode"))
    places = {
        name: {mount["Destination"]: mount["RW"] for mount in sourced.state(f"tasks-0-{name}")["Mounts"]}
        for name in ("fetch", "task", "result")
    }
    assert "/mnt/origin" not in places["task"]
    assert "/etc/sandbox/git" not in {*places["task"], *places["result"]}
    shared = ("/home/agent/workspace", "/mnt/origin", "/run/sandbox")
    assert [places["result"][one] for one in shared] == [False] * 3


def test_a_source_that_is_not_there_is_named(cluster: Cluster) -> None:
    cluster.claim("source", group=1000, mode="2775")
    started = cluster.tasks(task("Write hello.txt"), source="/nowhere")
    assert "/nowhere" in cluster.logs("tasks-0-fetch"), started.stderr
    assert cluster.wait("tasks-0-fetch") not in (0, 137)
    assert cluster.state("tasks-0-task").get("State", {}).get("Status") != "running"
