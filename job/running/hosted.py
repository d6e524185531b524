"""serial, in an actor that has what the others have: on such a node, and with such a core."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from job.actors.host import Host
from job.actors.timeline import with_shard
from job.actors.worker import own_place
from job.cluster import connection
from job.running.plain import PlainLoop, Ran
from job.running.serial import Serial
from job.shard.metering import Account

if TYPE_CHECKING:
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.planning.estimate import Loop, Profile
    from job.planning.layout import Layout
    from job.results.document import Facts
    from job.running.listener import Progress
    from job.shard.shard import Place

GONE_S = 30.0  # how long an ended actor's process may take to be gone


class Hosted(Serial):
    """Runs the loop of `serial` in an actor, whose startup is counted."""

    def __init__(self, subject: Subject, site: Site, layout: Layout, loop: Loop) -> None:
        """Run what is compared in one actor such as `layout` has."""
        super().__init__(subject.recipe, subject.instances, subject.plan.most_s, loop)
        self._args = subject.packed, subject.instances, loop, own_place
        self._site, self._within_s = site, subject.plan.startup_timeout_s
        self._host = Host(self.name, layout, subject)
        self._process_s = 0.0
        self._ended: list[Place] = []

    def prepare(self, profile: Profile | None) -> None:
        """Nothing is left to decide; the target is imported where it runs."""

    def start(self) -> None:
        """Request the actor, and have it make the instances.

        Raises:
            ClusterError: It was not ready in time, or lacks the target's module.
            TrialError: A constructor of the target raised, or the actor was lost.
        """
        since = time.perf_counter()
        self._place = self._host.begin(PlainLoop, *self._args, timeout_s=self._within_s)
        self._process_s = time.perf_counter() - since
        self._host.ask("start", self._within_s)

    def work(self, progress: Progress) -> None:
        """Run the loop."""
        for made in self._host.stream("work", self._timeout_s):
            progress(made)

    def read(self) -> list[str]:
        """Return the states of the instances that were carried to their end."""
        return list(self._host.ask("read", self._timeout_s))

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return list(self._host.ask("returned", self._timeout_s))

    def facts(self) -> Facts:
        """Ask the actor what the loop took, and how fast its core is."""
        ran = Ran(*self._host.ask("account", self._timeout_s))
        account = Account(self.calls, ran.took_s, ran.cpu_s, 0.0, ran.switches)
        share = with_shard({}, self._place, account)
        share = share.model_copy(update={"core_s": self._host.ask("core_s", self._timeout_s)})
        own = {"placement": (share,), "process_s": self._process_s}
        return self._facts(ran).model_copy(update=own)

    def close(self) -> None:
        """Close the instances."""
        self._host.ask("close", self._timeout_s)

    def stop(self) -> None:
        """End the actor."""
        self._ended += self._host.end()

    def settle(self) -> None:
        """Wait until the ended actor's process is gone and its CPUs are free again."""
        ended, self._ended = self._ended, []
        if ended and not connection.wait_until_gone(ended, self._site.cluster, GONE_S):
            self._site.note(f"{self.name}: its CPUs are not free yet after {GONE_S:g} s")
