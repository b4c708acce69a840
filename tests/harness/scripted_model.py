"""The scripted model server, seen from outside."""

import json
from dataclasses import dataclass
from typing import Any

from tests.harness.engine import docker, logs


@dataclass
class Model:
    """A scripted model server in the sandbox's network."""

    name: str

    @property
    def url(self) -> str:
        return f"http://{self.name}:8000/v1"

    def requests(self) -> list[dict[str, Any]]:
        """Return what it logged, one entry for each request; tracebacks of clients that hung up are none."""
        return [json.loads(line) for line in logs(self.name).splitlines() if line.startswith("{")]

    def completions(self) -> list[dict[str, Any]]:
        """Return those that asked the model for its next message, by whichever API."""
        asked = [request for request in self.requests() if request.get("api") and request["model"]]
        return [request for request in asked if request["answered"] != "count"]

    def listens(self) -> bool:
        # 0A is LISTEN and 1F40 is port 8000 in proc_net(5).
        table = docker("exec", self.name, "cat", "/proc/net/tcp", check=False)
        return ":1F40 00000000:0000 0A" in table
