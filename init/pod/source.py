"""Where a task's workspace comes from: a commit of a git repository, or a folder.

git is told nothing but what stands here, so that nothing of the repository runs: a fresh repository has no
hooks, no filters and no settings of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from urllib.parse import urlsplit

from init.errors import EX_TIMED_OUT, SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A Secret of the cluster's, which only the container that fetches gets: git-credential-store(1).
CREDENTIALS = "/etc/sandbox/git/credentials"
# The branch on which the agent finds itself.
BRANCH = "main"
COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_GIT = "/usr/bin/git"
# Lines and bytes of what git says that are told.
_LAST, _LONGEST = 4, 1000
_REFUSED = re.compile(r"Refused by the sandbox|HTTP code 403 from proxy|CONNECT tunnel failed, response 403")
_WANTS_PASSWORD = re.compile("Authentication failed|could not read Username|terminal prompts disabled")
_ALLOW = (
    "Allow the host: EGRESS=list in the ConfigMap settings, and the host in the ConfigMap policy. Then"
    " restart the gateway: kubectl rollout restart deployment/gateway"
)


class FetchError(SandboxError):
    """The workspace cannot be had; what was there before it is nobody's."""


def check(source: str, commit: str) -> None:
    """Refuse what is no source.

    Args:
        source: an https URL, or an absolute path.
        commit: of the repository; "" for a folder.

    Raises:
        SandboxError: it is none; says why.
    """
    if source.startswith("/"):
        if commit:
            raise SandboxError(
                f"SANDBOX_SOURCE={source} is a folder, which has no SANDBOX_COMMIT", "Leave that out."
            )
        return
    try:
        url = urlsplit(source)
        host, _ = url.hostname, url.port
    except ValueError:
        url, host = urlsplit(""), None
    if url.scheme != "https" or not host or not source.isprintable() or " " in source:
        raise SandboxError(
            f"SANDBOX_SOURCE={_shown(source)!r} is neither an https URL nor an absolute path",
            "git reaches a repository by https alone, such as https://git.example.com/team/shop.git.",
        )
    if url.password or "@" in url.netloc:
        raise SandboxError(
            "SANDBOX_SOURCE has a user or a password in it, which the agent would read",
            "Put it into the Secret git-credentials: kubectl create secret generic git-credentials"
            " --from-file=credentials",
        )
    if not COMMIT.fullmatch(commit):
        raise SandboxError(
            f"SANDBOX_COMMIT={_shown(commit)!r} is no whole ID of a commit", "git rev-parse HEAD tells one."
        )


def fetch(source: str, commit: str, workspace: str, environ: Mapping[str, str], seconds: float) -> None:
    """Put a commit with its repository into a folder that is empty.

    Args:
        source: its https URL.
        commit: its ID.
        workspace: the folder.
        environ: the variables that tell of the proxy and of authorities.
        seconds: for all of it; 0 for as long as it takes.

    Raises:
        FetchError: it cannot be had; says why.
    """
    git = _Git(workspace, environ, seconds)
    git.run("init", "--quiet", "--template=", f"--initial-branch={BRANCH}", ".")
    git.run("remote", "add", "origin", source)
    # One commit is enough, where the server gives it by its ID: with gitprotocol-v2(5) most do.
    told = git.say("fetch", "--quiet", "--no-tags", "--depth=1", "origin", commit)
    if told is not None and not _is_final(told):
        told = git.say("fetch", "--quiet", "--tags", "origin")
    if told is not None:
        raise _refused(source, told)
    told = git.say("reset", "--quiet", "--hard", f"{commit}^{{commit}}", "--")
    if told is not None:
        raise FetchError(
            f"the commit {commit} of {source} cannot be checked out: {told}",
            "Was it pushed? git branch --remotes --contains tells. Is there room in the volume?",
        )


class _Git:
    """git in one folder."""

    def __init__(self, folder: str, environ: Mapping[str, str], seconds: float) -> None:
        self.folder, self.seconds = folder, seconds or None
        self.environ = {
            **environ,
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GIT_ALLOW_PROTOCOL": "https", "HOME": "/", "LC_ALL": "C",
            "PATH": "/usr/bin:/bin",
        }  # fmt: skip
        self.options = ["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0"]
        if os.path.exists(CREDENTIALS):
            self.options += ["-c", f"credential.helper=store --file={CREDENTIALS}"]

    def run(self, *words: str) -> None:
        told = self.say(*words)
        if told is not None:
            raise FetchError(f"git {words[0]} fails: {told}", "Is the volume of the workspace writable?")

    def say(self, *words: str) -> str | None:
        """Return the end of what git says where it fails; None where it does not."""
        command = [_GIT, *self.options, *words]
        try:
            ended = subprocess.run(  # noqa: S603 - git, by its path; what is asked of it was checked
                command, cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=self.seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            slow = FetchError(
                f"git {words[0]} took more than {self.seconds:g} s",
                "Set a longer SANDBOX_LIMIT, or fetch less.",
            )
            slow.exit_code = EX_TIMED_OUT
            raise slow from error
        if ended.returncode == 0:
            return None
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        return "; ".join(lines[-_LAST:])[-_LONGEST:] or f"exit code {ended.returncode}"


def _is_final(told: str) -> bool:
    """Tell whether all that is asked would be answered so."""
    return bool(_REFUSED.search(told) or _WANTS_PASSWORD.search(told))


def _refused(source: str, told: str) -> FetchError:
    host = urlsplit(source).hostname
    if _REFUSED.search(told):
        return FetchError(f"the gateway refuses {host}: it is not on the list", _ALLOW)
    if _WANTS_PASSWORD.search(told):
        return FetchError(
            f"{source} wants a password: {told}",
            "Put it into the Secret git-credentials, in git's form for `store`: https://USER:TOKEN@HOST",
        )
    return FetchError(
        f"{source} cannot be fetched: {told}", "Is the address right, and does the gateway reach it?"
    )


def copy(source: str, workspace: str) -> None:
    """Copy a folder into one that is empty: links stay links, devices and the like are left out.

    Raises:
        FetchError: it cannot be read, or the copy cannot be written.
    """
    try:
        _copy_tree(source, workspace, _others)
    except shutil.Error as error:
        first, reason = error.args[0][0][0], error.args[0][0][2]
        raise FetchError(
            f"{len(error.args[0])} files of {source} cannot be copied, such as {first}: {reason}",
            "Is there room in the volume? May UID 1000 read the files?",
        ) from error
    except OSError as error:
        raise FetchError(
            f"{source} cannot be copied: {error.filename}: {error.strerror}",
            "Is the volume mounted there, and may UID 1000 read it?",
        ) from error


def _copy_tree(source: str, volume: str, ignore: Callable[[str, list[str]], list[str]]) -> None:
    try:
        shutil.copytree(source, volume, symlinks=True, ignore=ignore, dirs_exist_ok=True)
    except shutil.Error as error:
        # The volume itself is root's, and only its group ours: its mode and times are not for us to set.
        if missed := [one for one in error.args[0] if one[0] != source]:
            raise shutil.Error(missed) from error


def _others(folder: str, names: list[str]) -> list[str]:
    """Return what is no file, folder or link."""
    return [name for name in names if not _is_ordinary(f"{folder}/{name}")]


def _is_ordinary(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def keep_origin(workspace: str, origin: str) -> None:
    """Copy the workspace as it is before the task to where no agent is, without what git keeps.

    Raises:
        FetchError: it cannot be written.
    """
    os.umask(0o022)

    def left_out(folder: str, names: list[str]) -> list[str]:
        return [".git"] if folder == workspace and ".git" in names else []

    try:
        _copy_tree(workspace, origin, left_out)
    except (shutil.Error, OSError) as error:
        raise FetchError(
            f"the workspace cannot be kept as it is, for the comparison later: {error}",
            "Is there room in the volume of the origin?",
        ) from error


def _shown(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"
