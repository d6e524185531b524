"""Agreement: states agree exactly, or their floats do within a tolerance, and nothing else."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from job.errors import StateError
from job.running.agreement import close, difference
from job.shard.states import canonical

INF, NAN = math.inf, math.nan


def agree(one: object, another: object, relative: float = 0.0, absolute: float = 0.0) -> bool:
    return difference([canonical(one)], [canonical(another)], relative, absolute) is None


# --- exactly


@pytest.mark.parametrize("value", [7, 1.5, NAN, INF, "1.5", {"a": [1.0, None]}, b"x"])
def test_equal_states_agree_exactly_and_within_any_tolerance(value: object) -> None:
    assert agree(value, value)
    assert agree(value, value, relative=1e-9, absolute=1e-9)


def test_without_a_tolerance_the_last_bit_of_a_float_counts() -> None:
    assert not agree(1.0, math.nextafter(1.0, 2.0))
    assert not agree(0.0, -0.0)


def test_the_first_instance_that_differs_is_named() -> None:
    assert difference(["1", "2", "3"], ["1", "0", "0"]) == 1
    assert difference(["1.0", "2.0", "3.0"], ["1.0", "2.1", "9.0"], relative=0.01) == 1
    assert difference(["1.0", "2.0", "3.0"], ["1.0", "2.1", "9.0"], relative=0.1) == 2
    assert difference([], []) is None


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


@pytest.mark.parametrize("text", ["m.C1.inf(x2=1)", "C(a1e5=3)", "numpy.float64(2)"])
def test_names_are_no_floats(text: str) -> None:
    assert not close(text, text.replace("1", "2").replace("64", "32"), 1.0, 1.0)


# --- digests


def test_equal_digests_agree_whatever_the_tolerance() -> None:
    large = canonical(["x" * 5_000, 1.0])
    assert "<blake2b " in large
    assert difference([large], [large], relative=1e-9) is None


def test_digests_that_differ_cannot_be_compared_with_a_tolerance() -> None:
    one, another = (canonical([[number / 7 + more for number in range(900)]]) for more in (0, 1e-9))
    with pytest.raises(StateError, match="instance 1: its state is too large") as raised:
        difference(["1.0", one], ["1.0", another], relative=1e-6)
    assert "agree: exact" in raised.value.hint


def test_what_differs_beside_equal_digests_disagrees() -> None:
    one, another = (canonical([number, "x" * 5_000, 1.0]) for number in (1, 2))
    assert "<blake2b " in one
    assert difference([one], [another], relative=1e-9) == 0


def test_digests_that_differ_disagree_where_there_is_no_tolerance() -> None:
    assert difference([canonical(["x" * 5_000])], [canonical(["y" * 5_000])]) == 0


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
