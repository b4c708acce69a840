#!/usr/bin/env python3
"""What npm leaves undone in package-lock.json: `npm_lock.py forget FILE` before it, then `complete`, `check`.

``npm ci`` refuses a lock that lacks any optional dependency, even one for another operating system, and a
registry may lack some of them. So what npm could not add is added here, without an integrity hash: it can
never be installed by accident, since the image's build takes no package without one.

npm leaves an entry without a hash as it is, however often it runs. So these are taken out first: where the
registry has them by now, npm adds them with their hashes.

Where a range leaves npm a choice, it locks the newest version whose ``engines`` fit the Node.js that it runs
under. So package.json has exact versions, and what was locked is compared with them.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

OS = {"windows": "win32"}
CPU = {"aarch64": "arm64"}
PLATFORM = re.compile(r"(linux|darwin|windows|win32|freebsd)-(x64|arm64|aarch64)")
EXACT = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")


def main(verb: str, path: Path) -> None:
    """Rewrite a lock, or check that it has what the package.json beside it asks for.

    Args:
        verb: forget, complete or check.
        path: the lock.

    Raises:
        SystemExit: the check failed; says what to do.
    """
    lock = json.loads(path.read_text())
    if verb == "check":
        wanted = json.loads((path.parent / "package.json").read_text())["dependencies"]
        if found := faults(wanted, lock["packages"]):
            sys.exit("\n".join(f"error: {path}: {fault}" for fault in found))
        return
    lock["packages"] = {"forget": forget, "complete": complete}[verb](lock["packages"])
    path.write_text(json.dumps(lock, indent=2) + "\n")


def forget(packages: dict[str, Any]) -> dict[str, Any]:
    """Return the packages that have a hash, and those that need none: the root, links, parts of others."""
    needless = ("link", "inBundle")
    return {
        place: package
        for place, package in packages.items()
        if not place or "integrity" in package or any(map(package.get, needless))
    }


def complete(packages: dict[str, Any]) -> dict[str, Any]:
    """Return the packages, with the optional ones of other platforms that the registry did not serve."""
    added = {}
    for package in packages.values():
        for name, version in package.get("optionalDependencies", {}).items():
            place, platform = f"node_modules/{name}", PLATFORM.search(name)
            if place in packages or platform is None:
                continue
            system, cpu = platform.groups()
            added[place] = {
                "version": version,
                "optional": True,
                "os": [OS.get(system, system)],
                "cpu": [CPU.get(cpu, cpu)],
                **({"libc": ["musl"]} if "musl" in name else {}),
            }
    return dict(sorted({**packages, **added}.items()))


def faults(wanted: dict[str, str], packages: dict[str, Any]) -> list[str]:
    """Return what is wrong: a version that is not exact, or that the lock does not have."""
    found = []
    for name, version in wanted.items():
        locked = packages.get(f"node_modules/{name}", {}).get("version", "nothing")
        if not EXACT.fullmatch(version):
            found.append(f"package.json asks for {name} {version!r}: write one exact version there")
        elif locked != version:
            found.append(
                f"package.json asks for {name} {version}, the lock has {locked}: run scripts/lock.sh"
            )
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
