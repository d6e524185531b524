"""Recovery: whatever is lost whenever, the states are the serial ones, or it gives up and says so.

The machine is driven here as the fleet drives it: by `next` and `apply` alone.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.actors.recovery import (
    MOST_AT_ONE_POINT,
    MOST_WITHOUT_PROGRESS,
    Advance,
    Advanced,
    Event,
    GiveUp,
    Goal,
    Instruction,
    Lost,
    Plain,
    Point,
    Read,
    Ready,
    Recovery,
    Saved,
    Spawn,
    States,
)

INSTANCES = 2


class FakeActor:
    """One incarnation of a shard: instances that are order-sensitive, called in turn."""

    def __init__(self, snapshot: bytes | None) -> None:
        """Start fresh or from a snapshot, which is the states' own text."""
        self.states = snapshot.decode().split() if snapshot else ["-"] * INSTANCES
        self.made = sum(state.count("(") for state in self.states)

    def advance(self, calls: int) -> int:
        """Make calls, each of which does something of its own to the state."""
        for _ in range(calls):
            self.made += 1
            turn = self.made % INSTANCES
            self.states[turn] = f"({self.states[turn]}{self.made})"
        return calls

    def snapshot(self) -> bytes:
        """Return what another one can start from."""
        return " ".join(self.states).encode()


def serial(calls: int) -> list[str]:
    """The states after all calls."""
    actor = FakeActor(None)
    actor.advance(calls)
    return actor.states


class History:
    """A fleet of one: its actor makes calls, answers late or never, and is lost, as it is told."""

    def __init__(self, each: int, batch: int | None, window: int, every: int) -> None:
        """Begin with the first incarnation requested."""
        self.calls, self.batch = each * INSTANCES, batch
        self.window = window if batch else 2
        self.recovery = Recovery(range(INSTANCES), each, batch, self.window, every)
        self.goal = Goal.READY
        self.sent: deque[tuple[Instruction, list[Any]]] = deque()  # with the answers so far
        self.states: list[str] = []
        self.blamed = 0
        self.last: Instruction = Plain.WAIT
        self.obey()

    def obey(self) -> None:
        """Take instructions until there are no more."""
        while not isinstance(self.last, GiveUp):
            self.last = self.recovery.next(self.goal)
            match self.last:
                case Spawn(snapshot=snapshot):
                    assert not self.sent
                    self.actor = FakeActor(snapshot)
                    assert self.actor.made == self.recovery.answered
                    self.states.clear()
                case Plain.SAVE | Read():
                    assert not self.sent, "something else is under way"
                case Advance(batches=batches):
                    assert batches > 0
                case Plain.WAIT:
                    assert self.sent, "nothing is under way, and nothing more will come"
                    return
                case Plain.DONE:
                    assert not self.sent
                    if self.goal == Goal.READ:
                        return
                    self.goal = Goal(self.goal + 1)
                    continue
                case GiveUp():
                    return
            self.sent.append((self.last, []))
            assert self.under_way() <= self.window

    def under_way(self) -> int:
        """How many batches are not answered."""
        return sum(order.batches for order, _ in self.sent if isinstance(order, Advance))

    def work(self, share: float) -> None:
        """Let the actor do the first thing that it has not done yet."""
        for order, done in self.sent:
            match order:
                case Advance(batches=batches) if len(done) < batches:
                    left = self.calls - self.actor.made
                    size = self.batch or max(1, int(share * left))
                    done.append(self.actor.advance(min(size, left)))
                    return
                case Spawn() if not done:
                    done.append(None)
                    return
                case Plain.SAVE if not done:
                    done.append(self.actor.snapshot())
                    return
                case Read(first=first) if not done:
                    done.append(self.actor.states[first : first + 1])
                    return

    def answer(self, _: float = 0) -> None:
        """Let its next answers arrive, if it has them all."""
        if not self.sent:
            return
        order, done = self.sent[0]
        if len(done) == (order.batches if isinstance(order, Advance) else 1):
            self.tell(order, done)
            self.sent.popleft()
            self.obey()

    def tell(self, order: Instruction, done: list[Any]) -> None:
        """Turn answers into an event."""
        event: Event = Ready()
        if isinstance(order, Advance):
            event = Advanced(len(done), sum(done))
        elif order == Plain.SAVE:
            event = Saved(done[0])
        elif isinstance(order, Read):
            self.states += done[0]
            event = States(len(done[0]))
        self.recovery.apply(event)

    def lose(self, share: float) -> None:
        """Let the actor be lost, alone or with its node, and some of its answers with it."""
        if not self.sent:
            return
        for order, done in self.sent:
            if heard := done if share < 0.5 else done[:1]:
                self.tell(order, heard)
            if heard != done:
                break
        self.sent.clear()
        blamed = share * 10 % 1 < 0.7
        self.blamed += blamed
        self.recovery.apply(Lost(None, blamed))
        self.obey()
        if isinstance(self.last, GiveUp):
            assert self.blamed >= (MOST_AT_ONE_POINT if self.last.at else MOST_WITHOUT_PROGRESS)


EVENTS = ("work", "work", "work", "answer", "answer", "answer", "lose")


@settings(max_examples=10_000, deadline=None, derandomize=True, database=None)
@given(st.binary(min_size=8, max_size=42))  # one draw: three take twice as long
def test_ten_thousand_histories_end_in_the_serial_states(drawn: bytes) -> None:
    each, every = drawn[0] % 7, drawn[1] % 6
    history = History(each, drawn[2] % 5 or None, 2 + drawn[3] % 7, every)
    for event in drawn[4:]:  # a byte each: which event, and a share of what it can be about
        getattr(history, EVENTS[event % len(EVENTS)])(event / 256)
        assert history.recovery.answered <= history.actor.made <= history.calls
    while history.last != Plain.DONE and not isinstance(history.last, GiveUp):  # no more losses
        history.work(0.5)
        history.answer()
    assert isinstance(history.last, GiveUp) or history.states == serial(history.calls)


# --- one step after the other


def started(recovery: Recovery, snapshot: bytes | None = None) -> Recovery:
    """Have the next incarnation ready."""
    assert recovery.next(Goal.WORKED) == Spawn(snapshot)
    recovery.apply(Ready())
    return recovery


def one(each: int, batch: int | None = 1, window: int = 1, **more: int) -> Recovery:
    """Return a shard of instance 4 alone, ready."""
    return started(Recovery([4], each, batch, window, **more))


def advance(recovery: Recovery, batches: int, calls: int | None = None) -> None:
    """Have batches sent and answered."""
    assert recovery.next(Goal.WORKED) == Advance(batches)
    calls = batches if calls is None else calls
    recovery.apply(Advanced(batches, calls))


def lose(recovery: Recovery, at: Point | None = None, *, blamed: bool = True) -> Instruction:
    """Have the actor lost; if another one follows, it is ready."""
    recovery.apply(Lost(at, blamed))
    told = recovery.next(Goal.WORKED)
    recovery.apply(Ready())
    return told


def test_an_actor_is_requested_and_goes_no_further_than_it_is_told() -> None:
    recovery = Recovery([4], 2, 1, 9)
    assert recovery.next(Goal.READY) == Spawn(None)
    assert recovery.next(Goal.READY) == Plain.WAIT
    recovery.apply(Ready())
    assert recovery.next(Goal.READY) == Plain.DONE
    assert [recovery.next(Goal.WORKED) for _ in range(3)] == [Advance(1), Advance(1), Plain.WAIT]
    recovery.apply(Advanced(1, 1))
    assert recovery.next(Goal.WORKED) == Plain.WAIT
    recovery.apply(Advanced(1, 1))
    assert recovery.next(Goal.WORKED) == Plain.DONE
    assert recovery.next(Goal.READ) == Read(0)
    assert recovery.next(Goal.READ) == Plain.WAIT
    recovery.apply(States(1))
    assert recovery.next(Goal.READ) == Plain.DONE


def told(recovery: Recovery) -> list[int]:
    """Return the stretches of batches that are sent before anything is answered."""
    sent = []
    while isinstance(order := recovery.next(Goal.WORKED), Advance):
        sent.append(order.batches)
    assert order == Plain.WAIT
    return sent


def test_a_fresh_actor_gets_few_calls_first_and_then_whole_stretches() -> None:
    recovery = one(1_000, window=300)
    assert told(recovery) == [1, 1, 2, 4, 8, 16, 32, 64, 100]
    recovery.apply(Advanced(1, 1))
    assert told(recovery) == []  # before there is room for a stretch
    for batches in (1, 2, 4, 8, 16, 32):
        recovery.apply(Advanced(batches, batches))
    assert told(recovery) == [100]


@pytest.mark.parametrize(
    ("each", "batch", "window", "expected"),
    [
        (20, 1, 1_000, [1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2]),  # ten stretches or more
        (7, 3, 1_000, [1, 1, 1]),
        (7, 100, 1_000, [1]),
        (9, 1, 2, [1, 1]),
        (9, None, 1_000, [1, 1]),  # nobody knows how many are left after them
        (0, 1, 1_000, None),
    ],
)
def test_no_more_is_sent_than_there_is_to_do_and_room_for(
    each: int, batch: int | None, window: int, expected: list[int] | None
) -> None:
    recovery = one(each, batch, window)
    if expected is None:
        assert recovery.next(Goal.WORKED) == Plain.DONE
    else:
        assert told(recovery) == expected


def idle_share(shards: int) -> float:
    """Return how much of their work actors wait for a driver that hears them in rounds.

    Each has calls for some ten batches, which take a second more or less. A round lasts until a
    tenth of those that are waited for have answered, as the fleet's do.
    """
    lot = random.Random(5)  # noqa: S311 - figures, not secrets
    fleet = {index: one(100, None, 1_000) for index in range(shards)}
    sent: dict[int, deque[float]] = {index: deque() for index in fleet}  # when each is answered
    made = dict.fromkeys(fleet, 0)
    until = dict.fromkeys(fleet, 0.0)
    now = idle_s = work_s = 0.0
    while True:
        for index, recovery in fleet.items():
            while sent[index] and sent[index][0] <= now:
                sent[index].popleft()
                calls = min(10, 100 - made[index])
                made[index] += calls
                recovery.apply(Advanced(1, calls))
            while isinstance(recovery.next(Goal.WORKED), Advance):
                took_s = lot.uniform(0.5, 1.5)
                idle_s += max(0.0, now - until[index])
                work_s += took_s
                until[index] = max(now, until[index]) + took_s
                sent[index].append(until[index])
        heads = sorted(ends[0] for ends in sent.values() if ends)
        if not heads:
            assert set(made.values()) == {100}
            return idle_s / work_s
        now = heads[max(1, len(heads) // 10) - 1]


def test_no_actor_of_many_waits_for_a_driver_that_has_not_heard_it_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert idle_share(24) == idle_share(100) == 0
    monkeypatch.setattr("job.actors.recovery.AHEAD", 1)
    assert idle_share(12) == 0  # whose rounds end with the first answer
    assert idle_share(24) > 0.015
    assert idle_share(100) > 0.02


def test_batches_of_unknown_size_end_before_anything_else_begins() -> None:
    recovery = one(20, None, 1_000)
    assert told(recovery) == [1, 1]
    recovery.apply(Advanced(1, 20))
    assert recovery.next(Goal.READ) == Plain.WAIT  # the other one finds nothing to do
    recovery.apply(Advanced(1, 0))
    assert recovery.next(Goal.READ) == Read(0)


def test_a_batch_that_is_not_needed_is_not_sent_ahead() -> None:
    recovery = one(31, None, 1_000)
    assert told(recovery) == [1, 1]
    recovery.apply(Advanced(1, 10))
    assert told(recovery) == [1]
    recovery.apply(Advanced(1, 11))
    assert told(recovery) == []  # the last ten are under way


def test_a_snapshot_waits_for_a_batch_that_was_sent_ahead() -> None:
    recovery = one(90, None, 1_000, save_every=15)
    assert told(recovery) == [1, 1]
    recovery.apply(Advanced(1, 20))
    assert recovery.next(Goal.WORKED) == Plain.WAIT
    recovery.apply(Advanced(1, 20))
    assert recovery.next(Goal.WORKED) == Plain.SAVE


def test_nothing_is_sent_beyond_the_next_snapshot() -> None:
    assert told(one(9, window=9, save_every=4)) == [1, 1, 1, 1]
    assert told(one(9, 3, window=9, save_every=4)) == [1, 1]


def test_a_loss_starts_again_from_the_last_snapshot() -> None:
    recovery = one(7, save_every=3)
    for _ in range(3):
        advance(recovery, 1)
    assert recovery.next(Goal.WORKED) == Plain.SAVE
    assert recovery.next(Goal.WORKED) == Plain.WAIT
    recovery.apply(Saved(b"three"))
    advance(recovery, 1)
    assert recovery.unsaved == 1
    recovery.apply(Lost())
    assert recovery.answered == 3
    started(recovery, b"three")


def test_a_shard_that_has_all_its_calls_is_not_saved() -> None:
    recovery = one(4, 4, save_every=2)
    advance(recovery, 1, 4)
    assert recovery.next(Goal.WORKED) == Plain.DONE


# --- giving up


@pytest.mark.parametrize("answered", range(6))
def test_three_losses_at_one_call_end_it_and_batches_of_one_name_the_call(answered: int) -> None:
    recovery = started(Recovery([7, 8, 9], 2, 1, 50))
    orders = []
    for _ in range(MOST_AT_ONE_POINT):
        for _ in range(answered):
            advance(recovery, 1)
        orders.append(lose(recovery))
    number = 7 + answered % 3
    named = GiveUp(Point("calling", number, number, answered // 3 + 1, certain=True))
    assert orders == [Spawn(None), Spawn(None), named]
    assert recovery.next(Goal.READ) == named  # and so it stays


def test_after_a_loss_batches_come_one_at_a_time_until_one_got_further() -> None:
    recovery = one(900, window=500)
    assert len(told(recovery)) > 1
    lose(recovery)
    assert told(recovery) == [1]
    recovery.apply(Advanced(1, 1))
    assert told(recovery) == [1]
    recovery.apply(Advanced(1, 1))
    assert told(recovery) == [90, 90, 90, 90, 90]


def test_losses_in_one_batch_end_it_and_tell_where_it_began() -> None:
    recovery = started(Recovery([7, 8], 9, 4, 9))
    for number in range(MOST_AT_ONE_POINT):
        advance(recovery, 1, 4)
        order = lose(recovery)
        assert isinstance(order, GiveUp) == (number == 2)
    assert order == GiveUp(Point("calling", 7, 8, 3))


def test_automatic_batches_that_end_elsewhere_each_time_are_one_point_all_the_same() -> None:
    recovery = started(Recovery([7], 90_000, None, 1))
    for sizes in ([20_100, 20_150], [19_900, 19_900], [20_400, 20_605]):
        for size in sizes:
            advance(recovery, 1, size)
        order = lose(recovery)
    assert order == GiveUp(Point("calling", 7, 7, 41_006))


def test_three_losses_while_instances_are_made_end_it() -> None:
    recovery = Recovery([7, 8], 9, 1, 9)
    for _ in range(MOST_AT_ONE_POINT):
        assert recovery.next(Goal.READY) == Spawn(None)
        recovery.apply(Lost())
    assert recovery.next(Goal.READY) == GiveUp(Point("making", 7, 8))


@pytest.mark.parametrize(("goal", "doing"), [(Goal.WORKED, "keeping"), (Goal.READ, "reading")])
def test_three_losses_while_instances_are_kept_or_read_end_it(goal: Goal, doing: str) -> None:
    recovery = one(4, 2, save_every=2 if doing == "keeping" else 0)
    for _ in range(MOST_AT_ONE_POINT):
        for _ in range(1 if doing == "keeping" else 2):
            advance(recovery, 1, 2)
        assert recovery.next(goal) == (Plain.SAVE if doing == "keeping" else Read(0))
        order = lose(recovery)
    assert isinstance(order, GiveUp)
    assert order.at
    assert order.at[:3] == (doing, 4, 4)


def test_a_call_that_told_its_end_is_named_whatever_its_batch_held() -> None:
    recovery, at = one(99, None), Point("calling", 4, 4, 17, certain=True)
    assert [type(lose(recovery, at)) for _ in range(3)] == [Spawn, Spawn, GiveUp]
    assert recovery.next(Goal.WORKED) == GiveUp(at)


def test_getting_past_where_others_were_lost_forgives_them() -> None:
    recovery = one(9)
    for _ in range(2):
        lose(recovery)
    for _ in range(2):
        advance(recovery, 1)
    for _ in range(2):
        assert isinstance(lose(recovery), Spawn)


def test_a_loss_that_is_not_blamed_is_held_against_no_call() -> None:
    recovery = one(9, window=9)
    for _ in range(3 * MOST_WITHOUT_PROGRESS):
        assert lose(recovery, blamed=False) == Spawn(None)
    assert len(told(recovery)) > 1


def test_losses_at_ever_other_calls_end_it_too() -> None:
    recovery = one(99, None)
    orders = [
        lose(recovery, Point("calling", 4, 4, call, certain=True))
        for call in range(1, MOST_WITHOUT_PROGRESS + 1)
    ]
    assert orders[-1] == GiveUp(None)
    assert {type(order) for order in orders[:-1]} == {Spawn}


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(TypeError, match="is not an event"):
        one(9).apply(cast("Event", Plain.DONE))
