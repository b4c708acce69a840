"""Root over the folders of the tests, which whoever runs the tests may not be."""

import os
import subprocess
import uuid
from functools import cached_property
from pathlib import Path
from typing import NoReturn, Self

from tests.harness.engine import docker

# It ends with the stdin that the test process holds, so also where that was killed.
STAY = ("/bin/sh", "-c", "echo ready; exec cat")


class Superuser:
    """Runs commands as root over one folder: in one container, since the engine may be anywhere.

    It is started when first needed, and ends with the block. To give files away needs none, where we are
    root and the engine numbers users as we do.

    Args:
        image: the image that the container is of.
        folder: what it sees of the host's files.
    """

    def __init__(self, image: str, folder: Path) -> None:
        self.image, self.folder = image, folder
        self.client: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.client is not None:
            self.client.communicate(timeout=60)

    @cached_property
    def is_us(self) -> bool:
        """Tell whether we are root for the engine too, which in a user namespace has numbers of its own."""
        if os.geteuid() != 0:
            return False
        security = docker("info", "--format", "{{json .SecurityOptions}}", check=False)
        return security.startswith("[") and "name=userns" not in security and "name=rootless" not in security

    @cached_property
    def container(self) -> str:
        """The container's name; it is started when first asked for."""
        name = f"sandbox-test-root-{uuid.uuid4().hex[:8]}"
        options = (
            "--rm", "--interactive", f"--name={name}", "--user=0", "--network=none",
            "-v", f"{self.folder}:/folder", f"--entrypoint={STAY[0]}",
        )  # fmt: skip
        self.client = subprocess.Popen(
            ["docker", "run", *options, self.image, *STAY[1:]], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.client.stdout is not None
        if self.client.stdout.readline() != "ready\n":
            raise AssertionError(f"no container to be root in: {self.client.communicate()[1]}")
        return name

    def run(self, folder: Path, *command: str) -> str:
        """Run a command in a folder below ours; return what it wrote."""
        place = f"/folder/{folder.relative_to(self.folder)}"
        return docker("exec", "--workdir", place, self.container, *command)

    def own(self, owner: str, folder: Path, *names: str) -> None:
        """Give what a folder has by these names, and all below it, to UID:GID; links are not followed."""
        if self.is_us:
            uid, gid = map(int, owner.split(":"))
            for name in names:
                _give(folder / name, uid, gid)
        else:
            self.run(folder, "chown", "-hR", owner, *names)

    def owner(self, path: Path) -> str:
        """Return UID:GID of a path, without following a link; its folder may be closed to us."""
        try:
            status = path.lstat()
        except PermissionError:
            return self.run(path.parent, "stat", "--format=%u:%g", "--", path.name)
        return f"{status.st_uid}:{status.st_gid}"

    def give_back(self, folder: Path) -> None:
        """Let the user who runs the tests remove a folder, as root may anyway."""
        if os.geteuid() != 0:
            self.run(folder, "chown", "-hR", f"{os.getuid()}:{os.getgid()}", ".")
            self.run(folder, "chmod", "-R", "u+rwX", ".")


def _give(top: Path, uid: int, gid: int) -> None:
    os.lchown(top, uid, gid)
    if top.is_symlink() or not top.is_dir():
        return
    for folder, folders, files in os.walk(top, onerror=_fail):
        for name in (*folders, *files):
            os.lchown(Path(folder, name), uid, gid)


def _fail(error: OSError) -> NoReturn:
    raise error
