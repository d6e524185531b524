"""How threads and processes are laid out on the driver's machine, and when they are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from job.planning.estimate import Profile
from job.planning.layout import Arrangement, Layout
from job.planning.local import Machine, add_local, home_threads, lay_out
from job.workload.reading import build

KEYS = {"target": "job.targets.counter:Counter", "calls": ["increment * 2"], "instances": 4}
WAITS = Profile(calls=2, wall_s=2.0, cpu_s=0.0001, switches=2)
COMPUTES = Profile(calls=2, wall_s=2.0, cpu_s=2.0, switches=0)


def added(profile: Profile | None, cores: int = 2, **options: Any) -> Arrangement:  # noqa: ANN401
    workload, plan = build(KEYS | {k: v for k, v in options.items() if k == "instances"}, {
        k: v for k, v in options.items() if k != "instances"
    })  # fmt: skip
    made = Arrangement({"actors": Layout(4), "sharded": Layout(2)}, {}, {})
    return add_local(made, workload, plan, profile, Machine(cores, 16e9))


def test_a_thread_for_each_instance_that_waits_and_a_process_for_each_core() -> None:
    layouts = added(WAITS).layouts
    assert list(layouts) == ["threads", "processes", "actors", "sharded"]
    assert (layouts["threads"].shards, layouts["threads"].threads) == (1, 4)
    assert (layouts["processes"].shards, layouts["processes"].threads) == (2, 2)


def test_threads_that_would_take_turns_are_left_out_unless_they_are_named() -> None:
    made = added(COMPUTES)
    assert "threads" not in made.layouts
    assert "take turns" in made.omitted["threads"]
    assert "--strategies" in made.omitted["threads"]
    named = added(COMPUTES, strategies="serial,threads,sharded")
    assert named.omitted == {}
    assert named.layouts["threads"].threads == 2  # one a core


def test_what_would_take_longer_than_the_budget_is_left_out_unless_it_is_named() -> None:
    slow = Profile(calls=2, wall_s=100.0, cpu_s=100.0, switches=0)
    assert "--budget" in added(slow).omitted["processes"]
    assert "processes" in added(slow, budget_s=1_000.0).layouts
    assert "processes" in added(slow, strategies="serial,processes").layouts


@pytest.mark.parametrize("option", [{"serial_on": "actor"}, {"actor_options": "num_gpus=1"}])
def test_what_asks_for_more_than_cpus_does_not_run_on_the_drivers_machine(
    option: dict[str, Any],
) -> None:
    made = added(WAITS, **option)
    assert made.omitted.keys() == {"threads", "processes"}
    assert "driver's machine" in made.omitted["threads"]
    assert added(None, **option).omitted == made.omitted
    assert added(WAITS, strategies="serial,threads", **option).omitted == {}


def test_what_this_machine_could_not_hold_is_left_out_unless_it_is_named() -> None:
    large = replace(WAITS, instance_bytes=3e9)
    made = added(large)
    assert made.omitted["processes"].startswith(
        "its instances would hold 12 GB, and this machine has 16 GB "
    )
    assert added(replace(WAITS, instance_bytes=1e9)).omitted == {}
    assert added(large, strategies="serial,processes").omitted == {}
    little = replace(WAITS, wall_s=0.002, instance_bytes=4096.0)  # or what was handed out at once
    assert "hold" not in added(little, instances=10**7).omitted["processes"]


def test_so_many_instances_that_the_loop_runs_a_sample_are_not_all_put_on_this_machine() -> None:
    made = added(WAITS, instances=20_000)
    assert made.omitted["threads"].startswith("all 20,000 instances would be on this machine")
    assert "all" not in added(WAITS, instances=5_000).omitted.get("threads", "")
    quick = Profile(calls=2, wall_s=2e-6, cpu_s=1e-6, switches=2)
    assert added(quick, instances=20_000).omitted == {}


def test_nothing_is_left_out_of_what_nobody_knows() -> None:
    made = added(None)
    assert made.omitted == {}
    assert made.layouts["threads"].threads is None


@pytest.mark.parametrize(("workers", "shards", "threads"), [(1, 1, 1), (3, 3, 3), (9, 4, 4)])
def test_workers_are_processes_or_threads(workers: int, shards: int, threads: int) -> None:
    layouts = added(WAITS, workers=workers).layouts
    assert layouts["processes"].shards == shards
    assert layouts["threads"].threads == threads


def test_only_what_is_left_of_a_plan_is_no_choice_of_anybodys() -> None:
    _, plan = build(KEYS, {})
    assert not plan.only(("serial", "processes")).names_strategies
    assert plan.only(("serial", "processes")).strategies == ("serial", "processes")
    _, named = build(KEYS, {"strategies": "serial,actors"})
    assert named.only(("actors",)).names_strategies


@pytest.mark.parametrize(
    ("call_s", "calls", "instances", "expected"),
    [
        (1.0, 2, 4, 4),  # the well-known example
        (0.01, 20, 64, 64),
        (0.01, 20, 1_000, 500),  # 1,000 took 0.70 s and 500 0.58 s, which was a core's work
        (1.0, 20, 1_000, 1_000),  # where a thread is little beside a call
        (1.0, 20, 100_000, 1_000),  # the most there may be
    ],
)
def test_there_are_fewer_threads_than_instances_where_starting_them_costs_more(
    call_s: float, calls: int, instances: int, expected: int
) -> None:
    profile = Profile(calls, calls * call_s, calls * 60e-6, switches=calls)
    assert home_threads(profile, instances, cores=2) == expected


def test_a_call_that_computes_besides_waiting_is_not_taken_for_one_that_only_wakes() -> None:
    half = Profile(calls=20, wall_s=0.2, cpu_s=0.1, switches=20)
    found = home_threads(half, 1_000, cores=2)
    assert found < 10  # two keep the interpreter busy


def test_processes_are_as_many_as_cores_whatever_the_calls() -> None:
    _, plan = build(KEYS, {})
    for profile in (WAITS, COMPUTES):
        assert lay_out("processes", 100, plan, profile, cores=8).shards == 8
