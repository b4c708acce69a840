"""What each task's pod fetches: a repository and a commit, by default those of the workspace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from host import as_root, git
from host.errors import OK, HostError
from host.inquiry import LOCKED
from host.messages import printable, say

if TYPE_CHECKING:
    from pathlib import Path

    from host.filling import Maker
    from host.options.cluster import Cluster

# Seconds for git to look at a workspace.
PATIENCE = 120.0
# In the container that looks: how many files have no commit, and one branch of origin that has the commit.
LOOK = (
    'cd /workspace && git status --porcelain | wc -l && '
    'git for-each-ref --count=1 --contains "$1" --format="%(refname:short)" refs/remotes/origin'
)  # fmt: skip
# Settings of git's own that win over the workspace's: nobody but root owns what root looks at.
SETTINGS = {
    "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
    "GIT_CONFIG_KEY_1": "core.fsmonitor", "GIT_CONFIG_VALUE_1": "false", "GIT_OPTIONAL_LOCKS": "0",
}  # fmt: skip
# scp's form, git-fetch(1): no port, and no // after the colon.
_SCP = re.compile(r"(?:[^@/:]+@)?([^@/:]+):(?!//)/?(.+)")
_URL = re.compile(r"(https|ssh|git\+ssh)://(?:([^@/]*)@)?([^@/:]+|\[[^\]]*\])(:[0-9]+)?/(.+)")


class Source(NamedTuple):
    """What each pod fetches.

    Attributes:
        repository: an https URL, or a folder in the pod.
        commit: of it; "" for a folder as it is.
        base: the commit that a result is compared with on this machine.
    """

    repository: str
    commit: str
    base: str


def found(maker: Maker, asked: Cluster, workspace: Path, overlay: str) -> Source:
    """Return what is fetched.

    Args:
        maker: what asks the engine.
        asked: the user's options.
        workspace: the user's folder.
        overlay: what the user's kustomization has fetched, "" where it does not say.

    Raises:
        HostError: that cannot be told, or the cluster would not find it.
    """
    chosen = asked.repository or overlay
    named = chosen or git.remote(maker.supervisor, maker.compose.environ, workspace)
    head = git.head(workspace)
    if not named:
        raise HostError(
            f"{printable(str(workspace))} has no remote `origin`, so that no pod could fetch it.",
            "Name where it can be fetched: --repository https://...",
        )
    if chosen.startswith("/"):
        return Source(named, asked.commit, asked.commit or head)
    repository = https(named)
    if not (commit := asked.commit or head):
        raise HostError(
            f"{printable(str(workspace))} has no commit that could be fetched.",
            "Commit and push what the tasks work on, or name one: --commit ID",
        )
    if repository != named:
        say(f"each task fetches {printable(repository)}")
    if not asked.commit:
        require_pushed(maker, workspace, commit, is_origin=not chosen)
    return Source(repository, commit, commit)


def https(named: str) -> str:
    """Return where a repository is by https, without what would be somebody's password.

    Args:
        named: a URL, or scp's form of one.

    Raises:
        HostError: it is none that a pod could fetch.
    """
    url = _URL.fullmatch(named)
    scp = _SCP.fullmatch(named) if "://" not in named else None
    if any(not 32 < ord(letter) < 127 for letter in named) or not (url or scp):
        raise HostError(
            f"{printable(named)} is no repository that a pod could fetch.",
            "Name where it is by https: --repository https://... Or a folder of your overlay: /source",
        )
    if scp:
        return f"https://{scp[1]}/{scp[2]}"
    assert url is not None  # noqa: S101 - one of them is; this tells mypy
    scheme, who, host, port, path = url.groups()
    if scheme == "https" and who:
        say("what stands before the @ of the repository's URL is left out: pods have Secret git-credentials")
    return f"https://{host}{(port or '') if scheme == 'https' else ''}/{path}"


def require_pushed(maker: Maker, workspace: Path, commit: str, *, is_origin: bool) -> None:
    """Tell of what is only on this machine, as git in a container sees it; refuse where that is the commit.

    Raises:
        HostError: no branch of the remote has the commit, as far as is known here.
    """
    owner = workspace.stat()
    closed = [*LOCKED, f"--user={owner.st_uid}:{owner.st_gid}"]
    given = [word for name, value in SETTINGS.items() for word in ("--env", f"{name}={value}")]
    mount = as_root.bound(workspace, "/workspace", "readonly")
    command = ["docker", "run", "--rm", *closed, *given, "--mount", mount, "--entrypoint=sh",
               maker.configuration.image, "-c", LOOK, "sh", commit]  # fmt: skip
    answer = maker.supervisor.ask(command, maker.compose.environ, PATIENCE)
    lines = answer.output.split()
    if answer.code != OK or not lines or not lines[0].isdigit():
        say(f"whether {commit[:12]} was pushed cannot be told: git does not say here")
        return
    if lines[0] != "0":
        say(f"warning: {lines[0]} changed files have no commit: they are not in the cluster")
    if is_origin and len(lines) < 2:
        raise HostError(
            f"the commit {commit[:12]} is on no branch of origin, as far as this machine knows.",
            "Push it: git push. Or name one that is there: --commit ID",
        )
