"""What a tool does with nobody there: `start.sh task`.

one       a task, and its result
many      a list of tasks: what is left of it, and what is told
pool      a way to do them: on this machine, some at a time
result    what is left of a task, as JSON
progress  how far a list is, on stderr
heard     what a tool says, passed on and kept
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.tasks import many, one
from host.tasks.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.options.task import Task
    from host.supervisor import Supervisor


def do(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: Task) -> int:
    """Do a task, or a list of them; return the exit code.

    Raises:
        HostError: it did not come to that.
        Interrupted: somebody asked for the end.
    """
    if asked.file:
        return many.do(
            checkout, supervisor, environ, asked, lambda work: Pool(work, supervisor, environ).run()
        )
    return one.do(checkout, supervisor, environ, asked)
