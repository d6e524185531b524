"""What it costs to have what calls return: `python -m benchmarks.returned`, in about a minute.

2 actors x 100 calls that return 4 MB each, by `--returns bring` and by hand: `ray.get` of each
round, which is what one writes who needs the values, and of all calls at once, which holds all of
them. Ratios of the work are paired in this one run (A B C A B C …), startup left out.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import ray

from benchmarks import ours
from benchmarks.targets import Renderer
from job.cluster import connection
from job.cluster.travel import pack
from job.planning.estimate import Loop
from job.planning.layout import arrange
from job.running.comparison import build_strategies
from job.running.listener import Listener
from job.running.preparation import prepare
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.cluster.connection import Site
    from job.running.strategy import Strategy

_ACTORS, _CALLS, _BYTES = 2, 100, 4 * 2**20
_ROUNDS = "by hand, rounds"


@click.command()
@click.option("--rounds", default=5, show_default=True, help="How many runs of each.")
def main(rounds: int) -> None:
    """Compare the work of strategies that bring 800 MB with what a script takes by hand."""
    with ours.begin() as site:
        ways: dict[str, Callable[[], float]] = {
            f"{name} {returns}": partial(_work_s, _strategy(name, returns, site))
            for name in ("actors", "sharded")
            for returns in ("bring", "drop")
        }
        ways["by hand, all"], ways[_ROUNDS] = partial(_by_hand, _CALLS), partial(_by_hand, 1)
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                found[name].append(way())
    base = found[_ROUNDS]
    for name, seconds in found.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, base, strict=True))
        click.echo(f"{name:<16} {statistics.median(seconds):6.3f} s {ratio:6.2f} x {_ROUNDS}")


def _strategy(name: str, returns: str, site: Site) -> Strategy:
    keys = {
        "target": f"{Renderer.__module__}:Renderer({_BYTES})", "instances": _ACTORS,
        "calls": [f"render * {_CALLS}"], "read": "frame", "returns": returns, "strategies": name,
    }  # fmt: skip
    workload, plan = build(keys, {})
    subject = prepare(workload, plan, None, Listener())
    subject = replace(subject, packed=pack(subject.recipe, site.travel))
    laid_out = arrange(workload, plan, connection.capacities(site.cluster))
    (built,) = build_strategies(subject, site, laid_out, Loop())
    return built


def _work_s(strategy: Strategy) -> float:
    """Return what the work of a trial takes, as the runner has it."""
    try:
        strategy.prepare(None)
        strategy.start()
        began = time.perf_counter()
        strategy.work(ours.unseen)
        return time.perf_counter() - began - strategy.facts().aside_s
    finally:
        strategy.stop()
        strategy.settle()


def _by_hand(together: int) -> float:
    """Return what a script takes for the same calls that gets so many of each actor's at once."""
    remote: Any = ray.remote(Renderer)
    actors = [remote.remote(_BYTES) for _ in range(_ACTORS)]
    ray.get([actor.__ray_ready__.remote() for actor in actors])
    began = time.perf_counter()
    for _ in range(_CALLS // together):
        ray.get([actor.render.remote() for _ in range(together) for actor in actors])
    took_s = time.perf_counter() - began
    for actor in actors:
        ray.kill(actor)
    time.sleep(1.0)
    return took_s


if __name__ == "__main__":
    main()
