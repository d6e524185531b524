"""Shard: some instances of the target and the calls they get, applied batch by batch.

One class for every strategy that runs on the cluster: hosting one instance and applying one call
at a time it is a hand-written actor, hosting many and applying many it is a shard. It knows no
Ray; it travels to the workers by value.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from job import loops
from job.errors import TargetRaisedError
from job.metering import Account, Sampler, core_s
from job.recipe import Recipe, make_instance, read_state, target_raised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH_S = 1.0  # an automatic batch: long beside a round trip (1 ms), short beside a trial
SLICE_S = 0.05  # calls between two looks at the clock: long beside the look (1 us)
MOST_PACE = 10**6
CHUNK_CHARACTERS = 4 * 2**20  # what one answer to `read` may hold


class Place(NamedTuple):
    """Where a shard runs."""

    node_id: str
    address: str
    host: str
    pid: int


class Block(NamedTuple):
    """Neighbouring instances that have had equally many calls.

    Attributes:
        start: The first one's index in the shard.
        stop: The index after the last one's.
        position: How many calls each has had.
        wall_s: What those took each, in seconds.
    """

    start: int
    stop: int
    position: int
    wall_s: float

    @property
    def size(self) -> int:
        """How many instances they are."""
        return self.stop - self.start


NOTHING = Block(0, 0, 0, 0.0)


class Batch:
    """How far one `advance` may go: so many calls, or so much time."""

    def __init__(self, calls: int | None, slots: int, longest_s: float) -> None:
        """Allow `calls` calls over `slots` instances, or about a second where calls is None.

        Where calls are slow the second stretches to four of them, so that threads that wait for
        the slowest at the end of a batch lose little.
        """
        self.done = 0
        self.stopped = False
        self.share = MOST_PACE if calls is None else -(-calls // max(1, slots))
        self._left = calls
        self._until = time.perf_counter() + max(BATCH_S, 4 * longest_s)

    def take(self, wanted: int) -> int:
        """Return how many of the calls wanted may be made now."""
        if self.stopped:
            return 0
        if self._left is None:
            return wanted if time.perf_counter() < self._until else 0
        granted = min(wanted, self._left)
        self._left -= granted
        return granted

    def stop(self) -> None:
        """Grant no further calls."""
        self.stopped = True


class Shard:
    """Hosts instances and applies their calls: each instance's in order, one at a time.

    Between instances there is no order. With threads, several instances are called at once.
    """

    def __init__(
        self,
        recipe: Recipe,
        numbers: Sequence[int],
        calls_per_batch: int | None,
        threads: int,
        where: Callable[[], Place],
    ) -> None:
        """Only take note of everything: `ready` makes the instances, where errors can be told.

        Args:
            recipe: What is computed.
            numbers: The numbers of the instances hosted here.
            calls_per_batch: How many calls one `advance` applies; None for about a second's worth.
            threads: How many instances may be called at once.
            where: Tells where this process runs.
        """
        self._recipe = recipe
        self._numbers = numbers
        self._calls_per_batch = calls_per_batch
        self._where = where
        self._loops = [loops.run(call) for call in recipe.calls]
        self._ends = list(accumulate(call.times for call in recipe.calls))
        self._each = self._ends[-1] if self._ends else 0
        self._instances: list[Any] = []
        self._open: deque[Block] = deque()
        self._unfinished = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._threads = threads
        self._pace = 1
        self._made = 0
        self._slowest_s = 0.0
        self._longest_s = 0.0
        self._sampler = Sampler()
        self._failure: TargetRaisedError | None = None

    def ready(self) -> Place:
        """Make the instances and say where they live.

        Raises:
            TargetRaisedError: A constructor raised.
        """
        self._instances = [make_instance(self._recipe, number) for number in self._numbers]
        if self._each and self._instances:
            self._unfinished = len(self._instances)
            self._open.append(Block(0, self._unfinished, 0, 0.0))
        return self._where()

    def advance(self) -> int:
        """Apply the next batch and return how many calls it held; 0 when none are left.

        Raises:
            TargetRaisedError: A call raised; so does every later `advance`.
        """
        if self._failure:
            raise self._failure
        batch = Batch(self._calls_per_batch, self._unfinished, self._longest_s)
        if self._pool is None:
            self._work_on(batch)
        else:
            busy = range(min(self._threads, self._unfinished))
            for future in [self._pool.submit(self._work_on, batch) for _ in busy]:
                future.result()
        if self._failure:
            raise self._failure
        return batch.done

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

    def _work_on(self, batch: Batch) -> None:
        """Apply blocks of the batch until it is used up; several threads may do so at once."""
        try:
            while True:
                with self._lock:
                    block, calls = self._deal(batch)
                if not calls:
                    return
                sample = self._sampler.start()
                since = time.perf_counter()
                self._call(block, calls)
                wall_s = time.perf_counter() - since
                with self._lock:
                    self._sampler.stop(sample, wall_s)
                    self._note(block, calls, wall_s, batch)
        except TargetRaisedError as error:
            batch.stop()
            self._failure = self._failure or error

    def _deal(self, batch: Batch) -> tuple[Block, int]:
        """Return a block, and how many calls each of its instances is to get; 0 when all is done.

        It is so large that a look at the clock afterwards is worth it. With threads it is one
        instance, for what one thread holds no other can call meanwhile.
        """
        if not self._open:
            return NOTHING, 0
        block = self._open.popleft()
        calls = min(self._each - block.position, batch.share, self._pace)
        size = 1 if self._pool else max(1, min(block.size, self._pace // calls))
        granted = batch.take(calls * size)
        if granted < calls * size:
            size = max(1, granted // calls)
            calls = min(calls, granted)
        if not calls:
            self._open.appendleft(block)
            return NOTHING, 0
        if size < block.size:
            self._open.appendleft(block._replace(start=block.start + size))
        return block._replace(stop=block.start + size), calls

    def _note(self, block: Block, calls: int, wall_s: float, batch: Batch) -> None:
        """Take note of a block's calls, and open it again if it is to get more."""
        made = calls * block.size
        batch.done += made
        self._made += made
        # What comes may be slower than what was: grow by no more than twice.
        wanted = int(SLICE_S * made / max(wall_s, 1e-9))
        self._pace = max(1, min(2 * made, wanted, MOST_PACE))
        each_s = block.wall_s + wall_s / block.size
        self._slowest_s = max(self._slowest_s, each_s)
        self._longest_s = max(self._longest_s, wall_s / made)
        if block.position + calls < self._each:
            self._open.append(block._replace(position=block.position + calls, wall_s=each_s))
        else:
            self._unfinished -= block.size

    def _call(self, block: Block, calls: int) -> None:
        """Apply the next `calls` calls to each instance of a block."""
        instances = self._instances[block.start : block.stop]
        numbers = self._numbers[block.start : block.stop]
        position, end = block.position, block.position + calls
        while position < end:
            index = bisect_right(self._ends, position)
            times = min(end, self._ends[index]) - position
            try:
                self._loops[index](instances, numbers, times)
            except (Exception, SystemExit) as error:
                where = loops.locate(error.__traceback__)
                number = numbers[loops.index_of(where, instances)]
                failed = position + 1 + (where.repetition if where else 0)
                raise target_raised(error, number, str(self._recipe.calls[index]), failed) from None
            position += times
