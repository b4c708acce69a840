"""A run begun: looked at whether it can be, written down, and created."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from host.errors import OK, HostError, Interrupted
from host.kubernetes import kubectl as kubectls
from host.kubernetes import kustomization, removal, state
from host.kubernetes.kubectl import BASE, MissingError
from host.kubernetes.kustomization import Run
from host.kubernetes.state import State
from host.messages import printable, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from host.kubernetes.kubectl import Kubectl
    from host.kubernetes.source import Source
    from host.tasks.many import Entry, Work

OWN = Path("deploy", "kubernetes", "job")
NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# What is told of each object: its kind, name and namespace, and what a pod fetches, if that is set.
FETCHES = "{.spec.template.spec.initContainers[0].env[0].value}"
SHOWN = f'--output=jsonpath={{.kind}} {{.metadata.name}} {{.metadata.namespace}} {FETCHES}{{"\\n"}}'
ENFORCES = "pod-security.kubernetes.io/enforce"


class Overlay(NamedTuple):
    """The user's kustomization of the Job.

    Attributes:
        folder: without links.
        namespace: of the Job.
        fetches: what it has each pod fetch, "" where that is left to us.
    """

    folder: Path
    namespace: str
    fetches: str


def begun(work: Work, kubectl: Kubectl, base: Path, source: Source, entries: Sequence[Entry]) -> State:
    """Create a run of these tasks, and keep that it is there before it is.

    Args:
        work: how many at a time, and where results go.
        kubectl: of the namespace.
        base: the folder of the user's kustomization.
        source: what each task fetches.
        entries: the tasks, by their index.

    Raises:
        HostError: it cannot be; then nothing is left of it.
        Interrupted: somebody asked for the end.
    """
    run = Run(
        kustomization.named(work.file.stem), source.repository, source.commit, work.asked.jobs,
        kubectl.namespace,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="agentic-sandbox-") as made:
        # kustomize refuses absolute paths, and looks at where links lead.
        place = Path(os.path.realpath(made))
        for name, text in kustomization.files(run, entries, os.path.relpath(base, place)).items():
            (place / name).write_text(text, encoding="utf-8")
        require_possible(kubectl, place)
        begun = State(
            run.name, kubectl.context, kubectl.namespace, source.repository, source.commit, source.base,
            time.time(), state.of(entries),
        )  # fmt: skip
        state.keep(work.folder, begun)
        try:
            kubectl.ask("creating the Job", "create", f"--kustomize={place}", "--output=name")
        except (HostError, Interrupted):
            if removal.remove(kubectl, run.name):
                state.forget(work.folder)
            raise
    say(f"{run.name}: {len(entries)} tasks, {min(run.jobs, len(entries))} at a time, in {kubectl.where}")
    return begun


def folder(work: Work, overlay: str) -> Path:
    """Return the folder of the user's kustomization, without links.

    Raises:
        HostError: it is none.
    """
    named = work.checkout.caller / overlay if overlay else work.checkout.root / OWN
    found = Path(os.path.realpath(named))
    if not any((found / name).is_file() for name in NAMES):
        raise HostError(
            f"{printable(str(named))} is no kustomization: it has no kustomization.yaml.",
            f"--overlay names a folder with one whose resource is {work.checkout.root / OWN}",
        )
    return found


def looked(kubectl: Kubectl, base: Path) -> Overlay:
    """Return what a kustomization says.

    Raises:
        HostError: it cannot be rendered, or is more than a Job.
    """
    command = ("create", f"--kustomize={base}", "--dry-run=client", SHOWN)
    told = kubectl.ask("looking at the Job", *command).splitlines()
    shown = [line.split() for line in told if line.strip()]
    if [words[0] for words in shown] != ["Job"] or len(shown[0]) not in (3, 4):
        listed = ", ".join(" ".join(words[:2]) for words in shown) or "nothing"
        raise HostError(
            f"{printable(str(base))} is to be one Job, and is: {printable(listed)}.",
            "What else the tasks need, apply once by itself: kubectl apply -k ...",
        )
    return Overlay(base, shown[0][2], "".join(shown[0][3:]))


def require_possible(kubectl: Kubectl, place: Path) -> None:
    """Have the cluster look at all of it, and at the user's rights, before anything is made.

    Raises:
        HostError: it would be refused, in whole or in part.
    """
    warn_of_namespace(kubectl)
    kubectls.require_rights(kubectl)
    answer = kubectl.answer(
        kubectl.begin("create", f"--kustomize={place}", "--dry-run=server", "--output=name")
    )
    if answer.code != OK:
        raise kubectls.failure(answer.errors, "creating the Job")
    for line in answer.errors.splitlines():
        if line.startswith("Warning:"):
            say(f"the cluster says: {printable(line)}")


def warn_of_namespace(kubectl: Kubectl) -> None:
    """Tell where a namespace takes pods of any kind.

    Raises:
        HostError: there is no such namespace.
    """
    try:
        told = kubectl.json("looking at the namespace", "get", "namespace", kubectl.namespace)
    except MissingError as error:
        raise HostError(f"there is no namespace {kubectl.namespace} in the cluster.", BASE) from error
    except kubectls.UnreachedError:
        raise
    except HostError:
        # Who may only work in a namespace may not always look at it.
        return
    labels = told.get("metadata", {}).get("labels", {}) if isinstance(told, dict) else {}
    if labels.get(ENFORCES) not in ("restricted", "baseline"):
        say(
            f"warning: any pod may run in the namespace {kubectl.namespace}: its label {ENFORCES} is "
            f"{labels.get(ENFORCES) or 'not set'}, and deploy/kubernetes/base sets restricted"
        )
