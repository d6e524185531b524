"""From which call cost on actors beat the loop: by hand, and recovered from noisy runs."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.analysis.breakeven import BreakEven, NoBreakEven
from job.analysis.report import analyse
from job.planning.costs import Bound, Cost, call_cost, paid_back
from job.results.document import (
    Calibration,
    Cluster,
    Computed,
    Environment,
    Node,
    NodeShare,
    Results,
    Trial,
)

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
IDLE = Calibration(loop_s=1e-7, inside_s=2e-7, send_s=2e-4, actors=2, calls=1_500, elapsed_s=1.0)


def trial(strategy: str, *, calls: int, **figures: Any) -> Trial:  # noqa: ANN401 - its keys
    usual: dict[str, Any] = {
        "index": 0, "warmup": False, "read_s": 0.0, "instances": 4, "actors": 2, "at_once": 2,
        "cpus": 2.0, "switches": 0, "states": (), "digest": "",
        "settings": {"cpus_per_actor": 1.0, "threads_per_shard": 1, "calls_per_batch": "auto"},
        "placement": (NodeShare(node_id="n", address=HERE, host="h", actors=2),),
    }  # fmt: skip
    made = usual | {"strategy": strategy, "calls": calls} | figures
    made["elapsed_s"] = made["startup_s"] + made["work_s"] + made["read_s"]
    return Trial.model_validate(made)


def run(*trials: Trial, calibration: Calibration | None = IDLE, driver: str = HERE) -> Results:
    node = Node(node_id="n", address=HERE, host="h", cpus=2)
    return Results(
        workload=Computed(target="m:C", instances=4, calls=("f()",)),
        plan={},
        environment=Environment(
            python_version="3", platform="p", driver_address=driver, started_at=""
        ),
        cluster=Cluster(kind="embedded", address="", ray_version="2", nodes=(node,)),
        trials=trials,
        status="complete",
        calibration=calibration,
    )


def modelled(results: Results) -> BreakEven:
    found = analyse(results).model
    assert isinstance(found, BreakEven), found
    return found


def sentences(results: Results) -> tuple[str, ...]:
    return analyse(results).pays_off


def serial(calls: int, call_s: float, noise: float = 1.0, **figures: Any) -> Trial:  # noqa: ANN401
    work = calls * (call_s + IDLE.loop_s) * noise
    return trial(
        "serial", calls=calls, startup_s=0.0, work_s=work, cpu_s=work, actors=0, at_once=1,
        cpus=1.0, settings={}, placement=(), **figures,
    )  # fmt: skip


def sharded(calls: int, call_s: float, startup_s: float, noise: float = 1.0) -> Trial:
    work = calls * (call_s + IDLE.inside_s) / 2 * noise
    cpu = calls * call_s * noise
    return trial("sharded", calls=calls, startup_s=startup_s, work_s=work, cpu_s=cpu)


def line(fixed_s: float, overhead_s: float, factor: float) -> Cost:
    return Cost(fixed_s, (Bound("one", overhead_s, factor),))


LOOP = line(0.0, 0.0, 1.0)


# --- where lines meet


def test_two_cpus_pay_back_a_second_of_startup_with_two_seconds_of_calls() -> None:
    assert call_cost(LOOP, line(1.0, 0.0, 0.5), 100) == pytest.approx(0.02)
    assert paid_back(LOOP, line(1.0, 0.0, 0.5), 0.02) == pytest.approx(100)


def test_what_each_call_costs_besides_counts_with_every_call() -> None:
    assert call_cost(LOOP, line(1.0, 0.001, 0.5), 1_000) == pytest.approx(0.004)


def test_of_several_bounds_the_last_one_to_be_passed_counts() -> None:
    cost = Cost(1.0, (Bound("driver", 0.05, 0.0), Bound("CPUs", 0.0, 0.5)))
    assert call_cost(LOOP, cost, 100) == pytest.approx(0.06)
    assert cost.limit(0.06).name == "driver"
    assert cost.limit(0.2).name == "CPUs"


def test_without_anything_to_spread_calls_over_there_is_no_break_even() -> None:
    assert call_cost(LOOP, line(1.0, 0.0, 1.0), 10**9) is None
    assert paid_back(LOOP, line(1.0, 0.0, 1.2), 1.0) is None


def test_what_starts_no_later_and_costs_no_more_pays_at_once() -> None:
    assert call_cost(line(1.0, 0.0, 1.0), line(0.5, 0.0, 0.5), 10) == 0.0
    assert paid_back(line(1.0, 0.0, 1.0), line(0.5, 0.0, 0.5), 1.0) == 0.0


def test_a_single_call_is_spread_over_nothing() -> None:
    spread = line(0.5, 0.0, 0.25)  # of two seconds each one call ends after 2.5, two after as much
    assert paid_back(LOOP, spread, 2.0) == pytest.approx(1.25)


# --- a run


def test_a_run_tells_its_break_even_and_how_near_the_model_is() -> None:
    found = modelled(run(serial(400, 0.01), sharded(400, 0.01, 1.0)))
    (answer,) = found.answers
    assert answer.strategy == "sharded"
    assert answer.call_s == pytest.approx(0.005, rel=0.01)
    assert answer.calls == pytest.approx(200, rel=0.01)
    assert answer.residual == pytest.approx(0.0, abs=0.01)
    assert found.winner(400, 0.001) == "serial"
    assert found.winner(400, 0.02) == "sharded"


def test_a_sentence_names_cost_calls_and_residual() -> None:
    (said,) = sentences(run(serial(400, 0.01), sharded(400, 0.01, 1.0)))
    paid = "startup pays back after 200 calls"
    assert said == f"sharded from 5 ms a call; {paid} (model off by <1%)"


def actors(calls: int, call_s: float) -> Trial:
    each = {"cpus_per_actor": 1.0, "threads_per_shard": 1, "calls_per_batch": 1}
    work = calls * (call_s / 2 + IDLE.send_s)
    return trial(
        "actors", calls=calls, startup_s=1.0, work_s=work, cpu_s=calls * call_s, actors=4,
        at_once=4, settings=each,
    )  # fmt: skip


def test_sending_calls_takes_from_the_cpus_that_compute_them_on_the_drivers_own_machine() -> None:
    here = modelled(run(serial(400, 0.01), actors(400, 0.01)))
    there = modelled(run(serial(400, 0.01), actors(400, 0.01), driver=ELSEWHERE))
    assert here.costs["actors"].elapsed_s(1_000, 0.01) == pytest.approx(1 + 5 + 0.2, rel=1e-4)
    assert there.costs["actors"].elapsed_s(1_000, 0.01) == pytest.approx(1 + 5, rel=1e-4)


def test_calls_that_wait_overlap_on_threads_whatever_the_cpus() -> None:
    waits = serial(400, 0.01).model_copy(update={"cpu_s": 0.004, "switches": 400})
    threads = {"cpus_per_actor": 1.0, "threads_per_shard": 2, "calls_per_batch": "auto"}
    four = sharded(400, 0.01, 1.0).model_copy(update={"settings": threads, "cpu_s": 0.004})
    found = modelled(run(waits, four))
    assert found.costs["sharded"].elapsed_s(400, 0.01) == pytest.approx(1 + 1.0, rel=0.01)


def one_shard_of_two_threads(work_s: float) -> Trial:
    """Return a trial of 4 s of calls that compute, in one actor on a node of two CPUs."""
    threads = {"cpus_per_actor": 1.0, "threads_per_shard": 2, "calls_per_batch": "auto"}
    placement = (NodeShare(node_id="n", address=HERE, host="h", actors=1, busy_s=2 * work_s),)
    keys = {"actors": 1, "cpus": 1.0, "settings": threads, "placement": placement, "cpu_s": 4.0}
    took = {"work_s": work_s, "elapsed_s": 1.0 + work_s}
    return sharded(400, 0.01, 1.0).model_copy(update=keys | took)


def test_threads_that_release_the_interpreter_are_spread_over_two_cpus() -> None:
    found = modelled(run(serial(400, 0.01), one_shard_of_two_threads(2.0)))
    assert found.costs["sharded"].elapsed_s(800, 0.01) == pytest.approx(1 + 4.0, rel=0.01)


def test_threads_that_take_turns_are_spread_over_nothing() -> None:
    found = modelled(run(serial(400, 0.01), one_shard_of_two_threads(4.0)))
    assert found.costs["sharded"].elapsed_s(800, 0.01) == pytest.approx(1 + 8.0, rel=0.01)


def test_calls_that_compute_on_two_cpus_each_are_spread_over_no_more() -> None:
    wide = {"cpu_s": 8.0, "switches": 2_000}
    busy = NodeShare(node_id="n", address=HERE, host="h", actors=2, busy_s=8.0)
    two = sharded(400, 0.01, 1.0).model_copy(
        update=wide | {"work_s": 4.0, "elapsed_s": 5.0, "placement": (busy,)}
    )
    found = modelled(run(serial(400, 0.01).model_copy(update=wide), two))
    assert found.costs["sharded"].elapsed_s(400, 0.01) == pytest.approx(1 + 4.0, rel=0.01)
    assert (found.answers[0].call_s or math.inf) > 100  # but for what the loop itself costs


def test_an_uneven_deal_waits_for_the_fullest_actor() -> None:
    results = run(serial(300, 0.01), sharded(300, 0.01, 1.0))
    three = results.with_(workload=results.workload.model_copy(update={"instances": 3}))
    thirds = tuple(t.model_copy(update={"instances": 3}) for t in three.trials)
    found = modelled(three.with_(trials=thirds))
    cost = found.costs["sharded"]
    assert cost.limit(0.01).name == "slots"
    assert cost.elapsed_s(300, 0.01) == pytest.approx(1 + 2.0, rel=0.01)


def test_where_workers_are_kept_waiting_by_others_the_clock_tells_and_not_the_cpu_time() -> None:
    busy = NodeShare(node_id="n", address=HERE, host="h", actors=2, busy_s=6.0)
    held_up = sharded(400, 0.01, 1.0).model_copy(update={"placement": (busy,)})
    found = modelled(run(serial(400, 0.01), held_up))
    assert found.answers[0].call_s == pytest.approx(0.01, rel=0.01)
    crowded = held_up.model_copy(update={"at_once": 4})  # of two CPUs: they wait for each other
    found = modelled(run(serial(400, 0.01), crowded))
    assert found.answers[0].call_s == pytest.approx(0.005, rel=0.01)


def test_cores_that_slow_each_other_down_move_the_break_even() -> None:
    slow = sharded(400, 0.01, 1.0).model_copy(update={"cpu_s": 6.0})  # 4 s in the loop
    found = modelled(run(serial(400, 0.01), slow))
    assert found.answers[0].call_s == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (run(serial(400, 0.01), sharded(400, 0.01, 1.0), calibration=None), "were not timed"),
        (run(serial(0, 0.0), sharded(0, 0.0, 1.0)), "nothing was called"),
        (
            run(serial(400, 0.01), sharded(400, 0.01, 1.0).model_copy(update={"losses": 2})),
            "no trial was without deaths",
        ),
    ],
    ids=["not calibrated", "no calls", "only deaths"],
)
def test_where_there_is_no_break_even_the_reason_is_told(results: Results, reason: str) -> None:
    assert isinstance(analyse(results).model, NoBreakEven)
    (said,) = sentences(results)
    assert said.startswith("none: ")
    assert reason in said


@pytest.mark.parametrize(
    "results",
    [
        run(serial(400, 0.01), sharded(400, 0.01, 1.0)).with_(status="interrupted"),
        run(sharded(400, 0.01, 1.0)),
        run(serial(400, 0.01)),
    ],
    ids=["interrupted", "no loop", "nothing else"],
)
def test_of_a_run_of_which_nobody_expects_it_nothing_is_said(results: Results) -> None:
    assert isinstance(analyse(results).model, NoBreakEven)
    assert sentences(results) == ()


def test_a_model_that_misses_the_run_is_not_taken_for_an_answer() -> None:
    far = sharded(400, 0.01, 1.0).model_copy(update={"work_s": 40.0, "elapsed_s": 41.0})
    found = modelled(run(serial(400, 0.01), far))
    assert found.telling == ()
    (said,) = sentences(run(serial(400, 0.01), far))
    assert said == "sharded: no break-even, as the model misses this run by -93%"


def test_a_model_that_names_the_wrong_winner_misses_it_from_a_fifth_on() -> None:
    wrong = sharded(400, 0.01, 1.0).model_copy(update={"work_s": 3.2, "elapsed_s": 4.2})
    (answer,) = modelled(run(serial(400, 0.01), wrong)).answers  # 3 s predicted, the loop took 4
    assert -0.5 < answer.residual < -0.2
    assert answer.misses


def test_calls_of_microseconds_are_not_blurred_by_what_metering_each_costs() -> None:
    metered = {"cpu_s": 1_000 * (1e-6 + 2e-6), "work_s": 1_000 * IDLE.send_s, "elapsed_s": 1.2}
    trials = serial(1_000, 1e-6), actors(1_000, 1e-6).model_copy(update=metered)
    (answer,) = modelled(run(*trials)).answers
    assert answer.call_s == pytest.approx((1 + 1_000 * IDLE.send_s) / 1_000 / 0.5, rel=0.01)


def test_a_loop_that_took_no_time_at_all_can_be_modelled() -> None:
    nothing = serial(400, 0.0).model_copy(update={"work_s": 0.0, "cpu_s": 0.0})
    assert modelled(run(nothing, sharded(400, 0.0, 1.0))).call_s == 0.0


def slow_to_make(calls: int, call_s: float) -> Trial:
    made = serial(calls, call_s)
    return made.model_copy(update={"startup_s": 9.0, "elapsed_s": 9 + made.work_s})


def test_who_is_ahead_by_startup_alone_has_nothing_to_pay_back() -> None:
    (said,) = sentences(run(slow_to_make(400, 0.01), sharded(400, 0.01, 1.0)))
    assert said.startswith("sharded at any call cost; startup is no longer than the loop's (model ")
    alone = Cost(1.0, (Bound("fullest actor", 0.0, 1.5),))  # ahead at first, and then overtaken
    assert paid_back(line(9.0, 0.0, 1.0), alone, 0.01) is None
    assert call_cost(line(9.0, 0.0, 1.0), alone, 400) is None


def test_a_strategy_whose_every_trial_had_deaths_is_left_out_of_the_break_even() -> None:
    hurt = trial("actors", calls=400, startup_s=1.0, work_s=9.0, cpu_s=4.0, losses=2)
    found = modelled(run(serial(400, 0.01), hurt, sharded(400, 0.01, 1.0)))
    assert [answer.strategy for answer in found.answers] == ["sharded"]


def test_a_calibration_survives_being_saved() -> None:
    saved = run(serial(400, 0.01), sharded(400, 0.01, 1.0))
    assert Results.model_validate_json(saved.as_line()).calibration == IDLE


noise = st.floats(0.95, 1.05)


@settings(max_examples=200, deadline=None)
@given(
    calls=st.integers(100, 100_000),
    call_s=st.floats(1e-4, 0.1),
    startup_s=st.floats(0.2, 20),
    noises=st.lists(st.tuples(noise, noise, noise), min_size=7, max_size=7),
)
def test_the_break_even_is_recovered_from_runs_with_5_percent_of_noise(
    calls: int, call_s: float, startup_s: float, noises: list[tuple[float, float, float]]
) -> None:
    trials = []
    for loop, started, worked in noises:
        trials.append(serial(calls, call_s, loop))
        trials.append(sharded(calls, call_s, startup_s * started, worked))
    found = modelled(run(*trials))
    known = (startup_s / calls + IDLE.inside_s / 2 - IDLE.loop_s) / (1 - 1 / 2)
    # 5 % off in startup, and 10 % in the quotient of CPU times, of which a half is left to gain.
    assert found.answers[0].call_s == pytest.approx(known, rel=0.2)
