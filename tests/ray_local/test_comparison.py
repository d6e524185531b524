"""A comparison is laid out on the nodes there are, left out or refused, before anything starts.

No Ray runs for these, but `job.running.comparison` imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from job.errors import ClusterError
from job.planning.layout import arrange
from job.planning.placement import PROCESS_BYTES, Capacity
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.planning.layout import Layout

GB = 10**9


def node(name: str, cpus: float, free: float | None = None, memory: float = 16 * GB) -> Capacity:
    return Capacity(name, cpus, cpus if free is None else free, memory)


FOUR = [node("a", 4.0)]
HEAD = node("head", 0.0, memory=64 * GB)


def arranged(
    nodes: Sequence[Capacity],
    instances: int = 4,
    **plan: Any,  # noqa: ANN401 - its keys
) -> tuple[dict[str, Layout], dict[str, str]]:
    keys = {"target": "m:C", "calls": ["f() * 10"], "instances": instances}
    made = arrange(*build(keys | plan, {}), nodes)
    return made.layouts, made.omitted


def sharded(nodes: Sequence[Capacity], instances: int = 1_000, **plan: Any) -> Layout:  # noqa: ANN401
    return arranged(nodes, instances, strategies=["sharded"], **plan)[0]["sharded"]


def refused(nodes: Sequence[Capacity], instances: int = 4, **plan: Any) -> ClusterError:  # noqa: ANN401
    with pytest.raises(ClusterError) as raised:
        arranged(nodes, instances, **plan)
    assert raised.value.exit_code == 3
    return raised.value


# --- layouts


def test_actors_host_an_instance_each_and_get_a_call_at_a_time() -> None:
    layouts, omitted = arranged(FOUR, 3)
    actors = layouts["actors"]
    assert (actors.shards, actors.threads, actors.calls_per_batch) == (3, 1, 1)
    assert actors.demand.cpus == 1.0
    assert omitted == {}


def test_the_serial_loop_needs_no_layout() -> None:
    assert arranged(FOUR, strategies=["serial"]) == ({}, {})
    assert list(arranged(FOUR)[0]) == ["actors", "sharded"]


def test_the_serial_loop_fits_where_no_actor_does() -> None:
    assert arranged([HEAD], strategies=["serial"]) == ({}, {})


def test_shards_are_one_for_each_cpu_and_leave_the_rest_to_be_found_out() -> None:
    layout = sharded(FOUR)
    assert (layout.shards, layout.demand.cpus) == (4, 1.0)
    assert (layout.threads, layout.calls_per_batch) == (None, None)


def test_there_are_no_more_shards_than_instances() -> None:
    assert sharded(FOUR, instances=3).shards == 3
    assert sharded(FOUR, instances=3, shards=100).shards == 3


def test_nodes_of_uneven_size_are_counted_by_their_whole_cpus() -> None:
    assert sharded([node("a", 4.0), node("b", 2.0), node("c", 1.5)]).shards == 7


def test_a_head_without_cpus_hosts_no_shard() -> None:
    assert sharded([HEAD, node("a", 2.0), node("b", 2.0)]).shards == 4


def test_shards_are_one_for_each_cpu_that_is_free() -> None:
    assert sharded([node("a", 4.0, free=1.0), node("b", 4.0, free=2.5)]).shards == 3


def test_where_no_cpu_is_free_shards_wait_for_all_of_them() -> None:
    assert sharded([node("a", 4.0, free=0.0), node("b", 2.0, free=0.9)]).shards == 6


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"shards": 2}, (2, 1.0, None, None)),
        ({"shards": 8}, (8, 0.5, None, None)),  # two to a CPU
        ({"threads_per_shard": 7}, (4, 1.0, 7, None)),
        ({"calls_per_batch": 50}, (4, 1.0, None, 50)),
        ({"cpus_per_actor": 0.25}, (4, 0.25, None, None)),  # no more of them than CPUs
        ({"cpus_per_actor": 2.0}, (2, 2.0, None, None)),
        (
            {"shards": 3, "threads_per_shard": 1, "calls_per_batch": 1, "cpus_per_actor": 0.1},
            (3, 0.1, 1, 1),
        ),
    ],
)
def test_knobs_that_are_given_are_turned_as_they_are_given(
    plan: dict[str, Any], expected: tuple[object, ...]
) -> None:
    layout = sharded(FOUR, **plan)
    found = (layout.shards, layout.demand.cpus, layout.threads, layout.calls_per_batch)
    assert found == expected


def test_knobs_of_shards_do_not_turn_those_of_actors() -> None:
    knobs = {"shards": 2, "threads_per_shard": 9, "calls_per_batch": 50}
    actors = arranged(FOUR, 3, **knobs)[0]["actors"]
    assert (actors.shards, actors.threads, actors.calls_per_batch) == (3, 1, 1)


def test_more_actors_than_cpus_share_them_so_that_all_can_be_placed() -> None:
    assert arranged(FOUR, 10)[0]["actors"].demand.cpus == pytest.approx(1 / 3, abs=1e-4)


# --- what does not fit


def test_actors_that_do_not_fit_into_the_memory_are_left_out_where_sharded_is_there() -> None:
    layouts, omitted = arranged(FOUR, 1_000)
    assert list(layouts) == ["sharded"]
    assert list(omitted) == ["actors"]
    assert "1,000 actors are 1,000 processes of about 80 MB, 80 GB in all" in omitted["actors"]
    assert "the nodes have 16 GB" in omitted["actors"]


def test_as_many_processes_as_the_memory_holds_are_no_reason_to_leave_actors_out() -> None:
    nodes = [node("a", 4.0, memory=10 * PROCESS_BYTES), node("b", 4.0, memory=5 * PROCESS_BYTES)]
    assert arranged(nodes, 15)[1] == {}
    assert list(arranged(nodes, 16)[1]) == ["actors"]


def test_the_memory_of_a_head_without_cpus_is_of_no_use_to_actors() -> None:
    nodes = [node("a", 4.0, memory=10 * PROCESS_BYTES)]
    assert list(arranged([HEAD, *nodes], 11)[1]) == ["actors"]


def test_actors_that_do_not_fit_into_the_memory_are_refused_where_sharded_is_not_there() -> None:
    error = refused(FOUR, 1_000, strategies=["serial", "actors"])
    assert error.message.startswith("actors: cannot be placed: 1,000 actors are 1,000 processes")
    assert "--strategies serial,sharded" in error.hint


def test_shards_that_do_not_fit_into_the_memory_are_refused() -> None:
    error = refused(FOUR, 1_000, strategies=["sharded"], shards=900)
    assert error.message.startswith("sharded: cannot be placed: 900 actors are 900 processes")
    assert "--shards" in error.hint


def test_more_cpus_for_an_actor_than_any_node_has_are_refused() -> None:
    nodes = [node("a", 4.0), node("b", 6.0)]
    error = refused(nodes, cpus_per_actor=8)
    assert (
        "an actor needs 8 CPUs on one node, and none has as many (b has 6 CPUs, a" in error.message
    )


def test_more_actors_than_can_ever_be_placed_are_refused_though_sharded_is_there() -> None:
    # They would fit into the memory; it was the user who gave them whole CPUs.
    error = refused(FOUR, 5, cpus_per_actor=1)
    assert "5 actors of 1 CPU are asked for, and 4 fit" in error.message
    assert "--cpus-per-actor" in error.hint


def test_an_actor_is_never_split_between_nodes() -> None:
    nodes = [node("a", 3.0), node("b", 3.0)]
    keys = {"strategies": ["actors"], "cpus_per_actor": 2}
    assert arranged(nodes, 2, **keys)[0]["actors"].shards == 2
    assert "3 actors of 2 CPUs are asked for, and 2 fit" in refused(nodes, 3, **keys).message


def test_where_no_node_has_a_cpu_nothing_can_be_placed() -> None:
    for nodes, there in ([HEAD], "head has 0 CPUs"), ([], "there are no nodes"):
        assert f"none has as many ({there})" in refused(nodes, strategies=["sharded"]).message


def test_actors_that_must_wait_for_others_to_end_are_laid_out_all_the_same() -> None:
    busy = [node("a", 4.0, free=0.0)]
    assert arranged(busy, 4, strategies=["actors"])[0]["actors"].demand.cpus == 1.0
