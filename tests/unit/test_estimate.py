"""Estimate: what a comparison will take follows from what a few calls took."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.planning.estimate import (
    MOST_THREADS,
    Estimate,
    Profile,
    deadline_s,
    expected_cost,
    sample_size,
    threads_for,
)
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.workload.reading import build
from tests.samples import ACTORS, SEED

SLEEPS = Profile(calls=3, wall_s=3.0, cpu_s=0.003, switches=3)  # 1 s each, of which 1 ms computing
COMPUTES = Profile(calls=500, wall_s=1.0, cpu_s=1.0, switches=0)  # 2 ms each


# --- waiting or computing


def size(profile: Profile, instances: int, calls: int, *, budget_s: float) -> int | None:
    keys = {"target": "m:C", "instances": instances, "calls": [f"f() * {calls}"]}
    return sample_size(*build(keys, {"budget_s": budget_s}), profile)


@pytest.mark.parametrize(
    ("instance_bytes", "serial", "expected"),
    [
        (1e9, "auto", 8),  # of 16 GB
        (100e6, "auto", None),
        (300e6, "auto", 26),
        (300e6, "full", None),  # somebody knows better
        (300e6, "sample", 26),
        (4096.0, "auto", None),  # too little to be told from how memory is handed out
        (20e9, "auto", 1),
    ],
)
def test_a_loop_whose_instances_do_not_fit_into_half_the_memory_is_sampled(
    instance_bytes: float, serial: str, expected: int | None
) -> None:
    keys = {"target": "m:C", "instances": 40, "calls": ["f() * 2"]}
    profile = replace(COMPUTES, instance_bytes=instance_bytes)
    assert sample_size(*build(keys, {"serial": serial}), profile, 16e9) == expected


def test_calls_that_only_compute_get_one_thread() -> None:
    assert threads_for(COMPUTES, 1_000) == 1


def test_calls_that_a_busy_machine_keeps_waiting_get_one_thread_all_the_same() -> None:
    kept_waiting = Profile(calls=500, wall_s=4.0, cpu_s=1.0, switches=4)
    assert threads_for(kept_waiting, 1_000) == 1


def test_the_same_times_are_waiting_where_the_calls_gave_up_their_cpu() -> None:
    assert threads_for(Profile(500, 4.0, 1.0, switches=5), 1_000) == 8


def test_where_switches_are_not_known_wall_and_cpu_time_decide() -> None:
    assert threads_for(Profile(500, 4.0, 1.0), 1_000) == 8
    assert threads_for(Profile(500, 1.4, 1.0), 1_000) == 1


def test_waiting_calls_get_twice_as_many_threads_as_keep_a_cpu_busy() -> None:
    assert threads_for(Profile(100, 1.0, 0.1, switches=100), 1_000) == 20


def test_hundreds_of_threads_get_no_more_than_200_to_spare() -> None:
    assert threads_for(Profile(100, 1.0, 0.0025, switches=100), 1_000) == 600


@pytest.mark.parametrize(("instances", "threads"), [(1, 1), (2, 2), (500, 500), (10**6, 1_000)])
def test_there_are_no_more_threads_than_instances_nor_than_the_most(
    instances: int, threads: int
) -> None:
    assert threads_for(SLEEPS, instances) == threads
    assert threads <= MOST_THREADS


def test_calls_that_compute_in_threads_or_children_of_their_own_get_one_thread() -> None:
    # They wait for what they started, 5 times a call, and it computes on two CPUs at once.
    wide = Profile(calls=40, wall_s=1.0, cpu_s=1.9, switches=200)
    assert threads_for(wide, 1_000) == 1
    assert (wide.waits, wide.width, wide.cpu_share) == pytest.approx((1 / 1.9, 1.9, 1.9))


def test_calls_compute_on_one_cpu_where_they_compute_at_all() -> None:
    assert (SLEEPS.width, COMPUTES.width, Profile(0, 0.0, 0.0).width) == (1.0, 1.0, 1.0)
    assert (SLEEPS.cpu_share, COMPUTES.cpu_share) == pytest.approx((0.001, 1.0))


def test_only_calls_that_do_not_wait_can_be_held_up() -> None:
    assert Profile(500, 4.0, 1.0, switches=4).held_up == 4.0
    assert Profile(500, 4.0, 1.0, switches=5).held_up == 1.0
    assert Profile(500, 4.0, 1.0).held_up == 1.0  # nobody knows
    assert Profile(500, 1.0, 1.9, switches=0).held_up == 1.0


def test_a_few_calls_that_wait_long_among_many_are_not_held_up() -> None:
    assert Profile(500, 4.0, 1.0, switches=1, preemptions=5).held_up == 1.0
    assert Profile(500, 4.0, 1.0, switches=1, preemptions=6).held_up == 4.0


def test_calls_that_compute_on_two_cpus_each_are_expected_to_share_them() -> None:
    wide = Profile(calls=80, wall_s=8.0, cpu_s=16.0, switches=800)
    cost = {cpus: expected_cost(Layout(4, Demand(1.0)), wide, 4, cpus) for cpus in (1, 2, 4, 8)}
    work_s = {cpus: each.elapsed_s(80, 0.1) - each.fixed_s for cpus, each in cost.items()}
    assert work_s == {1: 16.0, 2: 8.0, 4: 4.0, 8: 2.0}


def test_where_nothing_was_called_there_is_one_thread() -> None:
    nothing = Profile(0, 0.0, 0.0, switches=0)
    assert (nothing.call_s, threads_for(nothing, 8)) == (0.0, 1)


# --- the sample of the serial loop


def test_a_loop_within_the_budget_is_run_whole() -> None:
    assert size(SLEEPS, 4, 2, budget_s=60.0) is None
    assert size(SLEEPS, 6, 10, budget_s=60.0) is None  # 60 s


def test_a_loop_just_beyond_the_budget_is_sampled_by_half_of_it() -> None:
    assert size(SLEEPS, 61, 1, budget_s=60.0) == 30


def test_1000_instances_of_20_calls_of_a_second_take_a_sample_of_five() -> None:
    # An instance takes 20 s, but nobody knows from one whether the others are like it.
    assert size(SLEEPS, 1_000, 20, budget_s=60.0) == 5


def test_few_instances_longer_than_the_budget_are_run_all_the_same() -> None:
    assert size(SLEEPS, 2, 1_000, budget_s=60.0) is None
    assert size(SLEEPS, 6, 1_000, budget_s=60.0) == 5


def test_a_thousand_instances_are_sample_enough() -> None:
    assert size(COMPUTES, 10**6, 1, budget_s=60.0) == 1_000


def test_a_call_of_no_length_is_never_sampled() -> None:
    assert size(Profile(0, 0.0, 0.0), 10**7, 10**9, budget_s=1.0) is None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    call_s=st.floats(1e-6, 1e3),
    instances=st.integers(1, 10**7),
    calls=st.integers(1, 10**6),
    budget_s=st.floats(0.001, 10**4),
)
def test_a_sample_is_of_whole_instances_at_least_five_and_else_within_half_the_budget(
    call_s: float, instances: int, calls: int, budget_s: float
) -> None:
    each = Profile(1, call_s, call_s).call_s * calls
    found = size(Profile(1, call_s, call_s), instances, calls, budget_s=budget_s)
    if found is None:
        assert each * instances <= budget_s or instances <= 5
        return
    assert isinstance(found, int)
    assert 5 <= found <= instances
    assert found == 5 or found * each <= budget_s / 2
    # One instance more would be too much.
    assert found == 1_000 or (found + 1) * each > budget_s / 2 * (1 - 1e-9)


# --- times


def test_waiting_calls_take_as_long_as_so_many_can_run_at_once() -> None:
    cost = expected_cost(
        Layout(2, Demand(1.0), threads=500, calls_per_batch=None), SLEEPS, 1_000, cores=2
    )
    assert cost.elapsed_s(20_000, SLEEPS.call_s) == pytest.approx(cost.fixed_s + 20.0)


def test_computing_calls_take_as_long_as_there_are_cpus_for_them() -> None:
    cost = expected_cost(Layout(8, Demand(0.25), calls_per_batch=None), COMPUTES, 1_000, cores=2)
    assert cost.elapsed_s(1_000, COMPUTES.call_s) == pytest.approx(cost.fixed_s + 1.0)


def test_an_uneven_deal_is_expected_to_wait_for_the_fullest_actor() -> None:
    cost = expected_cost(Layout(3, Demand(1.0), calls_per_batch=None), SLEEPS, 4, cores=8)
    assert cost.elapsed_s(4, SLEEPS.call_s) == pytest.approx(cost.fixed_s + 2.0)


def test_short_calls_take_as_long_as_the_driver_needs_to_send_them() -> None:
    empty = Profile(1_000, 1e-4, 1e-4, switches=0)
    one_by_one = expected_cost(Layout(2, Demand(1.0)), empty, 2, cores=2)
    assert one_by_one.elapsed_s(9_000, empty.call_s) == pytest.approx(one_by_one.fixed_s + 2.0)
    batched = expected_cost(Layout(2, Demand(1.0), calls_per_batch=None), empty, 2, cores=2)
    assert batched.elapsed_s(9_000, empty.call_s) < one_by_one.fixed_s + 0.1


def test_work_hangs_a_minute_and_ten_times_beyond_the_slowest_that_is_expected() -> None:
    layout, calls = Layout(2, Demand(1.0), threads=2, calls_per_batch=None), 400
    cost = expected_cost(layout, SLEEPS, 4, cores=2)
    found = deadline_s(layout, [COMPUTES, SLEEPS], 4, calls, cores=2)
    assert found == 60 + 10 * cost.elapsed_s(calls, SLEEPS.call_s)


def test_without_a_call_there_is_no_work() -> None:
    cost = expected_cost(Layout(1, Demand(1.0)), Profile(0, 0.0, 0.0), 1, cores=0)
    assert cost.elapsed_s(0, 0.0) == cost.fixed_s


@pytest.mark.parametrize(("shards", "seen_s"), [(4, 0.84), (16, 4.0), (32, 9.5), (48, 14.5)])
def test_actors_start_side_by_side_on_the_cores_there_are_as_was_seen(
    shards: int, seen_s: float
) -> None:
    found = expected_cost(Layout(shards, Demand(1.0)), COMPUTES, shards, cores=2)
    assert found.fixed_s == pytest.approx(seen_s, rel=0.5)
    alone = expected_cost(Layout(1, Demand(1.0)), COMPUTES, 1, cores=8).fixed_s
    assert alone < expected_cost(Layout(8, Demand(1.0)), COMPUTES, 8, cores=8).fixed_s < 1.2 * alone


def test_each_process_imports_the_target() -> None:
    slow = replace(COMPUTES, load_s=3.0)
    for shards, longer_s in ((1, 3.0), (2, 3.0), (8, 12.0)):
        costs = [
            expected_cost(Layout(shards, Demand(1.0)), each, 8, cores=2)
            for each in (COMPUTES, slow)
        ]
        assert costs[1].fixed_s - costs[0].fixed_s == pytest.approx(longer_s)


def test_a_trial_s_calls_are_profiled_as_if_all_instances_had_been_run() -> None:
    serial = SEED.trials[2]
    sampled = serial.model_copy(update={"instances": 1, "calls": 2, "switches": 2})
    assert Profile.of([sampled], 4) == Profile(8, serial.work_s, serial.cpu_s, 8)
    busy = sum(share.busy_s for share in ACTORS.placement)
    assert Profile.of([ACTORS], 4).wall_s == busy


def test_an_estimate_is_told_in_one_line() -> None:
    estimate = Estimate(8.0, None, {"actors": 3.0, "sharded": 0.5})
    assert str(estimate) == (
        "Estimate of each trial: serial about 8 s, actors about 3 s, sharded under 1 s."
    )


@pytest.mark.parametrize(("sample", "of"), [(1, "1 instance"), (1_200, "1,200 instances")])
def test_an_estimated_serial_loop_says_of_how_many_instances(sample: int, of: str) -> None:
    assert str(Estimate(19_800.0, sample, {})) == (
        f"Estimate of each trial: serial about 5.5 h (estimated from {of})."
    )


def test_without_the_serial_loop_only_the_others_are_told() -> None:
    assert str(Estimate(0.0, None, {"sharded": 4.0})) == (
        "Estimate of each trial: sharded about 4 s."
    )
