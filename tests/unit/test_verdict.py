"""The verdict: what a manager reads first, and what an engineer can do about what limits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from job.analysis.report import analyse
from job.results.document import Calibration, NodeShare, Trial
from job.results.storage import load

if TYPE_CHECKING:
    from job.analysis.figures import Row

GOLDEN = load(Path(__file__).parents[1] / "data" / "results-v1.json")


def trial(strategy: str, startup_s: float, work_s: float, read_s: float, **more: Any) -> Trial:  # noqa: ANN401 - any key
    """Return a trial of 4 instances, 2 calls each, that wait; others than serial on 4 CPUs."""
    width = 1 if strategy == "serial" else 4
    keys: dict[str, Any] = {
        "strategy": strategy, "index": 0, "warmup": False, "startup_s": startup_s,
        "work_s": work_s, "read_s": read_s, "elapsed_s": startup_s + work_s + read_s,
        "cpu_s": 0.0, "calls": 8, "instances": 4, "actors": 0 if strategy == "serial" else 4,
        "at_once": width, "cpus": width, "states": ("2",) * 4, "digest": "d",
        "settings": {"cpus_per_actor": 1.0, "threads_per_shard": 1, "calls_per_batch": 1},
    }  # fmt: skip
    return Trial.model_validate(keys | more)


def of(*trials: Trial, **changes: object) -> str:
    report = analyse(GOLDEN.with_(trials=trials, advisories=(), **changes))
    return f"{report.answer} {report.because}"


def against(serial: tuple[float, ...], actors: tuple[float, ...], **more: Any) -> str:  # noqa: ANN401 - any key
    return of(trial("serial", *serial), trial("actors", *actors, **more))


SERIAL = trial("serial", 0.0, 8.0, 0.0)
ACTORS = trial("actors", 0.5, 2.0, 0.1)


# --- what to do


def test_faster_actors_are_recommended_with_both_times() -> None:
    said = against((0.0, 8.02, 0.0), (1.25, 2.02, 0.01))
    assert said.startswith(
        "Use actors: 2.45 times as fast as the serial loop (3.28 s against 8.02 s). "
    )


def test_the_best_of_several_is_recommended() -> None:
    said = of(SERIAL, ACTORS, trial("sharded", 0.5, 2.0, 0.0))
    assert said.startswith("Use sharded: 3.2 times as fast as the serial loop")


@pytest.mark.parametrize("elapsed", [7.7, 8.0, 8.3])
def test_a_difference_of_less_than_5_percent_is_none_worth_a_change(elapsed: float) -> None:
    said = against((0.0, 8.0, 0.0), (0.0, elapsed, 0.0))
    assert said.startswith("No difference worth a change: actors took ")


def test_slower_actors_are_advised_against() -> None:
    said = against((0.0, 0.4, 0.0), (1.0, 0.1, 0.0))
    assert said.startswith("Stay with the serial loop: actors took 1.10 s against 0.40 s. ")


def test_what_may_be_noise_is_recommended_to_nobody() -> None:
    serial = [trial("serial", 0.0, 1.0 + i / 100, 0.0, index=i) for i in range(7)]
    actors = [trial("actors", 0.1, 0.4 + i / 5, 0.0, index=i) for i in range(7)]
    faster = [each.model_copy(update={"elapsed_s": each.elapsed_s * 0.8}) for each in actors]
    assert of(*serial, *faster).startswith(
        "No difference beyond the noise: actors took 0.88 s against 1.03 s for the serial loop, "
        "and the trials allow anything from 0.74 to 2.65 times as fast. "
    )


def test_an_estimated_serial_loop_makes_it_an_about() -> None:
    sample = trial("serial", 0.0, 8.0, 0.0, instances=3, states=("2",) * 3, estimated=True)
    assert of(sample, ACTORS).startswith(
        "Use actors: about 3.08 times as fast as the serial loop (2.60 s against about 8.00 s). "
    )


NO_SPEEDUP = "No verdict: only `serial` and another strategy give a speedup. 1 trial had ended."


@pytest.mark.parametrize(
    ("trials", "status", "said"),
    [
        ((), "running", "No verdict yet. 0 trials had ended."),
        ((), "interrupted", "No verdict, it was interrupted. 0 trials had ended."),
        ((SERIAL,), "interrupted", "No verdict, it was interrupted. 1 trial had ended."),
        ((SERIAL, ACTORS), "interrupted", "No verdict, it was interrupted. 2 trials had ended."),
        ((SERIAL,), "failed", "No verdict, it failed: it broke. 1 trial had ended."),
        ((SERIAL, ACTORS), "disagree", "No verdict, the strategies disagree. 2 trials had ended."),
        ((SERIAL,), "complete", NO_SPEEDUP),
        ((ACTORS,), "complete", NO_SPEEDUP),
    ],
)
def test_without_a_complete_comparison_there_is_no_verdict(
    trials: tuple[Trial, ...], status: str, said: str
) -> None:
    assert of(*trials, status=status, problem="it broke.") == said


# --- what limits it


def test_startup_that_is_a_large_share_is_to_be_shared_out() -> None:
    assert against((0.0, 0.4, 0.0), (1.0, 0.1, 0.0)).endswith(
        " Its work is 4 times as fast, but startup is 91% of the time (1.00 s): make more calls "
        "per run, or keep the actors for several runs."
    )


def test_more_processes_than_cpus_lead_to_sharded_where_it_was_not_run() -> None:
    many = trial("actors", 3.0, 0.5, 0.0, actors=32)
    advice = "`sharded` starts one process a CPU rather than 32."
    assert of(trial("serial", 0.0, 8.0, 0.0), many).endswith(advice)
    slow = trial("sharded", 0.0, 7.0, 0.0)
    assert "sharded" not in of(trial("serial", 0.0, 8.0, 0.0), many, slow)


def test_states_that_take_long_to_collect_are_to_be_read_in_part() -> None:
    assert against((0.0, 8.0, 0.0), (0.1, 2.0, 3.0)).endswith(
        " Collecting the states is 59% of the time (3.00 s): --read NAME may name less that tells "
        "as much."
    )


@pytest.mark.parametrize(
    ("strategy", "advice"),
    [
        ("actors", "`sharded` carries many calls in one, and may come nearer."),
        ("sharded", "let a call do more, or raise --calls-per-batch."),
    ],
)
def test_work_that_is_far_from_its_ideal_leads_to_fewer_remote_calls(
    strategy: str, advice: str
) -> None:
    said = of(SERIAL, trial(strategy, 0.0, 4.0, 0.0))
    assert said.endswith(f" Its work reached 50% of the ideal: {advice}")


def test_where_sending_costs_more_than_the_call_it_is_said() -> None:
    assert against((0.0, 0.1, 0.0), (0.0, 1.0, 0.0)).endswith(
        " Without startup it is no faster either: a call takes 12.5 ms in the loop and 0.12 s by "
        "way of actors; only calls that do more would pay."
    )


def test_where_more_calls_would_pay_the_verdict_agrees_with_the_break_even() -> None:
    calibration = Calibration(
        loop_s=1e-7, inside_s=2e-7, send_s=2e-4, actors=2, calls=99, elapsed_s=1
    )
    loop = trial("serial", 0.0, 0.008, 0.0, cpu_s=0.008, switches=0)
    batched = {"calls_per_batch": "auto", "threads_per_shard": 1}
    few = trial("sharded", 1.0, 0.01, 0.0, cpu_s=0.008, settings=batched)
    report = analyse(GOLDEN.with_(trials=(loop, few), advisories=(), calibration=calibration))
    assert report.pays_off[0].startswith(
        "sharded from 170 ms a call; startup pays back after 1,330 calls"
    )
    assert " calls that do more would pay, or more than 1,330 of this cost." in report.because


def test_where_all_trials_had_deaths_the_verdict_blames_nothing_else() -> None:
    said = against((0.0, 8.0, 0.0), (0.5, 9.0, 0.0), losses=2)
    assert said.endswith(
        " Its times hold the price of actors that died: a trial without deaths tells what limits "
        "it."
    )


def test_where_nothing_was_called_neither_work_nor_calls_are_spoken_of() -> None:
    said = of(trial("serial", 0.0, 0.002, 0.0, calls=0), trial("actors", 1.0, 0.001, 0.0, calls=0))
    assert said.endswith(" Nothing was called: --call names what the instances are to do.")


def test_a_driver_that_cannot_send_faster_is_named() -> None:
    assert against((0.0, 8.0, 0.0), (0.0, 4.0, 0.0), driver_cpu_s=3.6).endswith(
        " The driver limits it, busy with sending for 90% of the work: --strategies "
        "serial,sharded sends batches instead."
    )


COMPUTING = trial("serial", 0.0, 8.0, 0.0, cpu_s=8.0, switches=0)
EIGHT = {"settings": {"threads_per_shard": 8}}


def test_threads_that_computed_on_one_cpu_together_are_named() -> None:
    sharded = trial("sharded", 0.0, 5.0, 0.0, cpu_s=19.6, **EIGHT)
    assert of(COMPUTING, sharded).endswith(
        " The 8 threads of a shard take turns: together they computed on 0.98 CPUs: "
        "--threads-per-shard 1 gives each shard one."
    )


@pytest.mark.parametrize(
    "figures",
    [
        {"cpu_s": 8.0},  # on 0.4 CPUs in each of 4 processes
        {"cpu_s": 36.0},  # on 1.8
        {"cpu_s": 19.6, "switches": 3},  # for others than each other: fewer than half the 8 calls
    ],
)
def test_threads_that_were_not_seen_to_take_turns_are_not_said_to(figures: dict[str, Any]) -> None:
    said = of(COMPUTING, trial("sharded", 0.0, 5.0, 0.0, **EIGHT | figures))
    assert said.endswith(" Its work reached 40% of the ideal: let a call do more, or raise "
                         "--calls-per-batch.")  # fmt: skip


# --- one shard on a node of two CPUs

NODE = GOLDEN.cluster.nodes[0].model_copy(update={"cpus": 2.0, "cpus_free": 2.0})
TWO_CPUS = {"cluster": GOLDEN.cluster.model_copy(update={"nodes": (NODE,)})}


def one_shard(work_s: float, cpu_s: float, threads: int = 1, **more: Any) -> Trial:  # noqa: ANN401 - any key
    """Return a trial of one actor on that node."""
    share = NodeShare(
        node_id=NODE.node_id, address=NODE.address, host=NODE.host, actors=1, busy_s=cpu_s
    )
    keys = {"actors": 1, "cpus": 1, "at_once": threads, "placement": (share,), "cpu_s": cpu_s}
    settings = {"cpus_per_actor": 1.0, "threads_per_shard": threads, "calls_per_batch": "auto"}
    return trial("sharded", 0.1, work_s, 0.0, **keys | {"settings": settings} | more)


def sharded_row(*trials: Trial) -> Row:
    row = analyse(GOLDEN.with_(trials=trials, advisories=(), **TWO_CPUS)).row("sharded")
    assert row
    return row


def test_threads_that_release_the_interpreter_are_held_against_the_cpus_they_can_use() -> None:
    released = one_shard(4.08, 8.0, threads=4)
    assert sharded_row(COMPUTING, released).efficiency == pytest.approx(0.98, abs=0.001)  # not 1.96
    assert of(COMPUTING, released, **TWO_CPUS).endswith(
        " Its work reached 98% of the ideal; more CPUs than 2 would shorten it, as the calls "
        "compute."
    )


def test_threads_that_take_turns_beside_an_idle_cpu_lead_to_more_shards() -> None:
    turns = one_shard(8.2, 8.1, threads=4)
    assert sharded_row(COMPUTING, turns).efficiency == pytest.approx(0.488, abs=0.001)
    assert of(COMPUTING, turns, **TWO_CPUS).endswith(
        " The 4 threads of a shard take turns: together they computed on 0.99 CPUs: 1 free "
        "CPU was not used, and --shards 2 would use it."
    )


@pytest.mark.parametrize("cpu_s", [8.0, 7.9, 6.5])  # the clock shows a little more, or much
def test_one_shard_beside_an_idle_cpu_leads_to_two(cpu_s: float) -> None:
    computing = COMPUTING.model_copy(update={"cpu_s": cpu_s})
    assert of(computing, one_shard(8.1, cpu_s), **TWO_CPUS).endswith(
        " Its work reached 99% of the ideal; the calls compute, and 1 free CPU was not used: "
        "--shards 2 would use it."
    )


def test_one_shard_of_calls_that_wait_leads_to_more_at_once() -> None:
    waiting = trial("serial", 0.0, 8.0, 0.0, cpu_s=0.1, switches=8)
    assert of(waiting, one_shard(8.1, 0.1), **TWO_CPUS).endswith(
        " more than 1 call at once would shorten it: more --shards, --threads-per-shard or CPUs."
    )


def test_a_cpu_that_others_held_had_something_to_do() -> None:
    held = NODE.model_copy(update={"cpus_free": 1.0})
    cluster = {"cluster": GOLDEN.cluster.model_copy(update={"nodes": (held,)})}
    said = of(COMPUTING, one_shard(8.1, 8.0), **cluster)
    assert said.endswith(" more CPUs than 1 would shorten it, as the calls compute.")


def test_calls_that_compute_on_two_cpus_each_leave_none_idle() -> None:
    wide = trial("serial", 0.0, 4.0, 0.0, cpu_s=8.0, switches=16, elsewhere_share=0.9)
    one = one_shard(4.1, 8.0)
    assert sharded_row(wide, one).efficiency == pytest.approx(0.976, abs=0.001)
    assert of(wide, one, **TWO_CPUS).endswith(
        " more CPUs than 2 would shorten it, as the calls compute."
    )
    (serial, _) = analyse(GOLDEN.with_(trials=(wide, one), advisories=(), **TWO_CPUS)).rows
    assert serial.efficiency == 1.0


def test_an_instance_that_is_much_slower_than_the_others_is_named() -> None:
    share = NodeShare(node_id="a", address="10.0.0.5", host="a", actors=4, calls=8, busy_s=8.0)
    uneven = {"placement": (share,), "slowest_s": 4.9}
    assert against((0.0, 8.0, 0.0), (0.0, 5.0, 0.0), **uneven).endswith(
        " The slowest instance took 4.90 s, the mean is 2.00 s: look at what it does, and at the "
        "node it was on."
    )


@pytest.mark.parametrize(
    ("cpu_s", "more", "said"),
    [
        (
            0.0,
            {},
            "more CPUs would not shorten it, as an instance's calls come one after the other.",
        ),
        (8.0, {"cpus": 2}, "more CPUs than 2 would shorten it, as the calls compute."),
        (
            0.0,
            {"at_once": 2},
            (
                "more than 2 calls at once would shorten it: more --shards, --threads-per-shard or "
                "CPUs."
            ),
        ),
    ],
)
def test_work_at_its_ideal_is_limited_by_what_bounds_the_ideal(
    cpu_s: float, more: dict[str, Any], said: str
) -> None:
    work_s = 4.0 if more else 2.0
    sharded = trial("sharded", 0.1, work_s, 0.0, **more)
    found = of(trial("serial", 0.0, 8.0, 0.0, cpu_s=cpu_s), sharded)
    assert found.endswith(f" Its work reached 100% of the ideal; {said}")


def test_slower_work_at_its_ideal_is_not_put_down_to_startup() -> None:
    one = trial("sharded", 5.0, 8.0, 0.0, cpus=1, at_once=1)
    found = of(trial("serial", 0.0, 8.0, 0.0, cpu_s=8.0), one)
    assert "startup" not in found
    assert "more CPUs than 1" in found


def test_where_no_time_passed_nothing_is_divided_by_it() -> None:
    nothing = trial("actors", 0.0, 0.0, 0.0)
    assert of(trial("serial", 0.0, 0.0, 0.0), nothing).startswith("No verdict")
    assert against((0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
