"""Shard: whatever the knobs, each instance's calls in order, one at a time, and all of them."""
# ruff: noqa: D102 -- the targets here say what they do in a line

from __future__ import annotations

import asyncio
import decimal
import os
import pickle
import sqlite3
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import StateError, TargetRaisedError
from job.shard.recipe import Recipe, target_raised
from job.shard.shard import Place, Shard, share_out
from job.shard.states import canonical
from job.workload.calls import Call, parse_call, parse_target
from tests.subjects import undisturbed
from tests.targets import crunchers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.shard.metering import Account

HERE = Place("node", "10.0.0.1", "host", os.getpid())
MOST = 2**61 - 1  # a prime


class Ledger:
    """Order-sensitive, and notices a second call while one is under way."""

    def __init__(self, start: int = 0) -> None:
        self.total = start
        self.overlapped = False
        self._inside = threading.Lock()

    def book(self, amount: int) -> None:
        if not self._inside.acquire(blocking=False):
            self.overlapped = True
            return
        before = self.total
        os.sched_yield()  # an invitation to every other thread
        self.total = (before * 31 + amount) % MOST
        self._inside.release()

    def double(self) -> None:
        self.total = 2 * self.total % MOST + 1

    def state(self) -> tuple[int, bool]:
        return self.total, self.overlapped


class Series:
    """Order-sensitive, and can be pickled."""

    def __init__(self, start: int) -> None:
        self.total = start

    def book(self, amount: int) -> None:
        self.total = (self.total * 31 + amount) % MOST

    def double(self) -> None:
        self.total = 2 * self.total % MOST + 1

    def state(self) -> int:
        return self.total


class Fragile:
    """Raises in its third call if it is number 2."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0

    def work(self) -> None:
        self.calls += 1
        if self.number == 2 and self.calls == 3:
            message = "out of paper"
            raise ValueError(message)

    def leave(self) -> None:
        raise SystemExit(0)


def recipe(
    make: Callable[..., Any], calls: Sequence[str], read: str | None, target: str = "m:C(instance)"
) -> Recipe:
    return Recipe(make, parse_target(target), tuple(map(parse_call, calls)), read, 10**7)


def shard_of(of: Recipe, numbers: Sequence[int], batch: int | None = 1, threads: int = 1) -> Shard:
    shard = Shard(of, numbers, batch, threads, lambda: HERE)
    assert shard.ready() == HERE
    return shard


def batches(shard: Shard) -> list[int]:
    """Advance to the end."""
    made: list[int] = []
    while count := shard.advance():
        made.append(count)
    return made


def all_states(shard: Shard, instances: int) -> list[str]:
    states: list[str] = []
    while len(states) < instances:
        states += shard.read(len(states))
    return states


def by_a_plain_loop(calls: Sequence[Call], numbers: Sequence[int]) -> list[str]:
    ledgers = [Ledger(number) for number in numbers]
    for number, ledger in zip(numbers, ledgers, strict=True):
        for call in calls:
            for repetition in range(call.times):
                args, kwargs = call.arguments(number, repetition)
                getattr(ledger, call.method)(*args, **kwargs)
    return [canonical(ledger.state()) for ledger in ledgers]


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["book(7)", "book(instance * 9 + repetition)", "double()"]),
        st.integers(1, 12),
    ).map(lambda pair: f"{pair[0]} * {pair[1]}"),
    max_size=4,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    calls=CALLS,
    numbers=st.lists(st.integers(0, 10**7), max_size=8),
    batch=st.one_of(st.none(), st.integers(1, 40)),
    threads=st.sampled_from([1, 1, 2, 3, 9]),
)
def test_any_knobs_end_in_the_states_of_the_plain_loop_without_overlap(
    calls: list[str], numbers: list[int], batch: int | None, threads: int
) -> None:
    of = recipe(Ledger, calls, "state")
    shard = shard_of(of, numbers, batch, threads)
    made = batches(shard)
    assert sum(made) == shard.account().calls == len(numbers) * of.calls_per_instance
    assert batch is None or all(count <= batch for count in made)
    states = all_states(shard, len(numbers))
    assert states == by_a_plain_loop(of.calls, numbers)
    assert not any("True" in state for state in states)
    assert shard.advance() == 0


@pytest.mark.parametrize(("batch", "expected"), [(1, [1] * 6), (4, [4, 2]), (6, [6]), (100, [6])])
def test_a_batch_holds_as_many_calls_as_it_is_told(batch: int, expected: list[int]) -> None:
    assert batches(shard_of(recipe(Ledger, ["book(1) * 3"], "state"), [0, 1], batch)) == expected


def test_quick_calls_fit_into_one_automatic_batch() -> None:
    shard = shard_of(recipe(Ledger, ["double() * 500"], "state"), range(10), None)
    assert batches(shard) == [5_000]


def test_instances_get_on_together_and_not_one_after_the_other() -> None:
    shard = shard_of(recipe(Ledger, ["double() * 4"], "total", "m:C"), range(3), 3)
    shard.advance()
    assert shard.read(0) == ["1", "1", "1"]


def test_with_threads_as_many_instances_are_called_at_once() -> None:
    meeting = threading.Barrier(3)

    class Guest:
        def arrive(self) -> None:
            meeting.wait(timeout=60)

    shard = shard_of(recipe(Guest, ["arrive() * 5"], None, "m:C"), range(3), 3, threads=3)
    assert sum(batches(shard)) == 15


def test_without_threads_all_calls_are_made_in_the_thread_that_asks() -> None:
    seen: set[int] = set()

    class Witness:
        def look(self) -> None:
            seen.add(threading.get_ident())

    batches(shard_of(recipe(Witness, ["look() * 3"], None, "m:C"), range(3), None))
    assert seen == {threading.get_ident()}


@pytest.mark.parametrize(("calls", "numbers"), [([], [0, 1]), (["double()"], [])])
def test_where_there_is_nothing_to_call_the_first_batch_is_empty(
    calls: list[str], numbers: list[int]
) -> None:
    shard = shard_of(recipe(Ledger, calls, "total"), numbers)
    assert shard.advance() == 0
    assert (shard.account().calls, shard.account().wall_s) == (0, 0.0)
    assert shard.read(0) == [str(number) for number in numbers]


# --- what the calls took


def test_the_account_never_claims_more_than_there_was() -> None:
    shard = shard_of(recipe(Ledger, ["double() * 2000"], "state"), range(4), 1_500)
    while shard.advance():
        account = shard.account()
        assert 0 < account.slowest_s <= account.wall_s
        assert account.cpu_s <= account.wall_s * 1.5 + 0.01  # two clocks


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, None])
def test_what_threads_of_the_target_compute_is_counted_beside_the_home_threads(
    threads: int, batch: int | None, tmp_path: Path
) -> None:
    def check() -> None:
        folder = tempfile.mkdtemp(dir=tmp_path)
        of = recipe(crunchers.Threads, ["crunch() * 3"], "tell", f"m:C({folder!r})")
        account, noted_s = crunched(shard_of(of, range(threads), batch, threads), folder)
        assert account.cpu_s == pytest.approx(noted_s, rel=0.5)
        assert account.elsewhere_s > 0.8 * account.cpu_s

    undisturbed(check)


def crunched(shard: Shard, folder: str) -> tuple[Account, float]:
    """Return what a shard says that its calls took, and what they noted of it themselves."""
    batches(shard)
    account = shard.account()
    shard.read(0)
    return account, sum(map(float, Path(folder, str(os.getpid())).read_text().split()))


@pytest.mark.parametrize("threads", [1, 2])
def test_what_home_threads_compute_is_counted_once(threads: int, tmp_path: Path) -> None:
    def check() -> None:
        folder = tempfile.mkdtemp(dir=tmp_path)
        of = recipe(crunchers.Hasher, ["crunch() * 6"], "tell", f"m:C({folder!r})")
        account, noted_s = crunched(shard_of(of, range(threads), None, threads), folder)
        assert account.cpu_s == pytest.approx(noted_s, rel=0.5)
        assert account.elsewhere_s < 0.2 * account.cpu_s

    undisturbed(check)


# --- closing


@pytest.mark.parametrize("threads", [1, 3])
def test_each_instance_is_closed_in_its_home_thread(threads: int) -> None:
    closed: list[int] = []

    class Connection:
        def __init__(self, number: int) -> None:
            self.number, self.thread = number, threading.get_ident()
            self.held = self

        def shut(self) -> None:
            assert threading.get_ident() == self.thread
            closed.append(self.number)

    of = replace(recipe(Connection, [], "number"), close="held.shut")
    shard = shard_of(of, range(7), None, threads)
    assert shard.read(0) == [str(number) for number in range(7)]
    assert closed == []
    shard.close()
    assert sorted(closed) == [*range(7)]


def test_where_nothing_is_said_of_closing_nothing_is_called() -> None:
    class Connection:
        def close(self) -> None:
            raise AssertionError

    shard_of(recipe(Connection, [], None, "m:C"), range(2)).close()


def test_a_close_that_raises_is_told_with_its_instance() -> None:
    class Connection:
        def __init__(self, number: int) -> None:
            self.number = number

        def close(self) -> None:
            if self.number == 3:
                sys.exit("gone")

    shard = shard_of(replace(recipe(Connection, [], None), close="close"), range(5))
    with pytest.raises(TargetRaisedError, match="instance 3, close close: SystemExit") as raised:
        shard.close()
    assert not raised.value.exits  # which would be an actor's death


# --- states


def test_states_come_in_the_order_of_the_instances_from_where_one_asks() -> None:
    shard = shard_of(recipe(Ledger, [], "total"), [5, 3, 9])
    assert shard.read(0) == ["5", "3", "9"]
    assert shard.read(2) == ["9"]
    assert shard.read(3) == []


def test_large_states_come_in_several_answers() -> None:
    class Large:
        def __init__(self, number: int) -> None:
            self.text = str(number) * 10**6

    shard = shard_of(recipe(Large, [], "text"), range(9))
    assert 1 <= len(shard.read(0)) < 9
    assert all_states(shard, 9) == [repr(str(number) * 10**6) for number in range(9)]


def test_a_state_beyond_the_limit_travels_as_a_digest() -> None:
    of = Recipe(Ledger, parse_target("m:C(instance)"), (), "total", 64)
    small, large = shard_of(of, [7, 10**100]).read(0)
    assert small == "7"
    assert large.startswith("<blake2b ")
    assert len(large) <= 64


def test_without_a_read_the_whole_object_is_the_state() -> None:
    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    assert shard_of(recipe(Point, [], None), [3]).read(0)[0].endswith("Point(x=3)")


# --- failures


def failure(act: Callable[[], object]) -> TargetRaisedError:
    with pytest.raises(TargetRaisedError) as raised:
        act()
    return raised.value


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 4, None])
def test_a_call_that_raises_is_told_with_instance_and_call(batch: int | None, threads: int) -> None:
    shard = shard_of(recipe(Fragile, ["work()", "work() * 4"], None), [1, 2, 3], batch, threads)
    error = failure(lambda: batches(shard))
    assert str(error) == "instance 2, call 3, work() * 4: ValueError: out of paper"
    assert (error.number, error.position) == (2, 3)
    assert error.line.startswith(__file__)
    assert error.line.endswith("in work")


def test_after_a_failure_a_shard_only_repeats_it() -> None:
    shard = shard_of(recipe(Fragile, ["work() * 5"], None), [2])
    first = failure(lambda: batches(shard))
    assert failure(shard.advance) is first


@pytest.mark.parametrize("call", ["work(1)", "no_such_method()"])
def test_a_call_that_cannot_be_made_blames_no_line_of_the_target(call: str) -> None:
    error = failure(shard_of(recipe(Fragile, [call], None), [1]).advance)
    assert str(error).startswith(f"instance 1, call 1, {call}: ")
    assert error.line == ""


def test_a_constructor_that_raises_is_told_with_instance_and_target() -> None:
    def make(number: int) -> int:
        return 1 // (number - 3)

    shard = Shard(recipe(make, [], None), [1, 2, 3], 1, 1, lambda: HERE)
    error = failure(shard.ready)
    assert str(error) == (
        "instance 3, m:C(instance): ZeroDivisionError: integer division or modulo by zero"
    )
    assert error.line.endswith("in make")


def test_a_read_that_raises_is_told_with_instance_and_name() -> None:
    shard = shard_of(recipe(Fragile, [], "leave"), [8])
    assert str(failure(lambda: shard.read(0))) == "instance 8, read leave: SystemExit: 0"


def test_a_state_that_cannot_be_compared_is_told_with_its_instance() -> None:
    shard = shard_of(recipe(Ledger, [], None), [4])
    with pytest.raises(StateError, match=r"instance 4, read of the object: .*lock") as raised:
        shard.read(0)
    assert raised.value.hint


def test_a_state_that_is_not_there_is_told_with_those_that_are() -> None:
    shard = shard_of(recipe(Fragile, [], "totl"), [4])
    with pytest.raises(StateError, match="instance 4, read totl: Fragile has no 'totl'") as raised:
        shard.read(0)
    assert raised.value.hint.startswith("It has: ")
    assert "leave" in raised.value.hint


def test_a_call_that_exits_is_told_as_its_error() -> None:
    shard = shard_of(recipe(Fragile, ["leave()"], None), [1])
    assert str(failure(shard.advance)).startswith("instance 1, call 1, leave(): SystemExit")


@pytest.mark.parametrize(
    ("batch", "threads", "count"), [(1, 1, 1), (1, 1, 3), (5, 1, 3), (5, 3, 3), (None, 2, 3)]
)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_shard_that_starts_from_a_snapshot_ends_like_one_that_never_stopped(
    batch: int | None, threads: int, count: int, before: int
) -> None:
    made = recipe(Series, ["book(instance) * 3", "double()", "book(4) * 2"], "state")
    numbers = range(2, 2 + count)
    whole, first, second = (Shard(made, numbers, batch, threads, lambda: HERE) for _ in range(3))
    for shard in (whole, first):
        shard.ready()
    for _ in range(before):
        first.advance()
    assert second.ready(first.snapshot(pickle.dumps)) == HERE
    assert second.account().calls == first.account().calls
    for shard in (whole, second):
        while shard.advance():
            pass
    assert second.read(0) == whole.read(0)
    assert second.account().calls == 6 * count


def test_an_instance_that_cannot_be_pickled_is_told_with_the_way_out() -> None:
    shard = shard_of(recipe(Ledger, [], None), [4])
    with pytest.raises(StateError, match=r"instances 4 and on cannot be kept .*lock") as raised:
        shard.snapshot(pickle.dumps)
    assert "--snapshot-every" in raised.value.hint


class Witness:
    """Tells in which order instances are called, all of them together."""

    CALLED: ClassVar[list[int]] = []

    def __init__(self, number: int) -> None:
        self.number = number

    def come(self) -> None:
        self.CALLED.append(self.number)

    async def come_later(self) -> None:
        self.CALLED.append(self.number)


@pytest.mark.parametrize("method", ["come", "come_later"])
@pytest.mark.parametrize("threads", [1, 3])
def test_batches_of_one_go_round_the_instances_so_that_their_number_tells_the_call(
    threads: int, method: str
) -> None:
    Witness.CALLED.clear()
    made = recipe(Witness, [f"{method}() * 2", f"{method}()"], None)
    first, second = (Shard(made, [7, 8, 9], 1, threads, lambda: HERE) for _ in range(2))
    first.ready()
    for _ in range(4):
        first.advance()
    second.ready(first.snapshot(pickle.dumps))
    batches(second)
    assert Witness.CALLED == [7, 8, 9] * 3


def test_a_constructor_that_exits_is_told_as_its_error() -> None:
    def make(number: int) -> None:
        raise SystemExit(number)

    shard = Shard(recipe(make, [], None), [1], 1, 1, lambda: HERE)
    assert str(failure(shard.ready)) == "instance 1, m:C(instance): SystemExit: 1"


# --- home threads


class Homebody:
    """Notes every thread that makes, calls or reads it."""

    def __init__(self) -> None:
        self.seen = [threading.get_ident()]

    def call(self) -> None:
        self.seen.append(threading.get_ident())
        time.sleep(0.001)

    def homes(self) -> int:
        self.seen.append(threading.get_ident())
        return len(set(self.seen))


@pytest.mark.parametrize("batch", [1, 7, None])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_an_instance_is_made_called_and_read_in_one_thread(batch: int | None, threads: int) -> None:
    shard = shard_of(recipe(Homebody, ["call() * 6"], "homes", "m:C"), range(5), batch, threads)
    batches(shard)
    assert shard.read(0) == ["1"] * 5


def test_what_is_bound_to_a_thread_works_with_threads() -> None:
    class Accounts:
        def __init__(self) -> None:
            decimal.getcontext().prec = 50
            self.base = sqlite3.connect(":memory:")
            self.base.execute("create table booked (amount text)")

        def book(self) -> None:
            third = str(decimal.Decimal(1) / 3)
            self.base.execute("insert into booked values (?)", (third,))

        def digits(self) -> list[int]:
            return [len(amount) for (amount,) in self.base.execute("select amount from booked")]

    shard = shard_of(recipe(Accounts, ["book() * 2"], "digits", "m:C"), range(4), None, 3)
    batches(shard)
    assert shard.read(0) == ["[52, 52]"] * 4


def test_without_threads_the_home_is_the_thread_that_calls_the_shard() -> None:
    homes: list[threading.Thread] = []

    class Host:
        def __init__(self) -> None:
            homes.append(threading.current_thread())

    shard_of(recipe(Host, [], None, "m:C"), range(3))
    assert set(homes) == {threading.current_thread()}


class Waiter:
    """Async throughout: what its calls start on their loop, its read awaits there."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[int]] = []

    async def order(self, amount: int) -> None:
        await asyncio.sleep(0)
        self.tasks.append(asyncio.create_task(self._serve(amount)))

    async def _serve(self, amount: int) -> int:
        await asyncio.sleep(0.001)
        return amount

    async def served(self) -> list[int]:
        return list(await asyncio.gather(*self.tasks))


@pytest.mark.parametrize("batch", [1, 3, None])
@pytest.mark.parametrize("threads", [1, 2, 9])
def test_an_async_read_runs_on_the_loop_of_its_calls(batch: int | None, threads: int) -> None:
    of = recipe(Waiter, ["order(1) * 2", "order(instance)"], "served", "m:C")
    shard = shard_of(of, range(3), batch, threads)
    assert sum(batches(shard)) == 9
    assert shard.read(0) == [f"[1, 1, {number}]" for number in range(3)]
    assert shard.account().calls == 9


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("threads", [1, 2])
def test_whatever_a_call_raises_is_told_as_its_error(
    error: type[BaseException], threads: int
) -> None:
    class Rude:
        def leave(self) -> None:
            raise error

    shard = shard_of(recipe(Rude, ["leave()"], None, "m:C"), range(2), None, threads)
    assert f"call 1, leave(): {error.__name__}" in str(failure(shard.advance))


@given(
    calls=st.lists(st.integers(0, 40), max_size=9),
    instances=st.integers(1, 9),
    lanes=st.integers(1, 9),
)
def test_batches_are_shared_out_whole_and_in_rounds_over_all_instances(
    calls: list[int], instances: int, lanes: int
) -> None:
    lanes, made = min(instances, lanes), 0
    for batch in calls:
        expected = [0] * lanes
        for call in range(made, made + batch):
            expected[call % instances % lanes] += 1
        assert share_out(made, batch, instances, lanes) == expected
        made += batch


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_states_come_in_the_order_of_the_instances_whatever_their_homes(threads: int) -> None:
    shard = shard_of(recipe(Ledger, [], "total"), range(50), None, threads)
    assert all_states(shard, 50) == [str(number) for number in range(50)]


def test_a_module_that_a_call_misses_is_told_with_how_to_bring_it_along() -> None:
    error = target_raised(ModuleNotFoundError("No module named 'humanize'"), 0, "f()", 1)
    assert "PIP=NAME" in error.told("the target", "tried out").hint


def test_a_relative_path_that_leads_nowhere_is_told_where_it_was_looked_for() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        Path("no such prices.csv").read_text()
    told = target_raised(raised.value, 3, "read").told("actors", "on a node")
    assert told.hint.startswith("The target raised it in ")
    assert f". It was looked for in {Path.cwd()}. " in told.hint
