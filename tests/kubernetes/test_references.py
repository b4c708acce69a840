"""What the manifests name is there, or is said to be the user's."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.manifests import KUSTOMIZATIONS, Object, containers, kustomizations, pod_templates
from tests.harness.repository import ROOT

FOLDER = ROOT / KUSTOMIZATIONS
# What the user makes, or start.sh: each is named with its command where it is used.
THEIRS = {
    ("configMap", "tasks"): "start.sh task makes it, and a source in this place",
    ("persistentVolumeClaim", "source"): "components/shared-source: the folder with which tasks begin",
}
PLACEHOLDER = re.compile(r"\$\{|\{\{|<[A-Z]|TODO|CHANGEME")
# $(NAME) is Kubernetes' own. These it fills in.
FILLED = {"POD_IP", "GATEWAY_SERVICE_HOST"}


def pods(rendered: dict[str, list[Object]]) -> Iterator[tuple[str, Object, Object]]:
    """Yield kustomization, object and pod."""
    for folder, objects in rendered.items():
        for one in objects:
            for pod in pod_templates(one):
                yield folder, one, pod


def named(pod: Object) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what a pod cannot begin without."""
    for one in containers(pod):
        for source in one.get("envFrom", ()):
            yield from _needed("configMap", source.get("configMapRef"))
            yield from _needed("secret", source.get("secretRef"))
    for volume in pod["spec"]["volumes"]:
        sources = volume["projected"]["sources"] if "projected" in volume else [volume]
        for source in sources:
            yield from _needed("configMap", source.get("configMap"))
            yield from _needed("secret", source.get("secret"))
            yield from _needed("persistentVolumeClaim", source.get("persistentVolumeClaim"))


def _needed(kind: str, source: Any) -> Iterator[tuple[str, str]]:
    if source and not source.get("optional"):
        yield kind, source.get("name") or source.get("secretName") or source["claimName"]


def there(objects: list[Object]) -> set[tuple[str, str]]:
    """Return kind and name of what is made."""
    return {(one["kind"][0].lower() + one["kind"][1:], one["metadata"]["name"]) for one in objects}


def test_what_a_pod_needs_is_there(rendered: dict[str, list[Object]]) -> None:
    for folder, one, pod in pods(rendered):
        of_its_own = {
            ("persistentVolumeClaim", claim["metadata"]["name"])
            for claim in one["spec"].get("volumeClaimTemplates", ())
        }
        known = there(rendered["base"]) | there(rendered[folder]) | of_its_own | THEIRS.keys()
        assert set(named(pod)) <= known, folder
        assert ("serviceAccount", pod["spec"]["serviceAccountName"]) in known, folder


def test_claims_and_pools_name_what_is_there(rendered: dict[str, list[Object]]) -> None:
    objects = {(one["kind"], one["metadata"]["name"]): one for one in rendered["agent-sandbox"]}
    for (kind, _), one in objects.items():
        if kind == "SandboxClaim":
            assert ("SandboxWarmPool", one["spec"]["warmPoolRef"]["name"]) in objects
        if kind == "SandboxWarmPool":
            assert ("SandboxTemplate", one["spec"]["sandboxTemplateRef"]["name"]) in objects


def test_every_volume_is_mounted_and_every_mount_has_one(rendered: dict[str, list[Object]]) -> None:
    for folder, _, pod in pods(rendered):
        mounted = {mount["name"] for one in containers(pod) for mount in one["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}, folder


def test_nobody_gets_a_token_for_the_api(rendered: dict[str, list[Object]]) -> None:
    accounts = [one for one in rendered["base"] if one["kind"] == "ServiceAccount"]
    assert [one["automountServiceAccountToken"] for one in accounts] == [False, False]
    for folder, _, pod in pods(rendered):
        assert pod["spec"]["automountServiceAccountToken"] is False, folder
        assert not any("serviceAccountToken" in str(volume) for volume in pod["spec"]["volumes"])
    kinds = {one["kind"] for objects in rendered.values() for one in objects}
    assert not [kind for kind in kinds if "Role" in kind]


def test_there_is_one_image(rendered: dict[str, list[Object]]) -> None:
    for folder, _, pod in pods(rendered):
        with_registry = any("registry" in one for one in _components(folder))
        name = "registry.example.com/team/agentic-sandbox:1" if with_registry else "agentic-sandbox:latest"
        assert {one["image"] for one in containers(pod)} == {name}, folder


def test_who_names_a_registry_has_its_secret_on_both_accounts(rendered: dict[str, list[Object]]) -> None:
    accounts = [one for one in rendered["overlays/team"] if one["kind"] == "ServiceAccount"]
    assert [one["imagePullSecrets"] for one in accounts] == [[{"name": "registry"}]] * 2


def test_no_placeholder_is_left(rendered: dict[str, list[Object]]) -> None:
    for folder, objects in rendered.items():
        text = "\n".join(line for line in yaml.safe_dump_all(objects).splitlines() if "#" not in line)
        assert not PLACEHOLDER.search(text), folder
        assert set(re.findall(r"\$\((\w+)\)", text)) <= FILLED, folder


def test_everything_is_in_one_namespace(rendered: dict[str, list[Object]]) -> None:
    for objects in rendered.values():
        for one in objects:
            place = one["metadata"].get("namespace", one["metadata"]["name"])
            assert place == "agentic-sandbox", one


def test_there_is_an_overlay_of_each_kind() -> None:
    used = {one for folder in kustomizations() for one in _components(folder)}
    assert {"gvisor", "kata", "registry", "storage-class", "shared-source", "snapshot-source"} <= used
    bases = {base for folder in kustomizations() if "/" in folder for base in _of(folder, "resources")}
    assert bases == {"base", "session", "job", "agent-sandbox"}


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: str(path.relative_to(FOLDER))
)
def test_every_file_is_part_of_a_kustomization(path: Path) -> None:
    if path.name == "kustomization.yaml":
        return
    assert path.name in yaml.safe_load((path.parent / "kustomization.yaml").read_text())["resources"]


def _of(folder: str, field: str) -> list[str]:
    listed = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text()).get(field, [])
    return [one.rpartition("/")[2] for one in listed]


def _components(folder: str) -> list[str]:
    return _of(folder, "components")
