#!/usr/bin/env python3
"""Name in package-lock.json the optional packages of other platforms that the registry did not serve.

``npm ci`` refuses a lock that lacks any optional dependency, even one for another operating system, and a
registry may lack some of them. An entry added here has no integrity hash, so it can never be installed by
accident: the image's build refuses every installed package without one.
"""

import json
import re
import sys
from pathlib import Path

OS = {"windows": "win32"}
CPU = {"aarch64": "arm64"}
PLATFORM = re.compile(r"(linux|darwin|windows|win32|freebsd)-(x64|arm64|aarch64)")


def main(path: Path) -> None:
    lock = json.loads(path.read_text())
    packages = lock["packages"]
    for package in list(packages.values()):
        for name, version in package.get("optionalDependencies", {}).items():
            platform = PLATFORM.search(name)
            if f"node_modules/{name}" in packages or platform is None:
                continue
            system, cpu = platform.groups()
            entry = {
                "version": version,
                "optional": True,
                "os": [OS.get(system, system)],
                "cpu": [CPU.get(cpu, cpu)],
            }
            if "musl" in name:
                entry["libc"] = ["musl"]
            packages[f"node_modules/{name}"] = entry
    lock["packages"] = dict(sorted(packages.items()))
    path.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
