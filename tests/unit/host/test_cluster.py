"""Tasks on Kubernetes: what a Job, its pods and a result's lines say; what is written; what kubectl means."""

import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import cli
from host.errors import HostError, UsageError
from host.kubernetes import jobs, kubectl, kustomization, local, payload, pods, source, state
from host.kubernetes.jobs import Progress
from host.kubernetes.kustomization import Run
from host.kubernetes.payload import Broken, Payload
from host.kubernetes.pods import End
from host.kubernetes.state import State
from host.kubernetes.watching import STUCK, StuckError, Watch
from host.options.cluster import Cluster
from host.options.task import ClusterTask
from host.tasks.many import Entry
from tests.harness.repository import ROOT

COMMIT = "0123456789abcdef" * 2 + "01234567"
WORDS = ["task", "--on", "kubernetes", "--file", "t"]
RUN = Run("tasks-0a1b2c", "https://git.example.com/shop.git", COMMIT, 4, "agents")


# Options


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], ClusterTask(file="t")),
        (["--jobs", "1000", "--tool", "omp"], ClusterTask(file="t", jobs=1000, tool="omp")),
        (["--overlay", "o", "--context", "c", "--repository", "r", "--commit", COMMIT],
         ClusterTask(file="t", cluster=Cluster("o", "c", "r", COMMIT))),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_cluster(words: list[str], asked: ClusterTask) -> None:
    assert cli.parse([*WORDS, *words]) == asked


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["task", "--on", "kubernetes", "Do it"], "--on is for a list"),
        (["task", "--on", "nomad", "--file", "t"], "--on nomad is not known"),
        (["task", "--file", "t", "--context", "c"], "--context is for a cluster"),
        (["task", "--overlay", "o", "Do it"], "--overlay is for a cluster"),
        ([*WORDS, "--copy"], "each task has a copy anyhow"),
        ([*WORDS, "--name", "a"], "--name is for one task"),
        ([*WORDS, "--jobs", "1001"], "no number from 1 to 1000"),
        ([*WORDS, "--commit", "main"], "no whole name of a commit"),
        ([*WORDS, "--commit", COMMIT[:12]], "no whole name of a commit"),
        ([*WORDS, "--context", ""], "--context needs a value"),
        (["task", "--on", "", "--file", "t"], "--on needs a value"),
    ],
)
def test_what_cannot_be_asked_of_a_cluster(words: list[str], why: str) -> None:
    with pytest.raises(UsageError) as told:
        cli.parse(words)
    assert why in told.value.what


# What a Job says


@pytest.mark.parametrize(
    ("written", "indexes"),
    [
        ("", set()), ("0", {0}), ("1,3-5,7", {1, 3, 4, 5, 7}), ("0-999", set(range(1000))),
        ("5-3", set()), ("a,-1,2-,3", {3}), ("0-999999999", set(range(1000))), ("1000,999", {999}),
        ("99999999999999999999", set()), (" 1, 2 ", {1, 2}),
    ],
)  # fmt: skip
def test_indexes(written: str, indexes: set[int]) -> None:
    assert jobs.indexes(written) == indexes


def condition(kind: str, reason: str = "", status: str = "True") -> dict[str, str]:
    return {"type": kind, "reason": reason, "status": status, "message": "it is so"}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, Progress(frozenset(), 0, 0, is_over=False, why="")),
        ({"completedIndexes": "0-1", "failedIndexes": "3", "active": 2, "ready": 1},
         Progress(frozenset({0, 1, 3}), 2, 1, is_over=False, why="")),
        ({"conditions": [condition("Complete")]}, Progress(frozenset(), 0, 0, is_over=True, why="")),
        ({"conditions": [condition("Failed", "FailedIndexes")]},
         Progress(frozenset(), 0, 0, is_over=True, why="")),
        ({"conditions": [condition("Failed", "DeadlineExceeded")]},
         Progress(frozenset(), 0, 0, is_over=True, why="DeadlineExceeded: it is so")),
        ({"conditions": [condition("Failed", status="False"), 3, condition("Suspended")]},
         Progress(frozenset(), 0, 0, is_over=False, why="")),
        ({"active": "many", "ready": True, "conditions": {}, "completedIndexes": [1]},
         Progress(frozenset(), 0, 0, is_over=False, why="")),
    ],
)  # fmt: skip
def test_how_far_a_job_is(status: Any, told: Progress) -> None:
    assert jobs.progress({"status": status}) == told


def test_why_pods_are_not_made() -> None:
    refused = 'Error creating: pods "tasks-1-x" is forbidden: exceeded quota: q'
    items = [{"reason": "FailedCreate", "message": refused.replace("-1-", f"-{n}-")} for n in range(3)]
    assert jobs.refusals({"items": [*items, {"reason": "SuccessfulCreate", "message": "x"}, None]}) == [
        "Error creating: exceeded quota: q"
    ]
    assert jobs.refusals([]) == []


# What a pod says


def pod(status: dict[str, Any], index: str = "3", created: str = "2026-11-27T12:00:00Z") -> dict[str, Any]:
    labels = {"batch.kubernetes.io/job-completion-index": index}
    return {
        "metadata": {"name": f"p{index}", "labels": labels, "creationTimestamp": created},
        "status": status,
    }


def terminated(container: str, code: int, reason: str = "", **more: str) -> dict[str, Any]:
    return {"name": container, "state": {"terminated": {"exitCode": code, "reason": reason, **more}}}


TIMES = {"startedAt": "2026-11-27T12:00:00Z", "finishedAt": "2026-11-27T12:01:30Z"}


@pytest.mark.parametrize(
    ("status", "code", "ended"),
    [
        ({"containerStatuses": [terminated("task", 0, "Completed")]}, 0, ""),
        ({"containerStatuses": [terminated("result", 1), terminated("task", 7, "Error")]}, 7, ""),
        ({"containerStatuses": [terminated("task", 137, "OOMKilled")]}, 137, "out of memory"),
        ({"containerStatuses": [terminated("task", 128, "StartError")]}, 128, "not started"),
        ({"initContainerStatuses": [terminated("fetch", 78)]}, 78, "not fetched"),
        ({"reason": "Evicted", "message": "low on memory"}, 137, "evicted"),
        ({"reason": "Evicted", "containerStatuses": [terminated("task", 143)]}, 143, "evicted"),
        # It had ended before its node was drained.
        ({"reason": "Evicted", "containerStatuses": [terminated("task", 0)]}, 0, ""),
        ({"reason": "NodeLost"}, 137, "node lost"),
        ({"reason": "DeadlineExceeded"}, 137, "timed out"),
        ({"conditions": [condition("DisruptionTarget", "PreemptionByScheduler")]}, 137, "preempted"),
        ({"conditions": [condition("DisruptionTarget", "PreemptionByScheduler", "False")]}, 1, "not started"),
        ({"reason": "OutOfcpu"}, 137, "not started"),
        ({}, 1, "not started"),
        ({"containerStatuses": [None, {"name": "task", "state": {"terminated": "yes"}}]}, 1, "not started"),
    ],
)  # fmt: skip
def test_how_a_pod_ended(status: dict[str, Any], code: int, ended: str) -> None:
    told = pods.end(pod(status))
    assert (told.exit_code, told.ended, bool(told.problem)) == (code, ended, bool(ended))


def test_how_long_it_took() -> None:
    assert pods.end(pod({"containerStatuses": [terminated("task", 0, **TIMES)]})) == End(0, 90.0)
    assert pods.end(pod({"containerStatuses": [terminated("task", 0, startedAt="soon")]})) == End(0, 0.0)


def waiting(reason: str) -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "why"}}}]}


@pytest.mark.parametrize(
    ("status", "what", "is_lasting"),
    [
        (waiting("ImagePullBackOff"), "the image cannot be pulled (ImagePullBackOff: why)", True),
        (waiting("InvalidImageName"), "the image cannot be pulled (InvalidImageName: why)", True),
        (waiting("CreateContainerConfigError"), "a Secret or ConfigMap that the pod needs", True),
        ({"conditions": [{"reason": "Unschedulable", "message": "0/3 nodes"}]}, "0/3 nodes", False),
    ],
)  # fmt: skip
def test_why_a_pod_does_not_run(status: dict[str, Any], what: str, *, is_lasting: bool) -> None:
    told = pods.trouble(pod(status))
    assert told is not None
    assert what in told.what
    assert told.is_lasting is is_lasting


@pytest.mark.parametrize("status", [waiting("PodInitializing"), {}, {"conditions": [None]}, None])
def test_one_that_only_starts_is_in_no_trouble(status: Any) -> None:
    assert pods.trouble(pod(status)) is None


def test_the_last_pod_of_a_task_counts() -> None:
    old, new = (pod({}, created=f"2026-11-27T12:0{n}:00Z") for n in (1, 2))
    assert pods.chosen([old, new, pod({}, "4", "2027-01-01T00:00:00Z"), None, {}], 3) is new
    assert pods.chosen([old], 4) is None
    assert pods.index(pod({}, "nine")) == -1


class Asked:
    """Answers as a cluster whose pods wait for an image."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status

    def json(self, _doing: str, _get: str, what: str, *_words: str) -> dict[str, Any]:
        return {"items": [pod(self.status), pod(self.status)] if what == "pods" else []}


def watch(status: dict[str, Any], stuck: float = 0.0) -> Watch:
    asked: Any = Asked(status)
    return Watch(asked, "tasks-0", 2, lambda: None, stuck=stuck)


def test_what_keeps_tasks_from_running_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    watching = watch(waiting("ErrImagePull"))
    for _ in range(3):
        watching.looked = float("-inf")
        watching.look(Progress(frozenset(), 2, 0, is_over=False, why=""), 2)
    told = capsys.readouterr().err
    assert told.count("the image cannot be pulled") == 1
    assert "Name it in your overlay" in told


@pytest.mark.parametrize(
    ("status", "ready", "is_stuck"),
    [
        (waiting("ErrImagePull"), 0, True),
        (waiting("ErrImagePull"), 1, False),
        ({"conditions": [{"reason": "Unschedulable"}]}, 0, False),
    ],
)
def test_what_will_not_mend_ends_the_run(status: dict[str, Any], ready: int, *, is_stuck: bool) -> None:
    watching = watch(status, stuck=time.monotonic() - STUCK)
    progress = Progress(frozenset(), 2, ready, is_over=False, why="")
    with pytest.raises(StuckError) if is_stuck else contextlib.nullcontext():
        watching.look(progress, 2)


# A result's lines


def lines(data: bytes, **more: Any) -> list[str]:
    head = {
        "version": 1,
        "files": 2,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "cut": False,
    }
    text = base64.b64encode(data).decode()
    parts = [text[at : at + 8192] for at in range(0, len(text), 8192)]
    told = [f"data {number} {part}" for number, part in enumerate(parts)]
    return [
        f"agentic-sandbox-result: {one}" for one in (f"begin {json.dumps({**head, **more})}", *told, "end")
    ]


@given(st.binary(max_size=30_000), st.lists(st.sampled_from(["sandbox: a line", "", "\udcff"]), max_size=4))
def test_a_result_is_what_was_written(data: bytes, others: list[str]) -> None:
    log = "\n".join([*others, *lines(data), *others]).encode(errors="surrogateescape")
    assert payload.read(log) == Payload(2, data)


DATA = bytes(range(256)) * 100


def changed(at: int, line: str | None) -> list[str]:
    told = lines(DATA)
    return (
        [*told[:at], *([] if line is None else [line]), *told[at + 1 :]] if at >= 0 else [*told, line or ""]
    )


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([], "has no result"),
        (["sandbox: nothing"], "has no result"),
        (lines(DATA)[:-1], "cut off"),
        (lines(DATA)[1:], "does not begin"),
        (changed(2, None), "lacks line 1"),
        (changed(1, "agentic-sandbox-result: data 1 QQ=="), "lacks line 0"),
        ([*lines(DATA)[:2], *reversed(lines(DATA)[2:-1]), lines(DATA)[-1]], "lacks line 1"),
        (changed(1, "agentic-sandbox-result: data 0 ????"), "no base64"),
        (changed(1, "agentic-sandbox-result: data 0 " + "A" * 8196), "lacks line 0"),
        (changed(1, "agentic-sandbox-result: data 0 QUFB"), "not what its digest says"),
        (changed(1, lines(DATA)[0]), "lacks line 0"),
        (lines(DATA, sha256="0" * 64), "not what its digest says"),
        (lines(DATA, sha256="x"), "does not say what it is"),
        (lines(DATA, files=-1), "does not say what it is"),
        (lines(DATA, files=True), "does not say what it is"),
        (lines(DATA, bytes=3), "not what its digest says"),
        (lines(DATA, version=2), "version '2'"),
        (lines(DATA, cut=True), "too long, and has data all the same"),
        (["agentic-sandbox-result: begin " + "[" * 100_000, "agentic-sandbox-result: end"], "does not begin"),
        (lines(b"\0" * (5 << 20)), "longer than"),
    ],
)  # fmt: skip
def test_what_is_no_result(told: list[str], why: str) -> None:
    with pytest.raises(Broken, match=why):
        payload.read("\n".join(told).encode())


def test_a_result_that_was_too_long_is_only_counted() -> None:
    assert payload.read("\n".join(lines(b"", files=9000, cut=True)).encode()) == Payload(9000, None)


# What is written


@pytest.mark.parametrize(
    ("stem", "begins"),
    [
        ("tasks", "tasks"), ("Fix: All.v2", "fix-all-v2"), ("...", "tasks"), ("2026", "tasks-2026"),
        ("a" * 99, "a" * 40), ("\u00e9", "tasks"),
    ],
)  # fmt: skip
def test_the_name_of_a_run(stem: str, begins: str) -> None:
    name, _, end = kustomization.named(stem).rpartition("-")
    assert (name, len(end)) == (begins, 6)
    assert kustomization.named(stem) != kustomization.named(stem)


def test_tasks_become_files_of_config_maps() -> None:
    entries = [Entry(f"t{n}", "x" * 100_000, "omp", n) for n in range(20)]
    made = kustomization.config_maps("run", entries)
    assert [one["metadata"]["name"] for one in made] == ["run-0", "run-1", "run-2"]
    assert all(sum(map(len, one["data"].values())) <= 1 << 20 for one in made)
    found = {name: json.loads(text) for one in made for name, text in one["data"].items()}
    assert list(found) == [f"{n}.json" for n in range(20)]
    assert found["7.json"] == {"name": "t7", "prompt": "x" * 100_000, "tool": "omp", "timeout": 7}


def test_tasks_that_a_cluster_does_not_take_are_refused() -> None:
    prompt = "x" * (128 * 1024 - 64)
    assert len(kustomization.config_maps("run", [Entry("a", prompt, "", 0)] * 127)) == 22
    with pytest.raises(HostError) as told:
        kustomization.config_maps("run", [Entry("a", prompt, "", 0)] * 1000)
    assert "131061000 bytes" in told.value.what
    assert "16777216 at most" in told.value.what


def test_a_prompt_is_written_in_ascii_alone() -> None:
    # What is JSON to one reader and YAML to another may be two things else.
    files = kustomization.files(RUN, [Entry("a", '\x85\u2028\ud83d\ude00"\\\t\x7f', "", 0)], "../job")
    assert all(text.isascii() and text.isprintable() for text in files.values())


def test_no_more_run_at_a_time_than_there_are() -> None:
    steps = {one["path"]: one["value"] for one in kustomization.patch(RUN, ["m"], 3)}
    assert (steps["/spec/completions"], steps["/spec/parallelism"]) == (3, 3)


# What kubectl means


@pytest.mark.parametrize(
    ("errors", "what", "kind"),
    [
        ("E1127 16:31:02.8 1 memcache.go:265] x\nThe connection to the server localhost:8080 was refused",
         "kubectl knows no cluster", HostError),
        ("error: context \"x\" does not exist", "configuration cannot be used", HostError),
        ("error: EOF", "does not know you", HostError),
        ('pods is forbidden: User "me" cannot list resource "pods" in', "may not list pods", HostError),
        ('pods "x" is forbidden: exceeded quota: q', "quota is used up", HostError),
        ('pods "x" is forbidden: violates PodSecurity', "the cluster forbids it", HostError),
        ('configmaps "x" already exists', "something of that name is there", HostError),
        ('Error from server (NotFound): namespaces "x" not found', "the namespace is not there",
         kubectl.MissingError),
        ('Error from server (NotFound): jobs.batch "x" not found', "it is not there", kubectl.MissingError),
        ("Unable to connect to the server: net/http: TLS handshake timeout", "does not answer",
         kubectl.UnreachedError),
        ("Warning: x\n", "kubectl fails", HostError),
        ("error: {odd} braces {0}", "kubectl fails", HostError),
    ],
)  # fmt: skip
def test_what_kubectl_means(errors: str, what: str, kind: type[HostError]) -> None:
    told = kubectl.failure(errors, "doing it")
    assert (type(told), what in told.what) == (kind, True), told.what
    assert not any("memcache" in line for line in told.todo)


def test_versions() -> None:
    def told(server: object, client: object = "v1.32.0") -> None:
        versions = {"serverVersion": {"gitVersion": server}, "clientVersion": {"gitVersion": client}}
        kubectl.require_versions(versions)

    for server in ("v1.29.0", "v1.33.1-eks-1", "v2.0", None, 3):
        told(server)
    for words in (("v1.28.15+k3s1",), ("v1.30.0", "v1.26.9")):
        with pytest.raises(HostError, match="or newer"):
            told(*words)


# What is fetched


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("https://git.example.com/me/shop.git", "https://git.example.com/me/shop.git"),
        ("https://git.example.com:8443/shop", "https://git.example.com:8443/shop"),
        ("https://me:secret@git.example.com/shop", "https://git.example.com/shop"),
        ("git@git.example.com:me/shop.git", "https://git.example.com/me/shop.git"),
        ("git.example.com:/srv/shop.git", "https://git.example.com/srv/shop.git"),
        ("ssh://git@git.example.com:2222/me/shop.git", "https://git.example.com/me/shop.git"),
        ("git+ssh://git.example.com/~me/shop", "https://git.example.com/~me/shop"),
        ("https://[::1]:8443/shop", "https://[::1]:8443/shop"),
    ],
)  # fmt: skip
def test_a_repository_by_https(named: str, url: str) -> None:
    assert source.https(named) == url


@pytest.mark.parametrize(
    "named",
    ["/home/me/shop", "../shop", "file:///srv/shop", "http://git.example.com/x", "ext::sh -c true", "https://",
     "https://git.example.com/a b", "https://git.example.com/\u202e", "", "git://git.example.com/x", "shop"],
)  # fmt: skip
def test_what_no_pod_could_fetch(named: str) -> None:
    with pytest.raises(HostError, match="no repository that a pod could fetch"):
        source.https(named)


# What is kept


STATE = State("tasks-0", "here", "agents", "https://x/y", COMMIT, COMMIT, 1.5, (("a", "d"), ("b", "e")), (1,))


def test_a_run_is_kept(tmp_path: Path) -> None:
    assert state.read(tmp_path) is None
    state.keep(tmp_path, STATE)
    assert state.read(tmp_path) == STATE
    state.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 1}', json.dumps({"version": 2, **STATE._asdict()}),
     json.dumps({"version": 1, **STATE._asdict(), "tasks": [["a"]]}),
     json.dumps({"version": 1, **STATE._asdict(), "collected": ["x"]}),
     json.dumps({"version": 1, **STATE._asdict(), "name": None})],
)  # fmt: skip
def test_a_run_that_cannot_be_understood_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / ".kubernetes.json").write_text(text)
    with pytest.raises(HostError, match="does not say which run"):
        state.read(tmp_path)


def test_a_task_that_was_changed_is_another() -> None:
    before = [Entry("a", "Do it", "", 0), Entry("b", "Do it", "", 0), Entry("c", "Do it", "", 0)]
    run = STATE._replace(tasks=state.of(before), collected=(1,))
    now = [before[0]._replace(timeout=5), before[1], before[2]._replace(prompt="Do it well")]
    assert state.matching(run, now) == {0: now[0]}


def test_what_is_no_copy_yet_is_found_by_its_name(tmp_path: Path) -> None:
    for name in (
        f"a.{COMMIT}.tar.gz",
        f"a.b.{COMMIT}.tar.gz",
        "a.none.tar.gz",
        "a.tar.gz",
        f"a.{COMMIT[1:]}.tar.gz",
    ):
        (tmp_path / name).touch()
    assert [(one.name, one.base) for one in local.waiting(tmp_path, "a")] == [("a", COMMIT), ("a", "")]
    assert [one.file.name for one in local.waiting(tmp_path, "a.b")] == [f"a.b.{COMMIT}.tar.gz"]


# git


# A supervisor has the signals of its process.
REMOTE = """
import os, pathlib, sys
sys.path.append(sys.argv[1])
from host import git
from host.supervisor import Supervisor
print(git.remote(Supervisor(), os.environ, pathlib.Path(sys.argv[2])))
"""


def remote(folder: Path) -> str:
    command = [sys.executable, "-c", REMOTE, str(ROOT), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_remote_of_a_work_tree(tmp_path: Path) -> None:
    assert remote(tmp_path) == ""
    own, tree = tmp_path / ".git", tmp_path / "tree"
    own.mkdir()
    (own / "config").write_text('[remote "origin"]\n\turl = git@h:p\n[core]\n\tfsmonitor = touch ran\n')
    assert remote(tmp_path) == "git@h:p"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {own}/worktrees/tree\n")
    (own / "worktrees" / "tree").mkdir(parents=True)
    (own / "worktrees" / "tree" / "commondir").write_text("../..\n")
    assert remote(tree) == "git@h:p"
