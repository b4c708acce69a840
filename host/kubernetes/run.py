"""A list of tasks on a cluster, from what the last call left to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from host.errors import HostError, Interrupted
from host.kubernetes import creation, jobs, local, removal, source, state
from host.kubernetes.collecting import Collector, settled
from host.kubernetes.kubectl import MissingError, UnreachedError
from host.kubernetes.watching import StuckError, Watch
from host.messages import printable, say
from host.tasks import result as results

if TYPE_CHECKING:
    from pathlib import Path

    from host.kubernetes.kubectl import Kubectl
    from host.kubernetes.state import State
    from host.options.cluster import Cluster
    from host.supervisor import Supervisor
    from host.tasks.many import Work
    from host.tasks.result import Result

# Seconds between two looks at the Job, and for which the cluster may not answer.
LOOK, SILENT = 3.0, 900.0


@dataclass
class ClusterRun:
    """Does what is left of a list on a cluster.

    Attributes:
        work: what is to be done.
        kubectl: of the context.
        asked: which kustomization, repository and commit.
        workspace: the user's folder.
    """

    work: Work
    kubectl: Kubectl
    asked: Cluster
    workspace: Path

    def done(self) -> dict[str, Result]:
        """Do it; return the results that are new.

        Raises:
            HostError: it cannot be done.
            Interrupted: somebody asked for the end: what runs in the cluster runs on.
        """
        found = self.settle_kept()
        before = state.read(self.work.folder)
        if before is not None:
            found.update(self.follow(before))
        left = [entry for entry in self.work.left if entry.name not in found]
        if left:
            overlay = creation.looked(self.kubectl, creation.folder(self.work, self.asked.overlay))
            fetched = source.found(self.work.maker, self.asked, self.workspace, overlay.fetches)
            kubectl = self.kubectl.of(overlay.namespace)
            begun = creation.begun(self.work, kubectl, overlay.folder, fetched, left)
            found.update(self.follow(begun))
        return found

    def settle_kept(self) -> dict[str, Result]:
        """Make copies of results that could not be made before."""
        found = {}
        for entry in self.work.entries:
            result = results.read(self.work.folder / f"{entry.name}.json")
            for kept in local.waiting(self.work.folder, entry.name):
                if result is not None:
                    found[entry.name] = result = settled(self.work, self.workspace, kept, result)
        # What failed is done again all the same.
        done = {entry.name for entry in self.work.entries} - {entry.name for entry in self.work.left}
        return {name: result for name, result in found.items() if name in done}

    def follow(self, run: State) -> dict[str, Result]:
        """See a run to its end, and remove it; return its results.

        Raises:
            HostError: it does not come to its end.
            Interrupted: somebody asked for the end; it runs on.
        """
        if self.kubectl.context and run.context and self.kubectl.context != run.context:
            raise HostError(
                f"{run.name} is in the context {printable(run.context)}, and not all of it is collected.",
                f"Collect it first: --context {run.context}",
            )
        kubectl = replace(self.kubectl, context=run.context, namespace=run.namespace)
        wanted = state.matching(run, self.work.left)
        collector = Collector(self.work, kubectl, run, wanted, self.workspace)
        try:
            self.watch(collector)
        except MissingError:
            self.work.progress.clear()
            say(f"{run.name} is not in the cluster any more: {len(wanted)} of its tasks are done anew")
        except StuckError:
            self.work.progress.clear()
            self.remove(kubectl, run)
            raise
        except (Interrupted, HostError):
            self.work.progress.clear()
            say(f"{run.name} runs on in {kubectl.where}. The same command comes back to it.")
            say(f"To end it: {removal.command(kubectl, run.name)}")
            raise
        self.remove(kubectl, run)
        return collector.found

    def watch(self, collector: Collector) -> None:
        """Collect results until there are none left.

        Raises:
            HostError: nothing more will run, or the cluster does not answer.
        """
        kubectl, run, supervisor = collector.kubectl, collector.run, collector.kubectl.supervisor
        watch = Watch(kubectl, run.name, self.work.asked.jobs, self.work.progress.clear)
        answered = time.monotonic()
        while collector.wanted:
            supervisor.check()
            try:
                progress = jobs.progress(kubectl.json("looking at the Job", "get", "job.batch", run.name))
                ended = range(len(run.tasks)) if progress.is_over else progress.ended
                collector.collect(ended, progress.why)
                watch.look(progress, len(collector.wanted))
            except UnreachedError as error:
                if time.monotonic() - answered > SILENT:
                    raise
                if "silent" not in watch.told:
                    watch.told.add("silent")
                    self.work.progress.clear()
                    say(f"{error.what} It is asked again for {SILENT / 60:.0f} minutes.")
            else:
                answered = time.monotonic()
                self.work.progress.show_what(f"{progress.ready} run, {progress.active - progress.ready} wait")
            if collector.wanted:
                rest(supervisor)
        self.work.progress.clear()

    def remove(self, kubectl: Kubectl, run: State) -> None:
        """Remove a run that is over; where that fails its own limit of time does."""
        removal.remove(kubectl, run.name)
        state.forget(self.work.folder)


def rest(supervisor: Supervisor) -> None:
    """Wait until the next look: what has ended before may cut a pause short.

    Raises:
        Interrupted: somebody asked for the end.
    """
    deadline = time.monotonic() + LOOK
    while (left := deadline - time.monotonic()) > 0:
        supervisor.pause(left)
        supervisor.check()
