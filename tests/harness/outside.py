"""A process that shares all of the host's namespaces: what nothing in a sandbox may see or reach."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.harness.engine import docker, logs
from tests.harness.subject import Subject
from tests.harness.waiting import wait_for

# All that a container can share with the host.
HOST = ("--pid=host", "--network=host", "--ipc=host", "--uts=host", "--cgroupns=host")


@dataclass(frozen=True)
class Outside:
    """A process in all of the host's namespaces, that can be found by its marker."""

    marker: str
    port: int
    namespaces: dict[str, str]
    hostname: str


@contextmanager
def running_outside(weakened: Subject) -> Iterator[Outside]:
    """Run attacks/outside.py in a container that shares all with the host, wherever the engine is."""
    marker = f"conformance-{uuid.uuid4().hex}"
    there = replace(weakened, options=(*weakened.options, *HOST))
    container = there.start(f"exec /usr/bin/python3 -I /attacks/outside.py marker={marker}")
    try:
        wait_for(lambda: logs(container)[:1] == "{", lambda: f"what is outside: {logs(container)}")
        told = json.loads(logs(container))
        yield Outside(marker, told["port"], told["namespaces"], told["hostname"])
    finally:
        docker("rm", "--force", container, check=False)
