"""What a run is made of: a kustomization on top of the user's, with the tasks in ConfigMaps. Pure.

All of it is JSON, which is YAML, too. deploy/kubernetes/job is written for these patches: each first tests
that it finds what it expects.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from host.errors import HostError
from host.kubernetes.pods import FETCH, RUN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.tasks.many import Entry

FILE = "kustomization.yaml"
# Bytes of a ConfigMap: etcd takes 1 MiB of one. And of all: each pod's node gets all of them.
ROOM, MOST = 900_000, 16 << 20
# Characters of a list's name in the Job's: names of pods are made of that, 63 are the most.
LONGEST = 40
_SPEC = "/spec/template/spec"


class Run(NamedTuple):
    """A list of tasks on a cluster.

    Attributes:
        name: of its Job.
        source: where each task fetches the project.
        commit: of that; "" for a folder that is mounted.
        jobs: how many run at a time.
        namespace: of the Job in the user's kustomization.
    """

    name: str
    source: str
    commit: str
    jobs: int
    namespace: str


def named(stem: str) -> str:
    """Return a new name for a run of a list, a label of RFC 1123: no two runs have one."""
    words = re.sub("[^a-z0-9]+", "-", stem.lower())[:LONGEST].strip("-")
    begins = words if words[:1].isalpha() else f"tasks-{words}".strip("-")
    return f"{begins}-{secrets.token_hex(3)}"


def files(run: Run, entries: Sequence[Entry], overlay: str) -> dict[str, str]:
    """Return what is written, by its file's name.

    Args:
        run: which one.
        entries: its tasks, by their index.
        overlay: the user's kustomization, relative to where this is written.

    Raises:
        HostError: the tasks are too long.
    """
    maps = config_maps(run.name, entries)
    written = {f"{one['metadata']['name']}.yaml": one for one in maps}
    whole = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [overlay, *written],
        "namespace": run.namespace,
        "labels": [{"pairs": {RUN: run.name}, "includeTemplates": True}],
        "patches": [
            {
                "target": {"kind": "Job"},
                "options": {"allowNameChange": True},
                "patch": json.dumps(patch(run, [one["metadata"]["name"] for one in maps], len(entries))),
            }
        ],
    }
    return {FILE: json.dumps(whole), **{name: json.dumps(one) for name, one in written.items()}}


def patch(run: Run, maps: Sequence[str], tasks: int) -> list[dict[str, Any]]:
    """Return what is changed of the Job: a patch of RFC 6902."""
    volume = {"name": "tasks", "projected": {"sources": [{"configMap": {"name": name}} for name in maps]}}
    fetch = f"{_SPEC}/initContainers/0"
    return [
        _step("test", f"{_SPEC}/volumes/0/name", "tasks"),
        _step("test", f"{fetch}/name", FETCH),
        _step("test", f"{fetch}/env/0/name", "SANDBOX_SOURCE"),
        _step("test", f"{fetch}/env/1/name", "SANDBOX_COMMIT"),
        _step("replace", "/metadata/name", run.name),
        _step("add", "/spec/completions", tasks),
        _step("add", "/spec/parallelism", min(run.jobs, tasks)),
        _step("replace", f"{_SPEC}/volumes/0", volume),
        _step("add", f"{fetch}/env/0/value", run.source),
        _step("add", f"{fetch}/env/1/value", run.commit),
    ]


def config_maps(name: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return ConfigMaps with a file for each task, as many as are needed.

    Raises:
        HostError: the tasks are too long.
    """
    found: list[dict[str, str]] = [{}]
    room, total = ROOM, 0
    for index, entry in enumerate(entries):
        # ASCII alone: what is written again as YAML stays what it is.
        told = json.dumps(entry._asdict())
        total += len(told)
        if len(told) > room:
            found.append({})
            room = ROOM
        found[-1][f"{index}.json"] = told
        room -= len(told)
    if total > MOST:
        raise HostError(
            f"these {len(entries)} tasks are {total} bytes as JSON: a run on a cluster has {MOST} at most.",
            "Each node gets all of them. Divide the list, or have long prompts in files of the project.",
        )
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{name}-{number}"},
            # Nobody watches it then, however many pods there are.
            "immutable": True,
            "data": data,
        }
        for number, data in enumerate(one for one in found if one)
    ]


def _step(verb: str, path: str, value: object) -> dict[str, Any]:
    return {"op": verb, "path": path, "value": value}
