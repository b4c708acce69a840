"""What the status of a task's pod says, in plain words. Pure.

Source: the API reference of core/v1, PodStatus and ContainerStatus, and the kubelet's reasons.
"""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from host import answers

RUN, INDEX = "agentic-sandbox/run", "batch.kubernetes.io/job-completion-index"
FETCH, TASK, RESULT = "fetch", "task", "result"
# Why a container waits that will not start by itself: what it is in plain words, and what to do.
IMAGE = (
    "the image cannot be pulled",
    "Name it in your overlay (--overlay), and see that the nodes may pull it.",
)
SETTINGS = (
    "a Secret or ConfigMap that the pod needs is not as it has to be",
    "Look: kubectl describe pod. docs/kubernetes.md has what each is for.",
)
STUCK = {
    "ImagePullBackOff": IMAGE, "ErrImagePull": IMAGE, "InvalidImageName": IMAGE, "ErrImageNeverPull": IMAGE,
    "ImageInspectError": IMAGE, "RegistryUnavailable": IMAGE, "CreateContainerConfigError": SETTINGS,
    "CreateContainerError": ("the container cannot be made", "Look: kubectl describe pod."),
    "RunContainerError": ("the container cannot be started", "Look: kubectl describe pod."),
}  # fmt: skip
# Why a pod ended before its containers did, by the reason of its status or of its condition.
LOST = {
    "Evicted": ("evicted", "the node had too little memory or disk, or the task wrote more than it may"),
    "NodeLost": ("node lost", "its node does not answer any more"),
    "NodeShutdown": ("node lost", "its node was shut down"),
    "Terminated": ("node lost", "its node was shut down"),
    "Shutdown": ("node lost", "its node was shut down"),
    "DeadlineExceeded": ("timed out", "the cluster's own limit of time was over"),
    "Preempting": ("preempted", "a pod of a higher priority took its place"),
    "PreemptionByScheduler": ("preempted", "a pod of a higher priority took its place"),
    "DeletionByTaintManager": ("node lost", "its node was taken out of use"),
    "DeletionByPodGC": ("node lost", "its node is gone"),
    "EvictionByEvictionAPI": ("evicted", "somebody drained its node"),
    "TerminationByKubelet": ("evicted", "its node had too little room, or was shut down"),
    "UnexpectedAdmissionError": ("not started", "its node refused it"),
    "OutOfcpu": ("not started", "its node had too little CPU"),
    "OutOfmemory": ("not started", "its node had too little memory"),
    "OutOfpods": ("not started", "its node had too many pods"),
    "NodeAffinity": ("not started", "its node does not fit any more"),
}
KILLED = 137


class End(NamedTuple):
    """How a task's pod ended.

    Attributes:
        exit_code: the tool's; what stands for it where there is none.
        seconds: from the start of its container to the end.
        ended: what ended it, "" where it came to its own end.
        problem: the same in more words.
    """

    exit_code: int
    seconds: float
    ended: str = ""
    problem: str = ""


class Trouble(NamedTuple):
    """Why a pod does not run.

    Attributes:
        reason: the cluster's own word.
        what: in plain words.
        todo: what to do about it.
        is_lasting: whether it does not mend itself.
    """

    reason: str
    what: str
    todo: str
    is_lasting: bool


def name(pod: Any) -> str:
    """Return the name of a pod."""
    return answers.text(_of(pod, "metadata").get("name"))


def index(pod: Any) -> int:
    """Return which task a pod does; -1 where it does not say."""
    metadata = _of(pod, "metadata")
    written = _of(metadata, "labels").get(INDEX) or _of(metadata, "annotations").get(INDEX)
    return int(written) if isinstance(written, str) and written.isdecimal() and len(written) < 5 else -1


def chosen(pods: list[Any], which: int) -> Any:
    """Return the pod that counts for a task: the last of those the Job made; None where there is none."""
    own = [pod for pod in pods if index(pod) == which]
    return max(own, key=lambda pod: answers.text(_of(pod, "metadata").get("creationTimestamp")), default=None)


def end(pod: Any) -> End:
    """Return how a pod ended."""
    status = _of(pod, "status")
    fetched = _terminated(status, "initContainerStatuses", FETCH)
    task = _terminated(status, "containerStatuses", TASK)
    code, seconds = _code(task), _seconds(task)
    ended, why = _lost(status)
    if ended and (not task or code != 0):
        said = answers.text(status.get("message"))
        return End(code or KILLED, seconds, ended, f"{why}: {said}" if said else why)
    if not task and fetched and _code(fetched) != 0:
        return End(_code(fetched), _seconds(fetched), "not fetched", "the project could not be fetched")
    if not task:
        said = answers.text(status.get("message")) or answers.text(status.get("reason"))
        return End(1, 0.0, "not started", said or "its container never ran")
    if task.get("reason") == "OOMKilled":
        return End(code, seconds, "out of memory", "it took more memory than its limit in your overlay")
    if task.get("reason") in ("ContainerCannotRun", "StartError", "ContainerStatusUnknown"):
        said = answers.text(task.get("message"))
        return End(code or 1, seconds, "not started", said or "its container cannot be started")
    return End(code, seconds)


def trouble(pod: Any) -> Trouble | None:
    """Return why a pod does not run yet; None where nothing is said."""
    status = _of(pod, "status")
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in answers.entries(status, kind):
            waiting = _of(_of(container, "state"), "waiting")
            reason = answers.text(waiting.get("reason"))
            if reason in STUCK:
                what, todo = STUCK[reason]
                said = answers.text(waiting.get("message"))
                return Trouble(
                    reason, f"{what} ({reason}{': ' if said else ''}{said})", todo, is_lasting=True
                )
    for condition in answers.entries(status, "conditions"):
        if _object(condition).get("reason") == "Unschedulable":
            said = answers.text(condition.get("message"))
            todo = (
                "Fewer at a time (--jobs), smaller limits in your overlay, or more nodes. It waits till then."
            )
            return Trouble("Unschedulable", f"no node has room for it ({said})", todo, is_lasting=False)
    return None


def _lost(status: dict[str, Any]) -> tuple[str, str]:
    """Return what ended a pod from outside, in short and in full; empty where nothing did."""
    reasons = [answers.text(status.get("reason"))]
    for condition in answers.entries(status, "conditions"):
        told = _object(condition)
        if told.get("type") == "DisruptionTarget" and told.get("status") == "True":
            reasons.append(answers.text(told.get("reason")))
    return next((LOST[reason] for reason in reasons if reason in LOST), ("", ""))


def _terminated(status: dict[str, Any], kind: str, container: str) -> dict[str, Any]:
    """Return how a container ended; empty where it has not."""
    for one in answers.entries(status, kind):
        if isinstance(one, dict) and one.get("name") == container:
            return _of(_of(one, "state"), "terminated")
    return {}


def _code(terminated: dict[str, Any]) -> int:
    code = terminated.get("exitCode")
    return code if isinstance(code, int) else 0


def _seconds(terminated: dict[str, Any]) -> float:
    times = [_time(answers.text(terminated.get(which))) for which in ("startedAt", "finishedAt")]
    return max(0.0, times[1] - times[0]) if all(times) else 0.0


def _time(written: str) -> float:
    """Return a time of RFC 3339 in UTC, as the API writes it, in seconds since 1970; 0 where it is none."""
    try:
        parsed = datetime.datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return 0.0
    return parsed.replace(tzinfo=datetime.timezone.utc).timestamp()


def _of(told: Any, key: str) -> dict[str, Any]:
    """Return the object that an object has under a name; empty where it has none."""
    return _object(_object(told).get(key))


def _object(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}
