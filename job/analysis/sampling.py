"""What a serial loop of all instances would have taken, told from some of them; pure.

Instances are seldom alike: what one is given decides what its calls cost. So the sample is spread
over the whole range, and the interval of the estimate carries the spread between instances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, fsum, hypot, log, sqrt
from statistics import fmean, median, variance
from typing import TYPE_CHECKING

from job.analysis import stats
from job.planning.estimate import LEAST_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from job.analysis.stats import Interval
    from job.results.document import Trial

_CLOCK_S = 1e-9  # what a clock can tell from nothing
_LEAST_LEFT = 0.1  # of the mean: some instances may have had their last call when the time was up
_WIDEST = 300.0  # in the logarithm: as good as no bound, and no overflow


@dataclass(frozen=True)
class Estimated:
    """What all instances would have taken, told from some of them.

    Attributes:
        total_s: Of all instances.
        interval: Of `total_s`, 95 %: a point where the sample is everything, None where it is of
            fewer than 5 instances.
        sampled: How many instances were run.
        of: How many there are.
        correction: What the sample's share of the times in another strategy multiplied `total_s`
            by; None where nothing corrects it.
        numbers: Those of the instances that were run, where they are known.
    """

    total_s: float
    interval: Interval | None
    sampled: int
    of: int
    correction: float | None = None
    numbers: tuple[int, ...] = ()

    @property
    def scale(self) -> float:
        """What the sample's time is multiplied by."""
        return (self.correction or 1.0) * self.of / self.sampled

    @property
    def least(self) -> float:
        """Which share of `total_s` it is at least, with 95 %; 0 where that cannot be told."""
        return self.interval[0] / self.total_s if self.interval and self.total_s else 0.0


def estimate_loop(trials: Mapping[str, Sequence[Trial]], instances: int) -> Estimated | None:
    """Estimate the work of a serial loop that ran a sample; None where it ran all instances.

    It rests on the instances that every trial ran, as their budget may have ended some earlier. The
    median of its trials is each one's time, and what it took in the actors corrects the estimate.
    """
    serial = trials.get("serial", ())
    if not serial or not serial[-1].estimated:
        return None
    ran = _times(serial)
    if not ran:  # of a file from before each instance's time was kept
        work_s = median(trial.work_s for trial in serial)
        return Estimated(work_s, None, serial[-1].instances, instances)
    others = next((trials[name] for name in ("sharded", "actors") if name in trials), ())
    beside, total_s = _times(others), [sum(s.busy_s for s in t.placement) for t in others]
    together_s = median(trial.sample.together_s for trial in serial if trial.sample)
    if ran.keys() <= beside.keys():
        # Of what all took together each had its share, by what it took in the actors.
        share_s = together_s / max(median(total_s), _CLOCK_S)
        shares = [beside[number] for number in ran]
        whole = [ran[number] + share_s * beside[number] for number in ran]
        found = estimate_total(whole, instances, shares, median(total_s))
        return replace(found, numbers=tuple(ran))
    least_s = _LEAST_LEFT * fmean(ran.values()) if together_s else 0.0
    found = estimate_total([max(each, least_s) for each in ran.values()], instances)
    low, high = found.interval or (0.0, 0.0)
    return replace(
        found, total_s=together_s + found.total_s, numbers=tuple(ran),
        interval=(together_s + low, together_s + high) if found.interval else None,
    )  # fmt: skip


def as_estimated(trial: Trial, loop: Estimated) -> Trial:
    """Return a trial of a sample with the work that the instances of the estimate tell."""
    if not trial.sample or not trial.work_s:
        return trial
    took_s = dict(zip(trial.sample.numbers, trial.sample.each_s, strict=True))
    work_s = loop.scale * fsum(took_s[number] for number in loop.numbers)
    work_s += trial.sample.together_s
    elapsed_s, cpu_s = trial.elapsed_s - trial.work_s + work_s, trial.cpu_s * work_s / trial.work_s
    return trial.model_copy(update={"work_s": work_s, "elapsed_s": elapsed_s, "cpu_s": cpu_s})


def _times(trials: Sequence[Trial]) -> dict[int, float]:
    """Return the median time of each instance that every trial knows."""
    kept = [trial.sample for trial in trials if trial.sample]
    if not kept or len(kept) < len(trials):
        return {}
    each = [dict(zip(sample.numbers, sample.each_s, strict=True)) for sample in kept]
    numbers = sorted(set(each[0]).intersection(*each[1:]))
    return {number: median(of[number] for of in each) for number in numbers}


def estimate_total(
    sample_s: Sequence[float],
    of: int,
    covariate_sample_s: Sequence[float] = (),
    covariate_total_s: float = 0.0,
) -> Estimated:
    """Estimate what all instances take from what a random sample of them took.

    The instances that were not run are taken to be to the sample as their covariate is to its: a
    ratio estimate (Cochran, "Sampling Techniques", 1977, chapter 6). The time that each instance
    took in the actors is a good one: what is left to chance then is by how much serial and actors'
    times are out of proportion, not how unlike the instances are. Without one each counts 1. One
    that explains less than half of how the times vary makes the interval no narrower.

    An instance whose like is not in the sample is not in the interval either, unless the covariate
    knows it.

    Args:
        sample_s: What each sampled instance took.
        of: How many instances there are.
        covariate_sample_s: What each of them took in another strategy, in the same order.
        covariate_total_s: What all instances took there.
    """
    sampled, run_s = len(sample_s), fsum(sample_s)
    if sampled >= of:
        return Estimated(run_s, (run_s, run_s), sampled, of)
    times = [max(each, _CLOCK_S) for each in sample_s]
    plain_s, correction = fmean(times) * (of - sampled), None
    shares, total = [1.0] * sampled, float(of)
    if covariate_sample_s:
        shares = [max(each, _CLOCK_S) for each in covariate_sample_s]
        total = max(covariate_total_s, fsum(shares))
        correction = total / fsum(shares) * sampled / of
    left_s = fsum(times) / fsum(shares) * (total - fsum(shares))
    if sampled < LEAST_SAMPLE:
        return Estimated(run_s + left_s, None, sampled, of, correction)
    ends = [left_s, *(left_s * end for end in _ratio_bounds(times, shares, of))]
    if correction is None or not _explains(shares, times):
        ends += [plain_s * end for end in _lognormal_bounds(times, of)]
    return Estimated(
        run_s + left_s, (run_s + min(ends), run_s + max(ends)), sampled, of, correction
    )


def _explains(covariate: Sequence[float], times: Sequence[float]) -> bool:
    """Return whether times vary by at most half as much once divided by a covariate."""
    ratios = [log(time / share) for time, share in zip(times, covariate, strict=True)]
    return 2 * variance(ratios) <= variance(map(log, times))


def estimated_ratio(
    estimated: Estimated, baseline: Sequence[float], other: Sequence[float]
) -> stats.Ratio:
    """Divide the medians as `stats.ratio` does, where the baseline rests on an estimate.

    Its interval joins that of the estimate and that of the trials, as independent errors: squares
    of the distances from the value, in logarithms, add up (Zou & Donner, "Construction of
    confidence limits about effect measures", Statistics in Medicine 27, 2008).

    Args:
        estimated: What the baseline's work rests on; its interval is taken for all of elapsed.
        baseline: Elapsed of each trial of the serial loop, with the estimate in it.
        other: Elapsed of each trial of the other strategy.

    Returns:
        The interval is None where the estimate has none. With too few trials for an interval of
        their own it carries the spread between instances only.
    """
    plain = stats.ratio(baseline, other)
    if not plain.value or not estimated.interval or not estimated.total_s:
        return stats.Ratio(plain.value, None)
    by_sample = [end / estimated.total_s for end in estimated.interval]
    by_trials = [end / plain.value for end in plain.interval or (plain.value, plain.value)]
    down, up = (hypot(log(a), log(b)) for a, b in zip(by_sample, by_trials, strict=True))
    return stats.Ratio(plain.value, (plain.value * exp(-down), plain.value * exp(up)))


def _ratio_bounds(times: Sequence[float], shares: Sequence[float], of: int) -> Interval:
    """Bound by which factors the rest is off its estimate, by the spread about the common ratio.

    The larger of two standard errors counts, both relative: the classical one of a ratio, which
    sees the largest instances only and is too small with few of them; and that of a scatter that
    grows with the instance, from the spread of the single ratios. The instances left add their own
    chance, as they are few and the large ones among them fewer.
    """
    sampled, common = len(times), fsum(times) / fsum(shares)
    misses = fsum((time - common * share) ** 2 for time, share in zip(times, shares, strict=True))
    classical = misses * sampled / (sampled - 1) / fsum(times) ** 2
    weight = fsum(share * share for share in shares) / fsum(shares) ** 2
    logs = [log(time / share) for time, share in zip(times, shares, strict=True)]
    squared = max(classical, variance(logs) * weight) * (1 + sampled / (of - sampled))
    reach = min(stats.student_quantile(sampled - 1) * sqrt(squared), _WIDEST)
    return exp(-reach), exp(reach)


def _lognormal_bounds(times: Sequence[float], of: int) -> Interval:
    """Bound by which factors the rest is off the sample's mean where the logarithms are normal.

    Cox's interval of the mean with Student's t (Land 1971; Olsson, "Confidence intervals for the
    mean of a log-normal distribution", Journal of Statistics Education 13, 2005): a few skewed
    values seldom hold one of the large ones that make up much of the total. Ours is that the
    variance of the variance is divided by n - 3 for n - 1, for the few samples it is meant for, and
    that the chance of the instances left is added.
    """
    sampled, left = len(times), of - len(times)
    logs = [log(time) for time in times]
    spread = min(variance(logs), _WIDEST)
    own = log(1 + (exp(spread) - 1) / left)
    squared = spread / sampled + spread**2 / (2 * (sampled - 3)) + own
    reach = stats.student_quantile(sampled - 1) * sqrt(squared)
    off = fmean(logs) + spread / 2 - log(fmean(times))
    return exp(max(off - reach, -_WIDEST)), exp(min(off + reach, _WIDEST))
