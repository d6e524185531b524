"""Words: counts and times as sentences have them."""

from __future__ import annotations

import pytest

from job.words import count, duration, span, spelled


def test_one_is_told_from_many() -> None:
    assert [count(number, "call") for number in (0, 1, 2_000)] == [
        "0 calls",
        "1 call",
        "2,000 calls",
    ]


@pytest.mark.parametrize(
    ("seconds", "chosen", "measured"),
    [
        (2e-6, "2 us", "0.002 ms"),
        (0.015, "15 ms", "15 ms"),
        (0.25, "250 ms", "0.25 s"),
        (1234.5, "1234.5 s", "1,234.50 s"),
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
        (5_000 * 86_400.0, "about 5,000 days"),
    ],
)
def test_a_span_is_told_as_people_say_it(seconds: float, said: str) -> None:
    assert span(seconds) == said
