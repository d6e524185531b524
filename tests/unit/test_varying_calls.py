"""Calls that vary and methods of parts, from the plain loop to a shard and the try-out."""
# ruff: noqa: D101, D102 -- the targets here say what they do in a line

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.errors import StateError, TargetRaisedError, UsageError
from job.running.serial import Serial
from job.shard.recipe import Recipe, make_instance, read_state
from job.shard.shard import Place, Shard
from job.workload.calls import parse_call, parse_target
from tests.subjects import tried

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Place("node", "10.0.0.1", "host", 1)


class Motor:
    def __init__(self) -> None:
        self.turns = 0

    def step(self, by: int = 1) -> None:
        self.turns = self.turns * 31 + by


class Robot:
    def __init__(self, size: int = 0) -> None:
        self.motor = Motor()
        self.size = size

    @property
    def broken(self) -> int:
        return self.motor.nothing  # type: ignore[attr-defined,no-any-return]


def recipe(*calls: str, read: str = "motor.turns", target: str = "tests:Robot") -> Recipe:
    return Recipe(Robot, parse_target(target), tuple(map(parse_call, calls)), read, 10**7)


def by_the_loop(of: Recipe, instances: int) -> list[str]:
    serial = Serial(of, instances, 60.0)
    serial.prepare(None)
    serial.start()
    serial.work(lambda _made: None)
    return serial.read()


def by_a_shard(of: Recipe, instances: int) -> list[str]:
    shard = Shard(of, range(instances), 7, 1, lambda: HERE)
    shard.ready()
    while shard.advance():
        pass
    return shard.read(0)


def test_a_shard_and_the_plain_loop_give_the_same_numbers_to_the_same_calls() -> None:
    of = recipe("motor.step(instance * 100 + repetition) * 300", "motor.step(repetition % 7) * 20")
    expected = []
    for instance in range(3):
        motor = Motor()
        for repetition in range(300):
            motor.step(instance * 100 + repetition)
        for repetition in range(20):
            motor.step(repetition % 7)
        expected.append(repr(motor.turns))
    assert by_the_loop(of, 3) == expected
    assert by_a_shard(of, 3) == expected


@pytest.mark.parametrize("run", [by_the_loop, by_a_shard])
@pytest.mark.parametrize("argument", ["6 // (2 - repetition)", "[6 // (2 - repetition)]"])
def test_a_division_by_zero_is_the_error_of_that_call(
    run: Callable[[Recipe, int], list[str]], argument: str
) -> None:
    of = recipe("motor.step * 2", f"__setattr__('size', {argument}) * 9")
    with pytest.raises(TargetRaisedError) as raised:
        run(of, 2)
    assert raised.value.number == 0
    assert raised.value.doing == str(of.calls[1])
    assert raised.value.position == of.calls[0].times + 3
    assert raised.value.error.startswith("ZeroDivisionError")
    assert not raised.value.line


def test_a_division_by_zero_in_a_target_is_told_as_one_of_its_constructor() -> None:
    with pytest.raises(TargetRaisedError, match="ZeroDivisionError"):
        make_instance(recipe(target="tests:Robot(7 // instance)"), 0)
    assert make_instance(recipe(target="tests:Robot(7 // instance)"), 2).size == 3


def test_the_try_out_makes_dotted_calls_and_tells_a_division_by_zero() -> None:
    assert tried(recipe("motor.step(repetition + 1) * 3"))["unchanged"] is False
    with pytest.raises(TargetRaisedError, match="ZeroDivisionError"):
        tried(recipe("motor.step(7 % instance)"))
    later = tried(recipe("motor.step(7 % (2 - repetition)) * 9"))  # which is left to a trial
    assert [each.calls for each in later["calls"]] == [1]


@pytest.mark.parametrize(
    ("call", "says", "hint"),
    [
        ("motor.stop()", "Motor has no method 'stop'", "It has: step."),
        ("motor.turns()", "Motor has no method 'turns'", "It has: step."),
        ("wheel.step()", "Robot has no 'wheel'", "It has: broken, motor, size."),
        ("motor.shaft.step()", "Motor has no 'shaft'", "It has: step, turns."),
        ("step()", "Robot has no method 'step'", ""),
    ],
)
def test_a_method_that_is_missing_is_looked_for_part_by_part(
    call: str, says: str, hint: str
) -> None:
    with pytest.raises(UsageError) as refused:
        tried(recipe(call))
    assert refused.value.message == f"--call {call}: {says}"
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("read", "says", "hint"),
    [
        ("motor.turn", "Motor has no 'turn'", "It has: step, turns."),
        ("motr.turns", "Robot has no 'motr'", "It has: broken, motor, size."),
    ],
)
def test_a_state_that_is_missing_is_looked_for_part_by_part(
    read: str, says: str, hint: str
) -> None:
    with pytest.raises(StateError) as refused:
        read_state(recipe(read=read), Robot(), 3)
    assert refused.value.message == f"instance 3, read {read}: {says}"
    assert refused.value.hint == hint


def test_a_property_that_raises_the_same_is_the_targets_own_error() -> None:
    with pytest.raises(TargetRaisedError, match="no attribute 'nothing'"):
        read_state(recipe(read="broken.much"), Robot(), 0)
