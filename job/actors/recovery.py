"""What one shard's actor is to do next, also after a loss: a machine, events in, instructions out.

It has no clock and talks to nobody. The fleet obeys it, as dask's workers obey their state machine:
`next` hands out one instruction at a time, `apply` takes note of what became of it, and nothing
else changes it.

An actor of a shard is one incarnation of it. A lost one is never asked again, and no single call is
repeated on a state that may have seen it: the next incarnation starts from fresh instances, or from
a snapshot that was taken between two calls, and gets every call from there on.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_AT_ONE_POINT = 3  # losses
MOST_WITHOUT_PROGRESS = 10  # a target that ends its process at random would go on for ever
AHEAD = 2  # automatic batches that are under way: one that is applied, and one to go on with
STRETCHES = 10  # in which a shard's calls are waited for at least: progress and timeline show them


class Goal(enum.IntEnum):
    """How far a shard is driven."""

    READY = 0
    WORKED = 1
    READ = 2


class Point(NamedTuple):
    """What an incarnation was doing when it was lost, as exactly as that is known."""

    doing: Literal["making", "calling", "keeping", "reading"]
    first: int  # the number of the first instance that it may have been
    last: int
    call: int = 0  # which one of each instance, from 1; 0 where none was made
    certain: bool = False  # it was this very call, and not one that shares its batch


# --- instructions


class Plain(enum.Enum):
    """Instructions that need no figures."""

    SAVE = "take a snapshot"
    WAIT = "do nothing before what is under way has come to something"
    DONE = "do nothing: the goal is reached"


@dataclass(frozen=True, slots=True)
class Spawn:
    """Request an actor that starts from a snapshot, or makes its instances where that is None."""

    snapshot: bytes | None


@dataclass(frozen=True, slots=True)
class Advance:
    """Send so many remote calls, a batch each, whose answers are waited for together."""

    batches: int


@dataclass(frozen=True, slots=True)
class Read:
    """Read states, from the `first`-th instance of the shard on."""

    first: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """End the trial: too many losses `at` one point, or, where that is None, without progress."""

    at: Point | None


Instruction: TypeAlias = "Plain | Spawn | Advance | Read | GiveUp"

# --- events


@dataclass(frozen=True, slots=True)
class Ready:
    """The actor has its instances."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """It has answered so many remote calls, which carried so many calls together."""

    batches: int
    calls: int


@dataclass(frozen=True, slots=True)
class Saved:
    """It has taken a snapshot."""

    snapshot: bytes


@dataclass(frozen=True, slots=True)
class States:
    """It has told so many states."""

    states: int


@dataclass(frozen=True, slots=True)
class Lost:
    """It is no more: lost `at` a point that it told, and `blamed` unless its node or we did it."""

    at: Point | None = None
    blamed: bool = True


Event: TypeAlias = "Ready | Advanced | Saved | States | Lost"


class Recovery:
    """One shard: how far it is, what it can start again from, and where it was lost.

    Its instances get `each` calls each. A remote call carries `batch` of them, and `window` remote
    calls may be under way; of those that carry what a second holds (None), two at most: while the
    driver has not yet heard of one, which may take as long as others need, the actor is at the
    next. A snapshot is taken after `save_every` calls; never, where that is 0.
    """

    def __init__(
        self, numbers: Sequence[int], each: int, batch: int | None, window: int, save_every: int = 0
    ) -> None:
        self.numbers = numbers  # of its instances
        self.calls = len(numbers) * each
        self.incarnation = 1  # which actor of the shard it is now
        self.answered = self._saved = 0  # calls, those in its snapshot included
        self._batch, self._window = batch, window if batch else min(window, AHEAD)
        self._stretch = max(1, min(self._window // 2, -(-self.calls // (STRETCHES * (batch or 1)))))
        self._save_every = save_every or self.calls + 1
        self._snapshot: bytes | None = None
        # Of this incarnation:
        self._is_ready = False
        self._told: Spawn | Read | Plain | None = None  # to do what nothing else may meet
        self._under_way = 0  # batches
        self._states = 0
        # Of those that were lost and blamed since one got further than all others:
        self._blamed: list[tuple[Point, int]] = []  # where, and after how many answered calls
        self._size = batch or 1  # calls in a batch: an automatic one holds about what the last did
        self._end: GiveUp | None = None

    @property
    def unsaved(self) -> int:
        """How many answered calls a loss would cost."""
        return self.answered - self._saved

    def next(self, goal: Goal) -> Instruction:
        """Hand out what is to be done now; it counts as under way until its event is applied."""
        if self._end:
            return self._end
        if self._told:
            return Plain.WAIT
        working = goal > Goal.READY and self.answered < self.calls
        if not self._is_ready:
            self._told = Spawn(self._snapshot)
        elif working and self.unsaved < self._save_every:
            return self._advance()
        elif self._under_way:  # of batches sent ahead, the last may find nothing to do
            return Plain.WAIT
        elif working:
            self._told = Plain.SAVE
        elif goal == Goal.READ and self._states < len(self.numbers):
            self._told = Read(self._states)
        return self._told or Plain.DONE

    def apply(self, event: Event) -> None:
        """Take note of what happened."""
        match event:
            case Ready():
                self._told, self._is_ready = None, True
            case Advanced(batches=batches, calls=calls):
                self._under_way -= batches
                self.answered += calls
                self._size = self._batch or calls or self._size
                if self._blamed and all(
                    self.answered > after + self._size for _, after in self._blamed
                ):
                    self._blamed.clear()
            case Saved(snapshot=snapshot):
                self._told, self._snapshot, self._saved = None, snapshot, self.answered
            case States(states=states):
                self._told = None
                self._states += states
            case Lost(at=at, blamed=blamed):
                if blamed:
                    self._blame(at or self._point())
                self.incarnation += 1
                self.answered = self._saved
                self._told, self._is_ready = None, False
                self._under_way = self._states = 0
            case _:
                raise TypeError(f"{event!r} is not an event that a shard knows")

    def _advance(self) -> Instruction:
        """Hand out a stretch of batches, if there is room for it.

        A fresh incarnation gets one, one, two, four … before it has answered, so that while the
        driver fills their windows in turn no actor waits long for its first one. Where one was lost
        they come one at a time, which tells which of them it was.
        """
        until = min(self.calls, self._saved + self._save_every)
        left = -(-(until - self.answered) // self._size) - self._under_way
        window = 1 if self._blamed else self._window
        stretch = self._stretch if self.unsaved else min(self._stretch, max(1, self._under_way))
        batches = min(stretch, left, window)
        if batches <= 0 or self._under_way + batches > window:
            return Plain.WAIT
        self._under_way += batches
        return Advance(batches)

    def _blame(self, point: Point) -> None:
        """Hold a loss against what was being done, and give up where that is hopeless."""
        self._blamed.append((point, self.answered))
        at_one_point = [
            last == point
            if last.certain and point.certain
            else last.doing == point.doing and abs(after - self.answered) < self._size
            for last, after in self._blamed[-MOST_AT_ONE_POINT:]
        ]
        if sum(at_one_point) == MOST_AT_ONE_POINT:
            self._end = GiveUp(point)
        elif len(self._blamed) >= MOST_WITHOUT_PROGRESS:
            self._end = GiveUp(None)

    def _point(self) -> Point:
        numbers = self.numbers
        match self._told:
            case Spawn():
                return Point("making", numbers[0], numbers[-1])
            case Plain.SAVE:
                return Point("keeping", numbers[0], numbers[-1])
            case Read(first=first):
                return Point("reading", numbers[first], numbers[-1])
        rounds, turn = divmod(self.answered, len(numbers))
        if self._batch == 1 and self.answered < self.calls:
            # Batches of one go round the instances: so a shard deals them out.
            return Point("calling", numbers[turn], numbers[turn], rounds + 1, certain=True)
        return Point("calling", numbers[0], numbers[-1], rounds + 1)
