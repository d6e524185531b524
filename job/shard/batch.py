"""How far one remote call goes: the batch, the blocks it is dealt out in, and their steps."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from job.shard import loops
from job.shard.recipe import target_raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from job.errors import TargetRaisedError
    from job.workload.calls import Call

BATCH_S = 1.0  # an automatic batch: long beside a round trip (1 ms), short beside a trial
MOST_PACE = 10**6


class Batch:
    """How far one `advance` may go: so many calls, or so much time.

    Attributes:
        done: How many calls were made.
        share: How many an instance may get at once.
        failure: The first error, which ended the batch.
    """

    def __init__(self, calls: int | None, slots: int, longest_s: float) -> None:
        """Allow `calls` calls over `slots` instances, or about a second where calls is None.

        Where calls are slow the second stretches to four of them, so that threads that wait for
        the slowest at the end of a batch lose little.
        """
        self.done = 0
        self.failure: TargetRaisedError | None = None
        self.share = MOST_PACE if calls is None else -(-calls // max(1, slots))
        self._left = calls
        self._until = time.perf_counter() + max(BATCH_S, 4 * longest_s)

    def take(self, wanted: int) -> int:
        """Return how many of the calls wanted may be made now."""
        if self.failure:
            return 0
        if self._left is None:
            return wanted if time.perf_counter() < self._until else 0
        granted = min(wanted, self._left)
        self._left -= granted
        return granted

    def give_back(self, calls: int) -> None:
        """Let calls that were granted and will not be made be granted again."""
        if self._left is not None:
            self._left += calls

    def fail(self, error: TargetRaisedError) -> None:
        """Remember the first error, and grant no further calls."""
        self.failure = self.failure or error


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


class Step(NamedTuple):
    """Some repetitions of one call on some instances."""

    loop: Callable[..., Any]
    call: Call
    position: int
    instances: list[Any]
    numbers: Sequence[int]
    times: int

    def run(self) -> Any:  # noqa: ANN401 - what is to be awaited, of an async method
        """Make the calls, or return what makes them when awaited."""
        return self.loop(self.instances, self.numbers, self.times)

    def raised(self, error: BaseException) -> TargetRaisedError:
        """Return a call's exception with the instance and the call that raised it."""
        where = loops.locate(error.__traceback__)
        number = self.numbers[loops.index_of(where, self.instances)]
        position = self.position + 1 + (where.repetition if where else 0)
        return target_raised(error, number, str(self.call), position)


def make_calls(batch: Batch, steps: Iterator[Step]) -> None:
    """Make the calls of a batch, as its steps are dealt out to this thread."""
    for step in steps:
        try:
            step.run()
        except (Exception, SystemExit) as error:
            batch.fail(step.raised(error))
            return


async def await_calls(batch: Batch, dealt: Iterable[Iterator[Step]]) -> None:
    """Make the calls of a batch on an event loop, each of those dealt out beside the others.

    No method of Shard: Ray takes a class with async methods for an actor of another kind.
    """
    await asyncio.gather(*(_await_each(batch, steps) for steps in dealt))


async def _await_each(batch: Batch, steps: Iterator[Step]) -> None:
    for step in steps:
        try:
            made = step.run()
            if inspect.isawaitable(made):
                await made
        except (Exception, SystemExit) as error:
            batch.fail(step.raised(error))
            return


def started_threads(count: int) -> ThreadPoolExecutor:
    """Return a pool whose threads have all been started, so that no call has to wait for one."""
    pool = ThreadPoolExecutor(count)
    together = threading.Barrier(count)
    for started in [pool.submit(together.wait) for _ in range(count)]:
        started.result()
    return pool
