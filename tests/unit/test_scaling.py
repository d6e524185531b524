"""Speedup, serial fraction and the scalability law: by hand, and recovered from noise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.analysis.scaling import Fit, NoFit, fit, karp_flatt

PARALLEL = (1, 2, 4, 8, 12, 16, 24, 32)


def law(p: float, rate: float, sigma: float, kappa: float) -> float:
    return rate * p / (1 + sigma * (p - 1) + kappa * p * (p - 1))


def points(sigma: float, kappa: float, rate: float = 100.0) -> list[tuple[float, float]]:
    return [(p, law(p, rate, sigma, kappa)) for p in PARALLEL]


# --- the serial fraction


def test_half_the_time_on_two_slots_leaves_nothing_serial() -> None:
    assert karp_flatt(2, 2.0) == 0.0


@given(p=st.integers(2, 1_000), serial=st.floats(0.001, 0.999))
def test_the_serial_fraction_is_the_one_that_amdahls_law_was_given(p: int, serial: float) -> None:
    assert karp_flatt(p, 1 / (serial + (1 - serial) / p)) == pytest.approx(serial, rel=1e-6)


def test_one_slot_shows_no_serial_fraction() -> None:
    assert karp_flatt(1, 0.9) is None


# --- the law


@pytest.mark.parametrize(("sigma", "kappa"), [(0, 0), (0.05, 0), (0, 0.01), (0.1, 0.002)])
def test_without_noise_the_parameters_come_out_as_they_went_in(sigma: float, kappa: float) -> None:
    found = fit(points(sigma, kappa))
    assert isinstance(found, Fit)
    assert found.rate == pytest.approx(100)
    assert found.sigma == pytest.approx(sigma, abs=1e-9)
    assert found.kappa == pytest.approx(kappa, abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(
    sigma=st.floats(0, 0.3),
    kappa=st.floats(0, 0.02),
    rate=st.floats(0.01, 1e6),
    noise=st.lists(st.floats(-0.05, 0.05), min_size=len(PARALLEL), max_size=len(PARALLEL)),
)
def test_the_law_is_recovered_from_5_percent_of_noise(
    sigma: float, kappa: float, rate: float, noise: list[float]
) -> None:
    exact = points(sigma, kappa, rate)
    found = fit([(p, x * (1 + off)) for (p, x), off in zip(exact, noise, strict=True)])
    assert isinstance(found, Fit)
    assert found.sigma >= 0
    assert found.kappa >= 0
    assert found.sigma == pytest.approx(sigma, abs=0.1)
    assert found.kappa == pytest.approx(kappa, abs=0.006)
    for p, x in exact:
        assert found.throughput(p) == pytest.approx(x, rel=0.1)


def test_a_peak_is_named_only_where_it_was_passed() -> None:
    passed, ahead = fit(points(0.05, 0.01)), fit(points(0.05, 0.0005))
    assert isinstance(passed, Fit)
    assert passed.peak == pytest.approx(math.sqrt(0.95 / 0.01))
    assert isinstance(ahead, Fit)
    assert ahead.peak is None


def test_a_fit_says_nothing_beyond_what_was_measured() -> None:
    found = fit(points(0.05, 0.01))
    assert isinstance(found, Fit)
    with pytest.raises(ValueError, match="from 1 to 32, not at 64"):
        found.throughput(64)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "only 0 numbers of calls at once were measured, of the 6"),
        (points(0.1, 0.0)[:5], "only 5 numbers of calls at once were measured, of the 6"),
        ([(2, 10.0)] * 10, "only 1 number of calls at once was measured, of the 6"),
        ([*points(0.1, 0.0), (64, math.nan)], "finite and positive"),
        ([*points(0.1, 0.0), (64, 0.0)], "finite and positive"),
        ([(p / 8, x) for p, x in points(0.1, 0.0)], "begins at p = 1"),
        ([(p, 10.0 if p % 8 else 90.0) for p in PARALLEL], "misses a point by"),
        ([(p, p**2.5) for p in PARALLEL], "misses a point by"),
    ],
)
def test_wrong_or_too_few_data_give_no_fit_and_a_reason(
    data: list[tuple[float, float]], reason: str
) -> None:
    found = fit(data)
    assert isinstance(found, NoFit)
    assert reason in found.reason
