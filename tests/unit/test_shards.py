"""How many shards are quickest follows from the calls, and from what actors take to start."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.planning.estimate import Profile
from job.planning.layout import Layout, arrange
from job.planning.placement import Capacity, Demand, Growth, cores
from job.planning.shards import AS_GOOD, choose_shards, fewer_shards
from job.results.document import Chosen
from job.workload.reading import build

WAITS = Profile(20, 0.2, 0.002, switches=20)  # 10 ms a call, of which 0.1 ms computing
COMPUTES = Profile(500, 1.0, 1.0, switches=0)  # 2 ms a call


def chosen(
    profile: Profile, per_instance: tuple[int, int], most: int, cores: float,
    threads: int | None = None,
) -> Chosen:  # fmt: skip
    """Choose for so many instances, and calls of each."""
    instances, calls = per_instance
    workload, _ = build({"target": "m:C", "calls": [f"f() * {calls}"], "instances": instances}, {})
    return choose_shards(Layout(most, Demand(1.0), threads, None), workload, profile, cores)


def test_where_calls_compute_for_long_each_core_gets_a_shard() -> None:
    assert chosen(COMPUTES, (4_800, 1_000), 48, 48).shards == 48
    assert chosen(COMPUTES, (4_800, 1_000), 48, 48).because == ""


def test_where_calls_wait_threads_stand_in_for_actors_that_take_turns_to_start() -> None:
    found = chosen(WAITS, (4_800, 20), 48, 2)
    assert found.shards <= 3
    assert found.because == "the calls wait"
    assert found.most_elapsed_s > 14 > found.most_elapsed_s - found.most_startup_s
    assert found.elapsed_s < 7


def test_waiting_calls_that_must_not_overlap_in_a_shard_are_spread_over_actors() -> None:
    assert chosen(WAITS, (48, 1_000), 48, 2, threads=1).shards == 48


def test_where_declared_cpus_are_fewer_cores_calls_that_compute_get_one_shard_a_core() -> None:
    found = chosen(COMPUTES, (480, 20), 48, 2)
    assert (found.shards, found.because) == (2, "the CPUs are fewer cores")


def test_where_there_is_little_to_do_no_thousand_actors_are_started_for_it() -> None:
    found = chosen(COMPUTES, (10_000, 1), 1_000, 1_000)  # 20 s of computing
    assert 20 <= found.shards <= 100
    assert found.because == "there is little to do"


def test_without_a_call_there_are_no_more_than_cores_to_make_the_instances() -> None:
    assert chosen(Profile(0, 0.0, 0.0, switches=0), (48, 1), 48, 2).shards == 2


def test_of_numbers_that_are_as_good_it_is_the_largest() -> None:
    waits_long = Profile(2, 2.0, 0.001, switches=2)
    assert chosen(waits_long, (4, 2), 4, 4).shards == 4


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    call_s=st.floats(1e-6, 10.0),
    share=st.floats(0.001, 1.0),
    computed=st.tuples(st.integers(1, 10**5), st.integers(1, 10**4)),
    most=st.integers(1, 2_000),
    cores=st.floats(1.0, 2_000.0),
)
def test_no_choice_takes_longer_than_all_or_one_shard_by_more_than_nobody_can_foretell(
    call_s: float, share: float, computed: tuple[int, int], most: int, cores: float
) -> None:
    profile, most = Profile(1, call_s, share * call_s, switches=1), min(most, computed[0])
    found = chosen(profile, computed, most, cores)
    one = chosen(profile, computed, 1, cores)
    assert 1 <= found.shards <= found.most == most
    assert found.elapsed_s <= AS_GOOD * min(found.most_elapsed_s, one.elapsed_s)
    assert (not found.because) == (found.shards == most)


def test_the_shards_of_an_arrangement_are_chosen_also_for_nodes_that_could_be_added() -> None:
    keys = {"target": "m:C", "calls": ["f() * 20"], "instances": 4_800}
    workload, plan = build(keys, {"strategies": "sharded"})
    nodes, growth = [Capacity("a", 48, 0, 0, cores=2)], Growth((Capacity("b", 4, 4, 0),))
    made = arrange(workload, plan, nodes, growth)
    assert (made.layouts["sharded"].shards, made.fits["sharded"].when) == (4, "scaling")
    assert cores([*nodes, *growth.nodes]) == 6
    fewer = fewer_shards(made, workload, COMPUTES, nodes, growth)
    assert fewer.layouts["sharded"].shards == 4
    assert fewer.chosen
    assert fewer.chosen.most == 4


def test_the_choice_is_told_with_what_more_shards_would_have_taken() -> None:
    found = Chosen(
        shards=2, elapsed_s=3.1, most=48, most_elapsed_s=24.2, most_startup_s=17.0,
        because="the calls wait",
    )  # fmt: skip
    assert str(found) == (
        "2 actors of at most 48, as the calls wait: by the cost model they take 3.10 s, and 48 "
        "would take 24.2 s, 17.0 s of it to start."
    )
    alike = found.model_copy(update={"shards": 48, "because": ""})
    assert str(alike) == "48 actors, the most that --shards auto takes."


@pytest.mark.parametrize(("declared", "real"), [(48, 2), (2, 2)])
def test_a_node_computes_on_no_more_cpus_than_it_has_cores(declared: float, real: float) -> None:
    assert cores([Capacity("n", declared, declared, 0, cores=2)]) == real
