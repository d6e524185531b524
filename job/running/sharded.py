"""actors and sharded: the same remote class at different points of two knobs.

How many instances share an actor, and how many calls share a remote call: `actors` is (1, 1).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from job.actors.fleet import Fleet
from job.actors.killer import Killer, check_victims
from job.cluster import connection
from job.planning.estimate import Profile, threads_for
from job.planning.placement import deal, fit
from job.running.facts import facts_of
from job.running.tryout import work_deadline_s
from job.shard.metering import Account
from job.workload.chaos import parse_chaos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.planning.layout import Layout
    from job.results.document import Facts
    from job.running.listener import Progress
    from job.shard.shard import Place

SCOUTED = 3  # instances whose first calls tell how much calls wait
NOTHING = Account(0, 0.0, 0.0, 0.0, 0)  # what is known of an actor that died after its work
GONE_S = 30.0  # how long the processes of ended actors may take to be gone


class Sharded:
    """Runs a workload as actors that host a shard each; `fleet` are those of the last trial."""

    def __init__(
        self, name: str, layout: Layout, subject: Subject, site: Site, sample: Sequence[int] = ()
    ) -> None:
        """Run what is compared at the point `layout` of the two knobs.

        The times of the instances of `sample` are kept one by one.

        Raises:
            UsageError: Nodes are to be killed, and there are none to be killed.
        """
        chaos = subject.plan.chaos
        self._chaos = parse_chaos(chaos) if chaos else None
        if self._chaos:
            check_victims(self._chaos, site.cluster)
        self.name = name
        self._largest = -(-subject.instances // layout.shards)
        self._undecided = layout.threads is None
        self._layout = replace(layout, threads=min(layout.threads or 1, self._largest))
        self._subject, self._site = subject, site
        self._sample = sorted(sample)
        self.fleet = Fleet(name, self._layout, subject, site)
        self._killer: Killer | None = None
        self._trials = 0
        self._ended: list[Place] = []
        self._driver_cpu_s = 0.0
        self._profile: Profile | None = None

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return self._subject.instances * self._subject.recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:
        """Decide how many threads a shard has, and say what the actors will have to wait for."""
        self._profile = profile or self._profile
        if self._undecided:  # once, as trials of several layouts are no trials of one
            self._undecided = False
            self._profile = self._profile or self._scout()
            threads = threads_for(self._profile, self._largest)
            self._layout = replace(self._layout, threads=threads)
        layout = self._layout
        placed = fit(layout.shards, layout.demand, connection.capacities(self._site.cluster))
        if placed.when == "later":
            self._site.note(f"{self.name}: {placed.reason}; waiting for the others to end")
        self._trials += 1
        plan = self._subject.plan
        undisturbed = plan.warmups + (plan.trials != 1)  # a trial without losses tells their price
        if self._chaos and self._trials > undisturbed:
            kills = self._chaos.kills(f"{self.name} {self._trials}")
            self._killer = Killer(kills, self._site, plan.startup_timeout_s)

    def start(self) -> None:
        """Request all actors, and wait at a barrier until every one has made its instances.

        Raises:
            ClusterError: They were not ready in time.
            TrialError: A constructor of the target raised, or ended its process.
        """
        self.fleet = Fleet(self.name, self._layout, self._subject, self._site)
        self.fleet.host(deal(self._subject.instances, self._layout.shards))

    def work(self, progress: Progress) -> None:
        """Have all calls made.

        Raises:
            TrialError: A call raised, actors died too often, or the time was up.
        """
        cpu = time.thread_time()
        within_s = work_deadline_s(
            self._subject, self._layout, self._profile, self._site.cluster.cores
        )
        self.fleet.work(progress, within_s, self._killer)
        self._driver_cpu_s = max(0.0, time.thread_time() - cpu - self.fleet.aside.cpu_s)

    def read(self) -> list[str]:
        """Return the states."""
        return self.fleet.read()

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        returns = self.fleet.returns
        return returns.texts(range(self._subject.instances)) if returns else []

    def facts(self) -> Facts:
        """Ask the actors what their calls took."""
        workers = self.fleet.workers
        accounts = self.fleet.accounts(self._sample)
        places, deals = [w.place for w in workers], [w.recovery.numbers for w in workers]
        # One actor of each node tells how fast its core is, now that nothing else runs there.
        firsts = {w.place.node_id: w for w in reversed(workers) if w.place}
        cores_s = dict(zip(firsts, self.fleet.ask(list(firsts.values()), "core_s"), strict=True))
        demand, plan = self._layout.demand, self._subject.plan
        asked = {} if demand.is_plain else {"actor_options": str(plan.actor_options)}
        return facts_of(
            accounts, places, deals, self._layout, self._sample, cores_s,
            {"cpus_per_actor": demand.cpus}, asked,
            actors=len(workers),
            cpus=min(self.fleet.spawner.cpus(), float(len(workers))),
            driver_cpu_s=self._driver_cpu_s,
            aside_s=self.fleet.aside.wall_s,
            deaths=tuple(self.fleet.losses.all),
            timeline=tuple(self.fleet.timeline.stretches),
        )  # fmt: skip

    def close(self) -> None:
        """Close the instances; an actor that is lost meanwhile has told all that it had to tell."""
        self.fleet.ask(self.fleet.workers, "close")

    def stop(self) -> None:
        """End the actors."""
        self._ended += self.fleet.end()
        if self._killer:
            self._killer.end()
            self._killer = None

    def settle(self) -> None:
        """Wait until the ended actors' processes are gone and their CPUs are free again."""
        ended, self._ended = self._ended, []
        if ended and not connection.wait_until_gone(ended, self._site.cluster, GONE_S):
            self._site.note(f"{self.name}: its CPUs are not free yet after {GONE_S:g} s")

    def _scout(self) -> Profile:
        """Time the first calls of a few instances on one actor, where no serial loop did."""
        first = range(min(self._subject.instances, SCOUTED))
        layout = replace(self._layout, calls_per_batch=None)
        try:
            self.fleet = Fleet(self.name, layout, self._subject, self._site)
            self.fleet.host([first])
            self.fleet.ask(self.fleet.workers, "advance")
            (account,) = self.fleet.ask(self.fleet.workers, "account")
            if self._subject.recipe.close:
                self.close()
        finally:
            self.stop()
        self.settle()
        found = account or NOTHING
        return Profile(found.calls, found.wall_s, found.cpu_s, found.switches)
