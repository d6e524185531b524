"""Shard: some instances of the target and the calls they get, applied batch by batch.

One class for every strategy that runs on the cluster: hosting one instance and applying one call
at a time it is a hand-written actor, hosting many and applying many it is a shard. It knows no
Ray; it travels to the workers by value.
"""

from __future__ import annotations

import threading
import time
import traceback
from array import array
from bisect import bisect_right
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from job import loops
from job.errors import StateError, TargetRaisedError
from job.states import bounded, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.calls import Call, Target

BATCH_S = 1.0  # an automatic batch: long beside a round trip (1 ms), short beside a trial
SLICE_S = 0.05  # calls between two looks at the clock: long beside the look (1 us)
MOST_PACE = 10**6
OWN_FRAMES = (loops.NAME, "_call", "_rounds", "make_instance", "read_state")
CORE_LOOPS, CORE_TRIES = 50_000, 8  # 2 ms each: long beside a tick, short beside a trial
CHUNK_CHARACTERS = 4 * 2**20  # what one answer to `read` may hold


@dataclass(frozen=True)
class Recipe:
    """What a shard must know of a workload, without the libraries that read workloads.

    Attributes:
        make: The target itself, imported.
        target: What was imported, and the arguments each instance is made with.
        calls: What every instance gets, in order.
        read: The method or attribute that tells the state; None stands for the whole object.
        state_limit: From how many characters on a state is replaced by its digest.
    """

    make: Callable[..., Any]
    target: Target
    calls: tuple[Call, ...]
    read: str | None
    state_limit: int

    @property
    def calls_per_instance(self) -> int:
        """How many calls each instance gets."""
        return sum(call.times for call in self.calls)


class Place(NamedTuple):
    """Where a shard runs."""

    node_id: str
    address: str
    host: str
    pid: int


class Account(NamedTuple):
    """What a shard's calls took, in seconds, and over how many calls."""

    calls: int
    wall_s: float
    cpu_s: float
    slowest_s: float


def make_instance(recipe: Recipe, number: int) -> Any:  # noqa: ANN401 - any class at all
    """Make instance `number` of the target.

    Raises:
        TargetRaisedError: Its constructor raised.
    """
    args, kwargs = recipe.target.arguments.of(number)
    try:
        return recipe.make(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise target_raised(error, number, str(recipe.target)) from None


def read_state(recipe: Recipe, instance: Any, number: int) -> str:  # noqa: ANN401 - any class
    """Return the canonical text of an instance's state.

    Raises:
        TargetRaisedError: The read raised.
        StateError: The state cannot be compared.
    """
    try:
        state = getattr(instance, recipe.read) if recipe.read else instance
        if recipe.read and callable(state):
            state = state()
    except (Exception, SystemExit) as error:
        raise target_raised(error, number, f"read {recipe.read}") from None
    try:
        return bounded(canonical(state), recipe.state_limit)
    except StateError as error:
        message = f"instance {number:,}, read {recipe.read or 'of the object'}: {error.message}"
        raise StateError(message, error.hint) from None


def target_raised(
    error: BaseException, number: int, doing: str, position: int = 0
) -> TargetRaisedError:
    """Return a target's exception in plain strings."""
    text = str(error).encode(errors="backslashreplace").decode()  # it will be saved as UTF-8
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    # The first frames are this package's; without more, the method could not even be called.
    last = frames[-1] if frames and frames[-1].name not in OWN_FRAMES else None
    line = f"{last.filename}, line {last.lineno}, in {last.name}" if last else ""
    return TargetRaisedError(number, doing, position, shown, line)


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
        self._positions = array("q")
        self._seconds = array("d")
        self._open: deque[int] = deque()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._threads = threads
        self._pace = 1
        self._longest_s = 0.0
        self._cpu_s = 0.0
        self._failure: TargetRaisedError | None = None

    def ready(self) -> Place:
        """Make the instances and say where they live.

        Raises:
            TargetRaisedError: A constructor raised.
        """
        self._instances = [make_instance(self._recipe, number) for number in self._numbers]
        self._positions = array("q", bytes(8 * len(self._instances)))
        self._seconds = array("d", bytes(8 * len(self._instances)))
        if self._each:
            self._open.extend(range(len(self._instances)))
        return self._where()

    def advance(self) -> int:
        """Apply the next batch and return how many calls it held; 0 when none are left.

        Raises:
            TargetRaisedError: A call raised; so does every later `advance`.
        """
        if self._failure:
            raise self._failure
        batch = Batch(self._calls_per_batch, len(self._open), self._longest_s)
        if self._pool is None:
            self._work_on(batch)
        else:
            busy = range(min(self._threads, len(self._open)))
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
        total = sum(self._positions)
        return Account(total, sum(self._seconds), self._cpu_s, max(self._seconds, default=0.0))

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
        """Apply slices of the batch until it is used up; several threads may do so at once."""
        try:
            while True:
                with self._lock:
                    slices = self._deal(batch)
                if not slices:
                    return
                self._apply(slices, batch)
        except TargetRaisedError as error:
            batch.stop()
            self._failure = self._failure or error

    def _deal(self, batch: Batch) -> list[tuple[int, int]]:
        """Return (slot, calls) pairs: so many that a look at the clock afterwards is worth it.

        With threads it is one pair, for what one thread holds no other can call meanwhile.
        """
        slices: list[tuple[int, int]] = []
        wanted = self._pace
        while wanted > 0 and self._open:
            slot = self._open[0]
            calls = min(self._each - self._positions[slot], batch.share, wanted)
            calls = batch.take(calls)
            if not calls:
                break
            self._open.popleft()
            slices.append((slot, calls))
            wanted = 0 if self._pool else wanted - calls
        return slices

    def _apply(self, slices: list[tuple[int, int]], batch: Batch) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        for slot, calls in slices:
            self._call(slot, calls)
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        total = sum(calls for _, calls in slices)
        with self._lock:
            batch.done += total
            self._cpu_s += cpu
            self._longest_s = max(self._longest_s, wall / total)
            # What comes may be slower than what was: grow by no more than twice.
            self._pace = max(1, min(2 * total, int(SLICE_S * total / max(wall, 1e-9)), MOST_PACE))
            for slot, calls in slices:
                self._seconds[slot] += wall * calls / total
                if self._positions[slot] < self._each:
                    self._open.append(slot)

    def _call(self, slot: int, calls: int) -> None:
        """Apply the next `calls` calls to one instance."""
        instance, number = self._instances[slot], self._numbers[slot]
        position = self._positions[slot]
        end = position + calls
        while position < end:
            index = bisect_right(self._ends, position)
            times = min(end, self._ends[index]) - position
            try:
                self._loops[index](instance, number, times)
            except (Exception, SystemExit) as error:
                where = loops.locate(error.__traceback__)
                failed = position + 1 + (where.repetition if where else 0)
                doing = str(self._recipe.calls[index])
                raise target_raised(error, number, doing, failed) from None
            position += times
        self._positions[slot] = position


def core_s() -> float:
    """Return what a fixed piece of Python takes on this core: the best of some, in seconds."""
    best = float("inf")
    for _ in range(CORE_TRIES):
        since, total = time.perf_counter(), 0
        for number in range(CORE_LOOPS):
            total += number & 3
        best = min(best, time.perf_counter() - since)
    return best
