"""ThreadPoolExecutor: a thread for each instance makes its calls, as one would write it by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario
    from benchmarks.targets import Cruncher
    from job.targets.counter import Counter


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Make all instances, let each thread take one from its first call to its last, then read."""
    target, arguments = scenario.target()
    laps.connected()
    counters = [target(**arguments) for _ in range(scenario.instances)]
    laps.started()
    work_all(counters, scenario.calls)
    laps.worked()
    states = [counter.read() for counter in counters]
    laps.finished()
    return states


def work_all(counters: Sequence[Counter | Cruncher], calls: int) -> None:
    """Have all calls made, by a thread for each instance."""

    def work(counter: Counter | Cruncher) -> None:
        for _ in range(calls):
            counter.increment()

    with ThreadPoolExecutor(len(counters)) as pool:
        list(pool.map(work, counters))
