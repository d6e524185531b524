"""threads and processes: the same shards on the driver's machine, in processes of their own.

`threads` is one process with a home thread for each worker, `processes` one process for each. What
a program that uses threads has anyway, its process, is there before the clock starts; apart from
the driver's it is as fresh as those of actors, and can be ended whatever a thread does in it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from job.actors.losses import BY_ITSELF
from job.actors.worker import which_instances
from job.cluster import connection
from job.cluster.travel import sent_here
from job.errors import ALONE, TargetRaisedError, TrialError
from job.planning.estimate import STARTS
from job.planning.local import threads_of
from job.planning.placement import deal
from job.running.child import Child, EndedError, heard_from
from job.running.facts import facts_of
from job.running.tryout import PACKER, work_s
from job.shard.metering import Account, own_cores
from job.shard.returns import Returns
from job.shard.serving import host
from job.shard.shard import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.cluster.travel import Subject
    from job.planning.estimate import Profile
    from job.planning.layout import Layout
    from job.results.document import Facts
    from job.running.listener import Progress

HERE = "on the driver's machine"
STARTUP = "startup"
OUT = "leave threads out of --strategies"
LOOK_S = 0.2  # how long one wait may last: a signal is seen in between


class Local:
    """Runs a workload as shards of the driver's machine, without Ray."""

    def __init__(
        self, name: str, layout: Layout, subject: Subject, sample: Sequence[int] = ()
    ) -> None:
        """Run what is compared in so many processes; the times of `sample` are kept one by one."""
        self.name = name
        self._layout, self._subject = layout, subject
        self._sample = sorted(sample)
        self._sent = sent_here(subject.recipe)
        self._hosted: dict[Child, range] = {}
        self._places: list[Place] = []
        self._returns: Returns | None = None
        self._profile: Profile | None = None

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return self._subject.instances * self._subject.recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:
        """Decide what is left to decide, and have the process there that threads need."""
        layout, instances = self._layout, self._subject.instances
        self._profile = profile or self._profile
        if layout.threads is None:
            known = instances, layout.shards, own_cores()
            threads = threads_of(self.name, profile, *known) if profile else 1
            self._layout = replace(layout, threads=threads)
        tried = self._subject.tried.returned_bytes if self._subject.tried else ()
        recipe = self._subject.recipe
        self._returns = Returns(recipe, max((1, *tried))) if recipe.bring else None
        if self.name == "threads":
            self._begin()

    def start(self) -> None:
        """Start the processes, and wait until every one has made its instances.

        Raises:
            ClusterError: The target cannot be imported there.
            TrialError: A constructor of the target raised, or ended its process, or took too long.
        """
        if not self._hosted:
            self._begin()
        within = self._subject.plan.startup_timeout_s
        address = connection.driver_address()
        places = [Place(*each) for each in self._ask("ready", STARTUP, within)]
        self._places = [each._replace(address=address) for each in places]

    def work(self, progress: Progress) -> None:
        """Have all calls made, batch by batch.

        Raises:
            TrialError: A call raised, a process ended, or the time was up.
        """
        start = STARTS[self.name]
        within = work_s(self._subject, self._layout, self._profile, own_cores(), start)
        until, more = time.monotonic() + within, list(self._hosted)
        while more:
            more = self._advance(more, progress, until, within)
            if self._returns:  # while all stand still
                self._returns.digest()

    def read(self) -> list[str]:
        """Return the states, collected in chunks."""
        within = self._subject.plan.most_s
        states: dict[Child, list[str]] = {child: [] for child in self._hosted}
        more = list(self._hosted)
        while more:
            for child in more:
                child.tell(("read", (len(states[child]),)))
            for child in more:
                states[child] += self._heard(child, "read", within)
            more = [c for c in more if len(states[c]) < len(self._hosted[c])]
        return [state for child in self._hosted for state in states[child]]

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return self._returns.texts(range(self._subject.instances)) if self._returns else []

    def facts(self) -> Facts:
        """Ask the processes what their calls took."""
        told = self._ask("account", "account", self._subject.plan.most_s, self._sample)
        accounts, deals = [Account(*each) for each in told], list(self._hosted.values())
        found = facts_of(accounts, self._places, deals, self._layout, self._sample)
        workers = self._layout.threads if self.name == "threads" else len(deals)
        return found.model_copy(update={
            "processes": len(deals),
            "cpus": float(own_cores()),
            "aside_s": self._returns.aside.wall_s if self._returns else 0.0,
            "settings": {"workers": workers} | found.settings,
        })  # fmt: skip

    def stop(self) -> None:
        """End the processes, and what the target has started there."""
        hosted, self._hosted = self._hosted, {}
        for child in hosted:
            child.end()

    def settle(self) -> None:
        """Nothing is left once they are ended."""

    def _begin(self) -> None:
        """Start the processes, and have them import the target."""
        deals = deal(self._subject.instances, self._layout.shards)
        threads = self._layout.threads or 1
        # As Ray and joblib do it: processes that have all cores each are in each other's way.
        native = max(1, own_cores() // len(deals)) if self.name == "processes" else 0
        for numbers in deals:
            args = self._sent, numbers, threads, PACKER
            self._hosted[Child(host, *args, native_threads=native)] = numbers
        for child in self._hosted:
            self._heard(child, STARTUP, self._subject.plan.startup_timeout_s)

    def _ask(self, method: str, doing: str, within_s: float, *args: object) -> list[Any]:
        """Return what a method returns in each of the processes."""
        for child in self._hosted:
            child.tell((method, args))
        return [self._heard(child, doing, within_s) for child in self._hosted]

    def _advance(
        self, children: Sequence[Child], progress: Progress, until: float, within_s: float
    ) -> list[Child]:
        """Have batches made, and return who has calls left once all stand still.

        They do so when none is left, or when the driver is to digest what calls returned.
        """
        waiting, paused = list(children), list[Child]()
        for child in waiting:
            child.tell(("advance", ()))
        while waiting:
            ready = heard_from(waiting, LOOK_S)
            if not ready:
                progress(0)  # so that something is said while calls take long
            if time.monotonic() > until:
                raise self._late(waiting[0], "work", within_s)
            for child in ready:
                made = self._take(self._heard(child, "work", within_s))
                progress(made)
                if not made:
                    waiting.remove(child)
                elif self._returns and self._returns.is_full:
                    waiting.remove(child)
                    paused.append(child)
                else:
                    child.tell(("advance", ()))
        return paused

    def _take(self, answer: Any) -> int:  # noqa: ANN401 - with what calls returned, or without
        return self._returns.hold_batch(answer) if self._returns else int(answer)

    def _heard(self, child: Child, doing: str, within_s: float) -> Any:  # noqa: ANN401 - anything
        """Return the next answer of a process; raise what it raised."""
        until = time.monotonic() + within_s
        while True:
            try:
                answer, error = child.hear(LOOK_S)
            except TimeoutError:
                if time.monotonic() > until:
                    raise self._late(child, doing, within_s) from None
            except EndedError as ended:
                message = f"{self.name}: {self._which(child)} {ended} in {doing}"
                raise TrialError(message, BY_ITSELF) from None
            else:
                break
        if isinstance(error, TargetRaisedError):
            way_out = OUT if self.name == "threads" else ALONE
            raise error.told(self.name, HERE, self._layout.threads, way_out) from None
        if error:
            raise error
        return answer

    def _late(self, child: Child, doing: str, within_s: float) -> TrialError:
        message = f"{self.name}: {doing} took longer than {within_s:g} s in {self._which(child)}"
        option = "--startup-timeout" if doing == STARTUP else "--timeout"
        return TrialError(message, f"Allow more with {option}, or ask for less work.")

    def _which(self, child: Child) -> str:
        numbers = self._hosted[child]
        return f"the process of {which_instances(numbers[0], numbers[-1])}"
