"""Recovery: whatever dies whenever, the states are the serial ones, or it gives up and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.actors.recovery import (
    CAREFUL_AFTER,
    MAKING,
    MOST_AT_ONE_CALL,
    MOST_WITHOUT_PROGRESS,
    Apply,
    GiveUp,
    Point,
    Recovery,
    Save,
    Spawn,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeActor:
    """One incarnation of a shard of one instance: order-sensitive, and gone without a word."""

    def __init__(self, spawn: Spawn, made: int = 0) -> None:
        """Start fresh or from a snapshot, which is the state's own text."""
        self.incarnation = spawn.incarnation
        self.state = spawn.snapshot.decode() if spawn.snapshot else ""
        self.made = made

    def make(self, calls: int) -> None:
        """Make calls, each of which does something of its own to the state."""
        for _ in range(calls):
            self.made += 1
            self.state = f"({self.state}{self.made})"


def serial(calls: int) -> str:
    """The state after all calls on one instance."""
    actor = FakeActor(Spawn(1, None))
    actor.make(calls)
    return actor.state


class History:
    """Actors that make calls, answer late or never, and die, in the order they are told to."""

    def __init__(self, calls: int, every: int) -> None:
        """Begin with the first incarnation, ready."""
        self.calls, self.every = calls, every
        self.recovery = Recovery(calls, every)
        self.actor = FakeActor(self.recovery.begin())
        self.old: list[FakeActor] = []
        self.next: object = self.recovery.ready(1)
        self.unanswered = self.bound = self.made = self.unheard = self.kept = 0
        self.given_up = False

    def work(self, share: float = 1.0) -> None:
        """Let the actor make calls that are not answered yet."""
        if isinstance(self.next, Apply) and not self.unanswered:
            careful = self.next.careful
            self.unanswered = 1 if careful else max(1, int(share * self.next.calls))
            self.actor.make(self.unanswered)
            self.made += self.unanswered

    def answer(self, _: float = 0) -> None:
        """Let its answer arrive, or its snapshot."""
        if self.unanswered:
            answered, self.unanswered = self.unanswered, 0
            self.next = self.recovery.advanced(self.actor.incarnation, answered)
        if isinstance(self.next, Save):
            snapshot, self.kept = self.actor.state.encode(), self.actor.made
            self.next = self.recovery.saved_as(self.actor.incarnation, snapshot)

    def late(self, share: float) -> None:
        """Let all that are dead say something after all."""
        for actor in self.old:
            assert self.recovery.advanced(actor.incarnation, int(9 * share)) is None
            assert self.recovery.saved_as(actor.incarnation, b"old") is None
            assert self.recovery.lost(actor.incarnation, 1) is None

    def die(self, share: float) -> None:
        """Let the actor die, with its node or alone."""
        self.bound += self.actor.made - self.unanswered - self.kept
        self.unheard += self.unanswered
        told = self.recovery.lost(self.actor.incarnation, self.unanswered, blamed=share < 0.7)
        if isinstance(told, GiveUp):
            assert told.losses == MOST_WITHOUT_PROGRESS
            self.given_up = True
            return
        assert isinstance(told, Spawn)
        assert (told.snapshot is None) == (not self.kept)
        self.old.append(self.actor)
        self.actor, self.unanswered = FakeActor(told, self.kept), 0
        self.next = self.recovery.ready(told.incarnation)

    def check(self) -> None:
        """Check what holds at any moment."""
        assert self.recovery.replayed == self.bound
        assert self.made <= self.calls + self.bound + self.unheard
        assert self.actor.made == self.recovery.answered + self.unanswered
        if self.every and not self.unanswered:
            assert self.recovery.answered - self.recovery.saved < self.every or not self.next


EVENTS = ("work", "work", "answer", "answer", "answer", "late", "die")


@settings(max_examples=10_000, deadline=None, derandomize=True, database=None)
@given(st.binary(min_size=8, max_size=42))  # one draw: three take twice as long
def test_ten_thousand_histories_end_in_the_serial_state(drawn: bytes) -> None:
    calls, every, events = drawn[0] % 13, drawn[1] % 6, drawn[2:]
    history = History(calls, every)
    for event in events:  # a byte each: which event, and a share of what it can be about
        if history.given_up:
            return
        getattr(history, EVENTS[event % len(EVENTS)])(event / 255)
        history.check()
    while history.next is not None and not history.given_up:  # and no more deaths
        history.work()
        history.answer()
    assert history.given_up or history.actor.state == serial(calls)


def test_without_losses_all_calls_are_applied_at_once() -> None:
    recovery = Recovery(7)
    assert recovery.begin() == Spawn(1, None)
    assert recovery.ready(1) == Apply(7, careful=False)
    assert recovery.advanced(1, 7) is None


def test_a_loss_starts_again_from_the_beginning() -> None:
    recovery = Recovery(7)
    recovery.begin()
    recovery.advanced(1, 5)
    assert recovery.lost(1, open_calls=2) == Spawn(2, None)
    assert (recovery.losses, recovery.replayed) == (1, 5)
    assert recovery.ready(2) == Apply(7, careful=False)


def test_a_loss_starts_again_from_the_last_snapshot() -> None:
    recovery = Recovery(7, save_every=2)
    recovery.begin()
    assert recovery.advanced(1, 3) == Save()
    assert recovery.saved_as(1, b"three") == Apply(4, careful=False)
    recovery.advanced(1, 1)
    assert recovery.lost(1, open_calls=1) == Spawn(2, b"three")
    assert recovery.replayed == 1
    assert recovery.ready(2) == Apply(4, careful=False)


def test_a_shard_that_has_all_its_calls_is_not_saved() -> None:
    recovery = Recovery(4, save_every=2)
    recovery.begin()
    assert recovery.advanced(1, 4) is None


def test_three_deaths_at_one_call_end_it_and_name_the_call() -> None:
    recovery, at = Recovery(9), Point(4, 3)
    recovery.begin()
    told: object = None
    for incarnation in range(1, MOST_AT_ONE_CALL + 1):
        recovery.advanced(incarnation, 2)
        told = recovery.lost(incarnation, open_calls=1, at=at)
    assert told == GiveUp(at, MOST_AT_ONE_CALL)


def test_three_deaths_while_instances_are_made_end_it() -> None:
    recovery = Recovery(9)
    recovery.begin()
    told = [recovery.lost(incarnation, open_calls=0, at=MAKING) for incarnation in (1, 2, 3)]
    assert [type(each) for each in told] == [Spawn, Spawn, GiveUp]


def test_two_deaths_somewhere_in_a_batch_make_the_third_incarnation_careful() -> None:
    recovery = Recovery(9)
    recovery.begin()
    for incarnation in range(1, CAREFUL_AFTER + 1):
        recovery.advanced(incarnation, 2)
        told = recovery.lost(incarnation, open_calls=4)
    assert told == Spawn(3, None)
    assert recovery.ready(3) == Apply(9, careful=True)
    assert recovery.advanced(3, 5) == Apply(4, careful=True)
    assert recovery.advanced(3, 1) == Apply(3, careful=False)  # past where the others died


def test_how_far_a_batch_of_unknown_size_went_is_guessed_ever_further() -> None:
    recovery = Recovery(1000)
    recovery.begin()
    careful = []
    for incarnation in range(1, 7):
        recovery.lost(incarnation, open_calls=None)
        while (told := recovery.next()) and isinstance(told, Apply) and told.careful:
            recovery.advanced(incarnation + 1, 1)
        careful.append(recovery.answered)
    assert careful == [0, 16, 80, 1000, 1000, 1000]


@pytest.mark.parametrize("culprit", [1, 17, 50, 20_000, 99_999])
def test_a_call_that_always_kills_is_named_however_large_its_batch_was(culprit: int) -> None:
    recovery = Recovery(100_000)
    recovery.begin()
    told: object = None
    for incarnation in range(1, MOST_WITHOUT_PROGRESS + 1):
        while (order := recovery.next()) and recovery.answered < culprit - 1:
            assert isinstance(order, Apply)
            if not order.careful:
                break
            recovery.advanced(incarnation, 1)
        careful = isinstance(order, Apply) and order.careful
        at = Point(0, culprit) if careful else None
        told = recovery.lost(incarnation, open_calls=1 if at else None, at=at)
        if isinstance(told, GiveUp):
            break
    assert isinstance(told, GiveUp)
    assert told.at == Point(0, culprit)


def test_getting_past_where_others_died_forgives_them() -> None:
    recovery = Recovery(9)
    recovery.begin()
    for incarnation in range(1, 3):
        recovery.lost(incarnation, open_calls=1, at=Point(0, 1))
    recovery.advanced(3, 2)
    for incarnation in range(3, 5):
        assert isinstance(recovery.lost(incarnation, open_calls=1, at=Point(0, 3)), Spawn)


def test_the_loss_of_a_node_is_not_held_against_a_call() -> None:
    recovery = Recovery(9)
    recovery.begin()
    for incarnation in range(1, 3 * MOST_WITHOUT_PROGRESS):
        told = recovery.lost(incarnation, open_calls=9, at=Point(0, 1), blamed=False)
        assert isinstance(told, Spawn)
        assert recovery.ready(incarnation + 1) == Apply(9, careful=False)


def test_deaths_at_ever_other_calls_end_it_too() -> None:
    recovery = Recovery(99)
    recovery.begin()
    told = [
        recovery.lost(each, open_calls=1, at=Point(each, 1))
        for each in range(1, MOST_WITHOUT_PROGRESS + 1)
    ]
    assert told[-1] == GiveUp(None, MOST_WITHOUT_PROGRESS)
    assert all(isinstance(each, Spawn) for each in told[:-1])


TOLD: dict[str, Callable[[Recovery], object]] = {
    "ready": lambda recovery: recovery.ready(1),
    "advanced": lambda recovery: recovery.advanced(1, 3),
    "saved": lambda recovery: recovery.saved_as(1, b""),
    "lost": lambda recovery: recovery.lost(1, open_calls=3),
}


@pytest.mark.parametrize("event", TOLD)
def test_what_an_older_incarnation_says_is_ignored(event: str) -> None:
    recovery = Recovery(9)
    recovery.begin()
    recovery.lost(1, open_calls=0)
    assert TOLD[event](recovery) is None
    assert (recovery.incarnation, recovery.answered, recovery.losses) == (2, 0, 1)
