"""start.sh task --on kubernetes: arguments and errors, with a stand-in for kubectl.

No cluster is here: tests/probes/kubectl_stand_in.py says what that leaves open.
"""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.engine import Result, docker
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox, start
from tests.harness.waiting import PATIENCE, wait_for

STAND_IN = ROOT / "tests" / "probes" / "kubectl_stand_in.py"
# Copies have the names of tasks, and a folder of the checkout: no two tests make one of a name at a time.
pytestmark = pytest.mark.xdist_group("tasks")

EX_USAGE, INTERRUPTED = 64, 130
SUCCEEDED: dict[str, Any] = {"containerStatuses": [{"name": "task", "state": {"terminated": {
    "exitCode": 0, "startedAt": "2026-11-27T12:00:00Z", "finishedAt": "2026-11-27T12:00:07Z"}}}]}  # fmt: skip


@dataclass
class Cluster:
    """A checkout whose workspace is pushed, and what answers as a cluster would."""

    sandbox: Sandbox
    place: Path
    commit: str

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.place}/bin:{os.environ['PATH']}", "STAND_IN": str(self.place)}

    @property
    def words(self) -> list[str]:
        overlay, file = self.place / "overlay", self.sandbox.folder / "tasks.yml"
        return ["task", "--no-build", "--on", "kubernetes", "--overlay", str(overlay), "--file", str(file)]

    def do(self, *more: str, **environ: str) -> Result:
        return start(self.sandbox, *self.words, *more, **self.environ, **environ)

    def put(self, name: str, told: object) -> None:
        (self.place / name).write_text(json.dumps(told))

    def listed(self, **plans: dict[str, Any]) -> None:
        """Write a list of tasks, and what becomes of each."""
        self.put("plan.json", plans)
        tasks = [{"name": name, "prompt": f"Do {name}"} for name in plans]
        (self.sandbox.folder / "tasks.yml").write_text(json.dumps(tasks))

    def calls(self, *verb: str) -> list[list[str]]:
        """Return the calls of a verb, without what each has."""
        told = [json.loads(line) for line in (self.place / "calls").read_text().splitlines()]
        ours = ("--context=", "--namespace=", "--request-timeout=")
        plain = [[word for word in words if not word.startswith(ours)] for words in told]
        return [words for words in plain if words[: len(verb)] == list(verb)]

    def kept(self) -> dict[str, dict[str, Any]]:
        folder = self.sandbox.folder / "tasks.yml.results"
        return {file.stem: json.loads(file.read_text()) for file in folder.glob("[!.]*.json")}


def git(folder: Path, *words: str) -> str:
    who = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "safe.directory=*",
    )
    return subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def cluster(sandbox: Sandbox, tmp_path: Path) -> Iterator[Cluster]:
    place = tmp_path / "stand-in"
    (place / "bin").mkdir(parents=True)
    (place / "overlay").mkdir()
    (place / "overlay" / "kustomization.yaml").write_text("{}")
    program = place / "bin" / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    program.chmod(0o755)
    sandbox.environ |= {"COMPOSE_PROJECT_NAME": f"cluster-{uuid.uuid4().hex[:8]}", "DEFAULT_TOOL": "shell"}
    git(sandbox.workspace, "init", "-q")
    (sandbox.workspace / "old.txt").write_text("old\n")
    (sandbox.workspace / "gone.txt").write_text("gone\n")
    git(sandbox.workspace, "add", ".")
    git(sandbox.workspace, "commit", "-qm", "one")
    git(sandbox.workspace, "remote", "add", "origin", "git@git.example.com:me/shop.git")
    git(sandbox.workspace, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit = git(sandbox.workspace, "rev-parse", "HEAD")
    sandbox.own("1000:1000")
    yield Cluster(sandbox, place, commit)
    project = sandbox.environ["COMPOSE_PROJECT_NAME"]
    for volume in docker("volume", "ls", "--quiet", "--filter", f"name={project}_copy-").split():
        start(sandbox, "discard", "--destroy", volume.partition("_copy-")[2])
    down = sandbox.compose("down", "--timeout", "0", "--remove-orphans", "--volumes")
    subprocess.run(down, cwd=ROOT, env=sandbox.variables, capture_output=True, check=False)


def payload(files: Mapping[str, str] | None = None, deleted: tuple[str, ...] = ()) -> str:
    """Return a result's log as a pod writes it."""
    written = {f"files/{name}": text.encode() for name, text in (files or {}).items()}
    spool = io.BytesIO()
    with tarfile.open(fileobj=spool, mode="w", format=tarfile.PAX_FORMAT) as archive:
        manifest = json.dumps({"version": 1, "deleted": list(deleted), "notes": []}).encode()
        for name, data in (("manifest.json", manifest), *written.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    packed = gzip.compress(spool.getvalue())
    head = {"version": 1, "files": len(written) + len(deleted), "bytes": len(packed),
            "sha256": hashlib.sha256(packed).hexdigest(), "cut": False}  # fmt: skip
    mark, text = "agentic-sandbox-result:", base64.b64encode(packed).decode()
    lines = [f"{mark} data {n} {text[n * 8192 : (n + 1) * 8192]}" for n in range((len(text) + 8191) // 8192)]
    return "\n".join([f"{mark} begin {json.dumps(head)}", *lines, f"{mark} end", ""])


def plan(pod: dict[str, Any] = SUCCEEDED, result: str | None = None, **more: Any) -> dict[str, Any]:
    logs = {"task": "I did it\n", "result": payload() if result is None else result}
    return {"pod": pod, "logs": logs, **more}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"containerStatuses": [{"name": "task", "state": {"terminated": {
        "exitCode": code, "reason": reason}}}]}  # fmt: skip


def test_results_are_kept_and_taken_as_on_one_machine(cluster: Cluster) -> None:
    changed = payload({"old.txt": "new\n", "made.txt": "made\n"}, ("gone.txt",))
    cluster.listed(good=plan(result=changed), idle=plan(), bad=plan(ended(3)))
    done = cluster.do("--jobs", "2", "--tool", "shell")
    assert done.returncode == 1, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("good", "done", "3"), ("idle", "done", "0"), ("bad", "failed", "0"),
    ], done.stderr  # fmt: skip
    good = cluster.kept()["good"]
    assert (good["answer"], good["seconds"], good["tool"]) == ("I did it\n", 7.0, "shell")
    assert "+made" in good["diff"]
    assert "each task fetches https://git.example.com/me/shop.git" in done.stderr
    assert len(cluster.calls("delete", "jobs.batch,configmaps")) == 1
    assert not (cluster.sandbox.folder / "tasks.yml.results" / ".kubernetes.json").exists()
    taken = start(cluster.sandbox, "apply", "good")
    assert taken.returncode == 0, taken.stderr
    names = {path.name for path in cluster.sandbox.workspace.iterdir()} - {".git"}
    assert names == {"old.txt", "made.txt"}, taken.stderr
    assert (cluster.sandbox.workspace / "old.txt").read_text() == "new\n"


def test_a_result_becomes_a_copy_of_a_project_that_had_no_session(cluster: Cluster, tmp_path: Path) -> None:
    cluster.listed(good=plan(result=payload({"made.txt": "made\n"})))
    shop = tmp_path / "shop"
    shutil.copytree(cluster.sandbox.workspace, shop)
    done = cluster.do("--workspace", str(shop), DATA_DIR="")
    assert done.returncode == 0, done.stderr
    assert "no copy yet" not in done.stderr
    assert "+made" in start(cluster.sandbox, "diff", "good").stdout


def test_what_a_task_deleted_is_taken_from_a_copied_folder_too(cluster: Cluster, tmp_path: Path) -> None:
    cluster.listed(good=plan(result=payload({"made.txt": "made\n"}, ("gone.txt",))))
    # There is no overlay of a path with a comma.
    shop = tmp_path / "a,b"
    shutil.copytree(cluster.sandbox.workspace, shop)
    (shop / "own.txt").write_text("mine\n")
    done = cluster.do("--workspace", str(shop))
    assert (done.returncode, "file by file" in done.stderr) == (0, True), done.stderr
    taken = start(cluster.sandbox, "apply", "good")
    assert taken.returncode == 0, taken.stderr
    names = {path.name for path in shop.iterdir()} - {".git"}
    assert names == {"old.txt", "made.txt", "own.txt"}, taken.stderr


def test_what_the_user_changed_meanwhile_stays(cluster: Cluster) -> None:
    cluster.listed(good=plan(result=payload({"old.txt": "new\n"})))
    (cluster.sandbox.workspace / "old.txt").write_text("mine\n")
    done = cluster.do()
    assert done.returncode == 0, done.stderr
    assert "1 changed files have no commit: they are not in the cluster" in done.stderr
    taken = start(cluster.sandbox, "apply", "good")
    assert taken.returncode == 82, taken.stderr
    assert (cluster.sandbox.workspace / "old.txt").read_text() == "mine\n"
    assert (cluster.sandbox.workspace / "old.txt.from-good").read_text() == "new\n"


def test_what_a_cluster_does_to_pods_is_told(cluster: Cluster) -> None:
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    fetch = {"initContainerStatuses": [{"name": "fetch", "state": {"terminated": {"exitCode": 78}}}]}
    large = payload().replace('"cut": false', '"cut": true').splitlines()
    cluster.listed(
        memory=plan(ended(137, "OOMKilled")), evicted={"pod": evicted, "logs": {}},
        fetch={"pod": fetch, "logs": {"fetch": "sandbox: error: no such commit\n"}},
        gone={"logs": {}}, broken=plan(result="agentic-sandbox-result: begin {}\n"),
        large=plan(result="\n".join([large[0], large[-1], ""])),
    )  # fmt: skip
    done = cluster.do("--jobs", "9")
    assert done.returncode == 1, done.stderr
    words = {name: one["result"] for name, one in cluster.kept().items()}
    assert words == {
        "memory": "out of memory", "evicted": "evicted", "fetch": "not fetched", "gone": "lost",
        "broken": "no result", "large": "too large",
    }, done.stderr  # fmt: skip
    assert "no such commit" in cluster.kept()["fetch"]["problem"]
    assert all(one["exit_code"] for one in cluster.kept().values()), "what is lost is not done"


def test_a_run_that_is_left_is_come_back_to(cluster: Cluster) -> None:
    cluster.listed(first=plan(), second=plan(after=10**9))
    with (cluster.sandbox.folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [str(ROOT / "start.sh"), *cluster.words], env={**cluster.sandbox.variables, **cluster.environ},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip

    def told() -> str:
        return (cluster.sandbox.folder / "stderr").read_text()

    wait_for(lambda: "[1/2] first: done" in told(), told)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == INTERRUPTED, told()
    assert "runs on in agentic-sandbox of here. The same command comes back to it." in told()
    assert "kubectl --context=here --namespace=agentic-sandbox delete jobs.batch,configmaps" in told()
    assert cluster.calls("delete") == []
    # The list has changed meanwhile: the one that still runs is another task now, and there is a new one.
    cluster.listed(first=plan(), second=plan(), third=plan())
    tasks = json.loads((cluster.sandbox.folder / "tasks.yml").read_text())
    done = cluster.do()
    assert done.returncode == 0, done.stderr
    assert "1 of 3 tasks were done before" in done.stderr
    assert len(tasks) == len(done.stdout.splitlines()) - 1
    created = [words for words in cluster.calls("create") if "--output=name" in words]
    assert len([words for words in created if "--dry-run=server" not in words]) == 2


def test_a_run_that_is_gone_is_begun_anew(cluster: Cluster) -> None:
    cluster.listed(one=plan())
    folder = cluster.sandbox.folder / "tasks.yml.results"
    folder.mkdir()
    digest = hashlib.sha256(b"\0Do one").hexdigest()
    state = {"version": 1, "name": "tasks-000000", "context": "here", "namespace": "agentic-sandbox",
             "repository": "", "commit": "", "base": "", "since": 0, "tasks": [["one", digest]],
             "collected": []}  # fmt: skip
    (folder / ".kubernetes.json").write_text(json.dumps(state))
    done = cluster.do()
    assert done.returncode == 0, done.stderr
    assert "tasks-000000 is not in the cluster any more: 1 of its tasks are done anew" in done.stderr
    (folder / ".kubernetes.json").write_text("{}")
    done = cluster.do()
    assert "does not say which run is in the cluster" in done.stderr
    (folder / ".kubernetes.json").write_text(json.dumps({**state, "context": "elsewhere"}))
    done = cluster.do()
    assert "is in the context elsewhere" in done.stderr


def test_a_result_that_cannot_be_a_copy_yet_is_kept(cluster: Cluster) -> None:
    hostile = payload({"../out.txt": "x"})
    cluster.listed(good=plan(result=hostile))
    done = cluster.do()
    assert "good: its changes are no copy yet" in done.stderr
    results = cluster.sandbox.folder / "tasks.yml.results"
    kept = results / f"good.{cluster.commit}.tar.gz"
    assert kept.exists(), done.stderr
    assert "no path of the project" in (results / "good.log").read_text()
    # Whatever was wrong is mended: here, what is kept.
    lines = payload({"new.txt": "new\n"}).splitlines()[1:-1]
    kept.write_bytes(base64.b64decode("".join(line.split()[-1] for line in lines)))
    done = cluster.do()
    assert done.returncode == 0, done.stderr
    assert (kept.exists(), cluster.kept()["good"]["files"]) == (False, 1)
    assert "+new" in start(cluster.sandbox, "diff", "good").stdout


def test_a_copy_of_that_name_stays(cluster: Cluster) -> None:
    cluster.listed(good=plan(result=payload({"a.txt": "one\n"})))
    assert cluster.do().returncode == 0
    (cluster.sandbox.folder / "tasks.yml.results" / "good.json").unlink()
    cluster.listed(good=plan(result=payload({"a.txt": "two\n"})))
    done = cluster.do()
    assert "there is a copy good already, and what is in it stays" in done.stderr
    assert "+one" in start(cluster.sandbox, "diff", "good").stdout
    assert start(cluster.sandbox, "discard", "--destroy", "good").returncode == 0
    assert cluster.do().returncode == 0
    assert "+two" in start(cluster.sandbox, "diff", "good").stdout


FORBIDDEN = (
    'Error from server (Forbidden): jobs.batch is forbidden: User "me" cannot create resource "jobs" in API'
    ' group "batch" in the namespace "agentic-sandbox"'
)


@pytest.mark.parametrize(
    ("call", "errors", "what"),
    [
        ("version", "The connection to the server localhost:8080 was refused", "kubectl knows no cluster"),
        ("version", "Unable to connect to the server: dial tcp: i/o timeout", "the cluster does not answer"),
        ("version", 'error: context "x" does not exist', "kubectl's configuration cannot be used"),
        ("version", "error: You must be logged in to the server (Unauthorized)", "does not know you"),
        ("create", "error: accumulating resources: no such file", "looking at the Job: kubectl fails"),
        ("get namespace", 'Error from server (NotFound): namespaces "agentic-sandbox" not found',
         "there is no namespace agentic-sandbox"),
        ("create --kustomize", FORBIDDEN, "you may not create jobs there"),
    ],
)  # fmt: skip
def test_what_kubectl_refuses_is_told(cluster: Cluster, call: str, errors: str, what: str) -> None:
    cluster.listed(one=plan())
    cluster.put("fail.json", {call: [1, errors, 1]})
    done = cluster.do()
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert what in done.stderr
    assert "Traceback" not in done.stderr
    assert not (cluster.place / "runs").exists()


def test_a_missing_right_is_told_before_anything_is_made(cluster: Cluster) -> None:
    cluster.listed(one=plan())
    cluster.put("denied.json", ["get pods/log", "delete jobs.batch"])
    done = cluster.do()
    assert "in the namespace agentic-sandbox you may not: get pods/log, delete jobs.batch" in done.stderr
    assert not (cluster.place / "runs").exists()


@pytest.mark.parametrize(
    ("name", "told", "what"),
    [
        ("version.json", {"serverVersion": {"gitVersion": "v1.28.9"}}, "the cluster is 1.28"),
        ("version.json", {"clientVersion": {"gitVersion": "v1.20.1"}}, "kubectl is 1.20"),
        ("objects.json", "Job tasks x\nSecret token x", "is to be one Job, and is: Job tasks, Secret token"),
        ("namespace.json", {"metadata": {}}, "warning: any pod may run in the namespace agentic-sandbox"),
        ("events.json", {"items": [{"reason": "FailedCreate", "message": 'pods "x" is forbidden: exceeded'
                                    " quota: q, requested: pods=1"}]}, "exceeded quota: q"),
    ],
)  # fmt: skip
def test_what_a_cluster_is_not_fit_for_is_told(cluster: Cluster, name: str, told: object, what: str) -> None:
    cluster.listed(one=plan(after=2), two=plan(after=2))
    cluster.put(name, told)
    done = cluster.do("--jobs", "2")
    assert what in done.stderr


def test_a_cluster_that_does_not_answer_for_a_while_is_asked_again(cluster: Cluster) -> None:
    cluster.listed(one=plan())
    cluster.put("fail.json", {"get job.batch": [1, "Unable to connect to the server: EOF", 1]})
    done = cluster.do()
    assert done.returncode == 0, done.stderr
    assert "the cluster does not answer. It is asked again" in done.stderr


def test_what_is_only_on_this_machine_is_told(cluster: Cluster) -> None:
    cluster.listed(one=plan())
    git(cluster.sandbox.workspace, "update-ref", "-d", "refs/remotes/origin/main")
    done = cluster.do()
    assert "is on no branch of origin" in done.stderr
    assert "git push" in done.stderr
    done = cluster.do("--commit", cluster.commit)
    assert done.returncode == 0, done.stderr
    git(cluster.sandbox.workspace, "remote", "remove", "origin")
    cluster.listed(two=plan())
    assert "has no remote `origin`" in cluster.do().stderr


def test_without_kubectl_that_is_told(cluster: Cluster) -> None:
    cluster.listed(one=plan())
    (cluster.place / "bin" / "kubectl").unlink()
    (cluster.place / "bin" / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    for name in ("docker", "git", "sh", "bash", "dirname", "readlink", "env"):
        (cluster.place / "bin" / name).symlink_to(shutil.which(name) or "/nonexistent")
    done = start(cluster.sandbox, *cluster.words, PATH=str(cluster.place / "bin"))
    assert (done.returncode, "there is no kubectl on this machine" in done.stderr) == (1, True), done.stderr
