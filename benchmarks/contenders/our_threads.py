"""Our `threads`: one process with a thread for each instance that waits, without Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import ours

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Run it as a comparison runs it."""
    return ours.run_local("threads", scenario, laps)
