"""What start.sh task --on kubernetes creates on top of deploy/kubernetes/job, as kubectl renders it."""

import json
from pathlib import Path

import pytest
from kubernetes_validate import validate

from host.kubernetes import kustomization
from host.kubernetes.kustomization import Run
from host.tasks.many import Entry
from tests.harness import manifests
from tests.harness.manifests import Object

RUN = Run("fix-all-0a1b2c", "https://git.example.com/shop.git", "0123" * 10, 8, "agentic-sandbox")
# What YAML and JSON do not read alike, if it is written as it is.
PROMPT = 'a: "b" # \\ \t\n--- | \x85\u2028\u200b\U0001f600'
ENTRIES = [Entry("odd", PROMPT, "omp", 60), *(Entry(f"t{n}", "x" * 100_000, "", 0) for n in range(12))]
OVERLAYS = ("job", "overlays/tasks-from-volume", "overlays/tasks-from-snapshot")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Object]]:
    made = tmp_path_factory.mktemp("made")
    for number, overlay in enumerate(OVERLAYS):
        (made / str(number)).mkdir()
        files = kustomization.files(RUN, ENTRIES, f"../../deploy/kubernetes/{overlay}")
        for name, text in files.items():
            (made / str(number) / name).write_text(text)
    made.chmod(0o755)
    found = manifests.render([f"made/{number}" for number in range(len(OVERLAYS))], made)
    return dict(zip(OVERLAYS, found.values(), strict=True))


@pytest.fixture(params=OVERLAYS)
def run(request: pytest.FixtureRequest, runs: dict[str, list[Object]]) -> list[Object]:
    return runs[request.param]


def one_job(run: list[Object]) -> Object:
    (job,) = (one for one in run if one["kind"] == "Job")
    return job


def test_all_of_it_has_the_runs_name_label_and_namespace(run: list[Object]) -> None:
    assert sorted((one["kind"], one["metadata"]["name"]) for one in run) == [
        ("ConfigMap", "fix-all-0a1b2c-0"), ("ConfigMap", "fix-all-0a1b2c-1"), ("Job", "fix-all-0a1b2c"),
    ]  # fmt: skip
    for metadata in (one_job(run)["spec"]["template"]["metadata"], *(one["metadata"] for one in run)):
        assert metadata["labels"]["agentic-sandbox/run"] == "fix-all-0a1b2c"
    assert {one["metadata"]["namespace"] for one in run} == {"agentic-sandbox"}


def test_each_task_is_a_file_of_its_index_and_is_what_the_user_wrote(run: list[Object]) -> None:
    data = {name: json.loads(text) for one in run for name, text in one.get("data", {}).items()}
    assert data == {f"{index}.json": entry._asdict() for index, entry in enumerate(ENTRIES)}
    volume = one_job(run)["spec"]["template"]["spec"]["volumes"][0]
    assert volume == {"name": "tasks", "projected": {"sources": [
        {"configMap": {"name": "fix-all-0a1b2c-0"}}, {"configMap": {"name": "fix-all-0a1b2c-1"}},
    ]}}  # fmt: skip


def test_the_job_has_the_numbers_and_the_source(run: list[Object]) -> None:
    spec = one_job(run)["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (13, 8, "Indexed")
    fetch = spec["template"]["spec"]["initContainers"][0]
    assert fetch["env"][:2] == [
        {"name": "SANDBOX_SOURCE", "value": RUN.source}, {"name": "SANDBOX_COMMIT", "value": RUN.commit},
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["1.29", "1.32"])
def test_the_api_knows_all_of_it(run: list[Object], version: str) -> None:
    for one in run:
        validate(one, version, strict=True)


def test_a_job_that_was_rearranged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    first = {"op": "add", "path": "/spec/template/spec/volumes/0", "value": {"name": "mine", "emptyDir": {}}}
    own = {"resources": ["../../deploy/kubernetes/job"],
           "patches": [{"target": {"kind": "Job"}, "patch": json.dumps([first])}]}  # fmt: skip
    (tmp_path / "own" / "kustomization.yaml").write_text(json.dumps(own))
    (tmp_path / "run").mkdir()
    for name, text in kustomization.files(RUN, ENTRIES, "../own").items():
        (tmp_path / "run" / name).write_text(text)
    tmp_path.chmod(0o755)
    with pytest.raises(AssertionError, match="testing value /spec/template/spec/volumes/0/name failed"):
        manifests.render(["made/run"], tmp_path)
