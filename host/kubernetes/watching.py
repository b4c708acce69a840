"""Why tasks of a run do not come to run: told once, and where it does not mend itself, the end of the run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from host import answers
from host.errors import HostError
from host.kubernetes import jobs, pods
from host.kubernetes.pods import Trouble
from host.messages import printable, say

if TYPE_CHECKING:
    from host.kubernetes.jobs import Progress
    from host.kubernetes.kubectl import Kubectl

# Seconds between two looks at pods; and that all that is to run may be stuck for.
LOOK, STUCK = 10.0, 180.0
# The namespace takes no such pod: that stays so, where a quota does not.
_RULES = ("violates PodSecurity", "denied the request")


class StuckError(HostError):
    """Nothing runs, and nothing will."""


@dataclass
class Watch:
    """Looks at what does not run.

    Attributes:
        kubectl: how the cluster is asked.
        name: of the run.
        jobs: how many are to run at a time.
        clear: has the terminal free for what is told.
        told: what was told before.
        looked: when it last did.
        stuck: since when nothing runs, and will not; 0 while something does.
    """

    kubectl: Kubectl
    name: str
    jobs: int
    clear: Callable[[], None]
    told: set[str] = field(default_factory=set)
    looked: float = float("-inf")
    stuck: float = 0.0

    def look(self, progress: Progress, left: int) -> None:
        """Tell what is new.

        Args:
            progress: of the Job.
            left: how many tasks have not ended.

        Raises:
            StuckError: nothing runs, and nothing will.
            HostError: the cluster does not answer.
        """
        now = time.monotonic()
        if now - self.looked < LOOK or progress.is_over:
            return
        self.looked = now
        found = self.troubles(progress, left)
        for trouble in found:
            if trouble.reason not in self.told:
                self.told.add(trouble.reason)
                self.clear()
                say(printable(trouble.what))
                say(trouble.todo)
        lasting = [trouble for trouble in found if trouble.is_lasting]
        if progress.ready or not lasting:
            self.stuck = 0.0
            return
        self.stuck = self.stuck or now
        if now - self.stuck >= STUCK:
            raise StuckError(
                f"no task came to run for {STUCK:.0f} s: {printable(lasting[0].what)}.", lasting[0].todo
            )

    def troubles(self, progress: Progress, left: int) -> list[Trouble]:
        """Return what keeps tasks from running."""
        found = []
        if progress.active > progress.ready:
            selector = (f"--selector={pods.RUN}={self.name}", "--field-selector=status.phase=Pending")
            there = self.kubectl.json("asking for pods", "get", "pods", *selector)
            found += [one for pod in answers.entries(there, "items") if (one := pods.trouble(pod))]
        if progress.active < min(self.jobs, left):
            found += self.refused()
        return found

    def refused(self) -> list[Trouble]:
        """Return why the cluster makes no pod for the Job."""
        which = f"--field-selector=involvedObject.kind=Job,involvedObject.name={self.name}"
        try:
            events: Any = self.kubectl.json("asking for events", "get", "events", which)
        except HostError:
            # Not everybody may: then nothing is told.
            return []
        return [
            Trouble(
                f"refused {said}", f"the cluster makes no pod for a task: {said}",
                "A quota (kubectl describe quota) lets fewer run at a time than --jobs says, or none." if
                "quota" in said else "See the rules of the namespace, and your overlay.",
                is_lasting=any(rule in said for rule in _RULES),
            )
            for said in jobs.refusals(events)
        ]  # fmt: skip
