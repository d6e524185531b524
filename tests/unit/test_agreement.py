"""Agreement: states agree exactly, or their floats do within a tolerance, and nothing else."""

from __future__ import annotations

import array
import math
from collections import OrderedDict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from job.errors import StateError
from job.running.agreement import States, close, difference
from job.running.preparation import recipe_of
from job.shard.recipe import read_state
from job.shard.states import canonical
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Callable

INF, NAN = math.inf, math.nan


def states(*texts: str) -> States:
    return States(range(len(texts)), texts)


def agree(one: object, another: object, relative: float = 0.0, absolute: float = 0.0) -> bool:
    whole = 10**6 if relative or absolute else 0
    texts = [canonical(each, whole) for each in (one, another)]
    return difference(states(texts[0]), states(texts[1]), relative, absolute) is None


# --- exactly


@pytest.mark.parametrize("value", [7, 1.5, NAN, INF, "1.5", {"a": [1.0, None]}, b"x"])
def test_equal_states_agree_exactly_and_within_any_tolerance(value: object) -> None:
    assert agree(value, value)
    assert agree(value, value, relative=1e-9, absolute=1e-9)


def test_without_a_tolerance_the_last_bit_of_a_float_counts() -> None:
    assert not agree(1.0, math.nextafter(1.0, 2.0))
    assert not agree(0.0, -0.0)


def test_the_first_instance_that_differs_is_named() -> None:
    assert difference(states("1", "2", "3"), states("1", "0", "0")) == 1
    assert difference(states("1.0", "2.0", "3.0"), states("1.0", "2.1", "9.0"), relative=0.01) == 1
    assert difference(states("1.0", "2.0", "3.0"), states("1.0", "2.1", "9.0"), relative=0.1) == 2
    assert difference(states(), states()) is None


def test_instances_that_only_one_of_both_ran_are_not_compared() -> None:
    whole = States(range(100), [str(number) for number in range(100)])
    assert difference(whole, States((7, 30, 99), ("7", "30", "99"))) is None
    assert difference(States((7, 30, 99), ("7", "31", "0")), whole) == 30
    assert difference(States((7, 30), ("7", "x")), States((8, 30), ("y", "30"))) == 30


# --- within a tolerance


@pytest.mark.parametrize(
    ("one", "another", "relative", "absolute", "expected"),
    [
        (100.0, 100.9, 0.01, 0.0, True),
        (100.0, 101.2, 0.01, 0.0, False),
        (-100.0, -100.9, 0.01, 0.0, True),
        (100.0, -100.0, 0.01, 0.0, False),
        # Relative to the larger one: 1 % of 101 is 1.01.
        (100.0, 101.0, 0.01, 0.0, True),
        # Near 0 a share of next to nothing allows nothing; an absolute allowance does.
        (0.0, 1e-12, 0.01, 0.0, False),
        (0.0, 1e-12, 0.0, 1e-9, True),
        (1e-10, -1e-10, 0.0, 1e-9, True),
        (0.0, -0.0, 1e-9, 0.0, True),
        (5.0, 5.2, 0.0, 0.3, True),
        (5.0, 5.4, 0.0, 0.3, False),
        # The larger of both allowances counts.
        (1_000.0, 1_005.0, 0.01, 0.1, True),
        (1.0, 1.05, 0.01, 0.1, True),
        (1e-300, 1.0000001e-300, 1e-6, 0.0, True),
        (1e22, 1.0000001e22, 1e-6, 0.0, True),
    ],
)
def test_floats_agree_within_the_larger_allowance(
    one: float,
    another: float,
    relative: float,
    absolute: float,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert agree(one, another, relative, absolute) is expected
    assert agree([{"a": (one,)}], [{"a": (another,)}], relative, absolute) is expected


@pytest.mark.parametrize(
    ("one", "another", "expected"),
    [
        (NAN, NAN, True),
        (NAN, 1.0, False),
        (NAN, INF, False),
        (INF, INF, True),
        (INF, -INF, False),
        (INF, 1e308, False),
        (-INF, -INF, True),
    ],
)
def test_what_is_no_number_or_infinite_agrees_with_itself_only(
    one: float,
    another: float,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert agree(one, another, 1.0, 1.0) is expected
    # Beside a float that differs, so that the texts are taken apart.
    assert agree([one, 1.0], [another, 1.001], 0.01) is expected


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (100, 101),
        (True, False),
        (1, 1.0),
        (1, True),
        ("1.0", "1.001"),
        ("it's 1.0", "it's 1.001"),
        ("a \"1.0\" and '2.0'", "a \"1.0\" and '2.001'"),
        ("nan", "inf"),
        (b"1.0", b"1.001"),
        ("1.0\\", "1.001\\"),
        ({"1.0": 1}, {"1.001": 1}),
        ([1.0], [1.0, 1.0]),
        ([1.0], (1.0,)),
        ({"a": 1.0}, {"b": 1.0}),
        (None, 0.0),
        (1.0, "1.0"),
        (OrderedDict(a=1.0, b=2.0), OrderedDict(b=2.0, a=1.0)),
    ],
)
def test_everything_but_floats_is_compared_exactly(one: object, another: object) -> None:
    assert not agree(one, another, 0.5, 0.5)
    assert not agree([1.0, one], [1.001, another], 0.5, 0.5)


def test_a_float_beside_a_string_is_still_taken_for_one() -> None:
    assert agree(["it's", 1.0, "1.0"], ["it's", 1.001, "1.0"], 0.01)
    assert agree({"x.1": 1e-5, "y": -2.5e20}, {"x.1": 1.001e-5, "y": -2.501e20}, 0.01)


@pytest.mark.parametrize("moved", [1.501 + 2.5j, 1.5 + 2.501j, 1.501 + 2.501j])
def test_both_parts_of_a_complex_number_are_floats(moved: complex) -> None:
    assert agree([1.5 + 2.5j], [moved], 0.01)
    assert not agree([1.5 + 2.5j], [moved], 0.0001)
    assert not agree(2.5j, -2.5j, 0.01)


@pytest.mark.parametrize(
    ("one", "another", "expected"),
    [
        (1 + 2j, 1.0001 + 2j, True),
        (1 + 2j, 1.1 + 2j, False),
        (1 + 2j, 1 + 2.1j, False),
        (1 + 1e-12j, 1 - 1e-12j, True),
        (1e-12 + 1j, 1j, True),
        (-0j, 0j, True),
        (1e20 + 2j, 1.0001e20 + 2j, True),
        (complex(NAN, 1), complex(NAN, 1.0001), True),
        (complex(NAN, 1), complex(1, NAN), False),
        (complex(INF, 1), complex(INF, 1.0001), True),
        (complex(INF, 1), complex(-INF, 1), False),
        (1j, 1.0, False),
    ],
)
def test_complex_numbers_agree_where_both_their_parts_do(
    one: object,
    another: object,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert agree(one, another, 0.001, 1e-9) is expected
    assert agree([1.0, one], [1.0001, another], 0.001, 1e-9) is expected


class Money(Decimal):
    """A subclass of Decimal."""


@pytest.mark.parametrize("kind", [Decimal, Money])
@pytest.mark.parametrize(
    ("one", "another", "relative", "expected"),
    [
        ("1.50", "1.5001", 0.001, True),
        ("1.50", "1.51", 0.001, False),
        ("1E+3", "1000.1", 0.001, True),
        ("-1.5", "1.5", 0.001, False),
        ("0", "1E-10", 0.001, False),
        ("1.0000000000000000000000001", "1.0000000000000000000000002", 1e-24, True),
        ("1.0000000000000000000000001", "1.0000000000000000000000002", 1e-26, False),
        ("1E+999999", "1.0001E+999999", 0.001, True),
        ("1E-999999", "1.1E-999999", 0.001, False),
        ("NaN", "NaN", 0.001, True),
        ("NaN", "1", 0.001, False),
        ("sNaN", "NaN", 0.001, False),
        ("Infinity", "1E+999999", 0.001, False),
    ],
)
def test_decimals_agree_within_the_tolerance_to_any_number_of_digits(
    kind: type[Decimal],
    one: str,
    another: str,
    relative: float,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert agree(kind(one), kind(another), relative) is expected
    assert agree([kind(one), 1.0], [kind(another), 1.0 + relative / 2], relative) is expected
    assert not agree(kind("1"), 1.0, 0.5)
    assert not agree("decimal.Decimal('1.5')", "decimal.Decimal('1.6')", 0.5)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ({9.999999, 20.0}, {10.000001, 20.0}),
        ({-1e-12, 5.0}, {1e-12, 5.0}),
        ({(1.0, "a"), (2.0, "b")}, {(1.0000001, "a"), (2.0, "b")}),
        ({("a", 9.9999999), ("b", 1.0)}, {("a", 10.0), ("b", 1.0)}),
        ({frozenset({9.9999999}), frozenset({2.0})}, {frozenset({10.0}), frozenset({2.0})}),
        ({9.9999999: "a", 20.0: "b"}, {10.0: "a", 20.0: "b"}),
        ({(9.9999999, 1): 1.0, (2.0, 1): 2.0}, {(10.0, 1): 1.0, (2.0, 1): 2.0}),
        ({Decimal("9.9999999"), Decimal(20)}, {Decimal("10.0"), Decimal(20)}),
        ({9.9999999 + 1j, 20j}, {10 + 1j, 20j}),
        ({NAN, 9.9999999, 20.0}, {10.0, 20.0, NAN}),
        ({0.0, 1.5, -INF, INF, NAN}, {-0.0, 1.5000001, INF, NAN, -INF}),
    ],
)
def test_sets_and_keys_are_paired_by_their_numbers(one: object, another: object) -> None:
    assert agree(one, another, 1e-6, 1e-9)
    assert not agree(one, another, 1e-15)
    assert agree([one, 1.0], [another, 1.0000001], 1e-6, 1e-9)


def test_sets_with_more_elements_or_other_ones_disagree() -> None:
    assert not agree({1.0, 2.0}, {1.0, 2.0, 3.0}, 0.1)
    assert not agree({1.0, 2.0}, {1.0, 3.0}, 0.1)
    assert not agree({(1.0, "a"), (2.0, "b")}, {(1.0, "b"), (2.0, "a")}, 0.1)


def test_containers_and_arrays_of_any_length_are_compared_within_a_tolerance() -> None:
    for make in (
        lambda by: [number * by for number in range(1, 5_000)],
        lambda by: {f"k{number}": [number * by] * 900 for number in range(1, 20)},
        lambda by: {number * by for number in range(1, 2_000)},
        lambda by: array.array("d", [number * by for number in range(1, 5_000)]),
    ):
        assert agree(make(1.0), make(1.0 + 1e-8), 1e-7)
        assert not agree(make(1.0), make(1.0 + 1e-6), 1e-7)


def test_numpy_arrays_of_any_size_are_compared_within_a_tolerance() -> None:
    np = pytest.importorskip("numpy")
    for kind in ("float64", "complex128", "float32"):
        ramp = np.arange(1.0, 10_000.0).astype(kind)
        assert agree(ramp, (ramp * (1 + 1e-5)).astype(kind), 1e-4)
        assert not agree(ramp, (ramp * (1 + 1e-3)).astype(kind), 1e-4)
    assert not agree(np.arange(1_000), np.arange(1_000) + 1, 0.5)


@pytest.mark.parametrize("text", ["m.C1.inf(x2=1)", "C(a1e5=3)", "numpy.float64(2)"])
def test_names_are_no_floats(text: str) -> None:
    assert not close(text, text.replace("1", "2").replace("64", "32"), 1.0, 1.0)


def test_states_are_written_out_where_the_workload_has_a_tolerance() -> None:
    for agree_, seen in (("exact", False), ("1e-9", True)):
        keys = {"target": "builtins:list", "instances": 1_000, "calls": (), "agree": agree_}
        workload, _ = build(keys, {})
        recipe = recipe_of(workload, list)
        texts = [read_state(recipe, [[0.5] * size], 0) for size in (9_000, 90_000)]
        assert ("<blake2b " not in texts[0]) is seen
        assert all(len(text) <= recipe.state_limit for text in texts)


# --- digests


def test_equal_digests_agree_whatever_the_tolerance() -> None:
    large = canonical(["x" * 5_000, 1.0])
    assert "<blake2b " in large
    assert difference(states(large), states(large), relative=1e-9) is None


def test_digests_that_differ_cannot_be_compared_with_a_tolerance() -> None:
    one, another = (canonical([[number / 7 + more for number in range(900)]]) for more in (0, 1e-9))
    with pytest.raises(StateError, match="instance 1: its state is too large") as raised:
        difference(states("1.0", one), states("1.0", another), relative=1e-6)
    assert "agree: exact" in raised.value.hint


@pytest.mark.parametrize("make", [lambda n: str(n) * 9_000, lambda n: bytes([n]) * 9_000])
def test_a_digest_of_what_holds_no_float_says_that_states_disagree(
    make: Callable[[int], object],
) -> None:
    assert agree([make(1), 1.0], [make(1), 1.001], 0.01)
    assert not agree([make(1), 1.0], [make(2), 1.0], 0.01)


def test_a_digest_is_never_taken_for_a_number() -> None:
    one, another = (
        f"[<blake2b 1{digit * 3}e99999999999999999999999999, 9 bytes>]" for digit in "12"
    )
    with pytest.raises(StateError):
        difference(states(one), states(another), relative=0.5)


def test_what_differs_beside_equal_digests_disagrees() -> None:
    one, another = (canonical([number, "x" * 5_000, 1.0]) for number in (1, 2))
    assert "<blake2b " in one
    assert difference(states(one), states(another), relative=1e-9) == 0


def test_digests_that_differ_disagree_where_there_is_no_tolerance() -> None:
    assert difference(states(canonical(["x" * 5_000])), states(canonical(["y" * 5_000]))) == 0


# --- any state

ELEMENTS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.text(st.sampled_from("ab1.5e-'\"\\ ~"), max_size=8),
    st.booleans(),
    st.none(),
    st.binary(max_size=4),
)
FLOATS = st.floats(1e-3, 1e6) | st.floats(-1e6, -1e-3)


def built(parts: list[Any], floats: list[float]) -> object:
    """Return a state in which floats stand between other parts."""
    return {"parts": parts, "pairs": list(zip(floats, parts, strict=False)), "floats": floats}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    parts=st.lists(ELEMENTS, max_size=4),
    floats=st.lists(FLOATS, min_size=1, max_size=5),
    relative=st.sampled_from([1e-9, 1e-6, 1e-3]),
    data=st.data(),
)
def test_floats_moved_within_the_tolerance_agree_and_one_moved_beyond_does_not(
    parts: list[Any], floats: list[float], relative: float, data: st.DataObject
) -> None:
    shares = [data.draw(st.floats(-0.9, 0.9)) for _ in floats]
    within = [x * (1 + share * relative) for x, share in zip(floats, shares, strict=True)]
    one = built(parts, floats)
    assert agree(one, built(parts, within), relative=relative)
    which = data.draw(st.integers(0, len(floats) - 1))
    beyond = [x * (1 + 2 * relative * (i == which)) for i, x in enumerate(floats)]
    assert not agree(one, built(parts, beyond), relative=relative)
    absolute = 2.5 * relative * max(map(abs, floats))
    assert agree(one, built(parts, beyond), absolute=absolute)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(one=st.lists(ELEMENTS, max_size=4), another=st.lists(ELEMENTS, max_size=4))
def test_states_without_floats_agree_only_if_they_are_equal(
    one: list[Any], another: list[Any]
) -> None:
    assume(canonical(one) != canonical(another))
    assert not agree([one, 1.0], [another, 1.0 + 1e-9], relative=1.0, absolute=1.0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    elements=st.sets(FLOATS | st.tuples(st.sampled_from("ab"), FLOATS), min_size=1, max_size=8),
    share=st.floats(-0.9, 0.9),
    data=st.data(),
)
def test_a_set_whose_elements_moved_a_little_agrees(
    elements: set[Any], share: float, data: st.DataObject
) -> None:
    def moved(each: Any, by: float) -> Any:  # noqa: ANN401 - an element of the same form
        return (each[0], each[1] * by) if isinstance(each, tuple) else each * by

    within = {moved(each, 1 + share * 1e-6 * data.draw(st.floats(0, 1))) for each in elements}
    assume(len(within) == len(elements))
    assert agree(elements, within, relative=1e-6)
    assert agree(dict.fromkeys(elements, 1), dict.fromkeys(within, 1), relative=1e-6)
    beyond = [*elements]
    beyond[0] = moved(beyond[0], 1e9)
    assert not agree(elements, set(beyond), relative=1e-6)
