"""Median, confidence interval, outliers, speedup and change of repeated measurements; pure.

Nothing here rests on a normal distribution alone: run times have long upper tails. Every interval
is at least 95 % sure, and None where so few samples cannot carry one. It knows the variation
*between the samples given*: what differs from session to session (a neighbour, another machine) is
not in it (Kalibera & Jones, "Rigorous benchmarking in reasonable time", ISMM 2013).

The samples it takes follow from the chance that pure luck gives the most extreme order:

    interval of one median        6    2 / 2^6 = 3.1 %          (5 samples: 6.3 %)
    significance of a change   4 + 4   2 / C(8, 4) = 2.9 %      (3 + 3: 10 %)
    interval of a speedup      7 + 7   2 x 2 / 2^7 = 3.1 %      (6 + 6: 6.3 %)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, count, takewhile
from math import comb, cos, exp, inf, log, pi, sin, sqrt, tan
from statistics import NormalDist, fmean, median, variance
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Interval: TypeAlias = tuple[float, float]

LEAST_FOR_INTERVAL = 6
LEAST_FOR_CHANGE = 4  # per side
LEAST_FOR_RATIO = 7  # per side
LEAST_FOR_OUTLIERS = 5  # of fewer, nobody can tell which is the odd one

# A value is odd from so many sigmas off the median on, with sigma the median absolute deviation
# over this: Iglewicz & Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, pages 11 and 12.
OUTLYING_SIGMAS = 3.5
MAD_PER_SIGMA = 0.6745  # normal quantile of 75 %

_ERROR = Fraction(1, 20)
_MEAN_DEVIATION_PER_SIGMA = sqrt(2 / pi)
_OUTLYING_SHARE = 0.01
_TAMED_SIGMAS = 10.0  # far beyond what normal samples show, so that only spikes are drawn in
_MOST_FREEDOM = 300
_HALVINGS = 60  # of an angle, until floats know no finer one
_MOST_EXACT_PAIRS = 2_500  # counting orders takes 10 ms here; beyond, normal is as good


@dataclass(frozen=True)
class Summary:
    """What measurements of one quantity say, in their unit unless noted.

    Attributes:
        mad: Median absolute deviation from the median, not scaled.
        interval: Of the median; None with fewer than 6 samples.
        spread: `mad / 0.6745 / median`, without unit: the coefficient of variation of normal noise
            with this MAD. Not the range, which grows with every trial added and repeats what the
            outliers say. None with one sample or a median of 0.
        outliers: Positions of the outliers among the samples, ascending.
    """

    median: float
    low: float
    high: float
    mad: float
    interval: Interval | None
    spread: float | None
    outliers: tuple[int, ...]


@dataclass(frozen=True)
class Ratio:
    """How many times as fast `other` is, without unit: median of the baseline / its median.

    None where the latter is 0. The interval contains it; None with fewer than 7 samples a side.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Change:
    """How a new measurement differs from an old one; without unit.

    Attributes:
        relative: New median / old median - 1, so 0.3 is 30 % slower; None where the latter is 0.
        interval: Contains `relative`; None with fewer than `least_for_change` samples on a side, or
            with a sample of 0.
        significant: Whether the interval leaves out 0; None where there is no interval: no claim.
    """

    relative: float | None
    interval: Interval | None
    significant: bool | None


def summarise(samples: Sequence[float]) -> Summary:
    """Summarise at least one measurement, each finite and not negative."""
    _check(samples)
    middle = median(samples)
    mad = median(abs(sample - middle) for sample in samples)
    return Summary(
        median=middle,
        low=min(samples),
        high=max(samples),
        mad=mad,
        interval=_median_interval(samples, _ERROR),
        spread=mad / MAD_PER_SIGMA / middle if len(samples) > 1 and middle > 0 else None,
        outliers=_outliers(samples, middle, mad),
    )


def ratio(baseline: Sequence[float], other: Sequence[float]) -> Ratio:
    """Divide the baseline's median by the other's: the speedup, where the samples are times.

    The interval divides the ends of two intervals of 97.5 %, one per median, so that both hold with
    95 % (Bonferroni): wider than need be, and true whatever the two shapes are. A serial loop of
    sleeps hardly varies and actors do; a rank-sum interval, which presumes like shapes, held only
    88 % of the time there. Trials are not paired by turn: the medians are not, some may be missing,
    and drift that both sides share only makes this interval wider than it had to be.
    """
    _check(baseline)
    _check(other)
    over = _median_interval(baseline, _ERROR / 2)
    under = _median_interval(other, _ERROR / 2)
    return Ratio(
        value=_quotient(median(baseline), median(other)),
        interval=(over[0] / under[1], over[1] / under[0]) if over and under and under[0] else None,
    )


def compare(old: Sequence[float], new: Sequence[float], error: Fraction = _ERROR) -> Change:
    """Say whether the same thing, measured in two runs, became slower or faster.

    Two intervals are made, and the one that holds both is the answer; so a change is significant
    where both find it.

    1. The quotients new / old of all pairs but the extreme ones that the exact two-sided rank-sum
       test at `error` rules out (Mann & Whitney 1947; Hodges & Lehmann 1963; Hollander, Wolfe &
       Chicken, "Nonparametric Statistical Methods", 2014, section 4.3). It alone holds `error` for
       noise of any one shape, and fails where the noise of one side is larger: 30 trials of 2 %
       noise against 7 of 6 % are called changed in 14 of 100.
    2. Student's for two means of unlike noise, of logarithms as noise grows with the time, with the
       degrees of freedom of the smaller side. It holds `error` for normal noise of any two sizes
       and numbers (Mickey & Brown, Annals of Mathematical Statistics 37, 1966), and needs no more
       samples than the ranks do. Spikes beyond 10 sigma are drawn in to there, or one of them would
       hide any change.

    So at most a share of `error` is called significant where nothing changed, but where the shapes
    differ: a side with spikes that the other has not is a change. All pairs are sorted: 1,000
    samples a side take 0.3 s.

    Args:
        old: Durations of the first run.
        new: Durations of the second.
        error: How often a change may be called significant though nothing changed. Who looks at k
            changes at once and wants none of them wrong takes 5 % / k (Bonferroni).
    """
    _check(old)
    _check(new)
    value = _quotient(median(new), median(old))
    drop = _rank_sum_drop(len(old), len(new), error)
    enough = drop and min(len(old), len(new)) >= LEAST_FOR_CHANGE
    if value is None or not enough or not min(*old, *new):
        return Change(None if value is None else value - 1, interval=None, significant=None)
    quotients = sorted(after / before for after in new for before in old)
    by_means = _quotient_of_means(old, new, error)
    # Ranks and medians may disagree (bimodal samples); then the interval reaches to the median.
    low = min(quotients[drop - 1], by_means[0], value)
    high = max(quotients[-drop], by_means[1], value)
    return Change(value - 1, (low - 1, high - 1), significant=not low <= 1 <= high)


def least_for_change(error: Fraction) -> int:
    """Return how many samples each side must have for a change to be significant at `error`."""
    return next(n for n in count(LEAST_FOR_CHANGE) if _rank_sum_drop(n, n, error))


@lru_cache(maxsize=64)
def student_quantile(freedom: int, error: Fraction = _ERROR) -> float:
    """Return what Student's t of 2 or more degrees of freedom exceeds, up or down, with `error`.

    Beyond 300 degrees it is that of 300: wider than need be, by 0.5 % at most.
    """
    freedom = min(freedom, _MOST_FREEDOM)
    inside, low, high = 1 - float(error), 0.0, pi / 2
    for _ in range(_HALVINGS):
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, freedom) < inside else (low, angle)
    return sqrt(freedom) * tan(high)


def _within(angle: float, freedom: int) -> float:
    """Return the chance that Student's t stays within sqrt(freedom) times the tangent, up and down.

    Abramowitz & Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 (odd) and 26.7.4 (even).
    """
    odd, step = freedom % 2, cos(angle) ** 2
    total = term = cos(angle) if odd else 1.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= step * (k - 1) / k
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


def _check(samples: Sequence[float]) -> None:
    if not samples or not all(0 <= sample < inf for sample in samples):
        message = f"samples must be finite, not negative and at least one: {list(samples)[:10]}"
        raise ValueError(message)


def _quotient(over: float, under: float) -> float | None:
    return over / under if under else None


def _outliers(samples: Sequence[float], middle: float, mad: float) -> tuple[int, ...]:
    """Find samples with a modified z-score above 3.5 that are also over 1 % off the median.

    The 1 % is ours: 8.004 s among 8.001 s spoils no figure. Of sessions of clean normal noise, 1 in
    5 (n = 5) to 1 in 9 (n = 12) still has one.
    """
    if len(samples) < LEAST_FOR_OUTLIERS:
        return ()
    deviations = [abs(sample - middle) for sample in samples]
    bound = max(OUTLYING_SIGMAS * _sigma(deviations, mad), _OUTLYING_SHARE * middle)
    return tuple(index for index, deviation in enumerate(deviations) if deviation > bound)


def _sigma(deviations: Sequence[float], mad: float) -> float:
    """Return the sigma of normal noise with this MAD, or this mean deviation where the MAD is 0.

    It is where over half the samples are equal.
    """
    return mad / MAD_PER_SIGMA or fmean(deviations) / _MEAN_DEVIATION_PER_SIGMA


def _quotient_of_means(old: Sequence[float], new: Sequence[float], error: Fraction) -> Interval:
    """Bound how many times as long `new` takes, by Student's interval of the mean logarithms."""
    before, after = _tamed_logs(old), _tamed_logs(new)
    squared_error = variance(before) / len(before) + variance(after) / len(after)
    reach = student_quantile(min(len(before), len(after)) - 1, error) * sqrt(squared_error)
    value, shift = median(new) / median(old), fmean(after) - fmean(before)
    return value * exp(shift - reach), value * exp(shift + reach)


def _tamed_logs(samples: Sequence[float]) -> list[float]:
    """Return logarithms of samples / their median, those beyond 10 sigma at 10 sigma."""
    middle = median(samples)
    logs = [log(sample / middle) for sample in samples]
    deviations = [abs(each) for each in logs]
    bound = _TAMED_SIGMAS * _sigma(deviations, median(deviations))
    return [min(max(each, -bound), bound) for each in logs]


def _median_interval(samples: Sequence[float], error: Fraction) -> Interval | None:
    """Take the two order statistics that the median lies between, but for `error`.

    How many samples fall below the true median is binomial (n, 1/2), for any distribution: David &
    Nagaraja, "Order Statistics", 2003, section 7.1; advised for benchmarks by Hoefler & Belli,
    "Scientific benchmarking of parallel computing systems", SC 2015. Ties only make it surer.
    """
    ordered, n = sorted(samples), len(samples)
    drop = _droppable((comb(n, below) for below in range(n + 1)), 2**n, error)
    return (ordered[drop - 1], ordered[-drop]) if drop else None


def _droppable(ways: Iterable[int], total: int, error: Fraction) -> int:
    """Count the outcomes from 0 up whose probability, both tails taken, is within `error`."""
    bound = error * total // 2
    return sum(1 for _ in takewhile(lambda tail: tail <= bound, accumulate(ways)))


@lru_cache(maxsize=64)
def _rank_sum_drop(m: int, n: int, error: Fraction = _ERROR) -> int:
    """Say which quotient of m x n, from either end, bounds the interval (1 is the extreme)."""
    if m * n > _MOST_EXACT_PAIRS:
        sigmas = NormalDist().inv_cdf(1 - float(error) / 2)
        return max(0, int((m * n + 1 - sigmas * sqrt(m * n * (m + n + 1) / 3)) / 2))
    return _droppable(_rank_sum_ways(m, n), comb(m + n, m), error)


def _rank_sum_ways(m: int, n: int) -> list[int]:
    """Count the orders of m + n samples that give each Mann-Whitney U, from 0 to the middle.

    The coefficients of the Gaussian binomial: product over i = 1 … m of (1 - q^(n+i)) / (1 - q^i).
    """
    middle = m * n // 2
    ways = [1] + [0] * middle
    for i in range(1, m + 1):
        for u in range(middle, n + i - 1, -1):
            ways[u] -= ways[u - n - i]
        for u in range(i, middle + 1):
            ways[u] += ways[u - i]
    return ways
