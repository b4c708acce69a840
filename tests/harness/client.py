"""A configuration of Docker's client, of a test's own."""

import json
import os
from pathlib import Path


def giving_a_proxy(folder: Path, proxy: str, **more: str) -> dict[str, str]:
    """Make a configuration that gives every container this proxy; return the variable that names it.

    All else is as in the configuration of whoever runs the tests, for the engine may be named there.
    """
    theirs = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    folder.mkdir()
    for entry in theirs.iterdir() if theirs.is_dir() else ():
        if entry.name != "config.json":
            (folder / entry.name).symlink_to(entry.absolute())
    content = json.loads((theirs / "config.json").read_text()) if (theirs / "config.json").exists() else {}
    content["proxies"] = {"default": {"httpProxy": proxy, "httpsProxy": proxy, **more}}
    (folder / "config.json").write_text(json.dumps(content))
    return {"DOCKER_CONFIG": str(folder)}
