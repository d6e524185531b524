"""How far one remote call goes: the batch, the blocks it is dealt out in, and their steps."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from job.shard import loops
from job.shard.recipe import target_raised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.errors import TargetRaisedError
    from job.workload.calls import Call

BATCH_S = 1.0  # an automatic batch: long beside a round trip (1 ms), short beside a trial
MOST_PACE = 10**6


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

    def give_back(self, calls: int) -> None:
        """Let calls that were granted and will not be made be granted again."""
        if self._left is not None:
            self._left += calls

    def stop(self) -> None:
        """Grant no further calls."""
        self.stopped = True


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


def started_threads(count: int) -> ThreadPoolExecutor:
    """Return a pool whose threads have all been started, so that no call has to wait for one."""
    pool = ThreadPoolExecutor(count)
    together = threading.Barrier(count)
    for started in [pool.submit(together.wait) for _ in range(count)]:
        started.result()
    return pool
