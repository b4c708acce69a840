"""What a run left in the cluster is removed: all that has its label."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from host.errors import HostError
from host.kubernetes.pods import RUN
from host.messages import say

if TYPE_CHECKING:
    from host.kubernetes.kubectl import Kubectl


def remove(kubectl: Kubectl, name: str) -> bool:
    """Remove a run, pods that run included; where that fails, say how to. Return whether it went well."""
    with kubectl.supervisor.undisturbed():
        try:
            kubectl.ask("removing the Job", *_words(name), "--ignore-not-found", "--wait=false")
        except HostError as error:
            say(f"warning: {name} is not removed from the cluster: {error.what}")
            for line in error.todo:
                say(line)
            say(f"To remove it: {command(kubectl, name)}")
            return False
    return True


def command(kubectl: Kubectl, name: str) -> str:
    """Return the command line that removes a run."""
    context = [f"--context={kubectl.context}"] if kubectl.context else []
    return shlex.join(["kubectl", *context, f"--namespace={kubectl.namespace}", *_words(name)])


def _words(name: str) -> list[str]:
    return ["delete", "jobs.batch,configmaps", f"--selector={RUN}={name}"]
