"""Has the baseline, `actors` or the driver become slower? `make bench-quick`, in about a minute.

Four ratios, each paired in this one run (A B A B …), so that a busy machine hits both alike.
Every speedup that a report shows rests on them.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if not __package__:
    # As in job/main.py: Python put this folder on the import path, the package is found above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import click
import ray

from benchmarks import fleet, ours
from benchmarks.bounds import Verdict
from benchmarks.scenarios import SCENARIOS, Scenario
from job.targets.counter import Counter

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.cluster.connection import Site
    from job.running.strategy import Strategy

_SEED = SCENARIOS["seed"]
_CALLS = Scenario("calls", 4, 5_000)
_LOOP = Scenario("loop", 1_000, 1_000)
_GONE_S = 10.0
_SEED_RUNS = 2
_LOOP_PAIRS = 45  # 0.1 s each: what else a shared machine does for some seconds is not the median


@click.command()
@click.option("--pairs", default=5, show_default=True, help="How many runs of each on Ray.")
@click.option(
    "--slack",
    default=0.0,
    envvar="BENCH_SLACK",
    show_envvar=True,
    show_default=True,
    help="What the bounds are widened by; 0.1 allows a tenth more.",
)
def main(pairs: int, slack: float) -> None:
    """Check four ratios against their bounds."""
    verdicts: list[Verdict] = []
    with ours.begin() as site:
        for judge in (_actors_overlap, _actors_against_script, _serial_against_loop, _driver):
            demand, measured, at_most = judge(site, pairs)
            verdicts.append(Verdict(demand, measured, at_most * (1 + slack)))
            click.echo(verdicts[-1])
    sys.exit(0 if all(verdict.met for verdict in verdicts) else 1)


def _actors_overlap(site: Site, _pairs: int) -> tuple[str, float, float]:
    """Compare the work of the default workload with what its waiting takes at least."""
    ideal = _SEED.calls * _SEED.seconds
    works = [_timed(ours.strategy("actors", _SEED, site)).work_s for _ in range(_SEED_RUNS)]
    return "default workload: work of `actors` over 2 s", statistics.median(works) / ideal, 1.02


def _actors_against_script(site: Site, pairs: int) -> tuple[str, float, float]:
    """Compare `actors` with a script that remotes the class directly, from start to states."""
    actors = ours.strategy("actors", _CALLS, site)
    ratio = _median_ratio(lambda: _timed(actors).elapsed_s, _script, pairs)
    return "4 x 5,000 no-op calls: `actors` over a hand-written script", ratio, 1.10


def _serial_against_loop(site: Site, _pairs: int) -> tuple[str, float, float]:
    """Compare the loop of `serial` with the plain Python loop."""
    serial = ours.strategy("serial", _LOOP, site)
    ratio = _median_ratio(lambda: _timed(serial).work_s, _loop, _LOOP_PAIRS)
    return "1,000 x 1,000 no-op calls: `serial` over a plain loop", ratio, 1.05


def _driver(_site: Site, _pairs: int) -> tuple[str, float, float]:
    """Compare what the driver takes for an answer of many shards and of few; no Ray is in it."""
    ratio, told = fleet.measure()
    demand = f"driver: an answer of {fleet.MANY:,} shards over one of {fleet.FEW:,} ({told})"
    return demand, ratio, 1.2


class _Times(NamedTuple):
    """What one run of a strategy took."""

    startup_s: float
    work_s: float
    read_s: float

    @property
    def elapsed_s(self) -> float:
        """All of it."""
        return sum(self)


def _timed(strategy: Strategy) -> _Times:
    """Run a strategy as the runner does, and leave nothing of it for the next run."""
    _await_idle()
    try:
        times = [time.perf_counter()]
        strategy.start()
        times.append(time.perf_counter())
        strategy.work(ours.unseen)
        times.append(time.perf_counter())
        strategy.read()
        times.append(time.perf_counter())
    finally:
        strategy.stop()
    strategy.settle()
    return _Times(*(b - a for a, b in itertools.pairwise(times)))


def _script() -> float:
    """Do what everybody writes first."""
    _await_idle()
    started = time.perf_counter()
    remote: Any = ray.remote(Counter)
    counters = [remote.remote(delay=0) for _ in range(_CALLS.instances)]
    ray.get([counter.increment.remote() for _ in range(_CALLS.calls) for counter in counters])
    states = ray.get([counter.read.remote() for counter in counters])
    elapsed = time.perf_counter() - started
    if states != [_CALLS.calls] * _CALLS.instances:
        message = f"the script's states are wrong: {states}"
        raise click.ClickException(message)
    _end(counters)
    return elapsed


def _await_idle() -> None:
    """Wait until Ray, too, knows that what ran before is gone."""
    until = time.monotonic() + _GONE_S
    while time.monotonic() < until:
        if ray.available_resources().get("CPU") == ray.cluster_resources().get("CPU"):
            return
        time.sleep(0.02)


def _end(actors: list[Any]) -> None:
    """End actors and wait until their processes are gone."""
    import psutil  # comes with ray, from its own folder

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


def _median_ratio(first: Callable[[], float], second: Callable[[], float], pairs: int) -> float:
    return statistics.median(first() / second() for _ in range(pairs))


if __name__ == "__main__":
    main()
