"""The plain loop over all instances, wherever it runs: on the driver, or in an actor of its own.

It knows neither Ray nor pydantic: to an actor it travels by value.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from job.errors import ClusterError, StateError, UsageError
from job.planning.estimate import LEAST_SAMPLE
from job.shard import loops
from job.shard.lane import MOST_PACE, Step
from job.shard.metering import Meter, core_s, forget_peak, peak_bytes, voluntary_switches
from job.shard.recipe import close_instance, make_instance, read_state
from job.shard.returns import Aside, Returns
from job.shard.shard import Place
from job.signals import OURS
from job.workload.importing import HOW_TO_BRING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence

    from job.planning.estimate import Loop
    from job.shard.recipe import Recipe

CHUNK_S = 0.5  # calls between two looks at the clock


class Reached(NamedTuple):
    """How far a loop over all instances has come."""

    call: int  # which of the list it is at
    rounds: int  # of it, gone over all instances
    instances: int  # that have had one more


class Ran(NamedTuple):
    """What a loop took; times in seconds."""

    kept: Sequence[int]  # the numbers of the instances that were carried to their end
    each_s: tuple[float, ...]  # what each of them took, of a sample
    together_s: float  # what all instances took before
    kept_share: float  # of the work, what those took that were carried to their end
    took_s: float
    cpu_s: float
    switches: int
    preemptions: int
    elsewhere_s: float  # of the CPU time, what `Meter` found
    aside_s: float
    memory_bytes: float = 0.0  # see `peak_bytes`


class PlainLoop:
    """For each call, for each repetition, over all instances; nothing else runs in the loop.

    A sample runs instance after instance, so that each has a time of its own. A loop over all that
    passes its budget becomes one: some instances are carried to their end, one after the other.
    """

    def __init__(
        self, recipe: Recipe | bytes, instances: int, loop: Loop,
        where: Callable[[], Place] = Place.here,
    ) -> None:  # fmt: skip
        """Run so many instances in this process; `where` tells where that is.

        A recipe that is packed is unpacked once it is to be `ready`.
        """
        self._meter = Meter()  # before the target is imported
        if isinstance(recipe, bytes):
            self._sent = recipe
        else:
            self._recipe = recipe
        self._loop = loop
        self._where = where
        self._numbers: Sequence[int] = sorted(loop.order) if loop.sampled else range(instances)
        self._rounds: list[Callable[..., Any]] = []
        self._runs: list[Callable[..., Any]] = []
        self._instances: list[Any] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._each_s: dict[int, float] = {}  # of the instances of a sample
        self._together_s = 0.0  # what all instances took before
        self._took_s = self._cpu_s = self._switches = 0.0
        self._returns: Returns | None = None

    def prepare(self) -> None:
        """Import the target, where nothing has yet, and compile the loops."""
        self._recipe = recipe = self._recipe.resolve()
        self._before = [*accumulate((call.times for call in recipe.calls), initial=0)]
        self._calls = len(self._numbers) * recipe.calls_per_instance
        kinds = [(call, recipe.is_awaited(call)) for call in recipe.calls]
        self._returns = Returns(recipe) if recipe.bring else None
        if self._returns:
            takers = map(self._returns.rounds, self._before)
            self._rounds = self._runs = [
                loops.rounds(call, awaited=awaited, returns=taker)
                for (call, awaited), taker in zip(kinds, takers, strict=False)
            ]
            return
        self._rounds = [loops.rounds(call, awaited=awaited) for call, awaited in kinds]
        self._runs = [loops.run(call, awaited=awaited) for call, awaited in kinds]

    def ready(self) -> Place:
        """Unpack what was sent to an actor, prepare, and say where that is.

        Raises:
            ClusterError: The target cannot be imported here.
        """
        place, self._meter = self._where(), Meter()  # by now Ray has started its last thread
        self._recipe = pickle.loads(self._sent)  # noqa: S301 - our own driver packed it
        try:
            self.prepare()
        except UsageError as error:
            raise ClusterError(f"{error.message}, on {place.address}", HOW_TO_BRING) from None
        return place

    def start(self) -> None:
        """Make the instances."""
        forget_peak()
        self._instances = [make_instance(self._recipe, n) for n in self._numbers]
        self._meter.begin()

    def work(self) -> Iterator[int]:
        """Run the loop; yield how many calls were made since the last time."""
        self._each_s = {}
        cpu_s, switches, began = time.thread_time(), voluntary_switches(), self._now()
        until = began + self._loop.budget_s
        reached: Reached | None = Reached(0, 0, 0)
        if not self._loop.sampled:
            reached = yield from self._run_all(until)
            self._together_s = self._now() - began
        if reached:
            yield from self._run_sample(reached, until)
        self._took_s = self._now() - began
        self._cpu_s = max(0.0, time.thread_time() - cpu_s - self._aside.cpu_s)
        self._switches = voluntary_switches() - switches

    def read(self) -> list[str]:
        """Return the states of the instances that were carried to their end."""
        self._meter.end()
        known: dict[str, str] = {}  # equal states are held once
        states = (
            read_state(self._recipe, self._instance(number), number, self._event_loop)
            for number in self._kept
        )
        return [known.setdefault(state, state) for state in states]

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return self._returns.texts(self._kept) if self._returns else []

    def account(self) -> Ran:
        """Return what is known of the loop."""
        self._meter.end()
        kept = self._kept
        each_s = tuple(self._each_s[number] for number in kept) if self._each_s else ()
        kept_s = self._together_s * len(each_s) / len(self._numbers) + sum(each_s)
        return Ran(
            kept, each_s, self._together_s, kept_s / self._took_s if each_s else 1.0,
            self._took_s, self._cpu_s + self._meter.elsewhere_s, int(self._switches),
            self._meter.preemptions, self._meter.elsewhere_s, self._aside.wall_s, peak_bytes(),
        )  # fmt: skip

    def core_s(self) -> float:
        """Return what a fixed piece of Python takes on this core."""
        return core_s()

    def close(self) -> None:
        """Close all instances, those too that were not carried to their end."""
        for number, instance in zip(self._numbers, self._instances, strict=True):
            close_instance(self._recipe, instance, number, self._event_loop)

    def stop(self) -> None:
        """Let go of the instances."""
        self._instances = []
        if self._event_loop:
            self._event_loop.close()
            self._event_loop = None

    @property
    def _aside(self) -> Aside:
        """For how long the clock stood still to digest what calls returned."""
        return self._returns.aside if self._returns else Aside()

    def _now(self) -> float:
        return time.perf_counter() - self._aside.wall_s

    @property
    def _kept(self) -> Sequence[int]:
        """The numbers of the instances that were carried to their end."""
        return sorted(self._each_s) or self._numbers

    def _instance(self, number: int) -> Any:  # noqa: ANN401 - any class at all
        return self._instances[self._numbers.index(number)]

    def _run_all(self, until: float) -> Generator[int, None, Reached | None]:
        """Run the loop over all instances; return how far it came in its time, None for all of it.

        It is left now and then, after some of the instances where a round takes long.
        """
        made, whole = 0, len(self._numbers)
        for index, call in enumerate(self._recipe.calls):
            done, first, pace = 0, 0, self._first_pace(index, made)
            while done < call.times:
                size, times = min(pace, whole - first), 1
                if size == whole:
                    times = min(pace // whole, call.times - done)
                since = self._now()
                self._make(self._rounds[index], index, done, times, slice(first, first + size))
                now = self._now()
                yield size * times
                made += size * times
                done, first = (done, first + size) if first + size < whole else (done + times, 0)
                if made < self._calls and now > until and whole > LEAST_SAMPLE:
                    return Reached(index, done, first)
                pace = _pace((now - since) / (size * times), made)
        return None

    def _first_pace(self, index: int, made: int) -> int:
        """Return how many calls of a kind are made before the clock is looked at."""
        return _pace(self._loop.calls_s[index] if self._loop.calls_s else 0.0, made)

    def _run_sample(self, reached: Reached, until: float) -> Iterator[int]:
        """Carry instance after instance to its end, as many as there is time for."""
        for number in self._loop.order:
            since = self._now()
            if len(self._each_s) >= LEAST_SAMPLE and since > until:
                return
            at, made = self._numbers.index(number), 0
            for index, call in enumerate(self._recipe.calls[reached.call :], reached.call):
                first = reached.rounds + (at < reached.instances) if index == reached.call else 0
                self._make(self._runs[index], index, first, call.times - first, slice(at, at + 1))
                made += call.times - first
            self._each_s[number] = self._now() - since
            yield made

    def _make(
        self, loop: Callable[..., Any], index: int, first: int, times: int, part: slice
    ) -> None:
        """Make a call some times on some instances, from its repetition number `first` on."""
        calls, instances, numbers = self._recipe.calls, self._instances, self._numbers
        if part.stop - part.start < len(instances):
            instances, numbers = instances[part], numbers[part]
        position = self._before[index] + first
        step = Step(loop, calls[index], position, first, instances, numbers, times)
        try:
            made = step.run()
            if made is not None:
                self._await(made)
        except (*OURS, StateError):  # the latter of a value that cannot be compared
            raise
        except BaseException as error:
            raise step.raised(error) from None

    def _await(self, made: Coroutine[Any, Any, None]) -> None:
        """Await a loop of async calls, on the one event loop that all of a trial share."""
        if not self._event_loop:
            self._event_loop = asyncio.new_event_loop()
        self._event_loop.run_until_complete(made)


def _pace(call_s: float, made: int) -> int:
    """Return how many calls take a while: what comes may be dearer than the `made` ones were."""
    return max(1, min(int(CHUNK_S / max(call_s, 1e-9)), 4 * made, MOST_PACE))
