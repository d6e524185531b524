"""Our `processes`: a process for each core, without Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import ours

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Run it as a comparison runs it."""
    return ours.run_local("processes", scenario, laps)
