"""Our strategies as the benchmarks drive them: the product's own parts, under another clock."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from benchmarks.scenarios import LIMIT_S
from job import comparison, ray_cluster
from job.leaving import Leaving
from job.ray_address import choose
from job.shard import Recipe
from job.states import state_limit
from job.workload import build, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario
    from job.results import Cluster
    from job.strategies.base import Strategy

_SETTLE_S = 1.0


@contextlib.contextmanager
def connected() -> Iterator[Cluster]:
    """Connect to an embedded Ray and let the workers that it starts ahead come up."""
    with (
        Leaving().watching() as leaving,
        ray_cluster.connected(choose("local", {}), leaving, _note) as cluster,
    ):
        time.sleep(_SETTLE_S)
        yield cluster


def strategy(name: str, scenario: Scenario, cluster: Cluster) -> Strategy:
    """Return one strategy for a scenario, built as the command line builds it."""
    target, arguments = scenario.target()
    literals = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    workload, plan = build(
        {},
        {
            "target": f"{target.__module__}:{target.__name__}({literals})",
            "instances": scenario.instances,
            "calls": (f"increment * {scenario.calls}",),
            "read": "read",
            "strategies": name,
            "timeout_s": 2 * LIMIT_S,
        },
    )
    make = load_target(workload.target)
    limit = state_limit(workload.instances)
    recipe = Recipe(make, workload.target, workload.calls, workload.read, limit)
    ray_cluster.carry(workload.target.module)
    (built,) = comparison.build(workload, plan, recipe, cluster, _note)
    return built


def run(name: str, scenario: Scenario, laps: Laps) -> list[int]:
    """Run one strategy once, in the phases that the runner times."""
    with connected() as cluster:
        built = strategy(name, scenario, cluster)
        built.prepare(None)
        laps.connected()
        built.start()
        laps.started()
        built.work(_unseen)
        laps.worked()
        states = built.read()
        laps.finished()
        built.stop()
    return [int(state) for state in states]


def _unseen(calls: int) -> None:
    """Show no progress."""


def _note(text: str) -> None:
    click.echo(text, err=True)
