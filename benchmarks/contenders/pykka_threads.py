"""pykka: an actor per instance, each a thread of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pykka

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Arguments, Scenario, Target


class CounterActor(pykka.ThreadingActor):
    """Hosts one instance."""

    use_daemon_thread = True

    def __init__(self, target: Target, arguments: Arguments) -> None:
        """Make the instance."""
        super().__init__()
        self._counter = target(**arguments)

    def increment(self) -> None:
        """Call the instance."""
        self._counter.increment()

    def read(self) -> int:
        """Read the instance."""
        return self._counter.read()


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Send everything, then wait for everything."""
    laps.connected()
    counters = [CounterActor.start(*scenario.target()).proxy() for _ in range(scenario.instances)]
    laps.started()
    pykka.get_all([counter.increment() for _ in range(scenario.calls) for counter in counters])
    laps.worked()
    states = list(pykka.get_all([counter.read() for counter in counters]))
    laps.finished()
    return states
