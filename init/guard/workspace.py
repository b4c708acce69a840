"""The workspace as a search sees it: where a path in it leads, and what a file holds.

This is the one place that resolves paths. Nothing is read by way of a link; a link's target is looked at in
the place where it is.
"""

from __future__ import annotations

import errno
import os
import stat

from init.guard.budget import MAX_FOLDERS_KNOWN, MAX_LINKS, MAX_PATH
from init.guard.snapshot import content, enter, parents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from contextlib import AbstractContextManager

    from init.guard.budget import Budget

# To list a folder and what is in it.
_TO_READ = 0o500
# Characters of a place outside that are kept: its end, after a sign that makes it no place of the system.
MAX_SHOWN = 200
# Links whose end is kept: 40 MB, if their paths are as long as they may be.
MAX_KNOWN = 10_000

# What readlink(2) says of what is no link, or not there.
_NO_LINK = (errno.EINVAL, errno.ENOENT, errno.ENOTDIR)
# And stat(2).
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class LeadsOut(Exception):  # noqa: N818 - not an error, but an answer
    """A path leaves the workspace, if only to come back: outside, names mean other things on the host.

    Args:
        place: where to, as far as it is known.
        link: the first link on the way; "" if there is none.
    """

    def __init__(self, place: str, link: str = "") -> None:
        super().__init__(place)
        self.place = place if len(place) <= MAX_SHOWN else f"…{place[-MAX_SHOWN:]}"
        self.link = link


class DeadEnd(Exception):  # noqa: N818 - as above
    """A path leads through more links than any program follows."""


class Workspace:
    """A folder that is searched. All paths are relative to it, "" is the folder itself.

    Args:
        path: the folder.
        budget: what the search may take.
        locked: folders that could not be read before the session; the others the agent may have locked.

    Raises:
        OSError: it is none, or cannot be read.
    """

    def __init__(self, path: str, budget: Budget, locked: Container[str] = ()) -> None:
        self.path = os.path.realpath(path)
        self.budget, self.locked = budget, locked
        self.top = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Links by which what a file names leaves the workspace, and where to.
        self.left: dict[str, str] = {}
        # Where each link ends, so that none is walked twice.
        self._ends: dict[str, tuple[str, int] | LeadsOut] = {}
        # Links that led too far when so many had been followed before.
        self._too_far: dict[str, int] = {}

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.top)

    def scan(self, folder: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        """Return what is in a folder, as os.scandir does."""
        try:
            return os.scandir(f"{self.path}/{folder}")
        except PermissionError:
            self._let_in(folder)
            return os.scandir(f"{self.path}/{folder}")

    def _let_in(self, folder: str) -> None:
        """Open a folder that the agent has locked during the session.

        Raises:
            OSError: it was locked before, or is not ours to open.
        """
        if not self._rights(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        os.close(enter(self.top, folder, _TO_READ))

    def _rights(self, folder: str) -> int:
        """Return what we let ourselves do in a folder: after the session, but where it was locked before."""
        locked = self.locked and any(place in self.locked for place in (folder, *parents(folder)))
        return _TO_READ if self.budget.again and not locked else 0

    def miss(self, path: str) -> None:
        """Note a place that cannot be looked at."""
        self.budget.miss(path[:MAX_PATH], barred=self._bars(path))

    def _bars(self, path: str) -> bool:
        """Tell whether a path is in another user's folder that is closed to us: no agent writes there."""
        for place in (path, *parents(path)):
            full = f"{self.path}/{place}"
            try:
                status = os.stat(full, follow_symlinks=False)
            except PermissionError:
                continue
            except OSError:
                return False
            foreign = stat.S_ISDIR(status.st_mode) and status.st_uid != os.geteuid()
            return foreign and not any(os.access(full, right) for right in (os.R_OK, os.W_OK, os.X_OK))
        return False

    def enter(self, folder: str) -> int:
        """Open a folder, by way of no link; the caller closes it."""
        return enter(self.top, folder, self._rights(folder))

    def read(self, path: str, limit: int) -> tuple[os.stat_result, bytes | None]:
        """Return a file's status, and its content or a link's target.

        The content is None if there is none, if it has more bytes than the limit, or cannot be read.

        Raises:
            OSError: there is no such file, or no way to it but by a link.
        """
        folder, _, name = path.rpartition("/")
        here = self.enter(folder)
        try:
            return os.stat(name, dir_fd=here, follow_symlinks=False), content(here, name, limit)
        finally:
            os.close(here)

    def resolve(self, value: str, folder: str = "") -> str:
        """Return where a path ends that is seen from a folder; what is not there is taken as it is written.

        Raises:
            LeadsOut: in another place than the workspace.
            DeadEnd: nowhere.
        """
        return self._walk(folder, value, 0)[0]

    def _walk(self, folder: str, value: str, followed: int) -> tuple[str, int]:
        """Go along a path; return where it ends, and how many links were followed to there."""
        here, names = folder, value.split("/")
        if value.startswith("/"):
            here, names = "", self._below(names, value)
        # What takes longer than to look up: a hostile path has 2,000 names.
        self.budget.step(len(names))
        for number, name in enumerate(names):
            if name in ("", "."):
                continue
            if name == "..":
                if not here:
                    raise LeadsOut("/".join(names[number:]))
                here = here.rpartition("/")[0]
                continue
            path = f"{here}/{name}" if here else name
            target = self._link(path)
            if target is None:
                here = path
            else:
                here, more = self._end(path, here, target, followed)
                followed += more
        return here, followed

    def _below(self, names: list[str], value: str) -> list[str]:
        """Return what an absolute path has below the workspace's own."""
        names = [name for name in names if name not in ("", ".")]
        own = self.path.split("/")[1:]
        if names[: len(own)] != own:
            raise LeadsOut(value)
        return names[len(own) :]

    def _link(self, path: str) -> str | None:
        """Return what a path is a link to; None if it is no link."""
        try:
            return os.readlink(f"{self.path}/{path}")
        except OSError as error:
            if error.errno not in _NO_LINK:
                self.miss(path)
            return None

    def _end(self, path: str, folder: str, target: str, followed: int) -> tuple[str, int]:
        """Return where a link ends, and through how many links; itself is one."""
        if len(self._ends) + len(self._too_far) >= MAX_KNOWN:
            self._ends.clear()
            self._too_far.clear()
        limit = self._too_far.get(path, MAX_LINKS)
        end = self._ends.get(path)
        if followed >= limit:
            raise DeadEnd(path)
        if end is None:
            try:
                place, count = self._walk(folder, target, followed + 1)
                end = place, count - followed
            except DeadEnd:
                self._too_far[path] = followed
                raise
            except LeadsOut as out:
                end = LeadsOut(out.place, path)
            self._ends[path] = end
        if isinstance(end, LeadsOut):
            raise LeadsOut(end.place, path)
        if followed + end[1] > MAX_LINKS:
            raise DeadEnd(path)
        return end

    def inside(self, value: str, folder: str = "") -> str | None:
        """Return where a path that a file names ends in the workspace; None where it leads out."""
        if not self.budget.leads.take() or len(value) >= MAX_PATH or "\0" in value:
            self.budget.miss(f"{folder}/{value}"[:MAX_PATH])
            return None
        try:
            return self.resolve(value, folder)
        except LeadsOut as out:
            if out.link:
                self.left[out.link] = out.place
            return None
        except DeadEnd:
            return None

    def places(self, folder: str, value: str) -> tuple[str, ...]:
        """Return where a path, seen from a folder, may lead in the workspace; nothing if it leads out.

        One that the user's machine reads may go through folders that are not in the container. Then each end
        of it counts that is there: the longer ones may be there to draw us away from the true one.
        """
        place = self.inside(value, folder)
        if place is not None:
            return (place,)
        parts = value.split("/", 32)
        ends = (
            self.inside("/".join(parts[at:]).lstrip("/"))
            for at in range(1, len(parts))
            if self.budget.leads.left >= 0
        )
        return tuple(dict.fromkeys(end for end in ends if end and self.exists(end)))

    def is_store(self, folder: str) -> bool:
        """Tell whether a folder has what git wants to see in a repository besides its HEAD."""
        return self.exists(f"{folder}/objects") or self.exists(f"{folder}/commondir")

    def exists(self, path: str) -> bool:
        """Tell whether something is there, if only a link that leads nowhere."""
        return self._mode(path, follow=False) != 0

    def is_folder(self, path: str) -> bool:
        """Tell whether a path leads to a folder."""
        return stat.S_ISDIR(self._mode(path))

    def is_file(self, path: str) -> bool:
        """Tell whether a path leads to a file."""
        return stat.S_ISREG(self._mode(path))

    def _mode(self, path: str, *, follow: bool = True) -> int:
        """Return the type and the permissions of what is there; 0 if nothing is, or it cannot be told."""
        full, folder = f"{self.path}/{path}", path.rpartition("/")[0]
        try:
            try:
                return os.stat(full, follow_symlinks=follow).st_mode
            except PermissionError:
                self._let_in(folder)
                return os.stat(full, follow_symlinks=follow).st_mode
        except PermissionError:
            self.miss(folder)
        except OSError as error:
            if error.errno not in _NOTHING:
                self.miss(path)
        except ValueError:
            # A NUL, which only an index can have in a name.
            self.budget.miss(path[:MAX_PATH])
        return 0


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return the folders that paths are in; a hostile path has 2,000, and so may each of 5,000 have."""
    found: set[str] = set()
    for path in paths:
        for folder in parents(path):
            if folder in found or len(found) == MAX_FOLDERS_KNOWN:
                break
            found.add(folder)
    return found
