"""A task's pod: what host/ patches has its place, and what tells of a task gets nothing of the agent's."""

import json
from typing import Any

import pytest

from tests.harness.manifests import Object


@pytest.fixture
def job(rendered: dict[str, list[Object]]) -> Any:
    (one,) = rendered["job"]
    return one


@pytest.fixture
def pod(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def container(pod: Any, name: str) -> Any:
    """Return a container by its name."""
    (found,) = (one for one in [*pod["initContainers"], *pod["containers"]] if one["name"] == name)
    return found


def mounts(pod: Any, name: str) -> dict[str, tuple[str, bool]]:
    """Return what a container mounts: the volume, and whether it is read-only, by the place."""
    found = container(pod, name)["volumeMounts"]
    return {one["mountPath"]: (one["name"], one.get("readOnly", False)) for one in found}


def test_what_the_host_patches_is_where_it_looks(job: Any, pod: Any) -> None:
    assert job["metadata"]["name"] == "tasks"
    assert pod["volumes"][0] == {
        "name": "tasks",
        "projected": {"sources": [{"configMap": {"name": "tasks"}}]},
    }
    fetch = pod["initContainers"][0]
    assert (fetch["name"], [one["name"] for one in fetch["env"][:2]]) == (
        "fetch", ["SANDBOX_SOURCE", "SANDBOX_COMMIT"],
    )  # fmt: skip
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (1, 1)
    assert "suspend" not in job["spec"]
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert "agentic-sandbox/run" in labels


def test_an_index_that_failed_is_not_tried_again_unless_its_node_was_at_fault(job: Any) -> None:
    spec = job["spec"]
    assert (spec["completionMode"], spec["backoffLimitPerIndex"]) == ("Indexed", 0)
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("name", ["fetch", "task", "result"])
def test_each_container_is_a_session_of_its_kind(pod: Any, name: str) -> None:
    variables = {one["name"]: one["value"] for one in container(pod, name)["env"]}
    assert variables["SANDBOX_SESSION"] == name
    assert variables["SANDBOX_GATEWAY"] == "tcp:$(GATEWAY_SERVICE_HOST)"
    assert variables.get("SANDBOX_TASKS") == ("/etc/sandbox/tasks" if name == "task" else None)


def test_the_agent_gets_its_workspace_and_not_what_it_is_compared_with(pod: Any) -> None:
    assert mounts(pod, "task") == {
        "/tmp": ("tmp", False), "/home/agent": ("home", False),  # noqa: S108 - the pod's
        "/home/agent/workspace": ("workspace", False), "/home/agent/data": ("data", False),
        "/run/sandbox": ("run", False), "/etc/sandbox/tasks": ("tasks", True),
    }  # fmt: skip


def test_the_result_is_told_by_who_can_change_nothing(pod: Any) -> None:
    found = mounts(pod, "result")
    for place in ("/home/agent/workspace", "/mnt/origin", "/run/sandbox"):
        assert found[place][1], place
    writable = {volume for volume, read_only in found.values() if not read_only}
    assert writable == {"own-tmp", "own-home"}


def test_home_and_tmp_of_the_agent_are_nobody_elses(pod: Any) -> None:
    agents = {volume for volume, read_only in mounts(pod, "task").values() if not read_only}
    for name in ("fetch", "result"):
        shared = {volume for volume, read_only in mounts(pod, name).values() if not read_only} & agents
        # That is what fetch is there for.
        assert shared == ({"workspace"} if name == "fetch" else set())


def test_gits_credentials_are_only_where_git_fetches(pod: Any) -> None:
    (secret,) = (one["secret"] for one in pod["volumes"] if "secret" in one)
    assert (secret["secretName"], secret["optional"]) == ("git-credentials", True)
    assert mounts(pod, "fetch")["/etc/sandbox/git"] == ("git-credentials", True)
    assert not any("git-credentials" in str(mounts(pod, name)) for name in ("task", "result"))


def test_what_volumes_may_hold_is_within_the_pods_limit(pod: Any) -> None:
    def gigabytes(text: str) -> float:
        return {"Gi": 1.0, "Mi": 1 / 1024}[text[-2:]] * int(text[:-2])

    empty = [one["emptyDir"] for one in pod["volumes"] if "emptyDir" in one]
    on_disk = sum(gigabytes(one["sizeLimit"]) for one in empty if one.get("medium") != "Memory")
    assert on_disk < gigabytes(container(pod, "task")["resources"]["limits"]["ephemeral-storage"])
    for name in ("fetch", "task", "result"):
        own = {volume for volume, _ in mounts(pod, name).values()}
        in_memory = sum(
            gigabytes(one["emptyDir"]["sizeLimit"])
            for one in pod["volumes"]
            if one["name"] in own and one.get("emptyDir", {}).get("medium") == "Memory"
        )
        assert in_memory < gigabytes(container(pod, name)["resources"]["limits"]["memory"])


def test_an_example_has_tasks_of_the_form_that_is_read(rendered: dict[str, list[Object]]) -> None:
    (tasks,) = (one["data"] for one in rendered["overlays/tasks-by-hand"] if one["kind"] == "ConfigMap")
    (job,) = (one["spec"] for one in rendered["overlays/tasks-by-hand"] if one["kind"] == "Job")
    assert list(tasks) == [f"{index}.json" for index in range(job["completions"])]
    for text in tasks.values():
        assert json.loads(text).keys() == {"name", "prompt", "tool", "timeout"}
