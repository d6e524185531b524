"""What fits into which nodes, and how CPUs are shared so that it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from job.errors import ClusterError
from job.planning.layout import arrange
from job.planning.placement import (
    GRAIN,
    Capacity,
    Demand,
    Fit,
    Growth,
    bundles,
    emptiest,
    fit,
    fits_memory,
    lacking,
    room,
    share_of_cpu,
    slots,
)
from job.workload.reading import build

FEW = settings(max_examples=100, deadline=None, derandomize=True)
GB = 10**9


def node(cpus: float, free: float | None = None, memory: float = 0, name: str = "n") -> Capacity:
    return Capacity(name, cpus, cpus if free is None else free, memory)


def gpus(name: str, number: float, cpus: float = 0, **labels: str) -> Capacity:
    return Capacity(name, cpus, cpus, 0, others={"GPU": number}, labels=labels)


NODES = st.lists(
    st.one_of(st.integers(0, 64), st.floats(0, 8).map(lambda c: round(c, 4))).map(node), max_size=5
)


# --- counting


@pytest.mark.parametrize(
    ("cpus", "expected"), [([], 0), ([0], 0), ([4, 0, 2], 6), ([1.5, 1.5], 2), ([0.9], 0)]
)
def test_only_whole_cpus_are_slots(cpus: list[float], expected: int) -> None:
    assert slots([node(c) for c in cpus]) == expected


@pytest.mark.parametrize(
    ("each", "cpus", "expected"),
    [
        (1, [4, 2], 6),
        (1, [1.5, 1.5], 2),
        (0.5, [1.5, 1.5], 6),
        (3, [4, 4], 2),
        (0.1, [1], 10),
        (0.3333, [1], 3),
        (0.3334, [1], 2),
        (0.0001, [2], 20_000),
        (5, [4], 0),
    ],
)
def test_room_is_counted_per_node_and_without_rounding_errors(
    each: float, cpus: list[float], expected: int
) -> None:
    assert room(Demand(each), [node(c) for c in cpus]) == expected


# --- sharing CPUs


@pytest.mark.parametrize(
    ("actors", "cpus", "share"),
    [
        (1, [2], 1.0),
        (2, [2], 1.0),
        (3, [2], 0.5),
        (4, [2], 0.5),
        (5, [2], 0.3333),
        (100, [2, 0], 0.02),
        (7, [4, 2], 0.5),
        (5, [], 1.0),
        (5, [0], 1.0),
    ],
)
def test_actors_have_a_cpu_each_until_they_must_share(
    actors: int, cpus: list[float], share: float
) -> None:
    assert share_of_cpu(actors, [node(c) for c in cpus], Demand()) == share


@FEW
@given(nodes=NODES, data=st.data())
def test_actors_that_share_cpus_always_fit_beside_each_other(
    nodes: list[Capacity], data: st.DataObject
) -> None:
    assume(slots(nodes))
    actors = data.draw(st.integers(1, GRAIN * slots(nodes)))
    share = share_of_cpu(actors, nodes, Demand())
    assert 0 < share <= 1
    assert fit(actors, Demand(share), nodes) == Fit("now")


@FEW
@given(cpus=st.integers(1, 64), data=st.data())
def test_no_actor_gets_less_than_it_could(cpus: int, data: st.DataObject) -> None:
    # Beyond 100 actors a CPU a ten-thousandth more or less is a whole actor.
    actors = data.draw(st.integers(1, 100 * cpus))
    share = share_of_cpu(actors, [node(cpus)], Demand())
    per_cpu = room(Demand(share), [node(1)])
    assert (per_cpu - 1) * cpus < actors <= per_cpu * cpus or share == 1


@pytest.mark.parametrize("actors", [GRAIN, GRAIN + 1, 10**7])
def test_a_share_is_never_nothing(actors: int) -> None:
    assert share_of_cpu(actors, [node(1)], Demand()) == 1 / GRAIN


# --- now, later or never


def test_those_that_lost_their_node_are_spread_over_the_others_by_their_cpus() -> None:
    nodes = {"a": 4.0, "b": 4.0, "c": 2.0}
    hosts: list[str | None] = [None]
    for _ in range(10):
        hosts.append(emptiest(nodes, hosts))
    assert [hosts.count(name) for name in nodes] == [4, 4, 2]


def test_what_fits_into_free_cpus_fits_now() -> None:
    assert fit(6, Demand(1), [node(4), node(2)]) == Fit("now")


def test_what_others_hold_is_waited_for() -> None:
    found = fit(6, Demand(1), [node(4, free=1), node(2, free=0.5)])
    assert found == Fit("later", "6 actors of 1 CPU are asked for, and 1.5 CPUs are free")


def test_an_actor_larger_than_every_node_never_fits_though_the_cluster_is_large() -> None:
    found = fit(1, Demand(8), [node(4, name="alpha"), node(6, name="beta")])
    assert found == Fit(
        "never",
        "an actor needs 8 CPUs on one node, and none has as many (beta has 6 CPUs, "
        "alpha has 4 CPUs)",
    )


def test_more_actors_than_there_is_room_for_never_fit() -> None:
    found = fit(2_000, Demand(0.5), [node(4, free=0)])
    assert found == Fit(
        "never",
        "2,000 actors of 0.5 CPUs are asked for, and 8 fit into the cluster (n has 4 CPUs)",
    )


@pytest.mark.parametrize("nodes", [[], [node(0)]])
def test_without_a_cpu_nothing_fits(nodes: list[Capacity]) -> None:
    assert fit(1, Demand(1), nodes).when == "never"


def test_gpus_alone_host_no_actor() -> None:
    nodes = [gpus("head", 0), gpus("a", 4), gpus("b", 1)]
    found = fit(1, Demand(1), nodes)
    assert found.reason == (
        "an actor needs 1 CPU on one node, and none has as many (head has 0 CPUs, "
        "a has 0 CPUs and 4 GPUs, b has 0 CPUs and 1 GPU)"
    )


def test_nodes_that_are_alike_are_told_once_and_the_list_ends() -> None:
    assert "(3 x n has 4 CPUs)" in fit(13, Demand(1), [node(4)] * 3).reason
    many = [node(1, name=f"n{number}") for number in range(10)]
    assert "n5 has 1 CPU, and 4 more)" in fit(11, Demand(1), many).reason


# --- nodes that could be added

WORKERS = Growth((node(4, name="worker"), node(4, name="worker")))
HEAD = node(0, name="head")


@pytest.mark.parametrize(
    ("actors", "each", "nodes", "growth", "when"),
    [
        (8, 1, [HEAD], WORKERS, "scaling"),
        (9, 1, [HEAD], WORKERS, "never"),
        (1, 4, [HEAD], WORKERS, "scaling"),
        (1, 5, [HEAD], WORKERS, "never"),
        (3, 3, [HEAD], WORKERS, "never"),  # one fits into each
        (4, 1, [node(4)], WORKERS, "now"),
        (4, 1, [node(4, free=1)], WORKERS, "scaling"),
        (4, 1, [node(4, free=1)], Growth(), "later"),
        (4, 4, [node(4, free=0), node(4, free=0), node(4)], WORKERS, "scaling"),
        (5, 4, [node(4, free=0), node(4, free=0), node(4)], WORKERS, "scaling"),
        (10**6, 100, [HEAD], Growth(more=True), "scaling"),
        (1, 1, [], WORKERS, "scaling"),
    ],
)
def test_what_an_autoscaler_can_add_counts_only_where_the_nodes_do_not_do(
    actors: int, each: float, nodes: list[Capacity], growth: Growth, when: str
) -> None:
    assert fit(actors, Demand(each), nodes, growth).when == when


def test_what_not_even_added_nodes_could_hold_names_them_too() -> None:
    assert fit(1, Demand(8), [node(2, name="a")], WORKERS).reason == (
        "an actor needs 8 CPUs on one node, and none has as many (2 x worker has 4 CPUs, "
        "a has 2 CPUs)"
    )
    assert fit(9, Demand(1), [HEAD], WORKERS).reason == (
        "9 actors of 1 CPU are asked for, and 8 fit into the cluster, even grown as far as it may "
        "(2 x worker has 4 CPUs, head has 0 CPUs)"
    )


@FEW
@given(nodes=NODES, added=NODES, actors=st.integers(1, 100), each=st.sampled_from([0.5, 1, 2, 3]))
def test_scaling_is_promised_only_where_the_grown_cluster_has_room(
    nodes: list[Capacity], added: list[Capacity], actors: int, each: float
) -> None:
    found = fit(actors, Demand(each), nodes, Growth(tuple(added)))
    grown = room(Demand(each), [*nodes, *added])
    assert (found.when == "never") == (grown < actors)
    assert (found.when == "now") == (room(Demand(each), nodes, free=True) >= actors)


@pytest.mark.parametrize(
    ("actors", "each", "nodes", "asked"),
    [
        (4, 1, [HEAD], [1, 1, 1, 1]),
        (2, 1.5, [HEAD], [1.5, 1.5]),
        (100, 0.04, [HEAD], [1, 1, 1, 1]),  # 25 share a CPU
        (3, 0.5, [HEAD], [1, 1]),
        (1, 1, [node(4, free=1.5)], [1, 2.5]),  # what others hold is asked for besides
    ],
)
def test_the_autoscaler_is_asked_for_what_the_actors_and_others_need(
    actors: int, each: float, nodes: list[Capacity], asked: list[float]
) -> None:
    assert bundles(actors, Demand(each), nodes) == [Demand(cpus) for cpus in asked]


def test_what_is_lacking_is_told_until_nothing_is() -> None:
    assert lacking(4, Demand(1), [node(4, free=3)]) == "room for 3 of 4 actors of 1 CPU is there"
    assert lacking(4, Demand(1), [node(4, free=3), node(1)]) == ""


@pytest.mark.parametrize(
    ("nodes", "growth", "shards"),
    [
        ([HEAD], WORKERS, 8),
        ([node(4, free=2)], WORKERS, 10),
        ([node(4, free=0)], Growth(), 4),
        ([HEAD], Growth(more=True), 1),
    ],
)
def test_automatic_shards_count_what_could_be_added(
    nodes: list[Capacity], growth: Growth, shards: int
) -> None:
    planned = build(
        {"target": "m:C", "calls": ["f()"], "instances": 100}, {"strategies": "sharded"}
    )
    assert arrange(*planned, nodes, growth).layouts["sharded"].shards == shards


# --- what else an actor asks for

GPU = {"GPU": 0.25}


def test_a_share_of_a_gpu_is_counted_on_each_node_and_so_is_what_is_free_of_it() -> None:
    taken = replace(gpus("a", 2, cpus=8), others_free={"GPU": 0.5})
    assert room(Demand(1, GPU), [taken, gpus("b", 1, cpus=2)]) == 8 + 2
    assert room(Demand(1, GPU), [taken, gpus("b", 1, cpus=2)], free=True) == 2 + 2
    assert room(Demand(0, GPU), [gpus("b", 1)]) == 4


@pytest.mark.parametrize(
    ("asked", "fits"),
    [("a100", True), ("!a100", False), ("in(a100, h100)", True), ("!in(t4,h100)", True),
     ("t4", False)],
)  # fmt: skip
def test_labels_are_selected_as_ray_does(asked: str, *, fits: bool) -> None:
    demand = Demand(1, {}, {"kind": asked})
    assert room(demand, [gpus("a", 1, cpus=4, kind="a100")]) == (4 if fits else 0)
    assert room(demand, [node(4)]) == (4 if asked.startswith("!") else 0)


def test_what_no_node_has_is_told_with_what_each_has_of_it() -> None:
    nodes = [gpus("a", 1, cpus=4, zone="east"), node(2, name="b")]
    demand = Demand(1, {"GPU": 2, "memory": 3e9, "slot": 1}, {"zone": "west"})
    assert fit(1, demand, nodes).reason == (
        "an actor needs 1 CPU, 2 GPUs, 3 GB of memory, 1 slot and label zone=west on one node, and "
        "none has as many (a has 4 CPUs, 1 GPU, 0 GB of memory, 0 slot and label zone=east, "
        "b has 2 CPUs, 0 GPUs, 0 GB of memory, 0 slot and label zone=(none))"
    )


def test_what_others_hold_of_a_gpu_is_waited_for() -> None:
    taken = replace(gpus("a", 2, cpus=8), others_free={"GPU": 0.5})
    found = fit(4, Demand(1, GPU), [taken])
    asked = "4 actors of 1 CPU and 0.25 GPUs are asked for"
    assert found == Fit("later", f"{asked}, and 2 fit now")


def test_the_cpus_of_nodes_without_what_is_asked_for_are_not_shared() -> None:
    nodes = [gpus("a", 2, cpus=2), node(8)]
    assert share_of_cpu(4, nodes, Demand(1, GPU)) == 0.5
    assert share_of_cpu(4, nodes, Demand()) == 1.0


def test_an_autoscaler_is_asked_for_each_actor_with_all_that_it_asks_for() -> None:
    demand = Demand(0.5, GPU, {"kind": "a100"})
    assert bundles(3, demand, [HEAD]) == [demand] * 3


def test_an_autoscaler_is_asked_besides_for_what_others_hold_of_it() -> None:
    taken = replace(gpus("a", 2, cpus=4), cpus_free=2, others_free={"memory": 9})
    demand = Demand(1, {"GPU": 1})
    assert bundles(2, demand, [taken, node(0)]) == [demand, demand, Demand(2, {"GPU": 2})]
    found = fit(4, demand, [taken], Growth((gpus("b", 2, cpus=4),)))
    assert found.when == "scaling"
    assert found.reason.endswith("and others hold what is asked for of the nodes that are there")


@pytest.mark.parametrize(
    ("options", "shards"),
    [
        ("num_gpus=0.5", 4),  # of 2 GPUs
        ("num_gpus=0.25", 8),
        ("num_gpus=0.1", 10),  # one per CPU
        ("num_gpus=0.25, num_cpus=2", 5),
        ("num_gpus=0.1, num_cpus=0.5", 10),
        ("num_gpus=0.1, num_cpus=0", 20),
        ('resources={"slot": 1}', 3),
        ('label_selector={"kind": "none"}', 1),
    ],
)
def test_automatic_shards_are_one_per_unit_of_what_is_scarcest(options: str, shards: int) -> None:
    there = Capacity("a", 10, 10, 0, others={"GPU": 2, "slot": 3}, labels={"kind": "a100"})
    keys = {"target": "m:C", "calls": ["f()"], "instances": 100}
    workload, plan = build(keys, {"strategies": "sharded", "actor_options": options})
    if "none" in options:
        with pytest.raises(ClusterError, match=r"label kind=none on one node.*label kind=a100"):
            arrange(workload, plan, [there])
        return
    layout = arrange(workload, plan, [there]).layouts["sharded"]
    assert layout.shards == shards
    assert layout.demand.cpus == (1.0 if plan.num_cpus == "auto" else plan.num_cpus)


def test_actors_of_which_only_some_find_a_gpu_are_left_out_where_shards_are_run() -> None:
    keys = {"target": "m:C", "calls": ["f()"], "instances": 4}
    made = arrange(*build(keys, {"actor_options": "num_gpus=1"}), [gpus("a", 2, cpus=4)])
    assert (list(made.layouts), made.layouts["sharded"].shards) == (["sharded"], 2)
    assert made.omitted["actors"].startswith("4 actors of 1 CPU and 1 GPU are asked for, and 2 fit")
    alone = build(keys, {"actor_options": "num_gpus=1", "strategies": "serial,actors"})
    with pytest.raises(ClusterError, match="and 2 fit into the cluster"):
        arrange(*alone, [gpus("a", 2, cpus=4)])


def test_a_serial_loop_in_an_actor_is_placed_as_the_others_are() -> None:
    keys = {"target": "m:C", "calls": ["f()"], "instances": 2}
    asked = {"actor_options": "num_gpus=1", "serial_on": "actor"}
    made = arrange(*build(keys, asked), [gpus("a", 4, cpus=4)])
    assert list(made.layouts) == ["serial", "actors", "sharded"]
    assert str(made.layouts["serial"]) == "1 actor of 1 CPU and 1 GPU"
    alone = build(keys, {"strategies": "serial", "serial_on": "actor"})
    with pytest.raises(ClusterError, match="serial: cannot be placed") as raised:
        arrange(*alone, [HEAD])
    assert "--serial-on driver" in raised.value.hint


# --- memory


def test_memory_that_could_be_added_counts_and_where_it_is_unknown_nothing_is_claimed() -> None:
    nodes = [node(2, memory=GB)]
    assert fits_memory(100, nodes).when == "never"
    assert fits_memory(100, nodes, Growth((node(4, memory=16 * GB),))).when == "now"
    assert fits_memory(100, nodes, Growth((node(4),))).when == "now"
    assert fits_memory(100, nodes, Growth(more=True)).when == "now"


def test_processes_that_fit_into_memory_are_let_through() -> None:
    assert fits_memory(100, [node(1, memory=8 * GB)]) == Fit("now")


def test_processes_beyond_memory_are_told_with_both_sides() -> None:
    found = fits_memory(1_000, [node(2, memory=6 * GB), node(2, memory=10 * GB)])
    assert found.when == "never"
    assert found.reason == (
        "1,000 actors are 1,000 processes of about 80 MB, 80 GB in all, and the nodes have 16 GB"
    )


def test_the_memory_of_a_node_without_cpus_does_not_count() -> None:
    nodes = [node(2, memory=GB), node(0, memory=1_000 * GB)]
    assert fits_memory(100, nodes).when == "never"


def test_where_memory_is_unknown_nothing_is_claimed() -> None:
    assert fits_memory(10**6, [node(2)]) == Fit("now")


def test_what_the_target_takes_in_a_process_counts_beside_what_any_process_takes() -> None:
    nodes = [node(2, memory=16 * GB)]
    assert fits_memory(20, nodes, held_bytes=0.5 * GB) == Fit("now")
    found = fits_memory(40, nodes, held_bytes=0.5 * GB)
    assert found.when == "never"
    assert "40 processes of about 580 MB" in found.reason
