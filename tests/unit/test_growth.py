"""What a cluster's file allows the autoscaler to add to the nodes that are there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from job.cluster.autoscaler import addable
from job.planning.placement import Capacity, Demand, Growth

ROOT = Path(__file__).parents[2]
WORKER = {"resources": {"CPU": 4, "memory": 16e9}, "max_workers": 3, "min_workers": 0}


def config(max_workers: int = 4, **types: dict[str, Any]) -> dict[str, Any]:
    head = {"resources": {"CPU": 0}}
    return {
        "max_workers": max_workers, "head_node_type": "head",
        "available_node_types": {"head": head, **types},
    }  # fmt: skip


def cpus(growth: Growth) -> list[float]:
    return [node.cpus for node in growth.nodes]


def test_as_many_workers_as_their_type_allows() -> None:
    growth = addable(config(worker=WORKER), {}, 0)
    worker = Capacity("worker", 4, 4, 16e9, others={"memory": 16e9})
    assert growth == Growth((worker,) * 3, elastic=True)


@pytest.mark.parametrize(
    ("max_workers", "present", "workers", "expected"),
    [
        (2, {}, 0, 2),  # the cluster's bound
        (4, {"worker": 2}, 2, 1),
        (4, {"worker": 3}, 3, 0),
        (4, {"worker": 1}, 4, 0),  # of the others nobody names the type
        (0, {}, 0, 0),
        (1, {}, 5, 0),
        (9, {}, 2, 1),  # workers that do not tell their type may be of any
    ],
)
def test_workers_that_are_there_are_not_added(
    max_workers: int, present: dict[str, int], workers: int, expected: int
) -> None:
    assert len(addable(config(max_workers, worker=WORKER), present, workers).nodes) == expected


def test_the_largest_come_first_where_the_cluster_bounds_them_all() -> None:
    small = {"resources": {"CPU": 1}, "max_workers": 9}
    assert cpus(addable(config(4, small=small, worker=WORKER), {}, 0)) == [4, 4, 4, 1]


def test_those_that_can_host_the_actors_come_first_where_the_cluster_bounds_them_all() -> None:
    cards = {"resources": {"CPU": 2, "GPU": 1}, "max_workers": 2}
    found = addable(config(3, worker=WORKER, cards=cards), {}, 0, Demand(1, {"GPU": 1}))
    assert [node.name for node in found.nodes] == ["cards", "cards", "worker"]


def test_a_type_without_a_bound_has_the_clusters() -> None:
    assert len(addable(config(5, worker={"resources": {"CPU": 1}}), {}, 0).nodes) == 5


def test_gpus_are_told() -> None:
    gpu = {"resources": {"CPU": 0, "GPU": 2}, "max_workers": 1}
    assert [node.others for node in addable(config(gpu=gpu), {}, 0).nodes] == [{"GPU": 2}]


def test_a_type_whose_size_nobody_knows_may_bring_anything() -> None:
    # As `ray up` leaves it on machines that one already has.
    kind = {"resources": {}, "max_workers": 2}
    assert addable(config(2, worker=kind), {}, 0) == Growth(more=True, elastic=True)
    assert addable(config(2, worker=kind), {}, 2) == Growth(elastic=True)


def test_a_configuration_without_types_adds_and_takes_away_nothing() -> None:
    assert addable({}, {}, 2) == Growth()


def test_an_absurd_bound_is_bounded() -> None:
    kind = {"resources": {"CPU": 1}, "max_workers": 10**12}
    assert len(addable(config(10**12, worker=kind), {}, 0).nodes) <= 10**5


def test_our_own_aws_cluster_may_grow() -> None:
    growth = addable(yaml.safe_load((ROOT / "cluster.yaml").read_text()), {}, 0)
    assert growth.more or growth.nodes


def test_the_guard_needs_nothing_but_python_to_start() -> None:
    # It starts while a request is made, and must not keep anybody waiting.
    line = "import sys, job.cluster.guard; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", line], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert "job.cluster.guard" in loaded
    assert {"ray", "click", "pydantic", "yaml"}.isdisjoint(loaded)
