"""Shard: some instances of the target and the calls they get, applied batch by batch.

One class for every strategy that runs on the cluster: hosting one instance and applying one call
at a time it is a hand-written actor, hosting many and applying many it is a shard. It knows no
Ray; it travels to the workers by value.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import platform
import threading
import time
import weakref
from bisect import bisect_right
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from job.errors import StateError
from job.shard import loops
from job.shard.batch import (
    MOST_PACE,
    NOTHING,
    Batch,
    Block,
    Step,
    await_calls,
    make_calls,
    started_threads,
)
from job.shard.metering import Account, Sampler, core_s
from job.shard.recipe import Recipe, make_instance, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from job.errors import TargetRaisedError

SLICE_S = 0.05  # calls between two looks at the clock: long beside the look (1 us)
WAITING_SLICE_S = 0.25  # likewise for calls that wait, a look among threads being dear
CHUNK_CHARACTERS = 4 * 2**20  # what one answer to `read` may hold


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

    Between instances there is no order. With threads, several instances are called at once.
    """

    def __init__(
        self,
        recipe: Recipe | bytes,
        numbers: Sequence[int],
        calls_per_batch: int | None,
        threads: int,
        where: Callable[[], Place],
    ) -> None:
        """Only take note of everything: `ready` makes the instances, where errors can be told.

        Args:
            recipe: What is computed; pickled where it was so before the target was ever called.
            numbers: The numbers of the instances hosted here.
            calls_per_batch: How many calls one `advance` applies; None for about a second's worth.
            threads: How many instances may be called at once.
            where: Tells where this process runs.
        """
        self._recipe: Recipe = pickle.loads(recipe) if isinstance(recipe, bytes) else recipe  # noqa: S301
        self._numbers = numbers
        self._calls_per_batch = calls_per_batch
        self._where = where
        self._loops: list[Callable[..., Any]] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._ends = list(accumulate(call.times for call in self._recipe.calls))
        self._each = self._ends[-1] if self._ends else 0
        self._instances: list[Any] = []
        self._open: deque[Block] = deque()
        self._unfinished = 0
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._threads = threads
        self._pace = 1
        self._made = 0
        self._slowest_s = 0.0
        self._longest_s = 0.0
        self._sampler = Sampler()
        self._failure: TargetRaisedError | None = None

    def ready(self, snapshot: bytes | None = None) -> Place:
        """Make the instances, or take them from a snapshot, and say where they live.

        Raises:
            TargetRaisedError: A constructor raised.
        """
        if snapshot is None:
            self._instances = [make_instance(self._recipe, number) for number in self._numbers]
        else:
            kept = pickle.loads(snapshot)  # noqa: S301 - this class wrote it
            self._instances, blocks, self._made, self._slowest_s, self._longest_s, totals = kept
            vars(self._sampler).update(totals)
        calls = self._recipe.calls
        if self._each and self._instances:
            every = [(0, len(self._instances), 0, 0.0)]
            self._open.extend(Block(*each) for each in (blocks if snapshot else every))
            self._unfinished = sum(block.size for block in self._open)
            first = self._instances[0]
            self._loops = [loops.run(call, awaited=loops.is_awaited(call, first)) for call in calls]
            if any(map(inspect.iscoroutinefunction, self._loops)):
                self._event_loop = asyncio.new_event_loop()
                weakref.finalize(self, self._event_loop.close)
            elif at_once := self._threads > 1 and min(self._threads, self._unfinished):
                self._pool = started_threads(at_once)
        return self._where()

    def snapshot(self, dump: Callable[[object], bytes]) -> bytes:
        """Return the instances as they are between two calls, and how far each has come.

        Raises:
            StateError: They cannot be pickled.
        """
        blocks = [tuple(block) for block in self._open]  # no classes of ours: they travel by value
        totals = vars(self._sampler)
        kept = (self._instances, blocks, self._made, self._slowest_s, self._longest_s, totals)
        try:
            return dump(kept)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            message = f"instances {self._numbers[0]:,} and on cannot be kept ({reason})"
            raise StateError(message, "Leave out --snapshot-every; losses are replayed.") from None

    def advance(self) -> int:
        """Apply the next batch and return how many calls it held; 0 when none are left.

        Raises:
            TargetRaisedError: A call raised; so does every later `advance`.
        """
        if self._failure:
            raise self._failure
        if self._calls_per_batch == 1 and len(self._instances) == 1 and not self._event_loop:
            return self._advance_by_one()
        batch = Batch(self._calls_per_batch, self._unfinished, self._longest_s)
        self._apply(batch, min(self._threads, self._unfinished))
        self._failure = batch.failure
        if self._failure:
            raise self._failure
        return batch.done

    def _apply(self, batch: Batch, at_once: int) -> None:
        if self._event_loop:
            dealt = [self._deal_out(batch) for _ in range(at_once)]
            with self._sampler.whole():
                self._event_loop.run_until_complete(await_calls(batch, dealt))
        elif self._pool is None or at_once == 1:
            make_calls(batch, self._deal_out(batch))
        else:
            dealt = [self._deal_out(batch) for _ in range(at_once)]
            for done in [self._pool.submit(make_calls, batch, steps) for steps in dealt]:
                done.result()

    def _advance_by_one(self) -> int:
        """Apply one call: what `advance` comes down to in an actor of one instance.

        A hand-written actor is what this is compared with, and dealing out blocks costs 10 us a
        call: a twentieth of what a remote call takes.
        """
        index = bisect_right(self._ends, self._made)
        if index == len(self._ends):
            return 0
        sample, since = self._sampler.start(), time.perf_counter()
        try:
            self._loops[index](self._instances, self._numbers, 1)
        except (Exception, SystemExit) as error:
            call, loop = self._recipe.calls[index], self._loops[index]
            failed = Step(loop, call, self._made, self._instances, self._numbers, 1)
            self._failure = failed.raised(error)
            raise self._failure from None
        wall_s = time.perf_counter() - since
        self._sampler.stop(sample, wall_s)
        self._made += 1
        self._slowest_s += wall_s
        return 1

    def core_s(self) -> float:
        """Return what a fixed piece of Python takes on this core."""
        return core_s()

    def account(self) -> Account:
        """Return what the calls so far took."""
        return self._sampler.account(self._made, self._slowest_s)

    def read(self, first: int) -> list[str]:
        """Return the states from the `first`-th instance on, as many as one answer may hold."""
        states: list[str] = []
        room = CHUNK_CHARACTERS
        known: dict[str, str] = {}  # equal states travel once
        for slot in range(first, len(self._instances)):
            number = self._numbers[slot]
            state = read_state(self._recipe, self._instances[slot], number)
            states.append(known.setdefault(state, state))
            room -= len(state)
            if room <= 0:
                break
        return states

    def _deal_out(self, batch: Batch) -> Iterator[Step]:
        """Deal out steps until the batch is used up, and time them while they are carried out.

        Several threads may ask for steps at once, or several tasks of an event loop.
        """
        while True:
            with self._lock:
                block, calls = self._deal(batch)
            if not calls:
                return
            sample = None if self._event_loop else self._sampler.start()
            since = time.perf_counter()
            yield from self._steps(block, calls)
            wall_s = time.perf_counter() - since
            with self._lock:
                self._sampler.stop(sample, wall_s)
                self._note(block, calls, wall_s, batch)

    def _deal(self, batch: Batch) -> tuple[Block, int]:
        """Return a block, and how many calls each of its instances is to get; 0 when all is done.

        It is so large that a look at the clock afterwards is worth it. With threads it is one
        instance, for what one thread holds no other can call meanwhile.
        """
        if not self._open:
            return NOTHING, 0
        block = self._open.popleft()
        calls = min(self._each - block.position, batch.share, self._pace)
        size = 1 if self._threads > 1 else max(1, min(block.size, self._pace // calls))
        granted = batch.take(calls * size)
        if granted < calls * size:
            size = max(1, granted // calls)
            calls = min(calls, granted)
        if not calls:
            self._open.appendleft(block)
            return NOTHING, 0
        batch.give_back(granted - calls * size)
        if size < block.size:
            self._open.appendleft(block._replace(start=block.start + size))
        return block._replace(stop=block.start + size), calls

    def _note(self, block: Block, calls: int, wall_s: float, batch: Batch) -> None:
        """Take note of a block's calls, and open it again if it is to get more."""
        made = calls * block.size
        batch.done += made
        self._made += made
        # What comes may be slower than what was: grow by no more than four times.
        slice_s = SLICE_S if self._threads == 1 else WAITING_SLICE_S
        wanted = int(slice_s * made / max(wall_s, 1e-9))
        self._pace = max(1, min(4 * made, wanted, MOST_PACE))
        each_s = block.wall_s + wall_s / block.size
        self._slowest_s = max(self._slowest_s, each_s)
        self._longest_s = max(self._longest_s, wall_s / made)
        if block.position + calls < self._each:
            self._open.append(block._replace(position=block.position + calls, wall_s=each_s))
        else:
            self._unfinished -= block.size

    def _steps(self, block: Block, calls: int) -> Iterator[Step]:
        """Return what gives each instance of a block its next `calls` calls."""
        instances = self._instances[block.start : block.stop]
        numbers = self._numbers[block.start : block.stop]
        position, end = block.position, block.position + calls
        while position < end:
            index = bisect_right(self._ends, position)
            times = min(end, self._ends[index]) - position
            call = self._recipe.calls[index]
            yield Step(self._loops[index], call, position, instances, numbers, times)
            position += times
