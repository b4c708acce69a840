"""The manifests of deploy/kubernetes, as kubectl renders them in an image that has it."""

import functools
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.harness.repository import ROOT

IMAGE = "agentic-sandbox-kubernetes:test"
BUILD = 1200.0  # seconds: 200 MB of packages, where no layer is there yet
LOCAL_BASE = "agentic-sandbox-base:local"  # scripts/common.sh
KUSTOMIZATIONS = "deploy/kubernetes"

Object = dict[str, Any]


@functools.cache
def image() -> str:
    """Build the image of tests/kubernetes/Dockerfile, unless it is there, and return its name."""
    base = ["--build-arg", f"BASE={LOCAL_BASE}"] if _is_there(LOCAL_BASE) else []
    # Mirrors and CA are this machine's, as start.sh tells them to a build.
    script = (
        "here=$PWD; . scripts/common.sh; build_variables;"
        ' exec docker build --quiet --tag "$0" --file tests/kubernetes/Dockerfile --build-arg APT_MIRROR'
        ' ${EXTRA_CA_FILE:+--secret "id=extra_ca,src=$EXTRA_CA_FILE"} "$@" .'
    )
    built = subprocess.run(
        ["bash", "-c", script, IMAGE, *base],
        cwd=ROOT, env={**os.environ, "DOCKER_BUILDKIT": "1"}, capture_output=True, text=True, timeout=BUILD,
        check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return IMAGE


def render(folders: Iterable[str], made: Path | None = None) -> dict[str, list[Object]]:
    """Return the objects of each kustomization.

    Args:
        folders: below deploy/kubernetes, or below made as `made/NAME`.
        made: kustomizations of a test's own, which find the others at ../../deploy/kubernetes.
    """
    places = [one if one.startswith("made/") else f"{KUSTOMIZATIONS}/{one}" for one in folders]
    mounts = ["--volume", f"{ROOT}/deploy:/deploy:ro", *(["--volume", f"{made}:/made:ro"] if made else [])]
    script = 'cd / && for one; do printf "# rendered: %s\\n" "$one" && kubectl kustomize "$one" || exit; done'
    result = subprocess.run(
        ["docker", "run", "--rm", "--network=none", *mounts, image(), "sh", "-c", script, "sh", *places],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    _, *texts = re.split(r"^# rendered: .*\n", result.stdout, flags=re.MULTILINE)
    return {
        folder.removeprefix(f"{KUSTOMIZATIONS}/"): list(yaml.safe_load_all(text))
        for folder, text in zip(places, texts, strict=True)
    }


def kustomizations() -> list[str]:
    """Return every one that stands by itself, by its folder below deploy/kubernetes."""
    root = ROOT / KUSTOMIZATIONS
    found = sorted(root.glob("**/kustomization.yaml"))
    kinds = {path: yaml.safe_load(path.read_text())["kind"] for path in found}
    return [str(path.parent.relative_to(root)) for path in found if kinds[path] == "Kustomization"]


def pod_templates(one: Object) -> Iterator[Object]:
    """Yield the pod of an object, with metadata and spec, if it has one."""
    match one["kind"]:
        case "Pod":
            yield one
        case "Deployment" | "Job":
            yield one["spec"]["template"]
        case "Sandbox" | "SandboxTemplate":
            yield one["spec"]["podTemplate"]


def containers(pod: Object) -> list[Object]:
    """Return every container of a pod, those that begin it included."""
    spec = pod["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"], *spec.get("ephemeralContainers", ())]


def _is_there(name: str) -> bool:
    asked = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    return asked.returncode == 0
