"""threads and processes: the same shards on the driver's machine, in processes of their own.

`threads` is one process with a home thread for each worker, `processes` one process for each. What
a program that uses threads has anyway, its process, is there before the clock starts; apart from
the driver's it is as fresh as those of actors, and can be ended whatever a thread does in it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from job.actors.losses import BY_ITSELF
from job.actors.worker import which_instances
from job.cluster import connection
from job.cluster.travel import sent_here
from job.errors import ALONE, TargetRaisedError, TrialError
from job.planning.placement import deal
from job.running.child import LOOK_S, PACKER, Child, EndedError, heard_from
from job.running.facts import facts_of
from job.running.tryout import work_deadline_s
from job.shard.metering import own_cores
from job.shard.returns import Returns
from job.shard.serving import host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.cluster.travel import Subject
    from job.planning.estimate import Profile
    from job.planning.layout import Layout
    from job.results.document import Facts
    from job.running.listener import Progress
    from job.shard.shard import Place

HERE = "on the driver's machine"
STARTUP = "startup"
OUT = "leave threads out of --strategies"


class Limit(NamedTuple):
    """What is waited for, and until when by the monotonic clock."""

    doing: str
    within_s: float
    until: float


class Local:
    """Runs a workload as shards of the driver's machine, without Ray."""

    def __init__(
        self, name: str, layout: Layout, subject: Subject, sample: Sequence[int] = ()
    ) -> None:
        """Run what is compared in so many processes; the times of `sample` are kept one by one."""
        self.name = name
        self._layout, self._subject = layout, subject
        self._sample = sorted(sample)
        self._sent, self._cores = sent_here(subject.recipe), own_cores()
        self._hosted: dict[Child, range] = {}
        self._places: list[Place] = []
        self._returns: Returns | None = None
        self._profile: Profile | None = None

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return self._subject.instances * self._subject.recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:
        """Have the process there that threads need."""
        subject = self._subject
        self._profile = profile or self._profile
        bring = subject.recipe.bring
        self._returns = Returns(subject.recipe, subject.value_bytes) if bring else None
        if self.name == "threads":
            self._begin(self._limit(STARTUP))

    def start(self) -> None:
        """Start the processes, and wait until every one has made its instances.

        Raises:
            UsageError: The target cannot be imported there.
            TrialError: A constructor of the target raised, or ended its process, or took too long.
        """
        limit, address = self._limit(STARTUP), connection.driver_address()
        if not self._hosted:
            self._begin(limit)
        self._places = [p._replace(address=address) for p in self._ask("ready", limit)]

    def work(self, progress: Progress) -> None:
        """Have all calls made, batch by batch.

        Raises:
            TrialError: A call raised, a process ended, or the time was up.
        """
        limit, more = self._limit("work"), list(self._hosted)
        while more:
            more = self._advance(more, progress, limit)
            if self._returns:  # while all stand still
                since = time.monotonic()
                self._returns.digest()
                limit = limit._replace(until=limit.until + time.monotonic() - since)

    def read(self) -> list[str]:
        """Return the states, collected in chunks."""
        limit = self._limit("read")
        states: dict[Child, list[str]] = {child: [] for child in self._hosted}
        more = list(self._hosted)
        while more:
            for child in more:
                child.tell(("read", (len(states[child]),)))
            for child in more:
                states[child] += self._heard(child, limit)
            more = [c for c in more if len(states[c]) < len(self._hosted[c])]
        return [state for child in self._hosted for state in states[child]]

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return self._returns.texts(range(self._subject.instances)) if self._returns else []

    def facts(self) -> Facts:
        """Ask the processes what their calls took."""
        accounts = self._ask("account", self._limit("account"), self._sample)
        deals = list(self._hosted.values())
        workers = self._layout.threads if self.name == "threads" else len(deals)
        return facts_of(
            accounts, self._places, deals, self._layout, self._sample, {}, {"workers": workers},
            actors=0,
            processes=len(deals),
            cpus=float(self._cores),
            aside_s=self._returns.aside.wall_s if self._returns else 0.0,
        )  # fmt: skip

    def close(self) -> None:
        """Close the instances."""
        self._ask("close", self._limit("close"))

    def stop(self) -> None:
        """End the processes, and what the target has started there."""
        hosted, self._hosted = self._hosted, {}
        for child in hosted:
            child.end()

    def settle(self) -> None:
        """Nothing is left once they are ended."""

    def _begin(self, limit: Limit) -> None:
        """Start the processes, and have them import the target."""
        deals = deal(self._subject.instances, self._layout.shards)
        # As Ray and joblib do it: processes that have all cores each are in each other's way.
        native = max(1, self._cores // len(deals)) if self.name == "processes" else 0
        for numbers in deals:
            self._hosted[Child(native_threads=native)] = numbers
        for child, numbers in self._hosted.items():
            child.begin(host, self._sent, numbers, self._layout.threads or 1, PACKER)
        for child in self._hosted:
            self._heard(child, limit)

    def _ask(self, method: str, limit: Limit, *args: object) -> list[Any]:
        """Return what a method returns in each of the processes."""
        for child in self._hosted:
            child.tell((method, args))
        return [self._heard(child, limit) for child in self._hosted]

    def _advance(self, children: Sequence[Child], progress: Progress, limit: Limit) -> list[Child]:
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
            for child in ready:
                made = self._take(self._heard(child, limit))
                progress(made)
                if not made:
                    waiting.remove(child)
                elif self._returns and self._returns.is_full:
                    waiting.remove(child)
                    paused.append(child)
                else:
                    child.tell(("advance", ()))
            if waiting and time.monotonic() > limit.until:
                raise self._late(waiting[0], limit)
        return paused

    def _take(self, answer: Any) -> int:  # noqa: ANN401 - with what calls returned, or without
        return self._returns.hold_batch(answer) if self._returns else int(answer)

    def _heard(self, child: Child, limit: Limit) -> Any:  # noqa: ANN401 - anything
        """Return the next answer of a process; raise what it raised."""
        while True:
            try:
                answer, error = child.hear(LOOK_S)
            except TimeoutError:
                if time.monotonic() > limit.until:
                    raise self._late(child, limit) from None
            except EndedError as ended:
                message = f"{self.name}: {self._which(child)} {ended} in {limit.doing}"
                raise TrialError(message, BY_ITSELF) from None
            else:
                break
        if isinstance(error, TargetRaisedError):
            way_out = OUT if self.name == "threads" else ALONE
            raise error.told(self.name, HERE, self._layout.threads, way_out) from None
        if error:
            raise error
        return answer

    def _limit(self, doing: str) -> Limit:
        plan = self._subject.plan
        within_s = plan.startup_timeout_s if doing == STARTUP else plan.most_s
        if doing == "work":
            within_s = work_deadline_s(self._subject, self._layout, self._profile, self._cores)
        return Limit(doing, within_s, time.monotonic() + within_s)

    def _late(self, child: Child, limit: Limit) -> TrialError:
        within = f"{round(limit.within_s, 1):g} s"
        message = f"{self.name}: {limit.doing} took longer than {within} in {self._which(child)}"
        option = "--startup-timeout" if limit.doing == STARTUP else "--timeout"
        return TrialError(message, f"Allow more with {option}, or ask for less work.")

    def _which(self, child: Child) -> str:
        numbers = self._hosted[child]
        return f"the process of {which_instances(numbers[0], numbers[-1])}"
