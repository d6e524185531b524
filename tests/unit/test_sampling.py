"""Sampling a serial loop: which instances are run, and how far the estimate may be off."""
# ruff: noqa: S311 -- seeded workloads, no secrets

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from math import log
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from job.analysis.advisories import advise
from job.analysis.figures import figures_of
from job.analysis.report import analyse
from job.analysis.sampling import (
    Estimated,
    estimate_total,
    estimated_ratio,
)
from job.analysis.stats import ratio
from job.planning.estimate import choose_sample
from job.results.document import Results, Sample
from tests.samples import ACTORS, SEED, SERIAL, changed

Cost = Callable[[random.Random, int], float]

WORKLOADS, INSTANCES = 1_000, 100
COSTS: dict[str, Cost] = {
    "lognormal": lambda rng, _: rng.lognormvariate(0, 1),
    "alike": lambda rng, _: rng.gauss(1, 0.02),
    "exponential": lambda rng, _: rng.expovariate(1),
    "two kinds": lambda rng, _: rng.choice([1, 5]) * rng.gauss(1, 0.02),
    "growing": lambda rng, number: (number + 1) * rng.gauss(1, 0.02),
}
FEW = settings(max_examples=100, deadline=None, derandomize=True)
SECONDS = st.floats(1e-6, 1e4)


def workload(cost: Cost, rng: random.Random) -> list[float]:
    """What each instance takes in the serial loop."""
    return [abs(cost(rng, number)) for number in range(INSTANCES)]


def in_actors(costs: list[float], rng: random.Random, noise: float = 0.1) -> list[float]:
    """What each takes in actors: 1.3 times as long, more or less."""
    return [1.3 * cost * rng.lognormvariate(0, noise) for cost in costs]


def of_sample(costs: list[float], size: int, seed: int, actors: list[float] | None) -> Estimated:
    chosen = choose_sample(len(costs), size, seed)
    if actors is None:
        return estimate_total([costs[i] for i in chosen], len(costs))
    likewise = [actors[i] for i in chosen]
    return estimate_total([costs[i] for i in chosen], len(costs), likewise, sum(actors))


def holds(found: Estimated, costs: list[float]) -> bool:
    assert found.interval is not None
    return found.interval[0] <= sum(costs) <= found.interval[1]


def width(found: Estimated) -> float:
    assert found.interval is not None
    return log(found.interval[1] / found.interval[0])


# --- which instances


@given(instances=st.integers(1, 10**7), size=st.integers(1, 300), seed=st.integers(0, 99))
@FEW
def test_a_sample_has_one_instance_of_each_equal_part(instances: int, size: int, seed: int) -> None:
    chosen = choose_sample(instances, size, seed)
    parts = min(instances, size)
    assert len(chosen) == parts
    for part, number in enumerate(sorted(chosen)):
        assert part * instances // parts <= number < (part + 1) * instances // parts


def test_of_few_instances_all_are_sampled() -> None:
    assert sorted(choose_sample(3, 5)) == [0, 1, 2]
    assert sorted(choose_sample(12, 12)) == list(range(12))


def test_the_first_of_a_sample_are_a_sample_too() -> None:
    firsts = [fmean(choose_sample(1_000, 100, seed)[:10]) for seed in range(300)]
    assert fmean(firsts) == pytest.approx(499.5, rel=0.03)


def test_a_seed_chooses_the_same_instances_and_another_others() -> None:
    assert choose_sample(10_000, 9, seed=4) == choose_sample(10_000, 9, seed=4)
    assert choose_sample(10_000, 9, seed=4) != choose_sample(10_000, 9, seed=5)


def test_every_instance_is_as_likely_to_be_chosen() -> None:
    drawn = Counter(number for seed in range(4_000) for number in choose_sample(20, 5, seed))
    assert set(drawn) == set(range(20))
    assert all(900 <= times <= 1_100 for times in drawn.values())  # 1,000 +- 27


def test_a_sample_of_ten_million_instances_takes_no_more_memory_than_itself() -> None:
    tracemalloc.start()
    try:
        choose_sample(10**7, 20, seed=1)
        assert tracemalloc.get_traced_memory()[1] < 50_000
    finally:
        tracemalloc.stop()


# --- the estimate


def test_an_estimate_scales_the_mean_of_the_sample_up() -> None:
    found = estimate_total([1.0, 2.0, 3.0, 4.0, 5.0], of=50)
    assert found.total_s == pytest.approx(150)
    assert (found.sampled, found.of) == (5, 50)


def test_the_share_that_the_sample_has_of_the_actors_times_corrects_the_estimate() -> None:
    # The sample took 15 s of the 100 s that all actors took, not the tenth that its number says.
    found = estimate_total([3.0, 6.0, 9.0, 12.0, 15.0], 50, [1.0, 2.0, 3.0, 4.0, 5.0], 100.0)
    assert found.total_s == pytest.approx(300)
    assert found.interval == pytest.approx((300, 300))  # three times each: certain
    assert found.correction == pytest.approx(2 / 3)


def test_where_everything_ran_the_interval_is_a_point() -> None:
    assert estimate_total([1.0, 2.5, 4.0], of=3) == Estimated(7.5, (7.5, 7.5), 3, 3)
    assert estimate_total([1.0, 2.5], 2, [2.0, 2.0], 9.0) == Estimated(3.5, (3.5, 3.5), 2, 2)


def test_of_fewer_than_five_instances_no_interval_is_claimed() -> None:
    assert estimate_total([1.0, 2.0, 3.0, 2.0], of=10) == Estimated(20.0, None, 4, 10)
    assert estimate_total([1.0], 10, [2.0], 40.0) == Estimated(20.0, None, 1, 10, 2.0)


def test_whatever_the_actors_times_say_all_take_no_less_than_those_that_ran() -> None:
    found = estimate_total([1.0] * 5, 6, [1.0] * 5, 4.0)
    assert found.total_s == pytest.approx(found.scale * 5.0) == pytest.approx(5.0)


def test_instances_that_took_no_time_break_nothing() -> None:
    found = estimate_total([0.0] * 5, of=10)
    assert found.interval is not None
    assert found.interval[0] <= found.total_s <= found.interval[1] < 1e-6


def test_the_interval_of_like_instances_is_students() -> None:
    sample = [1.00, 1.02, 0.99, 1.01, 0.98, 1.0]
    found = estimate_total(sample, of=1_000_000)
    reach = student.ppf(0.975, 5) * (0.0002 / 6) ** 0.5  # variance 0.001 / 5
    assert found.interval is not None
    assert found.interval == pytest.approx((1e6 * (1 - reach), 1e6 * (1 + reach)), rel=5e-4)


@FEW
@given(
    sample=st.lists(SECONDS, min_size=5, max_size=30),
    more=st.integers(1, 10**7),
    scale=st.integers(0, 20).map(lambda exponent: 2.0**exponent),  # below the clock's grain none is
    rng=st.randoms(use_true_random=False),
)
def test_an_interval_holds_its_estimate_and_nothing_below_what_ran(
    sample: list[float], more: int, scale: float, rng: random.Random
) -> None:
    for actors in ([], [each * rng.uniform(0.5, 2) for each in sample]):
        total = 2 * sum(actors)
        found = estimate_total(sample, len(sample) + more, actors, total)
        assert found.interval is not None
        assert sum(sample) * 0.999 <= found.interval[0]
        assert found.interval[0] <= found.total_s <= found.interval[1] < float("inf")
        times = [scale * each for each in sample]
        scaled = estimate_total(times, len(sample) + more, actors, total)
        assert scaled.total_s == pytest.approx(scale * found.total_s)
        assert scaled.interval == pytest.approx([scale * end for end in found.interval])


@pytest.mark.parametrize("size", [5, 6, 8, 12, 20])
@pytest.mark.parametrize("known", [False, True], ids=["alone", "with actors' times"])
def test_the_interval_of_an_estimated_speedup_holds_in_930_of_1000(
    size: int,
    known: bool,  # noqa: FBT001
) -> None:
    rng, held = random.Random(14), 0
    for seed in range(WORKLOADS):
        costs = workload(COSTS["lognormal"], rng)
        actors = in_actors(costs, rng) if known else None
        found = of_sample(costs, size, seed, actors)
        trials = [found.total_s * rng.gauss(1, 0.01) for _ in range(7)]
        speed = estimated_ratio(found, trials, [10 * rng.gauss(1, 0.05) for _ in range(7)])
        assert speed.interval is not None
        held += speed.interval[0] <= sum(costs) / 10 <= speed.interval[1]
    assert held >= 930


@pytest.mark.parametrize("cost", ["alike", "exponential", "two kinds", "growing"])
def test_the_interval_of_a_total_holds_in_930_of_1000_whatever_the_costs_are(cost: str) -> None:
    rng, alone, known = random.Random(7), 0, 0
    for seed in range(WORKLOADS):
        costs, size = workload(COSTS[cost], rng), rng.randrange(5, 21)
        alone += holds(of_sample(costs, size, seed, None), costs)
        known += holds(of_sample(costs, size, seed, in_actors(costs, rng)), costs)
    assert min(alone, known) >= 930


def test_a_trend_over_the_instances_is_no_chance_for_a_sample_over_the_whole_range() -> None:
    costs = [float(number) for number in range(1, 101)]
    found = [of_sample(costs, 10, seed, None).total_s / sum(costs) for seed in range(200)]
    assert min(found) > 0.85  # the first ten instances say 0.11
    assert max(found) < 1.15
    assert fmean(found) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("size", [5, 20])
def test_actors_times_make_the_interval_much_narrower(size: int) -> None:
    rng, alone, known = random.Random(3), [], []
    for seed in range(200):
        costs = workload(COSTS["lognormal"], rng)
        alone.append(width(of_sample(costs, size, seed, None)))
        known.append(width(of_sample(costs, size, seed, in_actors(costs, rng))))
    assert median(known) < median(alone) / 5


def test_a_few_large_instances_are_known_from_the_actors_times_alone() -> None:
    # 1 in 10 costs 20 times as much: of 5 sampled most often none does, and no sample can tell.
    rng, alone, known = random.Random(5), 0, 0
    for seed in range(WORKLOADS):
        costs = workload(lambda rng, _: rng.choice([20, *[1] * 9]) * rng.gauss(1, 0.02), rng)
        alone += holds(of_sample(costs, 5, seed, None), costs)
        known += holds(of_sample(costs, 5, seed, in_actors(costs, rng)), costs)
    assert alone < 0.5 * WORKLOADS
    assert known >= 0.93 * WORKLOADS


def test_actors_times_that_tell_nothing_of_an_instance_leave_the_interval_as_wide() -> None:
    # Async calls of all instances take turns on one event loop, and last as long as all of them.
    rng, held = random.Random(6), 0
    for seed in range(WORKLOADS):
        costs, size = workload(COSTS["lognormal"], rng), rng.randrange(5, 21)
        held += holds(of_sample(costs, size, seed, [rng.gauss(50, 1) for _ in costs]), costs)
    assert held >= 930


# --- the speedup


def test_a_speedup_over_a_loop_that_ran_whole_has_the_trials_interval() -> None:
    serial, actors = [8.0, 8.1, 8.2, 8.3, 8.4, 8.5, 8.6], [2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 4.0]
    plain, found = (
        ratio(serial, actors),
        estimated_ratio(Estimated(8.3, (8.3, 8.3), 4, 4), serial, actors),
    )
    assert found.value == plain.value
    assert found.interval == pytest.approx(plain.interval)


def test_with_one_trial_the_interval_of_a_speedup_is_that_of_the_estimate() -> None:
    found = estimated_ratio(Estimated(8.0, (4.0, 12.0), 5, 50), [8.0], [2.0])
    assert found.value == 4.0
    assert found.interval == pytest.approx((2.0, 6.0))


def test_spreads_of_instances_and_of_trials_add_up_as_squares() -> None:
    # Half as far in the logarithm each way by the trials, as by the sample.
    serial, actors = [8.0] * 7, [2.0 * 2**0.5, 2.0 / 2**0.5, *[2.0] * 5]
    found = estimated_ratio(Estimated(8.0, (4.0, 16.0), 5, 50), serial, actors)
    reach = 2 ** (1.25**0.5)
    assert found.interval == pytest.approx((4 / reach, 4 * reach))


def test_no_interval_of_an_estimate_makes_none_of_its_speedup() -> None:
    assert estimated_ratio(Estimated(8.0, None, 1, 50), [8.0] * 7, [2.0] * 7) == ratio([8.0], [2.0])
    assert estimated_ratio(Estimated(8.0, (4.0, 9.0), 5, 50), [8.0], [0.0]) == ratio([8.0], [0.0])


# --- in a comparison


def compared(costs: Sequence[float], ran: Sequence[int], *, beside: bool = True) -> Results:
    """Return one whose loop ran some instances, and whose actors took 1.2 times as long on two."""
    each_s = tuple(costs[number] for number in ran)
    serial = changed(
        SERIAL, instances=len(ran), calls=2 * len(ran), startup_s=0.0, read_s=0.0, estimated=True,
        work_s=len(costs) * fmean(each_s), sample=Sample(numbers=tuple(ran), each_s=each_s),
    )  # fmt: skip
    known = Sample(numbers=tuple(ran), each_s=tuple(1.2 * each for each in each_s))
    share = ACTORS.placement[0].model_copy(update={"busy_s": 1.2 * sum(costs)})
    sharded = changed(
        ACTORS, strategy="sharded", work_s=0.6 * sum(costs), startup_s=0.5, read_s=0.0,
        placement=(share,), sample=known if beside else None, instances=len(costs),
    )  # fmt: skip
    workload = SEED.workload.model_copy(update={"instances": len(costs)})
    return SEED.with_(workload=workload, trials=(serial, sharded), advisories=())


GROWING = [0.01 * number for number in range(1, 101)]  # 50.5 s in all


def test_the_first_instances_are_corrected_by_what_all_took_in_the_actors() -> None:
    # Scaled up by their number alone, they said 3.0 s where all take 50.5 s.
    figures = figures_of(compared(GROWING, range(5)))
    serial, sharded = figures.rows
    assert serial.work_s == pytest.approx(50.5)
    assert sharded.speedup == pytest.approx(50.5 / (0.6 * 50.5 + 0.5))
    assert sharded.interval == pytest.approx((sharded.speedup, sharded.speedup))
    assert figures.profile
    assert figures.profile.wall_s == pytest.approx(50.5)


def cut(costs: Sequence[float], done: float, seed: int, *, beside: bool) -> Results:
    """Return one whose loop was to run all, and of which this much was done when it was cut."""
    ran = sorted(choose_sample(len(costs), 5, seed))
    results = compared(costs, ran, beside=beside)
    serial, sharded = results.trials
    assert serial.sample
    left = tuple((1 - done) * each for each in serial.sample.each_s)
    sample = Sample(numbers=tuple(ran), each_s=left, together_s=done * sum(costs))
    work_s = sample.together_s + len(costs) * fmean(left)
    return results.with_(trials=(changed(serial, sample=sample, work_s=work_s), sharded))


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("done", [0.2, 0.5, 0.8, 0.95])
def test_what_all_instances_did_together_before_the_time_was_up_is_no_estimate(
    done: float, *, beside: bool
) -> None:
    # An equal share of it, given to each of the five, made 0.8 done as much as 30 % off.
    held = 0
    for seed in range(300):
        rng = random.Random(seed)
        costs = workload(COSTS["lognormal"], rng)
        figures = figures_of(cut(costs, done, seed, beside=beside))
        loop, whole_s = figures.loop, sum(costs)
        assert loop
        assert loop.interval
        assert figures.rows[0].work_s == pytest.approx(loop.total_s, rel=0.02 if beside else 0.1)
        held += loop.interval[0] <= whole_s * (1 + 1e-9)  # by the actors it is a point
        held += loop.interval[1] >= whole_s * (1 - 1e-9)
        if beside:
            assert loop.total_s == pytest.approx(whole_s)
        else:
            assert loop.interval[0] >= done * whole_s
    assert held >= 600 - 300 * 0.07


@pytest.mark.parametrize("beside", [True, False])
def test_trials_that_the_budget_ended_elsewhere_are_told_from_the_same_instances(
    *, beside: bool
) -> None:
    # The largest instances ran in two of three trials only: 69 s were told, "50.5 to 50.5".
    ran = (3, 22, 47, 78, 94)
    results, longer = (compared(GROWING, each, beside=beside) for each in (ran, (*ran, 97, 98, 99)))
    trials = [results.trials[0], *(changed(longer.trials[0], index=index) for index in (1, 2))]
    figures = figures_of(results.with_(trials=(*trials, longer.trials[1])))
    assert figures.loop
    assert figures.loop.numbers == ran
    assert figures.rows[0].work_s == pytest.approx(figures.loop.total_s)


def test_without_the_actors_times_the_interval_is_as_wide_as_the_instances_are_unlike() -> None:
    figures = figures_of(compared(GROWING, (3, 22, 47, 78, 94), beside=False))
    _, sharded = figures.rows
    assert sharded.interval
    assert sharded.interval[0] < 1 < 50.5 / (0.6 * 50.5 + 0.5) < sharded.interval[1]


def test_the_report_says_how_far_an_estimate_may_be_off() -> None:
    results = compared([1.0, 1.2] * 50, (3, 22, 47, 78, 94), beside=False)
    report = analyse(results.with_(advisories=advise(figures_of(results))))
    (said,) = (text for text in report.advisories if "estimated" in text)
    assert said.startswith("The serial time is estimated from 5 of 100 instances: its work takes ")
    assert " s (95%). Only their states were checked against it." in said
    assert "; 95%: 1." in report.answer


def test_where_one_trial_ran_all_instances_the_others_are_no_trials_of_the_same() -> None:
    results = compared(GROWING, range(5))
    whole = changed(results.trials[0], work_s=50.0, estimated=False, instances=100, index=1)
    figures = figures_of(results.with_(trials=(*results.trials, whole)))
    assert figures.loop is None
    assert figures.rows[0].work_s == 50.0
