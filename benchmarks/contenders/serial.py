"""The plain loop: the yardstick."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Call every instance in turn, on one core."""
    target, arguments = scenario.target()
    laps.connected()
    counters = [target(**arguments) for _ in range(scenario.instances)]
    laps.started()
    for _ in range(scenario.calls):
        for counter in counters:
            counter.increment()
    laps.worked()
    states = [counter.read() for counter in counters]
    laps.finished()
    return states
