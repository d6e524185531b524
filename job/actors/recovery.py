"""What to do when an actor dies: a machine for each shard, events in, instructions out.

It has no clock and talks to nobody. An actor of a shard is one incarnation of it; whatever an older
one says is ignored. A dead one is never asked again, and no single call is repeated on a state that
may have seen it: the next incarnation starts from fresh instances, or from a snapshot that was
taken between two calls, and gets every call from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

MOST_AT_ONE_CALL = 3  # incarnations that may die at one and the same call
CAREFUL_AFTER = 2  # losses without progress, then calls are made one by one to find the culprit
GUESSED = 4  # how much further a batch of unknown size is taken to have gone at each death
MOST_GUESSES = 3  # then it may have gone to the end
MOST_WITHOUT_PROGRESS = 10  # a target that ends its process at random would go on for ever


class Point(NamedTuple):
    """One call: the instance's number, and its how-many-th call it is, counted from 1."""

    instance: int
    call: int


MAKING = Point(-1, 0)  # stands for the making of the instances, before any call


@dataclass(frozen=True)
class Spawn:
    """Start an actor.

    Attributes:
        incarnation: The how-many-th of its shard it is, counted from 1.
        snapshot: What it starts from; None for fresh instances.
    """

    incarnation: int
    snapshot: bytes | None


@dataclass(frozen=True)
class Apply:
    """Have further calls made: all those that are left, one by one where `careful`."""

    calls: int
    careful: bool


@dataclass(frozen=True)
class Save:
    """Take a snapshot before any further call."""


@dataclass(frozen=True)
class GiveUp:
    """End the trial.

    Attributes:
        at: The call at which its incarnations die; None where they die at no certain one.
        losses: How many died without getting any further.
    """

    at: Point | None
    losses: int


Next: TypeAlias = "Apply | Save | None"


class Recovery:
    """One shard: how far it is, what it can start again from, and what it has died of.

    Attributes:
        incarnation: The number of the actor that counts, from 1; 0 before the first.
        answered: How many of the shard's calls are answered by it, those of its snapshot included.
        saved: How many of them are in the last snapshot.
        snapshot: That snapshot; None before the first.
        losses: How many incarnations have died.
        replayed: How many answered calls had to be made again.
    """

    def __init__(self, calls: int, save_every: int = 0) -> None:
        """Begin with a shard that gets `calls` calls, and is kept after every `save_every`.

        Where that is 0, it is never kept.
        """
        self.incarnation = self.answered = self.saved = self.losses = self.replayed = 0
        self._calls = calls
        self._save_every = save_every
        self.snapshot: bytes | None = None
        self._careful_until = 0
        self._reach = -1  # how far incarnations that died may have come
        self._guesses = 0
        self._stuck: list[Point | None] = []  # where they died since one got further

    @property
    def until(self) -> int:
        """After how many of the shard's calls something else comes: a snapshot, or the end."""
        return min(self._calls, self.saved + self._save_every) if self._save_every else self._calls

    def begin(self) -> Spawn:
        """Start the first incarnation."""
        return self._spawn()

    def ready(self, incarnation: int) -> Next:
        """Take note that an incarnation has its instances."""
        return self.next() if incarnation == self.incarnation else None

    def advanced(self, incarnation: int, calls: int) -> Next:
        """Take note that an incarnation has answered further calls."""
        if incarnation != self.incarnation:
            return None
        self.answered += calls
        if self.answered > self._reach:
            self._stuck.clear()
        return self.next()

    def saved_as(self, incarnation: int, snapshot: bytes) -> Next:
        """Take note of a snapshot that was taken after all calls answered so far."""
        if incarnation != self.incarnation:
            return None
        self.saved, self.snapshot = self.answered, snapshot
        return self.next()

    def lost(
        self,
        incarnation: int,
        open_calls: int | None,
        at: Point | None = None,
        *,
        blamed: bool = True,
    ) -> Spawn | GiveUp | None:
        """Take note of an incarnation's death.

        Args:
            incarnation: Which one.
            open_calls: How many calls it may have made without an answer; None where nobody knows.
            at: The call that it was making, where that is certain.
            blamed: Whether a call may have been the reason, as it is not where its node has gone.

        Returns:
            What to do now; None where an older incarnation is meant.
        """
        if incarnation != self.incarnation:
            return None
        self.losses += 1
        self.replayed += self.answered - self.saved
        if blamed:
            self._guesses += open_calls is None
            guess = GUESSED**self._guesses if self._guesses <= MOST_GUESSES else self._calls
            reach = guess if open_calls is None else open_calls
            self._reach = max(self._reach, self.answered + reach)
            self._stuck.append(at)
        same = 0
        for point in reversed(self._stuck):
            if point is None or point != self._stuck[-1]:
                break
            same += 1
        if same >= MOST_AT_ONE_CALL or len(self._stuck) >= MOST_WITHOUT_PROGRESS:
            return GiveUp(at if same >= MOST_AT_ONE_CALL else None, len(self._stuck))
        return self._spawn()

    def next(self) -> Next:
        """Return what the incarnation that counts is to do once it is ready; None: no more."""
        left = self._calls - self.answered
        if left <= 0:
            return None
        if self._save_every and self.answered - self.saved >= self._save_every:
            return Save()
        return Apply(left, careful=self.answered < self._careful_until)

    def _spawn(self) -> Spawn:
        self.incarnation += 1
        self.answered = self.saved
        careful = len(self._stuck) >= CAREFUL_AFTER
        self._careful_until = self._reach if careful else 0
        return Spawn(self.incarnation, self.snapshot)
