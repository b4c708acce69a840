"""A list of tasks on a Kubernetes cluster: `start.sh task --on kubernetes`.

run            the way to do what is left of a list: collected, begun, watched, removed
source         what each task's pod fetches
creation       a run begun
kustomization  what it is made of
collecting     results kept
local          a result made into a copy on this machine
watching       why tasks do not come to run
removal        what is left in the cluster
state          what the next call has to know
jobs, pods     what their status says
payload        a result in the lines of a log
kubectl        how it is called, and what its errors mean
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from host import engine
from host.errors import HostError
from host.kubernetes.kubectl import reached
from host.kubernetes.run import ClusterRun
from host.tasks import many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.checkout import Checkout
    from host.options.task import ClusterTask
    from host.supervisor import Supervisor
    from host.tasks.many import Work
    from host.tasks.result import Result


def do(checkout: Checkout, supervisor: Supervisor, environ: Mapping[str, str], asked: ClusterTask) -> int:
    """Do a list of tasks on a cluster; return 0 if all of it has ended well, else 1.

    Raises:
        HostError: it cannot be done.
        Interrupted: somebody asked for the end: what runs in the cluster runs on.
    """
    # First, for it takes no time where there is none.
    kubectl = reached(supervisor, environ, checkout.caller, asked.cluster.context)
    try:
        engine.reach(supervisor, environ)
    except HostError as error:
        needs = "The list is read by the image on this machine, and results become copies here."
        raise HostError(error.what, needs, *error.todo) from error

    def way(work: Work) -> dict[str, Result]:
        workspace = work.maker.configuration.workspace
        if workspace is None:
            raise HostError("no folder of this machine is the workspace: results would have no place.")
        return ClusterRun(work, kubectl, asked.cluster, Path(os.path.realpath(workspace))).done()

    return many.do(checkout, supervisor, environ, asked, way)
