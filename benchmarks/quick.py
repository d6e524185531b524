"""Has the baseline or `actors` become slower? `make bench-quick`, in about a minute.

Three ratios, each paired in this one run (A B A B …), so that a busy machine hits both alike.
Every speedup that a report shows rests on them.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # As in job/main.py: Python put this folder on the import path, the package is found above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import click
import psutil
import ray

from benchmarks import ours
from benchmarks.bounds import Verdict
from benchmarks.scenarios import SCENARIOS, Scenario
from job.targets.counter import Counter

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.results import Cluster
    from job.strategies.base import Strategy

_SEED = SCENARIOS["seed"]
_CALLS = Scenario("calls", 4, 5_000)
_LOOP = Scenario("loop", 1_000, 1_000)
_GONE_S = 10.0
_MILLION_PAIRS = 15


@click.command()
@click.option("--pairs", default=3, show_default=True, help="How many pairs of runs with Ray.")
@click.option(
    "--slack",
    default=0.0,
    envvar="BENCH_SLACK",
    show_envvar=True,
    show_default=True,
    help="What the bounds are widened by; 0.1 allows a tenth more.",
)
def main(pairs: int, slack: float) -> None:
    """Check three ratios against their bounds."""
    verdicts: list[Verdict] = []
    with ours.connected() as cluster:
        for judge in (_actors_overlap, _actors_against_script, _serial_against_loop):
            demand, measured, at_most = judge(cluster, pairs)
            verdicts.append(Verdict(demand, measured, at_most * (1 + slack)))
            click.echo(verdicts[-1])
    sys.exit(0 if all(verdict.met for verdict in verdicts) else 1)


def _actors_overlap(cluster: Cluster, pairs: int) -> tuple[str, float, float]:
    """Compare the work of the default workload with what its waiting takes at least."""
    ideal = _SEED.calls * _SEED.seconds
    works = [_timed(ours.strategy("actors", _SEED, cluster)).work_s for _ in range(pairs)]
    return "default workload: work of `actors` over 2 s", statistics.median(works) / ideal, 1.02


def _actors_against_script(cluster: Cluster, pairs: int) -> tuple[str, float, float]:
    """Compare `actors` with a script that remotes the class directly, from start to states."""
    actors = ours.strategy("actors", _CALLS, cluster)
    ratio = _median_ratio(lambda: _timed(actors).elapsed_s, _script, pairs)
    return "4 x 5,000 no-op calls: `actors` over a hand-written script", ratio, 1.10


def _serial_against_loop(cluster: Cluster, _pairs: int) -> tuple[str, float, float]:
    """Compare the loop of `serial` with the plain Python loop."""
    serial = ours.strategy("serial", _LOOP, cluster)
    ratio = _median_ratio(lambda: _timed(serial).work_s, _loop, _MILLION_PAIRS)
    return "1,000 x 1,000 no-op calls: `serial` over a plain loop", ratio, 1.05


class _Times:
    """What one run of a strategy took."""

    def __init__(self, startup_s: float, work_s: float, read_s: float) -> None:
        self.work_s = work_s
        self.elapsed_s = startup_s + work_s + read_s


def _timed(strategy: Strategy) -> _Times:
    """Run a strategy as the runner does, and leave nothing of it for the next run."""
    strategy.prepare(None)
    try:
        times = [time.perf_counter()]
        strategy.start()
        times.append(time.perf_counter())
        strategy.work(lambda _calls: None)
        times.append(time.perf_counter())
        strategy.read()
        times.append(time.perf_counter())
    finally:
        strategy.stop()
    strategy.settle()
    startup_s, work_s, read_s = (b - a for a, b in zip(times, times[1:], strict=False))
    return _Times(startup_s, work_s, read_s)


def _script() -> float:
    """Do what everybody writes first."""
    started = time.perf_counter()
    remote = ray.remote(Counter)
    counters = [remote.remote(delay=0) for _ in range(_CALLS.instances)]
    ray.get([counter.increment.remote() for _ in range(_CALLS.calls) for counter in counters])
    states = ray.get([counter.read.remote() for counter in counters])
    elapsed = time.perf_counter() - started
    if states != [_CALLS.calls] * _CALLS.instances:
        message = f"the script's states are wrong: {states}"
        raise click.ClickException(message)
    _end(counters)
    return elapsed


def _end(actors: list[ray.actor.ActorHandle]) -> None:
    """End actors and wait until their processes are gone."""
    pids = ray.get([actor.__ray_call__.remote(_pid) for actor in actors])
    for actor in actors:
        ray.kill(actor)
    until = time.monotonic() + _GONE_S
    while time.monotonic() < until and any(psutil.pid_exists(pid) for pid in pids):
        time.sleep(0.02)


def _pid(_actor: Counter) -> int:
    return os.getpid()


def _loop() -> float:
    """Make the calls of the baseline in a plain loop."""
    counters = [Counter(delay=0) for _ in range(_LOOP.instances)]
    started = time.perf_counter()
    for _ in range(_LOOP.calls):
        for counter in counters:
            counter.increment()
    return time.perf_counter() - started


def _median_ratio(
    first: Callable[[], float], second: Callable[[], float], pairs: int
) -> float:
    return statistics.median(first() / second() for _ in range(pairs))


if __name__ == "__main__":
    main()
