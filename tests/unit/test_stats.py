"""Statistics against hand-computed values, published tables, scipy, properties, simulations."""
# ruff: noqa: S311, SLF001 -- seeded noise, no secrets; ranks and constants are checked against tables

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import combinations, starmap
from math import comb, exp, log, nan, sqrt
from statistics import NormalDist, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy

from job.analysis import stats
from job.analysis.stats import Change, compare, ratio, summarise

Draw = Callable[[random.Random], float]

DRAWS = 1_000
NOISES: dict[str, Draw] = {
    "normal": lambda rng: rng.gauss(1, 0.05),
    "lognormal": lambda rng: rng.lognormvariate(0, 0.3),
    "spikes": lambda rng: rng.gauss(1, 0.02) * (3 if rng.random() < 0.1 else 1),
    "ties": lambda rng: round(rng.gauss(1, 0.05), 1),
    "equal": lambda _: 1.0,
}
# Around 1, in five sizes: how unlike the noise of two runs may be.
SIZED: dict[str, Callable[[float], Draw]] = {
    "normal": lambda size: lambda rng: rng.gauss(1, size),
    "lognormal": lambda size: lambda rng: rng.lognormvariate(0, 10 * size),
    "heavy tails": lambda size: lambda rng: exp(size * student_3(rng)),
}
# Powers of two scale floats exactly, so that the properties below need no tolerance.
SCALES = st.integers(-10, 10).map(lambda exponent: 2.0**exponent)
SAMPLES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=15)
FEW = settings(max_examples=40, deadline=None, derandomize=True)


def draw(noise: Draw, n: int, rng: random.Random) -> list[float]:
    return [noise(rng) for _ in range(n)]


@cache
def true_median(noise: str) -> float:
    return median(draw(NOISES[noise], 20_001, random.Random(1)))


def significant_share(old: Draw, new: Draw, n: int) -> float:
    rng = random.Random(20_260)
    found = sum(
        compare(draw(old, n, rng), draw(new, n, rng)).significant is True for _ in range(DRAWS)
    )
    return found / DRAWS


def student_3(rng: random.Random) -> float:
    """Student's t of three degrees of freedom, of which the sample variance hardly settles."""
    return rng.gauss(0, 1) / sqrt(rng.gammavariate(1.5, 2) / 3)


def slowed(noise: Draw) -> Draw:
    return lambda rng: 1.3 * noise(rng)


# --- one quantity


def test_a_summary_holds_what_is_computed_by_hand() -> None:
    found = summarise([7.0, 1.0, 3.0, 2.0, 4.0, 5.0])
    assert (found.median, found.low, found.high) == (3.5, 1.0, 7.0)
    assert found.mad == 1.5  # of 3.5, 2.5, 0.5, 1.5, 0.5, 1.5
    assert found.spread == pytest.approx(1.5 / 0.6745 / 3.5)
    assert found.interval == (1.0, 7.0)
    assert found.outliers == ()


def test_one_sample_claims_nothing_but_itself() -> None:
    found = summarise([8.02])
    assert (found.median, found.low, found.high, found.mad) == (8.02, 8.02, 8.02, 0.0)
    assert (found.interval, found.spread, found.outliers) == (None, None, ())


def test_a_phase_that_takes_no_time_has_no_relative_spread() -> None:
    assert summarise([0.0] * 6).spread is None


@pytest.mark.parametrize(
    ("n", "rank"),  # one more than the sign test's critical value, two-sided 5 %
    [(1, None), (5, None), (6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (20, 6), (30, 10), (70, 27)],
)
def test_the_interval_of_a_median_takes_the_ranks_of_the_published_table(
    n: int, rank: int | None
) -> None:
    expected = None if rank is None else (float(rank), float(n + 1 - rank))
    assert summarise([float(i) for i in range(1, n + 1)]).interval == expected


@pytest.mark.parametrize("samples", [[], [1.0, nan], [1.0, float("inf")], [-0.1]])
def test_what_is_no_duration_is_refused(samples: list[float]) -> None:
    good = [1.0] * 7
    for call in (
        lambda: summarise(samples),
        lambda: ratio(good, samples),
        lambda: ratio(samples, good),
        lambda: compare(good, samples),
        lambda: compare(samples, good),
    ):
        with pytest.raises(ValueError, match="finite, not negative and at least one"):
            call()


@pytest.mark.parametrize("noise", ["normal", "lognormal", "spikes"])
@pytest.mark.parametrize("n", [6, 11])
def test_the_interval_of_a_median_holds_the_true_one_in_95_of_100(noise: str, n: int) -> None:
    rng = random.Random(7)
    truth = true_median(noise)
    intervals = [summarise(draw(NOISES[noise], n, rng)).interval for _ in range(DRAWS)]
    assert sum(low <= truth <= high for low, high in filter(None, intervals)) >= 0.94 * DRAWS


# --- outliers


@pytest.mark.parametrize(
    ("samples", "outliers"),
    [
        ([1.0, 1.1, 0.9, 1.0, 1.2, 5.0], (5,)),  # MAD 0.1: score 0.6745 x 3.95 / 0.1
        ([0.2, 1.1, 0.9, 1.0, 1.2, 5.0], (0, 5)),  # MAD 0.15: 0.6745 x 0.85 / 0.15 = 3.8
        ([9.0, 1.0, 1.0, 1.0, 1.0], (0,)),  # MAD 0: mean deviation 1.6, score 8 / 2.005
        ([1.0, 1.0, 1.0, 1.0, 1.005], ()),  # score as great, but 0.5 % off
        ([1.0, 1.0, 1.0, 1.0, 1.0], ()),
        ([0.0, 0.0, 0.0, 0.0, 0.0], ()),
        ([1.0, 1.01, 0.99, 9.0], ()),  # fewer than 5
    ],
)
def test_outliers_are_found_by_their_modified_score(
    samples: list[float], outliers: tuple[int, ...]
) -> None:
    assert summarise(samples).outliers == outliers


@pytest.mark.parametrize(("far", "outlying"), [(10.0 + 5.18, False), (10.0 + 5.20, True)])
def test_the_score_of_an_outlier_is_3_5_by_the_normal_mad(far: float, outlying: object) -> None:
    # Median 10, MAD 1; 3.5 / 0.6745 = 5.189.
    found = summarise([8.5, 9.0, 9.5, 10.0, 10.5, 11.0, far])
    assert (found.median, found.mad) == (10.0, 1.0)
    assert found.outliers == ((6,) if outlying else ())


# --- speedup


def test_a_speedup_is_the_quotient_of_the_medians() -> None:
    found = ratio([8.0, 8.02, 8.04], [3.0, 3.28, 3.3])
    assert found.value == pytest.approx(8.02 / 3.28)
    assert found.interval is None


def test_the_interval_of_a_speedup_divides_the_far_ends() -> None:
    serial, actors = [8.0, 8.1, 8.2, 8.3, 8.4, 8.5, 8.6], [2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 4.0]
    assert ratio(serial, actors).interval == (8.0 / 4.0, 8.6 / 2.0)
    assert ratio(serial, actors[1:]).interval is None
    assert ratio(serial[1:], actors).interval is None


def test_no_speedup_is_claimed_over_something_that_took_no_time() -> None:
    assert ratio([1.0] * 7, [0.0] * 7) == stats.Ratio(value=None, interval=None)
    assert ratio([1.0] * 7, [0.0] + [1.0] * 6) == stats.Ratio(value=1.0, interval=None)


@pytest.mark.parametrize("n", [7, 12])
@pytest.mark.parametrize("noise", ["normal", "lognormal", "spikes"])
def test_the_interval_of_a_speedup_holds_though_the_shapes_differ(noise: str, n: int) -> None:
    rng = random.Random(11)
    truth = 1 / true_median(noise)
    intervals = [
        ratio([rng.gauss(1, 0.0005) for _ in range(n)], draw(NOISES[noise], n, rng)).interval
        for _ in range(DRAWS)
    ]
    assert sum(low <= truth <= high for low, high in filter(None, intervals)) >= 0.95 * DRAWS


# --- change


def test_a_change_is_relative_to_the_old_median() -> None:
    found = compare([1.0, 2.0, 3.0, 4.0], [20.0, 30.0, 40.0, 50.0])
    assert found.relative == pytest.approx(35 / 2.5 - 1)
    assert found.interval is not None
    assert found.interval[1] == 50 / 1 - 1  # 4 + 4: all 16 quotients, of which 20 / 4 is the least
    assert found.interval[0] < 20 / 4 - 1  # and the means know less
    assert found.significant is True


def test_faster_is_as_significant_as_slower() -> None:
    found = compare([20.0, 30.0, 40.0, 50.0], [1.0, 2.0, 3.0, 4.0])
    assert found.relative is not None
    assert found.relative < 0
    assert found.significant is True


@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 100), (3, 3), (3, 10), (100, 3)])
def test_too_few_samples_make_no_claim(old: int, new: int) -> None:
    found = compare([1.0] * old, [2.0] * new)
    assert found == Change(relative=1.0, interval=None, significant=None)


def test_a_phase_without_time_makes_no_claim() -> None:
    nothing = Change(relative=None, interval=None, significant=None)
    assert compare([0.0] * 5, [0.0] * 5) == nothing
    assert compare([0.0] * 5, [1.0] * 5) == nothing
    assert compare([1.0] * 5, [0.0] * 5) == Change(-1.0, interval=None, significant=None)


def test_equal_samples_are_unchanged_and_unlike_constants_are_not() -> None:
    assert compare([1.0] * 4, [1.0] * 4) == Change(0.0, (0.0, 0.0), significant=False)
    assert compare([1.0] * 4, [1.5] * 4) == Change(0.5, (0.5, 0.5), significant=True)


def test_ranks_that_contradict_the_medians_are_not_significant() -> None:
    # 121 of 400 pairs say faster, as few as the 127 that the table allows; so do the medians.
    old, new = [1.0] * 9 + [10.0] * 11, [9.0] * 11 + [20.0] * 9
    found = compare(old, new)
    assert found.relative == pytest.approx(-0.1)
    assert found.interval == (found.relative, 8.0)  # 81 quotients of 20, then 9
    assert found.significant is False


@pytest.mark.parametrize(
    ("m", "n", "critical"),  # greatest U significant at 5 %, two-sided: Mann-Whitney tables
    [(4, 4, 0), (5, 5, 2), (6, 6, 5), (4, 10, 5), (8, 8, 13), (10, 10, 23), (20, 20, 127)],
)
def test_ranks_agree_with_the_published_tables(m: int, n: int, critical: int) -> None:
    assert stats._rank_sum_drop(m, n) == critical + 1 == stats._rank_sum_drop(n, m)


@pytest.mark.parametrize(("m", "n"), [(3, 3), (4, 5), (5, 4), (2, 6)])
def test_orders_are_counted_as_by_listing_them(m: int, n: int) -> None:
    sums = [sum(chosen) - m * (m - 1) // 2 for chosen in combinations(range(m + n), m)]
    assert stats._rank_sum_ways(m, n) == [sums.count(u) for u in range(m * n // 2 + 1)]


def test_three_a_side_can_never_be_significant_and_four_can() -> None:
    assert 2 / comb(6, 3) > 0.05 >= 2 / comb(8, 4)
    assert (stats._rank_sum_drop(3, 3), stats._rank_sum_drop(4, 4)) == (0, 1)


@pytest.mark.parametrize(("changes", "least"), [(1, 4), (2, 5), (4, 5), (8, 6), (12, 6), (40, 7)])
def test_who_looks_at_more_changes_at_once_needs_more_samples(changes: int, least: int) -> None:
    error = Fraction(1, 20 * changes)
    assert stats.least_for_change(error) == least
    fast, slow = [1.0 + i / 100 for i in range(least)], [2.0 + i / 100 for i in range(least)]
    assert compare(fast, slow, error).significant is True
    assert compare(fast[1:], slow[1:], error).significant is None


def test_many_samples_continue_the_exact_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [(51, 50), (60, 60), (30, 100)]
    normal = list(starmap(stats._rank_sum_drop.__wrapped__, sizes))
    monkeypatch.setattr(stats, "_MOST_EXACT_PAIRS", 10_000)
    exact = list(starmap(stats._rank_sum_drop.__wrapped__, sizes))
    assert normal == pytest.approx(exact, abs=1)


@pytest.mark.parametrize(
    ("noise", "sizes", "trials"),
    [
        ("normal", (0.02, 0.02), (30, 7)),
        ("normal", (0.02, 0.06), (30, 7)),
        ("normal", (0.06, 0.02), (7, 30)),
        ("normal", (0.05, 0.01), (30, 7)),
        ("normal", (0.01, 0.05), (20, 5)),
        ("normal", (0.01, 0.05), (4, 4)),
        ("normal", (0.01, 0.05), (7, 7)),
        ("normal", (0.05, 0.01), (10, 10)),
        ("normal", (0.01, 0.05), (30, 30)),
        ("lognormal", (0.01, 0.05), (30, 7)),
        ("lognormal", (0.05, 0.01), (7, 7)),
        ("heavy tails", (0.01, 0.05), (30, 7)),
        ("heavy tails", (0.05, 0.01), (7, 7)),
    ],
)
def test_unlike_noise_and_numbers_of_trials_are_no_change(
    noise: str, sizes: tuple[float, float], trials: tuple[int, int]
) -> None:
    rng, (before, after) = random.Random(9), map(SIZED[noise], sizes)
    pairs = [(draw(before, trials[0], rng), draw(after, trials[1], rng)) for _ in range(DRAWS)]
    for error in (Fraction(1, 20), Fraction(1, 180)):  # alone; among 3 strategies x 3 phases
        found = sum(compare(*pair, error).significant is True for pair in pairs)
        assert found <= DRAWS * error + 3 * sqrt(DRAWS * error)  # what the count itself is off


def test_a_tenth_slower_is_found_with_seven_trials_of_two_percent_noise() -> None:
    rng, noise = random.Random(2), SIZED["normal"](0.02)
    for old, new in ((7, 7), (30, 7)):
        for error in (Fraction(1, 20), Fraction(1, 180)):
            found = sum(
                compare(draw(noise, old, rng), [1.1 * noise(rng) for _ in range(new)], error)
                .significant is True
                for _ in range(300)
            )  # fmt: skip
            assert found >= 297


@pytest.mark.parametrize("n", [4, 5, 8, 10, 20])
@pytest.mark.parametrize("noise", NOISES)
def test_a_strategy_against_itself_is_not_significant_in_930_of_1000(noise: str, n: int) -> None:
    assert significant_share(NOISES[noise], NOISES[noise], n) <= 0.07


@pytest.mark.parametrize("n", [6, 8, 10])
def test_thirty_percent_slower_is_nearly_always_found_in_five_percent_noise(n: int) -> None:
    assert significant_share(NOISES["normal"], slowed(NOISES["normal"]), n) >= 0.99


def test_thirty_percent_slower_is_found_in_spite_of_spikes() -> None:
    # Three spikes among ten old samples hide it, which happens in 7 of 100 sessions.
    assert significant_share(NOISES["spikes"], slowed(NOISES["spikes"]), 10) >= 0.92
    assert significant_share(NOISES["spikes"], slowed(NOISES["spikes"]), 20) >= 0.99


def test_the_interval_of_a_change_holds_the_true_one_in_95_of_100() -> None:
    rng = random.Random(3)
    noise = NOISES["lognormal"]
    intervals = [
        compare(draw(noise, 8, rng), draw(slowed(noise), 8, rng)).interval for _ in range(DRAWS)
    ]
    assert sum(low <= 0.3 <= high for low, high in filter(None, intervals)) >= 0.94 * DRAWS


# --- scipy as the oracle


@FEW
@given(m=st.integers(1, 25), n=st.integers(1, 25), rng=st.randoms(use_true_random=False))
def test_ranks_that_are_ruled_out_are_those_of_scipys_exact_test(
    m: int, n: int, rng: random.Random
) -> None:
    old, new = draw(random.Random.random, m, rng), draw(random.Random.random, n, rng)
    found = scipy.mannwhitneyu(old, new, method="exact")
    extreme = min(found.statistic, m * n - found.statistic)
    for error in (Fraction(1, 20), Fraction(1, 180)):
        assert (extreme < stats._rank_sum_drop(m, n, error)) == (found.pvalue <= error)


@FEW
@given(
    old=st.lists(st.integers(1, 4), min_size=4, max_size=6),
    new=st.lists(st.integers(1, 6), min_size=4, max_size=6),
)
def test_with_ties_nothing_is_found_that_a_permutation_of_ranks_does_not_find(
    old: list[int], new: list[int]
) -> None:
    def rank_sum(x: list[float], y: list[float]) -> float:
        return float(scipy.rankdata([*x, *y])[: len(x)].sum())

    for error in (Fraction(1, 20), Fraction(1, 10)):
        if compare(old, new, error).significant:
            exact = scipy.permutation_test((old, new), rank_sum, n_resamples=10_000)
            assert exact.pvalue <= error


@FEW
@given(
    old=st.lists(st.floats(0.5, 2), min_size=4, max_size=12, unique=True),
    new=st.lists(st.floats(0.5, 2), min_size=4, max_size=12, unique=True),
)
def test_means_are_bounded_as_scipy_does_with_the_freedom_of_the_smaller_side(
    old: list[float], new: list[float]
) -> None:
    logs = [stats._tamed_logs(side) for side in (old, new)]
    means = [sum(side) / len(side) for side in logs]
    errors = [scipy.sem(side) for side in logs]
    reach = scipy.t.ppf(0.975, min(len(old), len(new)) - 1) * sqrt(sum(each**2 for each in errors))
    middle = log(median(new) / median(old)) + means[1] - means[0]
    expected = exp(middle - reach), exp(middle + reach)
    assert stats._quotient_of_means(old, new, Fraction(1, 20)) == pytest.approx(expected)


@pytest.mark.parametrize("freedom", [2, 3, 4, 5, 6, 29, 30, 299, 300, 999])
@pytest.mark.parametrize("error", [Fraction(1, 20), Fraction(1, 60), Fraction(1, 180)])
def test_students_quantile_is_scipys(freedom: int, error: Fraction) -> None:
    expected = scipy.t.ppf(1 - float(error) / 2, freedom)
    found = stats.student_quantile(freedom, error)
    assert found == pytest.approx(expected, rel=1e-9 if freedom <= 300 else 0.006)
    assert found >= expected * (1 - 1e-9)


@FEW
@given(samples=st.lists(st.integers(1, 30), min_size=6, max_size=40))
def test_the_interval_of_a_median_is_scipys_with_and_without_ties(samples: list[int]) -> None:
    found = summarise(samples)
    drop = int(scipy.binom.ppf(0.025, len(samples), 0.5))
    drop += scipy.binom.cdf(drop, len(samples), 0.5) <= 0.025
    ordered = sorted(samples)
    assert found.interval == (ordered[drop - 1], ordered[-drop])
    assert found.mad == pytest.approx(scipy.median_abs_deviation(samples))


# --- properties


@FEW
@given(samples=SAMPLES, scale=SCALES)
def test_a_change_of_unit_scales_a_summary(samples: list[float], scale: float) -> None:
    before, after = summarise(samples), summarise([scale * sample for sample in samples])
    assert after.median == scale * before.median
    assert after.mad == scale * before.mad
    assert after.interval == (
        before.interval and (scale * before.interval[0], scale * before.interval[1])
    )
    assert (after.spread, after.outliers) == (before.spread, before.outliers)


@FEW
@given(old=SAMPLES, new=SAMPLES, scale=SCALES)
def test_a_change_of_unit_leaves_quotients_alone(
    old: list[float], new: list[float], scale: float
) -> None:
    scaled = [scale * sample for sample in old], [scale * sample for sample in new]
    assert ratio(*scaled) == ratio(old, new)
    assert compare(*scaled) == compare(old, new)


@FEW
@given(samples=SAMPLES, other=SAMPLES, rng=st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(
    samples: list[float], other: list[float], rng: random.Random
) -> None:
    positions = list(range(len(samples)))
    rng.shuffle(positions)
    shuffled = [samples[position] for position in positions]
    before, after = summarise(samples), summarise(shuffled)
    assert (after.median, after.mad, after.interval) == (before.median, before.mad, before.interval)
    assert ratio(shuffled, other) == ratio(samples, other)
    assert compare(shuffled, other) == compare(samples, other)


@FEW
@given(old=SAMPLES, new=SAMPLES)
def test_every_interval_contains_its_figure_where_there_are_enough_samples(
    old: list[float], new: list[float]
) -> None:
    one, speedup, change = summarise(old), ratio(old, new), compare(old, new)
    fewest = min(len(old), len(new))
    assert (one.interval is not None) == (len(old) >= stats.LEAST_FOR_INTERVAL)
    assert (speedup.interval is not None) == (fewest >= stats.LEAST_FOR_RATIO)
    assert (change.interval is not None) == (fewest >= stats.LEAST_FOR_CHANGE)
    for figure, interval in (
        (one.median, one.interval),
        (speedup.value, speedup.interval),
        (change.relative, change.interval),
    ):
        assert figure is not None
        assert interval is None or interval[0] <= figure <= interval[1]


def test_a_constant_is_the_normal_quantile_it_claims() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.75), abs=1e-4) == stats.MAD_PER_SIGMA
