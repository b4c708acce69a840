"""How kubectl is called, and what its errors mean."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from host import answers
from host.errors import OK, HostError
from host.messages import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from host.supervisor import Answer, Beside, Supervisor

# Seconds for an answer, and for a request within kubectl.
PATIENCE, REQUEST = 120.0, "60s"
# Kubernetes with indexes that count for themselves (backoffLimitPerIndex), which the Job needs. And kubectl
# whose kustomize knows labels without selectors.
SERVER, CLIENT = (1, 29), (1, 27)
# Lines of kubectl's that are told.
LAST = 3
# What a run does with the cluster: verb, resource.
RIGHTS = (
    ("create", "jobs.batch"), ("create", "configmaps"), ("get", "jobs.batch"), ("list", "jobs.batch"),
    ("list", "configmaps"), ("list", "pods"), ("get", "pods/log"), ("delete", "jobs.batch"),
    ("delete", "configmaps"),
)  # fmt: skip
BASE = "Has its administrator applied deploy/kubernetes/base? kubectl apply -k deploy/kubernetes/base"
# What is no reason: kubectl's own log, and warnings of the cluster's.
_BESIDE = re.compile(r"[EWI]\d{4} |Warning:")


class UnreachedError(HostError):
    """The cluster does not answer: it may in a while."""


class MissingError(HostError):
    """What was asked for is not there."""


class Meaning(NamedTuple):
    """What some words of kubectl's mean.

    Attributes:
        words: a regular expression.
        what: it means; {doing} is what kubectl was called for, {0} and {1} are groups of the expression.
        todo: what to do, "" where kubectl's own words say that.
        kind: of the error.
    """

    words: str
    what: str
    todo: str = ""
    kind: type[HostError] = HostError


# The first that fits counts.
MEANINGS = (
    Meaning(
        "localhost:8080|no configuration has been provided",
        "kubectl knows no cluster: it has no configuration, or no current context.",
        "Name one: --context NAME (kubectl config get-contexts), or set KUBECONFIG.",
    ),
    Meaning(
        "context .*does not exist|context was not found|error loading config file",
        "kubectl's configuration cannot be used.",
        "These are there: kubectl config get-contexts",
    ),
    Meaning(
        "Unauthorized|must be logged in|getting credentials|^error: EOF$",
        "the cluster does not know you: log in to it anew.",
    ),
    Meaning('namespaces "[^"]*" not found', "{doing}: the namespace is not there.", BASE, MissingError),
    Meaning("exceeded quota", "{doing}: the namespace's quota is used up."),
    Meaning(
        r'cannot (\w+) resource "([^"]+)"',
        "{doing}: you may not {0} {1} there.",
        "An administrator can give you a Role with the verb {0} for {1}.",
    ),
    Meaning("[Ff]orbidden", "{doing}: the cluster forbids it."),
    Meaning(
        "AlreadyExists|already exists",
        "{doing}: something of that name is there.",
        "Call it again: it takes another name.",
    ),
    Meaning("NotFound|not found", "{doing}: it is not there.", kind=MissingError),
    Meaning(
        "Unable to connect|was refused|no such host|i/o timeout|deadline exceeded|TLS handshake"
        "|connection reset|net/http|ServiceUnavailable|unable to handle the request|TooManyRequests"
        "|[Tt]imeout|EOF$|etcdserver|InternalError|Internal error|no route to host",
        "the cluster does not answer.",
        kind=UnreachedError,
    ),
)


@dataclass(frozen=True)
class Kubectl:
    """How kubectl is called.

    Attributes:
        supervisor: what runs it.
        environ: the user's: KUBECONFIG.
        context: which of kubectl's, "" where it has none to name.
        namespace: "" for that of the context.
    """

    supervisor: Supervisor
    environ: Mapping[str, str]
    context: str = ""
    namespace: str = ""

    @property
    def where(self) -> str:
        """The namespace, and the context where there is one."""
        return f"{self.namespace}{f' of {printable(self.context)}' if self.context else ''}"

    def of(self, namespace: str) -> Kubectl:
        """Return it for a namespace."""
        return replace(self, namespace=namespace)

    def command(self, *words: str) -> list[str]:
        """Return a command line."""
        context = [f"--context={self.context}"] if self.context else []
        namespace = [f"--namespace={self.namespace}"] if self.namespace else []
        return ["kubectl", *context, *namespace, f"--request-timeout={REQUEST}", *words]

    def begin(self, *words: str) -> Beside:
        """Ask, and do not wait for the answer.

        Raises:
            HostError: there is no kubectl.
        """
        try:
            return self.supervisor.begin(self.command(*words), self.environ, needed=False)
        except FileNotFoundError as error:
            raise HostError(
                "there is no kubectl on this machine, which --on kubernetes needs.",
                "Install the one of your cluster's version: https://kubernetes.io/docs/tasks/tools/",
            ) from error

    def answer(self, begun: Beside) -> Answer:
        """Return what it said."""
        return self.supervisor.finish(begun, PATIENCE)

    def ask(self, doing: str, *words: str) -> str:
        """Return what kubectl answers.

        Args:
            doing: what for, to be told where it fails.
            words: its arguments.

        Raises:
            HostError: it fails.
        """
        return said(self.answer(self.begin(*words)), doing)

    def json(self, doing: str, *words: str) -> Any:
        """Return the object that kubectl answers with.

        Raises:
            HostError: it fails, or answers something else.
        """
        try:
            return answers.parse(self.ask(doing, *words, "--output=json"))
        except ValueError as error:
            raise HostError(f"{doing}: kubectl answers something that is no JSON.") from error


def reached(supervisor: Supervisor, environ: Mapping[str, str], caller: Path, context: str) -> Kubectl:
    """Return how a cluster is asked, once it has answered.

    Args:
        supervisor: what asks.
        environ: the user's.
        caller: the folder that start.sh was called from: KUBECONFIG may be relative to it.
        context: kubectl's, "" for its current one, which is the run's from then on.

    Raises:
        HostError: it does not answer, or is too old.
    """
    named = environ.get("KUBECONFIG", "").split(os.pathsep)
    files = os.pathsep.join(str(caller / file) for file in named if file)
    kubectl = Kubectl(supervisor, {**environ, **({"KUBECONFIG": files} if files else {})}, context)
    if not context:
        # In a pod there is none, and kubectl goes by its service account.
        current = kubectl.answer(kubectl.begin("config", "current-context"))
        kubectl = replace(kubectl, context=current.output.strip() if current.code == OK else "")
    require_versions(kubectl.json("asking the cluster", "version"))
    return kubectl


def said(answer: Answer, doing: str) -> str:
    """Return the output of a call that went well.

    Raises:
        HostError: it did not.
    """
    if answer.code == OK:
        return answer.output
    raise failure(answer.errors, doing)


def failure(errors: str, doing: str) -> HostError:
    """Return what is wrong, and what to do, of what kubectl says on stderr.

    Args:
        errors: that.
        doing: what it was called for.
    """
    lines = [printable(line) for line in errors.strip().splitlines() if not _BESIDE.match(line)][-LAST:]
    for meaning in MEANINGS:
        found = re.search(meaning.words, "\n".join(lines), re.MULTILINE)
        if found:
            told = [
                text.format(*found.groups(), doing=doing) for text in (meaning.what, meaning.todo) if text
            ]
            return meaning.kind(told[0], *lines, *told[1:])
    return HostError(f"{doing}: kubectl fails.", *(lines or ["It does not say why."]))


def require_versions(told: object) -> None:
    """Refuse a cluster or a kubectl that is too old; one that does not say its version may be any.

    Args:
        told: what `kubectl version --output=json` answers.

    Raises:
        HostError: it is too old.
    """
    for which, what, needed in (
        ("serverVersion", "the cluster", SERVER), ("clientVersion", "kubectl", CLIENT),
    ):  # fmt: skip
        found = told.get(which) if isinstance(told, dict) else None
        numbers = re.findall(r"\d+", answers.text(found.get("gitVersion"))) if isinstance(found, dict) else []
        if len(numbers) > 1 and (int(numbers[0]), int(numbers[1])) < needed:
            is_now, least = (".".join(map(str, one)) for one in (numbers[:2], needed))
            raise HostError(f"{what} is {is_now}: tasks on Kubernetes need {least} or newer.")


def require_rights(kubectl: Kubectl) -> None:
    """Refuse to begin what could not be brought to its end.

    Raises:
        HostError: a right is missing; says which.
    """
    asked = [(right, kubectl.begin("auth", "can-i", *_words(*right))) for right in RIGHTS]
    missing = []
    for right, begun in asked:
        answer = kubectl.answer(begun)
        if answer.output.strip().startswith("no"):
            missing.append(right)
        elif answer.code != OK:
            raise failure(answer.errors, "asking for your rights")
    if missing:
        listed = ", ".join(f"{verb} {resource}" for verb, resource in missing)
        raise HostError(
            f"in the namespace {kubectl.namespace} you may not: {listed}.",
            "Nothing was created. An administrator can give you a Role with these: see docs/kubernetes.md.",
        )


def _words(verb: str, resource: str) -> list[str]:
    name, _, part = resource.partition("/")
    return [verb, name, *([f"--subresource={part}"] if part else [])]
