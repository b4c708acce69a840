"""Every object has the fields that the API knows, from the oldest Kubernetes that is meant on."""

import copy
import json
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions

from tests.harness import manifests
from tests.harness.manifests import Object
from tests.kubernetes import agent_sandbox

# 1.29 is the first that has backoffLimitPerIndex without a switch. A pool's pods are checked in the same.
OLDEST = (1, 29)
VERSIONS = [one for one in all_versions() if tuple(map(int, one.split(".")[:2])) >= OLDEST]
COMPONENTS = ("gvisor", "kata", "user-namespace", "registry", "storage-class", "models", "session-ca")
SOURCES = ("shared-source", "snapshot-source")
PAIRS = [
    *((kind, component) for kind in ("session", "job", "agent-sandbox") for component in COMPONENTS),
    *(("job", component) for component in SOURCES),
    ("base", "registry"), ("base", "model-in-cluster"),
]  # fmt: skip


@pytest.fixture(scope="session")
def combined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Object]]:
    """Render every component with everything that it fits, and all of them together."""
    made = tmp_path_factory.mktemp("made")
    together = {
        kind: (*COMPONENTS[1:], *(SOURCES[:1] if kind == "job" else ()))
        for kind in ("session", "job", "agent-sandbox")
    }
    wanted = {
        **{f"{kind}-{component}": (kind, (component,)) for kind, component in PAIRS},
        **{f"{kind}-all": (kind, components) for kind, components in together.items()},
    }
    for name, (kind, components) in wanted.items():
        (made / name).mkdir()
        text = {
            "resources": [f"../../deploy/kubernetes/{kind}"],
            "components": [f"../../deploy/kubernetes/components/{one}" for one in components],
        }
        (made / name / "kustomization.yaml").write_text(yaml.safe_dump(text))
    made.chmod(0o755)
    return manifests.render([f"made/{name}" for name in wanted], made)


def check(one: Object, version: str) -> None:
    """Compare an object with its schema, strictly: a field that is not known is a fault.

    Raises:
        kubernetes_validate.ValidationError: it differs.
    """
    if one["apiVersion"] in agent_sandbox.VERSIONS:
        agent_sandbox.check(one)
        for pod in manifests.pod_templates(one):
            check({"apiVersion": "v1", "kind": "Pod", **pod}, version)
        for claim in one["spec"].get("volumeClaimTemplates", ()):
            check({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim}, version)
    else:
        kubernetes_validate.validate(one, version, strict=True)


def distinct(rendered: dict[str, list[Object]]) -> list[Object]:
    """Return every object once: its schema is read anew for each."""
    objects = {json.dumps(one, sort_keys=True): one for found in rendered.values() for one in found}
    return list(objects.values())


def test_the_versions_are_those_of_this_library() -> None:
    assert VERSIONS[0].startswith("1.29")
    assert len(VERSIONS) >= 9


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(rendered: dict[str, list[Object]], version: str) -> None:
    for one in distinct(rendered):
        check(one, version)


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
@pytest.mark.xdist_group("manifests")
def test_every_component_fits(combined: dict[str, list[Object]], version: str) -> None:
    for one in distinct(combined):
        check(one, version)


@pytest.mark.parametrize(("kind", "component"), PAIRS, ids=str)
@pytest.mark.xdist_group("manifests")
def test_every_component_changes_what_it_is_put_on(
    combined: dict[str, list[Object]], rendered: dict[str, list[Object]], kind: str, component: str
) -> None:
    changed = combined[f"made/{kind}-{component}"] != rendered[kind]
    # A job's volumes have no class: they end with its pods.
    assert changed is ((kind, component) != ("job", "storage-class"))


@pytest.mark.xdist_group("manifests")
def test_the_tasks_stay_the_first_volume(combined: dict[str, list[Object]]) -> None:
    for name, objects in combined.items():
        if name.startswith("made/job"):
            (job,) = objects
            assert job["spec"]["template"]["spec"]["volumes"][0]["name"] == "tasks"


def test_no_component_is_left_out() -> None:
    folder = Path(__file__).parents[2] / manifests.KUSTOMIZATIONS / "components"
    assert {one.name for one in folder.iterdir()} == {component for _, component in PAIRS}


@pytest.mark.parametrize("place", ["spec", "metadata"])
def test_a_field_that_is_not_known_is_seen(rendered: dict[str, list[Object]], place: str) -> None:
    for one in rendered["base"] + rendered["agent-sandbox"]:
        if place not in one:
            continue
        spoiled = copy.deepcopy(one)
        spoiled[place]["tpyo"] = "1"
        with pytest.raises(kubernetes_validate.ValidationError, match="tpyo"):
            check(spoiled, VERSIONS[-1])
