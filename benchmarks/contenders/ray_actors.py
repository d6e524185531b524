"""What everybody writes first: one Ray actor per instance, one remote call per method call.

There is no barrier after the start: `work` holds the startup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray

from benchmarks.contenders import ray_local

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Send everything, then wait for everything."""
    target, arguments = scenario.target()
    ray_local.start()
    laps.connected()
    remote: Any = ray.remote(target)
    counters = [remote.remote(**arguments) for _ in range(scenario.instances)]
    ray.get([counter.increment.remote() for _ in range(scenario.calls) for counter in counters])
    laps.worked()
    states: list[int] = ray.get([counter.read.remote() for counter in counters])
    laps.finished()
    return states
