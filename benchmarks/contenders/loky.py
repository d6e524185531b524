"""joblib: stateful work as a task makes the instance, calls it to the end and returns its state.

The pool is made by a round of empty tasks, so that the work can be told from the startup.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from joblib import Parallel, cpu_count, delayed

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Arguments, Scenario, Target


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Let a process per core take the instances one after the other."""
    target, arguments = scenario.target()
    laps.connected()
    with Parallel(n_jobs=-1) as parallel:
        parallel(delayed(os.getpid)() for _ in range(cpu_count()))
        laps.started()
        states: list[int] = parallel(
            delayed(count)(target, arguments, scenario.calls) for _ in range(scenario.instances)
        )
        laps.worked()
        laps.finished()
    return states


def count(target: Target, arguments: Arguments, calls: int) -> int:
    """Take one instance from its first call to its state."""
    counter = target(**arguments)
    for _ in range(calls):
        counter.increment()
    return counter.read()
