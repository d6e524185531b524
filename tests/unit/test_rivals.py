"""The verdict between what takes Ray and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from job.analysis.breakeven import BreakEven
from job.analysis.report import Report, analyse
from job.analysis.rivals import overtakes
from job.results.document import Calibration, Trial
from job.results.storage import load

GOLDEN = load(Path(__file__).parents[1] / "data" / "results-v1.json")
NODE = GOLDEN.cluster.nodes[0]
CPUS = 2.0
CALIBRATION = Calibration(
    loop_s=5e-8, inside_s=1e-6, send_s=2e-4, actors=2, calls=1_500, elapsed_s=0.5
)


def trial(strategy: str, startup_s: float, work_s: float, **more: Any) -> Trial:  # noqa: ANN401 - any key
    """Return a trial of 8 instances, 100 calls each, that computed for 8 s in all."""
    ray, local = strategy in ("actors", "sharded"), strategy in ("threads", "processes")
    keys: dict[str, Any] = {
        "strategy": strategy, "index": 0, "warmup": False, "startup_s": startup_s,
        "work_s": work_s, "read_s": 0.0, "elapsed_s": startup_s + work_s, "cpu_s": 8.0,
        "calls": 800, "instances": 8, "actors": 2 * ray, "processes": 2 * local,
        "at_once": 2 if ray or local else 1, "cpus": CPUS if ray or local else 1,
        "switches": 0, "states": ("2",) * 8, "digest": "d",
        "settings": {"cpus_per_actor": 1.0, "threads_per_shard": 1, "calls_per_batch": "auto"},
    }  # fmt: skip
    return Trial.model_validate(keys | more)


SERIAL = trial("serial", 0.0, 8.0)
PROCESSES = trial("processes", 0.1, 4.0)
SHARDED = trial("sharded", 0.6, 4.0)


def report(*trials: Trial, **changes: Any) -> Report:  # noqa: ANN401 - any key
    workload = GOLDEN.workload.model_copy(update={"instances": 8})
    nodes = (NODE.model_copy(update={"cpus": CPUS, "cpus_free": CPUS, "cores": None}),)
    return analyse(GOLDEN.with_(
        trials=trials, workload=workload, calibration=CALIBRATION, advisories=(),
        cluster=GOLDEN.cluster.model_copy(update={"nodes": nodes}), **changes,
    ))  # fmt: skip


def test_what_is_quickest_without_ray_is_said_with_what_ray_takes_and_from_where_it_pays() -> None:
    found = report(SERIAL, PROCESSES, SHARDED)
    assert found.answer == (
        "Use processes: 1.95 times as fast as the serial loop (4.10 s against 8.00 s), without Ray."
    )
    assert found.ray == (
        "With Ray, sharded took 4.60 s, 0.60 s of it to start; it pays from 2 nodes of this size "
        "on, 4 CPUs (model off by <1%)."
    )
    assert found.verdict == (found.answer, found.because, found.ray)


def test_the_memory_of_the_machine_is_where_it_pays_too() -> None:
    environment = GOLDEN.environment.model_copy(update={"memory_bytes": 24e9})
    found = report(SERIAL, PROCESSES, SHARDED, environment=environment)
    assert found.ray.endswith(", or where instances hold more than this machine's 24 GB.")


def test_what_is_quickest_with_ray_is_held_against_the_best_without() -> None:
    found = report(SERIAL, trial("processes", 0.1, 6.0), SHARDED)
    assert found.answer.startswith("Use sharded: ")
    assert "without Ray" not in found.answer
    assert found.ray == "Without Ray, processes took 6.10 s."


def test_of_two_that_are_as_quick_the_one_without_a_cluster_is_advised() -> None:
    found = report(SERIAL, trial("processes", 0.7, 4.0), SHARDED)
    assert found.answer.startswith("Use processes: ")


def test_of_a_speedup_over_a_loop_that_was_held_up_the_doubt_is_part_of_the_verdict() -> None:
    held_up = SERIAL.model_copy(update={"cpu_s": 4.0})
    assert report(held_up, PROCESSES).answer.endswith(
        ", without Ray, on a machine that was busy: measure again when it is idle."
    )


def test_nothing_is_said_of_ray_where_no_other_is_worth_a_change() -> None:
    assert report(SERIAL, trial("processes", 0.1, 7.9), trial("sharded", 2.0, 8.0)).ray == ""
    assert report(SERIAL, SHARDED).ray == ""
    assert report(SERIAL, PROCESSES).ray == ""


def test_where_calls_wait_more_cpus_are_not_said_to_make_it_pay() -> None:
    waits = {"cpu_s": 0.001, "switches": 800}
    found = report(*(each.model_copy(update=waits) for each in (SERIAL, PROCESSES, SHARDED)))
    assert "as the calls wait, more CPUs do not make it pay" in found.ray


def test_calls_that_wait_and_compute_gain_by_more_cpus_where_threads_have_used_up_theirs() -> None:
    half = {"cpu_s": 4.0, "switches": 800}
    settings = {**SHARDED.settings, "threads_per_shard": 4}
    at_once = {**half, "work_s": 2.0, "at_once": 8, "settings": settings}
    serial = SERIAL.model_copy(update=half)
    processes = PROCESSES.model_copy(update={**at_once, "elapsed_s": 2.1})
    sharded = SHARDED.model_copy(update={**at_once, "elapsed_s": 2.6})
    found = report(serial, processes, sharded)
    assert "as the calls compute" in found.because
    assert "it pays from 2 nodes of this size on" in found.ray


def test_a_model_that_misses_the_run_tells_no_number_of_nodes() -> None:
    found = report(SERIAL, PROCESSES, trial("sharded", 0.6, 20.0))
    assert "the model misses it by -" in found.ray
    assert "nodes of this size" not in found.ray


@pytest.mark.parametrize(("rival_s", "nodes"), [(4.1, 2), (2.7, 2), (2.5, 4), (1.0, None)])
def test_ray_overtakes_on_as_few_nodes_as_its_own_cost_model_needs(
    rival_s: float, nodes: int | None
) -> None:
    found = report(SERIAL, PROCESSES, SHARDED)
    assert isinstance(found.model, BreakEven)
    row = found.row("sharded")
    assert row
    wider = overtakes(found, found.model, row, rival_s)
    assert (
        wider.nodes if wider else None
    ) == nodes  # on 4 or 6 CPUs a shard has two instances: 2.6 s; on 8 one: 1.6 s
