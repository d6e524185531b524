"""Shard: some instances of the target and the calls they get, applied batch by batch.

One class for every strategy that runs on the cluster: hosting one instance and applying one call
at a time it is a hand-written actor, hosting many and applying many it is a shard. It knows no
Ray; it travels to the workers by value.
"""

from __future__ import annotations

import os
import pickle
import platform
import threading
import weakref
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from job.errors import ClusterError, StateError, TargetRaisedError, UsageError
from job.shard.homes import Homes
from job.shard.lane import SLICE_S, WAITING_SLICE_S, Lane, compile_loops
from job.shard.metering import Account, Meter, Sampler, core_s, peak_bytes
from job.shard.recipe import unpacked
from job.shard.returns import ANSWER_BYTES, Values
from job.words import first_words
from job.workload.importing import HOW_TO_BRING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from job.shard.recipe import Recipe

CHUNK_CHARACTERS = 4 * 2**20  # what one answer to `read` may hold
FIRST_ROWS = 4  # over the lanes, before it is known how long states are: each takes a round of all
# Between the starts of two lanes. Threads whose calls wait equally long would wake in one moment
# and crowd for the interpreter: 500 of them took two to three times as long (measured, 2 cores).
APART_S = 50e-6

T = TypeVar("T")


class Place(NamedTuple):
    """Where a shard runs."""

    node_id: str
    address: str
    host: str
    pid: int

    @classmethod
    def here(cls) -> Place:
        """Return where this process is, for a shard that no actor hosts."""
        return cls("", "", platform.node(), os.getpid())


class Shard:
    """Hosts instances and applies their calls: each instance's in order, one at a time.

    Between instances there is no order. With threads, several instances are called at once, each
    in its home thread; without, that is the thread that calls the shard. Async methods run on one
    event loop there, where as many instances get on at once.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a shard is made of
        self,
        recipe: Recipe | bytes,
        numbers: Sequence[int],
        calls_per_batch: int | None,
        threads: int,
        where: Callable[[], Place],
        dump: Callable[[object], bytes] | None = None,
    ) -> None:
        """Only take note of everything: `ready` makes the instances, where errors can be told.

        Args:
            recipe: What is computed; pickled where it was so before the target was ever called.
            numbers: The numbers of the instances hosted here.
            calls_per_batch: How many calls one `advance` applies; None for about a second's worth.
            threads: How many instances may be called at once.
            where: Tells where this process runs.
            dump: Pickles what calls return, where that is to be brought, and pickle alone cannot.
        """
        self._recipe = recipe
        self._numbers = numbers
        self._calls_per_batch = calls_per_batch
        self._threads = threads
        self._where = where
        self._dump = dump
        self._lanes: list[Lane] = []
        self._homes: Homes | None = None
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._failure: TargetRaisedError | None = None
        self._meter: Meter  # once Ray has started its last thread, which it does after this

    def ready(self, snapshot: bytes | None = None) -> Place:
        """Make the instances, or take them from a snapshot, and say where they live.

        Raises:
            ClusterError: The target cannot be imported here.
            TargetRaisedError: A constructor raised.
        """
        place, self._meter = self._where(), Meter()
        try:
            recipe = unpacked(self._recipe).resolve()
        except UsageError as error:
            hint = f"{error.hint} {HOW_TO_BRING}".strip()
            raise ClusterError(f"{error.message}, on {place.address}", hint) from None
        shared = Sampler(shared=True) if recipe.is_async else None
        threads = min(self._threads, len(self._numbers))
        slice_s = SLICE_S if threads == 1 else WAITING_SLICE_S
        # Compiling takes 0.1 ms a loop, and there may be 1,000 lanes.
        compiled = compile_loops(recipe) if not recipe.bring else None
        self._lanes = []
        for lane in range(threads):
            values, numbers = self._values(recipe, threads), self._numbers[lane::threads]
            own = compiled or compile_loops(recipe, values)
            self._lanes.append(Lane(recipe, numbers, own, shared or Sampler(), slice_s, values))
        if shared:
            import asyncio  # a third of what a process takes to start, where nothing is awaited

            self._event_loop = asyncio.new_event_loop()
            weakref.finalize(self, self._event_loop.close)
        elif len(self._lanes) > 1:
            self._homes = Homes(len(self._lanes))
        acts: list[Callable[[], None]] = [lane.make for lane in self._lanes]
        if snapshot is not None:
            kept = zip(self._lanes, pickle.loads(snapshot), strict=True)  # noqa: S301 - ours
            acts = [partial(lane.restore, part) for lane, part in kept]
        self._meter.begin(self._at_home([partial(_with_thread_id, act) for act in acts]))
        return place

    def snapshot(self, dump: Callable[[object], bytes]) -> bytes:
        """Return the instances as they are between two calls, and how far each has come.

        Raises:
            StateError: They cannot be pickled.
        """
        try:
            return dump(self._at_home([partial(lane.keep, dump) for lane in self._lanes]))
        except Exception as error:
            of = f"instances {self._numbers[0]:,} and on"
            message = f"{of} cannot be kept ({first_words(error)})"
            raise StateError(message, "Leave out --snapshot-every; losses are replayed.") from None

    def advance(self) -> Any:  # noqa: ANN401 - any value at all
        """Apply the next batch and return how many calls it held; 0 when none are left.

        Where what calls return is to be brought that comes along: of one instance and one call at a
        time nothing but the value, as of a hand-written actor.

        Raises:
            TargetRaisedError: A call raised; so does every later `advance`.
        """
        if self._failure:
            raise self._failure
        try:
            alone = self._is_single and not self._event_loop
            made = self._lanes[0].run_once() if alone else self._apply()
        except TargetRaisedError as error:
            self._failure = error
            raise
        return self._with_values(made) if self._lanes and self._lanes[0].values else made

    def account(self, numbers: Sequence[int] = ()) -> Account:
        """Return what the calls so far took, and those of the instances of these numbers.

        No call comes after it.
        """
        self._meter.end()
        samplers = {id(lane.sampler): lane.sampler for lane in self._lanes}
        totals = [sampler.totals() for sampler in samplers.values()]
        wall_s, cpu_s, switches = map(sum, zip(*totals, strict=True)) if totals else (0.0, 0.0, 0)
        slowest_s = max((max(lane.walls_s, default=0.0) for lane in self._lanes), default=0.0)
        rows = (
            divmod(self._numbers.index(n), len(self._lanes)) for n in numbers if n in self._numbers
        )
        each_s = tuple(self._lanes[lane].walls_s[row] for row, lane in rows)
        elsewhere_s = self._meter.elsewhere_s
        cpu_s += elsewhere_s
        return Account(
            self._made, wall_s, cpu_s, slowest_s, switches, elsewhere_s, each_s, peak_bytes()
        )

    def core_s(self) -> float:
        """Return what a fixed piece of Python takes on this core."""
        return core_s()

    def read(self, first: int) -> list[str]:
        """Return the states from the `first`-th instance on, as many as one answer may hold.

        Raises:
            TargetRaisedError: The read raised.
            StateError: A state cannot be compared.
        """
        self._meter.end()
        states: list[str] = []
        room = CHUNK_CHARACTERS
        known: dict[str, str] = {}  # equal states travel once
        # Row by row over the lanes, and more rows at a time while there is room for them.
        lanes = len(self._lanes)
        row, rows = first // max(1, lanes), FIRST_ROWS
        while room > 0 and row * lanes < len(self._numbers):
            parts = self._at_home(
                [partial(lane.read, row, rows, self._event_loop) for lane in self._lanes]
            )
            found = [state for each in zip_longest(*parts) for state in each if state is not None]
            states += [known.setdefault(state, state) for state in found]
            taken = sum(map(len, found))
            room -= taken
            row += rows
            rows = max(1, min(2 * rows, room * rows // max(1, taken)))
        return states

    def close(self) -> None:
        """Close the instances, after everything else.

        Raises:
            TargetRaisedError: One raised.
        """
        self._at_home([partial(lane.close, self._event_loop) for lane in self._lanes])

    @property
    def _is_single(self) -> bool:
        """Whether it is what one would write by hand: one instance, and one call at a time."""
        return self._calls_per_batch == 1 and len(self._numbers) == 1

    def _values(self, recipe: Recipe, lanes: int) -> Values | None:
        """Return what holds a lane's values; a single one is pickled by whoever sends it."""
        if not recipe.bring:
            return None
        return Values(self._dump, 0 if self._is_single else ANSWER_BYTES // lanes)

    def _with_values(self, made: int) -> Any:  # noqa: ANN401 - any value at all
        """Return the answer to `advance` with what the calls returned."""
        taken = [lane.values.take() for lane in self._lanes if lane.values]
        if self._is_single and made:
            ((_, ((_, _, (value,)),)),) = taken
            return value
        pieces = [piece for _, of_one in taken for piece in of_one]
        return made, sum(size for size, _ in taken), pieces

    @property
    def _made(self) -> int:
        return sum(lane.made for lane in self._lanes)

    def _apply(self) -> int:
        if not any(lane.left for lane in self._lanes):
            return 0  # without waking hundreds of threads, which takes tens of milliseconds
        before, lanes = self._made, len(self._lanes)
        quotas: list[int | None] = [None] * lanes
        if self._calls_per_batch and lanes:
            calls = min(self._calls_per_batch, sum(lane.left for lane in self._lanes))
            quotas = [*share_out(before, calls, len(self._numbers), lanes)]
        if self._event_loop and self._lanes:
            with self._lanes[0].sampler.whole():
                self._event_loop.run_until_complete(_run_by_turns(self._lanes, quotas))
        else:
            pairs = zip(self._lanes, quotas, strict=True)
            # An automatic batch is long enough to begin with lanes a little apart.
            apart_s = 0.0 if self._calls_per_batch else APART_S
            self._at_home([partial(lane.run, quota) for lane, quota in pairs], apart_s)
        return self._made - before

    def _at_home(self, acts: Sequence[Callable[[], T]], apart_s: float = 0.0) -> list[T]:
        """Have each lane do its part in its home thread, all at once or one after the other."""
        return self._homes.run(acts, apart_s) if self._homes else [act() for act in acts]


def _with_thread_id(act: Callable[[], None]) -> int:
    """Do something in a home thread, and say which that is."""
    act()
    return threading.get_native_id()


async def _run_by_turns(lanes: Sequence[Lane], quotas: Sequence[int | None]) -> None:
    """Run lanes on an event loop. No method: Ray takes a class with async ones for another kind."""
    import asyncio

    pairs = zip(lanes, quotas, strict=True)
    await asyncio.gather(*(lane.run_awaiting(quota) for lane, quota in pairs))


def share_out(made: int, calls: int, instances: int, lanes: int) -> list[int]:
    """Return how many of a batch's calls each lane makes: rounds go over all instances in turn.

    `made` calls were made before. Each `lanes`-th instance is in the same lane.
    """

    def reached(calls: int, lane: int) -> int:
        rounds, turn = divmod(calls, instances)
        return rounds * len(range(lane, instances, lanes)) + len(range(lane, turn, lanes))

    return [reached(made + calls, lane) - reached(made, lane) for lane in range(lanes)]
