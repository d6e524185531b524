"""The compiled loops: the very calls that one would write, in the same order."""
# ruff: noqa: D102 -- the targets here say what they do in a line

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import UsageError
from job.shard import loops
from job.workload.calls import Call, parse_call

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = settings(max_examples=40, deadline=None, derandomize=True)


class Diary:
    """Writes every call down."""

    def __init__(self, name: str, pages: list[tuple[str, tuple[object, ...], object]]) -> None:
        self.name = name
        self.pages = pages

    def note(self, *args: object, **kwargs: object) -> None:
        self.pages.append((self.name, args, kwargs))

    def keep(self, value: object) -> None:
        self.pages.append((self.name, (), value))

    def grow(self, items: list[int]) -> None:
        items.append(len(items))
        self.keep(list(items))

    async def later(self, value: object) -> None:
        await asyncio.sleep(0)
        self.keep(value)

    def explode_at(self, length: int) -> None:
        self.keep(None)
        if len(self.pages) == length:
            raise ZeroDivisionError


def three() -> tuple[list[Diary], list[tuple[str, tuple[object, ...], object]]]:
    pages: list[tuple[str, tuple[object, ...], object]] = []
    return [Diary(name, pages) for name in "abc"], pages


def failure_of(run: Callable[[], object]) -> loops.Failure | None:
    try:
        run()
    except ZeroDivisionError as error:
        return loops.locate(error.__traceback__)
    pytest.fail("nothing was raised")


def test_a_round_calls_every_instance_before_the_next_round_begins() -> None:
    diaries, pages = three()
    loops.rounds(parse_call("note(1, key='x')"))(diaries, range(3), 0, 2)
    assert pages == [(name, (1,), {"key": "x"}) for name in "abcabc"]


def test_a_run_calls_one_instance_so_many_times_before_the_next() -> None:
    diaries, pages = three()
    loops.run(parse_call("note()"))(diaries[1:], [1, 2], 0, 3)
    assert pages == [("b", (), {})] * 3 + [("c", (), {})] * 3


@pytest.mark.parametrize("times", [0, 1])
def test_a_loop_makes_as_many_calls_as_it_is_told_and_not_as_the_call_says(times: int) -> None:
    diaries, pages = three()
    loops.rounds(parse_call("note() * 50"))(diaries, range(3), 0, times)
    loops.run(parse_call("note() * 50"))(diaries[:1], [0], 0, times)
    assert len(pages) == 4 * times


def test_each_instance_gets_its_own_number() -> None:
    diaries, pages = three()
    loops.rounds(parse_call("note(instance, [instance])"))(diaries, [7, 8, 9], 0, 1)
    loops.run(parse_call("note(k={instance: 'x'})"))(diaries[:1], [5], 0, 1)
    assert pages == [
        ("a", (7, [7]), {}),
        ("b", (8, [8]), {}),
        ("c", (9, [9]), {}),
        ("a", (), {"k": {5: "x"}}),
    ]


def test_a_mutable_argument_is_a_fresh_one_at_every_call() -> None:
    diaries, pages = three()
    call = parse_call("grow([])")
    loops.rounds(call)(diaries[:2], range(2), 0, 2)
    loops.run(call)(diaries[2:], [2], 0, 2)
    assert [value for _, _, value in pages] == [[0]] * 6


def test_names_that_the_loops_use_themselves_are_free_for_arguments() -> None:
    diaries, pages = three()
    text = "note(instance=1, instances=2, number=instance, times=4, value_1=5, repetition=6)"
    loops.rounds(parse_call(text))(diaries[:1], [3], 0, 1)
    assert pages == [
        (
            "a",
            (),
            {"instance": 1, "instances": 2, "number": 3, "times": 4, "value_1": 5, "repetition": 6},
        )
    ]


def test_each_call_gets_its_own_repetition_wherever_the_loop_begins() -> None:
    diaries, pages = three()
    call = parse_call("note(instance * 100 + repetition, [repetition], k=repetition % 2)")
    loops.rounds(call)(diaries[:2], [7, 8], 4, 2)
    loops.run(call)(diaries[2:], [9], 1, 2)
    assert pages == [
        ("a", (704, [4]), {"k": 0}),
        ("b", (804, [4]), {"k": 0}),
        ("a", (705, [5]), {"k": 1}),
        ("b", (805, [5]), {"k": 1}),
        ("c", (901, [1]), {"k": 1}),
        ("c", (902, [2]), {"k": 0}),
    ]


def test_a_number_that_varies_costs_what_it_does_in_hand_written_code() -> None:
    def by_hand(instances: list[object], numbers: list[int], first: int, times: int) -> None:
        for repetition in range(first, first + times):
            for instance, number in zip(instances, numbers):  # noqa: B905
                instance.keep(number * 100 + repetition)  # type: ignore[attr-defined]

    loop = loops.rounds(parse_call("keep(instance * 100 + repetition)"))
    assert loop.__code__.co_code == by_hand.__code__.co_code


def test_a_method_of_a_part_is_called_by_its_dotted_name() -> None:
    diaries, pages = three()
    holders = [SimpleNamespace(desk=SimpleNamespace(diary=diary)) for diary in diaries]
    loops.run(parse_call("desk.diary.keep(repetition) * 2"))(holders, range(3), 0, 2)
    assert [(name, value) for name, _, value in pages] == [
        (name, value) for name in "abc" for value in range(2)
    ]


@pytest.mark.parametrize("text", ["keep(6 // (2 - repetition))", "keep([6 // (2 - repetition)])"])
def test_a_division_by_zero_is_located_like_an_error_of_the_call(text: str) -> None:
    diaries, _ = three()
    loop = loops.rounds(parse_call(text))
    assert failure_of(lambda: loop(diaries, range(3), 1, 9)) == (1, diaries[0])


@pytest.mark.parametrize(
    "call",
    [
        Call("note(); import os; x"),
        Call("class"),
        Call("a..b"),
        Call("a.b()"),
        Call("a.class"),
        Call(""),
        Call("note", (), {"a b": 1}),
        Call("note", (), {"x=1, y": 1}),
    ],
)
def test_only_names_get_into_the_source(call: Call) -> None:
    with pytest.raises(UsageError, match="must be a Python name"):
        loops.run(call)


def test_text_is_an_argument_and_never_source() -> None:
    diaries, pages = three()
    hostile = "'); raise SystemExit('"
    loops.run(Call("keep", (hostile,)))(diaries[:1], [0], 0, 1)
    assert pages == [("a", (), hostile)]


def test_an_awaited_loop_waits_for_each_call_before_the_next() -> None:
    diaries, pages = three()
    asyncio.run(loops.rounds(parse_call("later(instance)"), awaited=True)(diaries, range(3), 0, 2))
    asyncio.run(loops.run(parse_call("later(9)"), awaited=True)(diaries[1:2], [1], 0, 2))
    assert [value for _, _, value in pages] == [0, 1, 2, 0, 1, 2, 9, 9]


# --- where it failed


def test_a_failure_in_a_round_is_located_by_repetition_and_instance() -> None:
    diaries, _ = three()
    loop = loops.rounds(parse_call("explode_at(5)"))
    assert failure_of(lambda: loop(diaries, range(3), 0, 9)) == (1, diaries[1])


def test_a_failure_in_a_run_is_located_by_repetition() -> None:
    diaries, _ = three()
    loop = loops.run(parse_call("explode_at(4)"))
    assert failure_of(lambda: loop(diaries[2:], [2], 4, 9)) == (3, diaries[2])


def test_a_failure_elsewhere_is_not_located() -> None:
    assert failure_of(lambda: 1 // 0) is None
    assert loops.locate(None) is None


# --- any literals


@FEW
@given(
    args=st.lists(
        st.recursive(
            st.one_of(st.integers(), st.text(max_size=3), st.none()),
            lambda inner: st.one_of(st.lists(inner, max_size=2), st.tuples(inner, inner)),
            max_leaves=4,
        ),
        max_size=3,
    ),
    kwargs=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(), max_size=2),
    times=st.integers(0, 4),
)
def test_the_loops_pass_on_any_arguments_as_a_plain_call_does(
    args: list[object], kwargs: dict[str, object], times: int
) -> None:
    diaries, pages = three()
    call = Call("note", tuple(args), kwargs)
    loops.rounds(call)(diaries, range(3), 0, times)
    assert pages == [(name, tuple(args), kwargs) for name in "abc" * times]
    pages.clear()
    loops.run(call)(diaries[:1], [0], 0, times)
    assert pages == [("a", tuple(args), kwargs)] * times
