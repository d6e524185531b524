"""Our strategies as the benchmarks drive them: the product's own parts, under another clock."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from benchmarks.scenarios import LIMIT_S
from job.actors.worker import Setting
from job.cluster import connection
from job.cluster.address import choose
from job.planning import layout
from job.running import preparation
from job.running.serial import Serial
from job.running.sharded import RayShards
from job.signals import Leaving
from job.workload.importing import load_target
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario
    from job.results.document import Cluster
    from job.running.strategy import Strategy

_SETTLE_S = 1.0


@contextlib.contextmanager
def connected() -> Iterator[Cluster]:
    """Connect to an embedded Ray and let the workers that it starts ahead come up."""
    with (
        Leaving().watching() as leaving,
        connection.connected(choose("local", {}), leaving, note) as cluster,
    ):
        time.sleep(_SETTLE_S)
        yield cluster


def strategy(name: str, scenario: Scenario, cluster: Cluster) -> Strategy:
    """Return one strategy for a scenario, prepared as a comparison prepares it."""
    workload, plan = build({}, options(name, scenario))
    recipe = preparation.recipe_of(workload, load_target(workload.target))
    if name == "serial":
        return Serial(recipe, workload.instances, plan.timeout_s)
    packed = connection.pack(recipe)
    layouts, _ = layout.arrange(workload, plan, connection.capacities(cluster))
    setting = Setting(
        recipe, workload.instances, cluster, plan.startup_timeout_s, plan.timeout_s, note, packed
    )
    built = RayShards(name, layouts[name], setting)
    built.prepare(preparation.probed(recipe, workload.instances))
    return built


def options(name: str, scenario: Scenario) -> dict[str, object]:
    """Return a scenario as the command line's options."""
    target, arguments = scenario.target()
    literals = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return {
        "target": f"{target.__module__}:{target.__name__}({literals})",
        "instances": scenario.instances,
        "calls": (f"increment * {scenario.calls}",),
        "read": "read",
        "strategies": name,
        "timeout_s": 2 * LIMIT_S,
    }


def run(name: str, scenario: Scenario, laps: Laps) -> list[int]:
    """Run one strategy once, in the phases that the runner times."""
    with connected() as cluster:
        built = strategy(name, scenario, cluster)
        laps.connected()
        built.start()
        laps.started()
        built.work(unseen)
        laps.worked()
        states = built.read()
        laps.finished()
        built.stop()
    return [int(state) for state in states]


def unseen(calls: int) -> None:
    """Show no progress."""


def note(text: str) -> None:
    """Say what a person may want to know; on stderr, for stdout is the report's."""
    click.echo(text, err=True)
