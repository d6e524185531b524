"""Words: counts, times and long texts as sentences and tables have them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.words import (
    capitalise,
    computation,
    count,
    duration,
    excerpt,
    factor,
    figure,
    listed,
    percent,
    shorten,
    signed,
    size,
    span,
    spelled,
)


def test_one_is_told_from_many() -> None:
    assert [count(number, "call") for number in (0, 1, 2_000)] == [
        "0 calls",
        "1 call",
        "2,000 calls",
    ]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1 kB"), (4_194_304, "4.19 MB"),
        (8.4e11, "840 GB"), (2.5e9, "2.5 GB"), (999_999, "1,000 kB"), (1.5e12, "1,500 GB"),
    ],
)  # fmt: skip
def test_bytes_have_a_unit_that_suits_them(number: float, said: str) -> None:
    assert size(number) == said


def test_what_is_computed_says_what_comes_at_its_end() -> None:
    assert computation(2, "m:C()", ["f()"], "read") == "2 x m:C(): f(), then read"
    closed = computation(2, "m:C()", ["f()"], "read", close="file.close")
    assert closed == "2 x m:C(): f(), then read, then file.close"
    brought = computation(2, "m:C()", ["f()"], "read", "bring")
    assert brought == "2 x m:C(): f(), then read; what they return is brought"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2.4456, "2.45"),
        (3.0, "3"),
        (999.7, "1,000"),
        (4012.3, "4,010"),
        (4e3, "4,000"),
        (1.234e7, "12,300,000"),
        (0.0000123, "<0.0001"),
        (0.0, "0"),
    ],
)
def test_a_factor_is_written_as_people_write_it(value: float, said: str) -> None:
    assert factor(value) == said


def test_a_factor_has_at_most_as_many_decimals_as_it_is_told() -> None:
    assert [factor(2.4456, 1), factor(150.0, 1), factor(2.04, 1)] == ["2.4", "150", "2"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"), (1e-9, "<0.0001"), (0.00006, "0.0001"), (0.000532, "0.0005"),
        (0.00109, "0.0011"), (0.0621, "0.062"), (0.5399, "0.54"), (0.9996, "1.00"), (8.0, "8.00"),
        (9.996, "10.0"), (25.34, "25.3"), (99.97, "100"), (1_234.5, "1,230"), (19_800.4, "19,800"),
    ],
)  # fmt: skip
def test_a_figure_has_the_digits_that_a_reader_can_use(value: float, shown: str) -> None:
    assert figure(value) == shown


def number(shown: str) -> float:
    """Return what a reader takes a figure for; of less than the least, half of that."""
    told = float(shown.removeprefix("<").replace(",", ""))
    return told / 2 if shown.startswith("<") else told


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-12, 1e15), st.floats(1e-12, 1e15), st.integers(0, 4))
def test_a_figure_has_three_digits_at_most_and_no_exponent_and_keeps_the_order(
    one: float, other: float, most: int
) -> None:
    low, high = (figure(value, most) for value in sorted((one, other)))
    for shown in (low, high):
        assert re.fullmatch(r"<?\d{1,3}(,\d{3})*(\.\d{1,4})?", shown)
        digits = shown.replace(",", "").lstrip("<0.").replace(".", "")
        telling = digits if "." in shown else digits.rstrip("0")  # 1,230 has three
        assert len(telling) <= 3
    assert number(low) <= number(high)


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-4, 1e15))
def test_a_figure_is_as_near_as_its_digits_allow(value: float) -> None:
    part = 0.0051 if value >= 1 else 0.051
    assert number(figure(value)) == pytest.approx(value, rel=part, abs=0.00006)


def test_a_share_and_a_change_are_figures_too() -> None:
    assert [percent(each) for each in (0.0, 0.0004, 0.2997, 0.9994, 0.9996)] == [
        "0%", "<0.1%", "30.0%", "99.9%", "100%",
    ]  # fmt: skip
    assert [signed(each) for each in (0.0, -0.0004, 0.2997, -0.002, 2.058)] == [
        "0.0%", "0.0%", "+30.0%", "-0.2%", "+206%",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "chosen", "measured"),
    [
        (0.0, "0 s", "0 s"),
        (1e-7, "0.1 us", "0.1 us"),
        (2.44e-7, "0.244 us", "0.24 us"),
        (2e-6, "2 us", "2 us"),
        (0.015, "15 ms", "15 ms"),
        (0.25, "250 ms", "0.25 s"),
        (1234.5, "1234.5 s", "1,230 s"),
        (1e6, "1000000 s", "1,000,000 s"),
    ],
)
def test_a_time_has_a_unit_that_suits_it(seconds: float, chosen: str, measured: str) -> None:
    assert (duration(seconds), spelled(seconds)) == (chosen, measured)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "under 1 s"),
        (0.99, "under 1 s"),
        (1.0, "about 1 s"),
        (8.4, "about 8 s"),
        (119.0, "about 119 s"),
        (120.0, "about 2 min"),
        (1_500.0, "about 25 min"),
        (3_600.0, "about 1 h"),
        (20_000.0, "about 5.6 h"),
        (100_000.0, "about 28 h"),
        (172_800.0, "about 2 days"),
        (30 * 86_400.0, "about 30 days"),
        (365 * 86_400.0, "about 365 days"),
        (5_123 * 86_400.0, "about 5,120 days"),
    ],
)
def test_a_span_is_told_as_people_say_it(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_names_are_listed_as_in_a_sentence() -> None:
    said = [listed(names) for names in ("a", "ab", "abc", "abcde")]
    assert said == ["a", "a and b", "a, b and c", "a, b, c and 2 more"]


def test_a_clause_begins_a_sentence_with_a_capital_where_it_begins_with_a_letter() -> None:
    clauses = ("more calls", "--calls-per-batch", "")
    assert [capitalise(each) for each in clauses] == ["More calls", "--calls-per-batch", ""]


def test_of_a_long_text_both_ends_are_kept() -> None:
    assert shorten("abcdefgh", 8) == "abcdefgh"
    assert shorten("abcdefghi", 8) == "abcd…ghi"


@pytest.mark.parametrize(
    ("texts", "width", "shown"),
    [
        ([], 30, "[]"),
        (["2"] * 4, 30, "[2, 2, 2, 2]"),
        (["2"] * 10, 30, "[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]"),
        (["2"] * 100_000, 35, "[2, 2, 2, 2, … 2] (100,000 in all)"),
        (["x" * 50], 30, "[xxxxxxxxxxxxxx…xxxxxxxxxxxxx]"),
        (["a" * 50, "b" * 50], 30, "[aaaaaa…aaaaaa, bbbbbb…bbbbbb]"),
        (["a" * 50] * 8, 50, "[aaaaaa…aaaaa, … aaaaaa…aaaaa] (8 in all)"),
    ],
)
def test_an_excerpt_shows_what_fits(texts: list[str], width: int, shown: str) -> None:
    assert excerpt(texts, width, len(texts)) == shown


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(max_size=90), max_size=60),
    st.sampled_from([1, 5_000]),
    st.integers(30, 120),
)
def test_an_excerpt_is_never_wider_than_asked(texts: list[str], times: int, width: int) -> None:
    shown = excerpt(texts * times, width, times * len(texts))
    assert len(shown) <= width
    assert len(shown) > 10 or len(shown) == 2 * max(len(texts), 1) + sum(map(len, texts))
