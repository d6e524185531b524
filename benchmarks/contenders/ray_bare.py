"""A bare Ray actor per CPU, started and heard of: a yardstick for startups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray

from benchmarks import machine
from benchmarks.contenders import ray_local

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


class Bare:
    """Does nothing."""

    def ready(self) -> None:
        """Answer."""


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Start the actors and wait until each has answered; the work is not theirs."""
    ray_local.start()
    laps.connected()
    remote: Any = ray.remote(Bare)
    actors = [remote.remote() for _ in range(machine.cpus())]
    ray.get([actor.ready.remote() for actor in actors])
    laps.started()
    laps.worked()
    laps.finished()
    return [scenario.calls] * scenario.instances
