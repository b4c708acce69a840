"""A task's pod, container by container: what it works on is fetched, it is done, its result is told.

Docker stands for the cluster: what its pods share are folders here. tests/image/test_pods.py runs whole pods.
"""

import base64
import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.harness.engine import IMAGE, Result, docker, logs
from tests.harness.git_host import Host
from tests.harness.repository import ROOT
from tests.harness.sandbox import Sandbox
from tests.harness.scripted_model import Model
from tests.harness.superuser import Superuser
from tests.harness.tools import CONTENT
from tests.harness.waiting import PATIENCE, wait_for

MARK = "agentic-sandbox-result:"
# As a pod with the restricted profile is started.
RESTRICTED = (
    "--user=1000:1000", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:exec,mode=1777", "--tmpfs=/home/agent:exec,mode=1777", "--network=none",
)  # fmt: skip
FOLDERS = {
    "workspace": "/home/agent/workspace", "origin": "/mnt/origin", "data": "/home/agent/data",
    "run": "/run/sandbox", "tasks": "/etc/sandbox/tasks", "source": "/source",
}  # fmt: skip
# A tool whose prompt is a script.
SAY = """
say:
  command: [/bin/bash]
  headless: [-c, "{prompt}"]
"""
EX_CONFIG, TIMED_OUT, KILLED = 78, 124, 137


class Pod:
    """The volumes of a task's pod, and its containers."""

    def __init__(self, folder: Path, superuser: Superuser) -> None:
        self.folder, self.superuser = folder, superuser
        self.names: list[str] = []
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
            if os.geteuid() == 0:
                superuser.own("1000:1000", folder, name)
        (folder / "config").mkdir()
        for source in (ROOT / "config").iterdir():
            (folder / "config" / source.name).write_text(source.read_text())
        with (folder / "config" / "tools.yml").open("a") as tools:
            tools.write(SAY)

    def task(self, prompt: str, **more: object) -> None:
        told = {"name": "one", "prompt": prompt, "tool": "say", "timeout": 0, **more}
        (self.folder / "tasks" / "3.json").write_text(json.dumps(told))

    def begin(self, session: str, *volumes: str, options: Sequence[str] = (), **environ: str) -> str:
        """Start a container with some of the volumes, read-only where that is said; return its name."""
        name = f"pod-{session}-{uuid.uuid4().hex[:8]}"
        self.names.append(name)
        mounts = [f"-v={self.folder / 'config'}:/etc/sandbox/config:ro"]
        for volume in volumes:
            which, _, mode = volume.partition(":")
            mounts.append(f"-v={self.folder / which}:{FOLDERS[which]}:{mode or 'rw'}")
        given = [f"-e={key}={value}" for key, value in {"SANDBOX_SESSION": session, **environ}.items()]
        docker(
            "run",
            "--detach",
            f"--name={name}",
            *RESTRICTED,
            *mounts,
            *given,
            *options,
            IMAGE,
        )
        return name

    def fetch(self, **environ: str) -> tuple[int, str]:
        return ended(
            self.begin("fetch", "workspace", "origin", "source:ro", SANDBOX_SOURCE="/source", **environ)
        )

    def do(self, *options: str, **environ: str) -> tuple[tuple[int, str], tuple[int, str]]:
        """Have the task and its result at once; return the exit code and the log of both."""
        result = self.begin("result", "workspace:ro", "origin:ro", "run:ro")
        task = self.begin(
            "task", "workspace", "data", "run", "tasks:ro", options=options,
            SANDBOX_TASKS="/etc/sandbox/tasks", JOB_COMPLETION_INDEX="3", SANDBOX_CHANGES="off", **environ,
        )  # fmt: skip
        return ended(task), ended(result)

    def put(self, payload: bytes, copy: Path) -> Result:
        command = [
            "docker", "run", "--rm", "--interactive", *RESTRICTED, f"-v={copy}:/home/agent/workspace",
            f"-v={self.folder / 'data'}:/home/agent/data", "-e=SANDBOX_SESSION=unpack", IMAGE,
        ]  # fmt: skip
        ran = subprocess.run(command, input=payload, capture_output=True, timeout=PATIENCE * 2, check=False)
        return Result(command, ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def ended(name: str) -> tuple[int, str]:
    code = int(docker("wait", name))
    return code, logs(name)


def payload(log: str) -> tuple[dict[str, object], bytes]:
    lines = [line.removeprefix(f"{MARK} ") for line in log.splitlines() if line.startswith(MARK)]
    assert lines, log
    assert lines[-1] == "end", log
    data = b"".join(base64.b64decode(line.split()[2]) for line in lines[1:-1])
    return json.loads(lines[0].removeprefix("begin ")), data


def tree(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if ".git" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in found}


@pytest.fixture
def pod(tmp_path: Path, superuser: Superuser) -> Iterator[Pod]:
    made = Pod(tmp_path / "pod", superuser)
    yield made
    docker("rm", "--force", *made.names, check=False)


@pytest.fixture
def copy(tmp_path: Path, superuser: Superuser) -> Path:
    (tmp_path / "copy").mkdir()
    if os.geteuid() == 0:
        superuser.own("1000:1000", tmp_path, "copy")
    return tmp_path / "copy"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def test_a_task_is_fetched_done_told_and_put_into_a_copy(pod: Pod, copy: Path) -> None:
    for folder in (pod.folder / "source", copy):
        write(folder, kept="kept\n", changed="old\n", gone="gone\n")
    code, log = pod.fetch()
    assert code == 0, log
    assert tree(pod.folder / "workspace") == tree(pod.folder / "origin") == tree(copy)
    work = "echo new >changed; rm gone; mkdir -p a/b; echo x >a/b/new; ln -s / out"
    pod.task(f"{work}; echo '{MARK} end'; echo an answer")
    (code, answer), (told_code, told) = pod.do()
    assert (code, told_code) == (0, 0), answer + told
    assert "an answer" in answer, answer
    head, data = payload(told)
    assert (head["files"], head["cut"]) == (4, False), told
    put = pod.put(data, copy)
    assert put.returncode == 0, put
    assert tree(copy) == tree(pod.folder / "workspace")
    assert (copy / "out").readlink() == Path("/")
    assert (copy / "a" / "b" / "new").stat().st_uid == copy.stat().st_uid


def test_volumes_are_roots_and_the_groups_as_a_cluster_makes_them(pod: Pod) -> None:
    write(pod.folder / "source", file="x\n")
    pod.superuser.own("0:1000", pod.folder, "workspace", "origin")
    pod.superuser.run(pod.folder, "chmod", "2775", "workspace", "origin")
    code, log = pod.fetch()
    assert code == 0, log
    assert tree(pod.folder / "workspace") == tree(pod.folder / "origin") == {"file": "x\n"}


@pytest.mark.parametrize(
    ("prompt", "options", "codes"),
    [
        ("echo half >half; exit 7", (), {7}),
        ("echo half >half; sleep 1000", (), {TIMED_OUT}),
        ("echo half >half; head -c 400m /dev/zero | tail >/dev/null", ("--memory=128m",), {KILLED, 1, 143}),
    ],
    ids=["failed", "timed out", "out of memory"],
)
def test_the_result_of_a_task_that_ends_badly_is_told(
    pod: Pod, prompt: str, options: tuple[str, ...], codes: set[int]
) -> None:
    pod.task(prompt, timeout=2 if "sleep" in prompt else 0)
    (code, log), (told_code, told) = pod.do(*options)
    assert (code in codes, told_code) == (True, 0), f"{code}\n{log}\n{told}"
    assert payload(told)[0]["files"] == 1, told


def test_the_result_of_a_task_that_is_killed_is_told(pod: Pod) -> None:
    pod.task("echo half >half; touch begun; sleep 1000")
    result = pod.begin("result", "workspace:ro", "origin:ro", "run:ro")
    task = pod.begin(
        "task",
        "workspace",
        "data",
        "run",
        "tasks:ro",
        SANDBOX_TASKS="/etc/sandbox/tasks",
        JOB_COMPLETION_INDEX="3",
    )
    wait_for((pod.folder / "workspace" / "begun").exists, lambda: logs(task))
    assert docker("inspect", "--format={{.State.Running}}", result) == "true", logs(result)
    docker("kill", task)
    assert ended(result)[0] == 0, logs(result)
    assert payload(logs(result))[0]["files"] == 2


def test_a_result_that_waits_ends_when_it_is_asked_to(pod: Pod) -> None:
    result = pod.begin("result", "workspace:ro", "origin:ro", "run:ro")
    wait_for(lambda: "sandbox-result" in docker("top", result), lambda: logs(result))
    docker("stop", result)
    assert docker("inspect", "--format={{.State.ExitCode}}", result) == "143", logs(result)


@pytest.mark.parametrize("tool", ["opencode", "omp"])
def test_an_agent_does_a_task_of_a_list(
    pod: Pod, sandbox: Sandbox, serve: Callable[..., Model], tool: str
) -> None:
    model = serve()
    gateway = sandbox.beside_a_gateway({"MODEL_URL": sandbox.environ.get("MODEL_URL") or model.url})
    pod.task("Write hello.txt", tool=tool)
    name = gateway[-1].removeprefix("SANDBOX_GATEWAY=")
    volume = (
        f"{docker('inspect', '--format={{range .Mounts}}{{.Name}} {{end}}', f'gateway-{name}').split()[0]}"
    )
    (code, log), (_, told) = pod.do(
        f"-v={volume}:/run/gateway:ro", SANDBOX_GATEWAY=name, EGRESS="model", MODEL_URL=model.url
    )
    assert code == 0, f"{log}\n{logs(model.name)}"
    assert "done: wrote hello.txt" in log, log
    assert (pod.folder / "workspace" / "hello.txt").read_text() == CONTENT
    assert payload(told)[0]["files"] == 1, told


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"JOB_COMPLETION_INDEX": "x"}, "is no number"),
        ({"JOB_COMPLETION_INDEX": "4"}, "4.json cannot be read"),
        ({"SANDBOX_TASKS": "/nowhere"}, "cannot be read"),
    ],
)
def test_a_task_that_is_none_does_not_start(pod: Pod, environ: dict[str, str], words: str) -> None:
    pod.task("echo started")
    given = {"SANDBOX_TASKS": "/etc/sandbox/tasks", "JOB_COMPLETION_INDEX": "3", **environ}
    code, log = ended(pod.begin("task", "workspace", "data", "run", "tasks:ro", options=(), **given))
    assert (code, words in log, "started" in log) == (EX_CONFIG, True, False), log


def test_a_task_without_a_place_for_its_lock_does_not_start(pod: Pod) -> None:
    pod.task("echo started")
    given = {"SANDBOX_TASKS": "/etc/sandbox/tasks", "JOB_COMPLETION_INDEX": "3"}
    code, log = ended(pod.begin("task", "workspace", "data", "tasks:ro", options=(), **given))
    assert (code, "cannot be locked" in log, "started" in log) == (EX_CONFIG, True, False), log


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "neither an https URL nor an absolute path"),
        ("/nowhere", "cannot be copied"),
        ("https://me:pass@host/x", "has a user or a password"),
        ("ssh://host/x", "neither an https URL"),
    ],
)
def test_what_cannot_be_fetched_is_told(pod: Pod, source: str, words: str) -> None:
    code, log = ended(pod.begin("fetch", "workspace", "origin", SANDBOX_SOURCE=source))
    assert (code, words in log, "Traceback" in log) == (EX_CONFIG, True, False), log


def test_a_volume_that_is_not_empty_is_none_for_a_task(pod: Pod) -> None:
    write(pod.folder / "workspace", left="x")
    code, log = pod.fetch()
    assert (code, "is not empty" in log) == (EX_CONFIG, True), log


@pytest.fixture
def hosted(sandbox: Sandbox, model: Model, tmp_path: Path) -> Iterator[Host]:
    """Have a server that hosts a repository; the scripted model's start has made the network."""
    del model
    host = Host(tmp_path / "host")
    sandbox.environ.update(EGRESS="list", MODEL_URL="")
    try:
        host.start()
        sandbox.environ["SESSION_CA"] = str(host.certificate)
        yield host
    finally:
        docker("rm", "--force", host.name, check=False)


def fetched(sandbox: Sandbox, copy: Path, url: str, commit: str) -> Result:
    environ = {"SANDBOX_SESSION": "fetch", "SANDBOX_SOURCE": url, "SANDBOX_COMMIT": commit}
    return sandbox.run(env=environ, options=("-T", "-v", f"{copy}:/mnt/origin"))


def emptied(sandbox: Sandbox) -> None:
    """Make the workspace what a new pod's is."""
    sandbox.superuser.run(sandbox.folder, "sh", "-c", "rm -rf workspace/.git workspace/*")


def head(folder: Path) -> str:
    git = ["git", "-c", "safe.directory=*", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def test_a_commit_is_fetched_by_way_of_the_gateway(sandbox: Sandbox, hosted: Host, copy: Path) -> None:
    url, commit = f"https://{hosted.name}/repository.git", head(hosted.folder / "work")
    refused = fetched(sandbox, copy, url, commit)
    told = f"the gateway refuses {hosted.name}" in refused.stderr
    assert (refused.returncode, told) == (EX_CONFIG, True), refused.stderr
    (sandbox.config / "egress.yml").write_text(f"allow: [{{host: {hosted.name}, private: on}}]\n")
    emptied(sandbox)
    done = fetched(sandbox, copy, url, commit)
    assert done.returncode == 0, done.stderr
    assert head(sandbox.workspace) == commit
    assert url in (sandbox.workspace / ".git" / "config").read_text()
    emptied(sandbox)
    absent = fetched(sandbox, copy, url, "1" * 40)
    assert (absent.returncode, "Was it pushed?" in absent.stderr) == (EX_CONFIG, True), absent.stderr
