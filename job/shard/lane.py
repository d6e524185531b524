"""Lane: some instances of a shard and their calls, in one home thread and nowhere else.

An instance is made, called, read and closed by one thread, so that what is bound to a thread (a
database connection, a thread-local, a decimal context, an event loop) works as it does in the
serial loop.
"""

from __future__ import annotations

import pickle
import time
from array import array
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from job.shard import loops
from job.shard.recipe import close_instance, make_instance, read_state, target_raised

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Sequence

    from job.errors import TargetRaisedError
    from job.shard.metering import Reading, Sampler
    from job.shard.recipe import Recipe
    from job.shard.returns import Values
    from job.workload.calls import Call

BATCH_S = 1.0  # an automatic batch: long beside a round trip (1 ms), short beside a trial
SLICE_S = 0.05  # calls between two looks at the clock: long beside the look (1 us)
WAITING_SLICE_S = 0.25  # likewise among threads, where a look is dear and the calls wait
MOST_PACE = 10**6  # calls between them


class Step(NamedTuple):
    """Some repetitions of one call on some instances."""

    loop: Callable[..., Any]
    call: Call
    position: int  # how many calls each instance has had
    first: int  # and how many of them of this one
    instances: list[Any]
    numbers: Sequence[int]
    times: int

    def run(self) -> Any:  # noqa: ANN401 - what is to be awaited, of an async method
        """Make the calls, or return what makes them when awaited."""
        return self.loop(self.instances, self.numbers, self.first, self.times)

    def raised(self, error: BaseException) -> TargetRaisedError:
        """Return a call's exception with the instance and the call that raised it."""
        where = loops.locate(error.__traceback__)
        number = self.numbers[loops.index_of(where, self.instances)]
        position = self.position + 1 + (where.repetition if where else 0)
        return target_raised(error, number, str(self.call), position)


def compile_loops(recipe: Recipe, values: Values | None = None) -> list[Callable[..., Any]]:
    """Return a loop for each kind of call, which keeps what it returned in `values`."""
    keep = values.keep if values else None
    return [loops.run(call, awaited=recipe.is_awaited(call), keep=keep) for call in recipe.calls]


class Lane:
    """Applies calls in rounds: in each, every instance gets so many, one instance after the other.

    Attributes:
        made: How many calls were made.
        walls_s: What each instance's calls took so far, in seconds, in the order of `numbers`.
        sampler: What they took together.
        values: What they returned, until it is taken; None where that is dropped.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a lane is made of
        self, recipe: Recipe, numbers: Sequence[int], compiled: Sequence[Callable[..., Any]],
        sampler: Sampler, slice_s: float = SLICE_S, values: Values | None = None,
    ) -> None:  # fmt: skip
        """Only take note: `make` makes the instances, in the home thread."""
        self._recipe = recipe
        self._numbers = numbers
        self._ends = list(accumulate(call.times for call in recipe.calls))
        self._each = self._ends[-1] if self._ends else 0
        self._instances: list[Any] = []
        self._loops = compiled
        # Of the round: those before the cursor have had `_position + _step` calls, the one at it
        # `_position + _into`, those after it `_position`.
        self._position = self._step = self._cursor = self._into = 0
        self._pace = 1
        self._longest_s = 0.0
        self.made = 0
        self.walls_s = array("d", bytes(8 * len(numbers)))
        self.sampler, self.values = sampler, values
        self._slice_s = slice_s

    @property
    def left(self) -> int:
        """How many calls are still to be made."""
        return len(self._numbers) * self._each - self.made

    def __len__(self) -> int:
        """Return how many instances there are."""
        return len(self._numbers)

    def make(self) -> None:
        """Make the instances.

        Raises:
            TargetRaisedError: A constructor raised.
        """
        self._instances = [make_instance(self._recipe, number) for number in self._numbers]

    def keep(self, dump: Callable[[object], bytes]) -> bytes:
        """Return what `restore` goes on from; no classes of ours in it: they travel by value."""
        place = self._position, self._step, self._cursor, self._into, self.made
        kept = self._instances, place, self.walls_s, self._longest_s, vars(self.sampler)
        return dump(kept)

    def restore(self, kept: bytes) -> None:
        """Go on from where another lane was."""
        self._instances, place, self.walls_s, self._longest_s, totals = pickle.loads(kept)  # noqa: S301
        self._position, self._step, self._cursor, self._into, self.made = place
        vars(self.sampler).update(totals)

    def run(self, quota: int | None) -> None:
        """Make so many calls, or as many as about a second holds.

        Raises:
            TargetRaisedError: A call raised.
        """
        for step in self.steps(quota):
            try:
                step.run()
            except BaseException as error:
                raise step.raised(error) from None
            self._note_values(step.numbers, step.position)

    async def run_awaiting(self, quota: int | None) -> None:
        """Do the same on an event loop, where other lanes get on meanwhile.

        Raises:
            TargetRaisedError: A call raised.
        """
        for step in self.steps(quota):
            try:
                made = step.run()
                if made is not None:
                    await made
            except BaseException as error:
                raise step.raised(error) from None
            self._note_values(step.numbers, step.position)

    def run_once(self) -> int:
        """Make one call of a lane of one instance, and return 1; 0 where none is left.

        A hand-written actor is what this is compared with, and choosing steps costs 10 us a call: a
        twentieth of what a remote call takes.

        Raises:
            TargetRaisedError: The call raised.
        """
        if self.made == self._each:
            return 0
        index = bisect_right(self._ends, self.made)
        reading, since = self.sampler.start(), time.perf_counter()
        try:
            self._loops[index](self._instances, self._numbers, self._first(index, self.made), 1)
        except BaseException as error:
            (failed,) = self._piece(1, 1)
            raise failed.raised(error) from None
        wall_s = time.perf_counter() - since
        self.sampler.stop(reading, wall_s)
        self._note_values(self._numbers, self._position)
        self.made = self._position = self.made + 1
        self.walls_s[0] += wall_s
        return 1

    def steps(self, quota: int | None) -> Iterator[Step]:
        """Yield what is to be run next, and note what it took once the next one is asked for.

        Where calls are slow the second stretches to four of them, so that lanes that wait for the
        slowest at the end of a batch lose little.
        """
        left = self.left if quota is None else min(quota, self.left)
        until = time.perf_counter() + max(BATCH_S, 4 * self._longest_s)
        while left and (quota is not None or (time.perf_counter() < until and not self._is_full)):
            if not self._step:
                # By time alone one instance after the other; of so many calls each gets a share.
                share = self._each if quota is None else max(1, left // len(self))
                self._step = min(self._each - self._position, share)
            size, calls = self._choose(left)
            reading, since = self.sampler.start(), time.perf_counter()
            yield from self._piece(size, calls)
            self._note(size, calls, time.perf_counter() - since, reading)
            left -= size * calls

    def read(
        self, first: int, most: int, event_loop: asyncio.AbstractEventLoop | None
    ) -> list[str]:
        """Return the states of so many instances from the `first`-th one on.

        An async read runs on the event loop that its calls ran on.

        Raises:
            TargetRaisedError: The read raised.
            StateError: A state cannot be compared.
        """
        return [
            read_state(self._recipe, self._instances[index], self._numbers[index], event_loop)
            for index in range(first, min(first + most, len(self)))
        ]

    def close(self, event_loop: asyncio.AbstractEventLoop | None) -> None:
        """Close the instances, likewise.

        Raises:
            TargetRaisedError: One raised.
        """
        for number, instance in zip(self._numbers, self._instances, strict=True):
            close_instance(self._recipe, instance, number, event_loop)

    @property
    def _is_full(self) -> bool:
        return self.values is not None and self.values.is_full

    def _note_values(self, numbers: Sequence[int], position: int) -> None:
        """Have what was returned noted as theirs, who had so many calls before."""
        if self.values:
            self.values.close(numbers, position)

    def _choose(self, left: int) -> tuple[int, int]:
        """Return how many instances get how many calls each before the clock is looked at again."""
        calls = self._step - self._into
        if self._into or calls > min(left, self._pace):
            return 1, min(calls, left, self._pace)
        return min(len(self) - self._cursor, self._pace // calls, left // calls), calls

    def _piece(self, size: int, calls: int) -> Iterator[Step]:
        """Yield what gives the next `size` instances their next `calls` calls."""
        instances = self._instances[self._cursor : self._cursor + size]
        numbers = self._numbers[self._cursor : self._cursor + size]
        position = self._position + self._into
        end = position + calls
        while position < end:
            index = bisect_right(self._ends, position)
            times = min(end, self._ends[index]) - position
            call = self._recipe.calls[index]
            first = self._first(index, position)
            yield Step(self._loops[index], call, position, first, instances, numbers, times)
            position += times

    def _first(self, index: int, position: int) -> int:
        """Return which repetition of its call the one at a position is, from 0."""
        return position - (self._ends[index - 1] if index else 0)

    def _note(self, size: int, calls: int, wall_s: float, reading: Reading | None) -> None:
        made = size * calls
        self.sampler.stop(reading, wall_s)
        self.made += made
        self._longest_s = max(self._longest_s, wall_s / made)
        # What comes may be slower than what was: grow by no more than four times.
        self._pace = max(1, min(4 * made, int(self._slice_s * made / max(wall_s, 1e-9)), MOST_PACE))
        if self.values:
            self._pace = min(self._pace, self.values.pace)
        stop = self._cursor + size
        each_s = wall_s / size
        if size == 1:
            self.walls_s[self._cursor] += each_s
        elif not self._position:  # their first ones
            self.walls_s[self._cursor : stop] = array("d", (each_s,)) * size
        else:
            old = self.walls_s[self._cursor : stop]
            self.walls_s[self._cursor : stop] = array("d", (wall + each_s for wall in old))
        self._into += calls
        if self._into == self._step:
            self._cursor, self._into = stop, 0
        if self._cursor == len(self._numbers):
            self._position, self._step, self._cursor = self._position + self._step, 0, 0
