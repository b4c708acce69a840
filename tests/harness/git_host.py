"""A server of a test's own that hosts repositories, as the sandbox's network has one only by its name."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

from tests.harness.engine import IMAGE, docker, logs
from tests.harness.sandbox import PROJECT
from tests.harness.waiting import wait_for

PROBES = Path(__file__).parents[1] / "probes"


class Host:
    """An HTTPS server on the sandbox's own network, with a git repository and a registry of crates."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"{PROJECT}-host-{os.urandom(4).hex()}"
        self.certificate = folder / "host.pem"

    def start(self) -> None:
        self.folder.mkdir()
        self._run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "host.key", "-out", "host.pem", "-days", "2", "-subj", f"/CN={self.name[-12:]}",
            "-addext", f"subjectAltName=DNS:{self.name}",
        )  # fmt: skip
        (self.folder / "host.key").chmod(0o644)
        self._repository()
        self._crates()
        docker(
            "run", "--detach", "--name", self.name, "--network", f"{PROJECT}_sandbox", "--user", "65534",
            "-v", f"{PROBES}:/probes:ro", "-v", f"{self.folder}:/host:ro", "--entrypoint", "/usr/bin/python3",
            IMAGE, "-I", "/probes/file_server.py", "/host", "/host/host.pem", "/host/host.key",
        )  # fmt: skip
        wait_for(lambda: "listening" in logs(self.name), lambda: logs(self.name))

    def _run(self, *words: str) -> None:
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)

    def _repository(self) -> None:
        self._run("git", "init", "--quiet", "work")
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        self._run("git", "-C", "work", *author, "commit", "--quiet", "--allow-empty", "--message", "first")
        self._run("git", "clone", "--quiet", "--bare", "work", "repository.git")
        # For a server of files alone.
        self._run("git", "-C", "repository.git", "update-server-info")

    def _crates(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as crate:
            for name, text in (
                ("Cargo.toml", '[package]\nname = "tiny"\nversion = "1.0.0"\nedition = "2021"\n'),
                ("src/lib.rs", "pub fn one() -> u8 { 1 }\n"),
            ):
                entry = tarfile.TarInfo(f"tiny-1.0.0/{name}")
                entry.size = len(text)
                crate.addfile(entry, io.BytesIO(text.encode()))
        line = {
            "name": "tiny", "vers": "1.0.0", "deps": [], "features": {}, "yanked": False,
            "cksum": hashlib.sha256(packed.getvalue()).hexdigest(),
        }  # fmt: skip
        index = self.folder / "index"
        (index / "ti" / "ny").mkdir(parents=True)
        (index / "ti" / "ny" / "tiny").write_text(json.dumps(line) + "\n")
        files = f"https://{self.name}/{{crate}}-{{version}}.crate"
        (index / "config.json").write_text(json.dumps({"dl": files}))
        (self.folder / "tiny-1.0.0.crate").write_bytes(packed.getvalue())
