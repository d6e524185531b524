"""What calls return: brought as it was, digested once, and no more of it held than is allowed."""

from __future__ import annotations

import pickle
import random
import threading
import time
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import StateError
from job.planning.estimate import Loop
from job.running.agreement import States, difference
from job.running.serial import Serial
from job.shard import returns
from job.shard.recipe import Recipe
from job.shard.returns import Returns, Values, check_value, rough_bytes
from job.shard.shard import Place, Shard
from job.shard.states import canonical
from job.workload.calls import parse_call, parse_target
from tests.targets.returning import Teller, Turncoat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CALLS = ("tell(repetition) * 3", "count", "tell(instance) * 4")
LIMIT = 1_000


def recipe(*calls: str, exact: bool = True, make: Callable[..., Any] = Teller) -> Recipe:
    parsed = tuple(map(parse_call, calls or CALLS))
    target = parse_target("m:C(instance)")
    return Recipe(make, target, parsed, "number", LIMIT, exact, bring=True)


def told(instances: int, *, exact: bool = True) -> list[str]:
    """Return what stands for what a plain loop over plain objects gets to see."""
    found = Returns(recipe(exact=exact))
    for number in range(instances):
        teller = Teller(number)
        said: list[Any] = [teller.tell(repetition)[:] for repetition in range(3)]
        said += [teller.count(), *(teller.tell(number)[:] for _ in range(4))]
        for position, value in enumerate(said):
            found.hold_value(number, position, value)
    found.digest()
    return found.texts(range(instances))


def written(value: object, instances: int = 1, position: int = 0) -> list[str]:
    """Return what stands for one value."""
    found = Returns(recipe())
    for number in range(instances):
        found.hold_value(number, position, value)
    found.digest()
    return found.texts(range(instances))


def shard_of(batch: int | None, threads: int = 1, instances: int = 5) -> Shard:
    shard = Shard(recipe(), range(instances), batch, threads, Place.here, pickle.dumps)
    shard.ready()
    return shard


def brought(shard: Shard, found: Returns, instances: int = 5) -> list[str]:
    while found.hold_batch(pickle.loads(pickle.dumps(shard.advance()))):  # noqa: S301 - ours
        pass
    found.digest()
    return found.texts(range(instances))


# --- what they stand for


@pytest.mark.parametrize("threads", [1, 3, 50])
@pytest.mark.parametrize("batch", [1, 2, 7, 1_000, None])
def test_whatever_the_knobs_values_are_those_of_a_plain_loop(
    batch: int | None, threads: int
) -> None:
    assert brought(shard_of(batch, threads), Returns(recipe())) == told(5)


def test_in_the_serial_loop_they_are_too() -> None:
    serial = Serial(recipe(), 5, 60)
    serial.prepare(None)
    serial.start()
    serial.work(lambda _: None)
    assert serial.returned() == told(5)
    assert serial.facts().aside_s > 0


def test_of_a_sample_those_of_the_instances_that_were_run() -> None:
    order = (7, 1, 4, 9, 3)
    serial = Serial(recipe(), 10, 60, Loop(order, sampled=True))
    serial.prepare(None)
    serial.start()
    serial.work(lambda _: None)
    whole, facts = told(10), serial.facts()
    assert serial.returned() == [whole[number] for number in sorted(order)]
    assert facts.sample
    assert facts.aside_s > 0


def test_digesting_is_no_part_of_what_an_instance_took(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(value: object, whole: int = 0) -> str:
        time.sleep(0.02)
        return canonical(value, whole=whole)

    monkeypatch.setattr(returns, "canonical", slow)
    serial = Serial(recipe("count * 5"), 6, 60, Loop((5, 0, 3, 1, 2), sampled=True))
    serial.prepare(None)
    serial.start()
    since = time.perf_counter()
    serial.work(lambda _: None)
    took_s, facts = time.perf_counter() - since, serial.facts()
    assert facts.sample
    assert sum(facts.sample.each_s) < 0.1 * facts.aside_s < 0.1 * took_s


def test_a_value_is_brought_as_it_was_though_later_calls_change_it() -> None:
    with_limit = told(1, exact=False)
    assert with_limit[0].startswith("[[0, 0], [0, 1, 0], [0, 2, 1, 0], 4, [0, 2, 0, 1, 0], ")


def test_single_values_come_as_they_are_and_without_anything_else() -> None:
    shard = Shard(recipe("tell(7) * 2"), range(1), 1, 1, Place.here, pickle.dumps)
    shard.ready()
    assert [shard.advance()[:], shard.advance()[:]] == [[7, 0], [7, 7, 0]]


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ([1, 2], [2, 1]), ([1], [1, None]), ([], [None]), ([[1], [2]], [[1, 2]]), ([1], [True]),
        ([b"x"], ["b'x'"]), (["a", "b"], ["ab", ""]), ([b"a", b"b"], [b"ab", b""]),
        ([float("nan")], ["nan"]),
    ],
)  # fmt: skip
def test_other_values_or_another_order_of_them_differ(one: list[Any], another: list[Any]) -> None:
    found = Returns(recipe())
    for number, values in enumerate((one, another, one)):
        for position, value in enumerate(values):
            found.hold_value(number, position, value)
    found.digest()
    texts = found.texts(range(3))
    assert texts[0] == texts[2] != texts[1]


def test_sets_and_nan_are_the_same_in_any_process() -> None:
    one = {"b": {"x", "y", "z"}, "a": float("nan")}
    another = {"a": float("nan"), "b": {"z", "y", "x"}}
    assert written(one) == written(another)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), every=st.integers(1, 5))
def test_calls_that_are_made_again_after_losses_count_once(seed: int, every: int) -> None:
    lot = random.Random(seed)  # noqa: S311 - a test's
    found, kept, saved = Returns(recipe()), shard_of(3, 2), b""
    while made := kept.advance():
        found.hold_batch(made)
        if lot.random() < 0.3:
            found.digest()
        if lot.random() < 1 / every:
            saved = kept.snapshot(pickle.dumps)
        if lot.random() < 0.3:  # the next incarnation starts afresh, or from the last snapshot
            kept = Shard(recipe(), range(5), 3, 2, Place.here, pickle.dumps)
            kept.ready(saved or None)
        if not made[0]:
            break
    found.digest()
    assert found.texts(range(5)) == told(5)


# --- with a tolerance


def text_of(*values: object) -> str:
    found = Returns(recipe(exact=False))
    for position, value in enumerate(values):
        found.hold_value(0, position, value)
    found.digest()
    return found.texts([0])[0]


def states(text: str) -> States:
    return States((0,), (text,))


def test_floats_may_differ_within_a_tolerance_in_all_that_calls_returned() -> None:
    one, another = text_of(1.0, [2.0, 3]), text_of(1.0 + 1e-12, [2.0 - 1e-12, 3])
    assert difference(states(one), states(another), 1e-9) is None
    assert difference(states(one), states(another), 1e-15) == 0
    assert difference(states(one), states(text_of(1.0, [2.0, 4])), 1e-9) == 0


def test_more_than_their_share_is_compared_by_digest_and_where_that_differs_it_is_told() -> None:
    many = [float(number) for number in range(LIMIT)]
    one, same, another = text_of(*many), text_of(*many), text_of(*many[:-1], many[-1] + 1e-9)
    assert len(one) < 100
    assert difference(states(one), states(same), 1e-6) is None
    with pytest.raises(StateError, match="what its calls returned is too large") as raised:
        difference(states(one), states(another), 1e-6, what="what its calls returned")
    assert "agree: exact" in raised.value.hint


def test_with_a_tolerance_many_small_values_take_little_more_than_their_texts() -> None:
    # 64 MB of texts, all that may be kept, took 1.2 GB.
    found = Returns(replace(recipe(exact=False), state_limit=10**6))
    tracemalloc.start()
    for position in range(20_000):
        found.hold_value(0, position, None)
        if position % 1_000 == 0:
            found.digest()
    found.digest()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.texts([0])[0]) == 20_000 * len("None, ")
    assert held < 2 * 20_000 * len("None, ") + 50_000


# --- how much is held


def test_no_more_is_held_than_is_allowed_and_nothing_once_it_is_digested() -> None:
    found, value = Returns(recipe()), bytes(2**20)
    position = 0
    while not found.is_full:
        position += found.hold_value(0, position, value)
    assert position * 2**20 <= returns.HELD_BYTES < (position + 1) * 2**20
    found.digest()
    assert not found.is_full
    assert not found._held  # noqa: SLF001 - what it holds is what is asked here


class Large:
    """Returns a megabyte."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.value = bytes(2**20)

    def load(self) -> bytes:
        """Return it."""
        return self.value


@pytest.mark.parametrize("threads", [1, 4])
def test_an_automatic_batch_ends_with_so_many_bytes(threads: int) -> None:
    of = recipe("load * 30", make=Large)
    shard = Shard(of, range(4), None, threads, Place.here, pickle.dumps)
    shard.ready()
    sizes = []
    while (answer := shard.advance())[0]:
        sizes.append(answer[1])
    assert sum(sizes) > 120 * 2**20
    assert max(sizes) <= 3 * returns.ANSWER_BYTES
    assert len(sizes) >= 4


class Counted:
    """Knows how many of its values there are."""

    alive = most = 0

    def __init__(self, number: int) -> None:
        self.number, self.calls = number, 0

    def load(self) -> Counted:
        """Return another one."""
        self.calls += 1
        made = Counted(self.calls)
        Counted.alive += 1
        Counted.most = max(Counted.most, Counted.alive)
        return made

    @property
    def nbytes(self) -> int:
        """Say that it is large."""
        return returns.SLICE_BYTES // 3

    def __del__(self) -> None:
        Counted.alive -= self.number > 0

    def __reduce__(self) -> tuple[Any, ...]:
        return Counted, (self.number,)


def test_the_serial_loop_holds_few_large_values_and_makes_each_call_once() -> None:
    Counted.alive = Counted.most = 0
    serial = Serial(recipe("load * 5", make=Counted), 50, 60)
    serial.prepare(None)
    serial.start()
    serial.work(lambda _: None)
    assert {one.calls for one in serial._loop._instances} == {5}  # noqa: SLF001 - those that were called
    assert Counted.most <= 4
    assert len(set(serial.returned())) == 1


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (None, 1), (b"x" * 5_000, 5_000), ("x" * 5_000, 5_000), ([1.0] * 1_000, 16_000),
        ({"a": b"x" * 1_000, "b": b"x" * 1_000}, 2_000), ([], 1), (memoryview(bytes(900)), 900),
        (object(), 4_000),
    ],
)  # fmt: skip
def test_how_much_a_value_takes_is_known_roughly(value: object, least: int) -> None:
    assert least <= rough_bytes(value, 4_000) <= 10 * least + 1_000


# --- what cannot be brought


def test_what_pickle_cannot_write_another_packer_may() -> None:
    values = Values(lambda _value: b"packed", 100)
    values.keep(threading.Lock())
    values.close([0], 0)
    assert values.take()[1] == [([0], 0, [b"packed"])]


def test_what_nobody_can_write_or_compare_is_told_with_a_remedy() -> None:
    with pytest.raises(StateError, match=r"cannot be brought to the driver: .*lock") as raised:
        check_value(threading.Lock(), pickle.dumps)
    assert "--returns bring" in raised.value.hint
    with pytest.raises(StateError, match=r"what it returns: \[0\]: cannot be compared") as raised:
        check_value([threading.Lock()], lambda _value: pickle.dumps("something"))
    with pytest.raises(StateError, match="cannot be read on the driver"):
        check_value(threading.Lock(), lambda _value: b"no pickle")
    assert "plain data" in raised.value.hint
    with pytest.raises(StateError, match="a memoryview comes as a bytes"):
        check_value(memoryview(b"x"), lambda _value: pickle.dumps(b"x"))
    check_value([1, "x", {2.0}], None)


def test_a_later_value_that_cannot_be_compared_is_told_with_its_call() -> None:
    found = Returns(recipe())
    found.hold_value(3, 16, threading.Lock())
    with pytest.raises(StateError, match=r"instance 3, call 17, what it returned: .*compared"):
        found.digest()


def test_in_the_serial_loop_likewise() -> None:
    serial = Serial(recipe("load * 5", make=Turncoat), 3, 60)
    serial.prepare(None)
    serial.start()
    with pytest.raises(StateError, match="instance 1, call 3, what it returned"):
        serial.work(lambda _: None)


def test_where_nothing_is_brought_the_loops_are_the_plain_ones() -> None:
    from job.shard import loops

    call = parse_call("tell(1)")
    for make in (loops.rounds, loops.run):
        names: Sequence[str] = make(call).__code__.co_names
        assert set(names) == {"range", "tell", "value_1"}
