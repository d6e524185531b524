"""What is computed: instances x calls x the cost of one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from benchmarks.targets import Cruncher
from job.targets.counter import Counter

Target: TypeAlias = type[Counter | Cruncher]
Arguments: TypeAlias = dict[str, Any]

LIMIT_S = 60.0
"""What takes longer is shown as such."""

SAMPLE_S = 5.0
"""So long a serial loop runs whose whole would pass the limit."""


@dataclass(frozen=True)
class Scenario:
    """A workload of the benchmarks.

    Attributes:
        name: How tables and options call it.
        instances: How many objects.
        calls: How many calls each of them gets.
        cost: What a call does: sleep, burn CPU time, or nothing but count.
        seconds: What a call costs.
        easier: The scenario whose price per call tells ahead what this one would take.
        rounds: The fixed work that makes up `seconds` of CPU here; set when a run starts.
    """

    name: str
    instances: int
    calls: int
    cost: Literal["sleep", "cpu", "none"] = "none"
    seconds: float = 0.0
    easier: str | None = None
    rounds: int = 0

    @property
    def total_calls(self) -> int:
        """Calls of all instances."""
        return self.instances * self.calls

    @property
    def nominal_s(self) -> float:
        """The cost of all calls one after the other, as far as it is known beforehand."""
        return self.total_calls * self.seconds

    @property
    def title(self) -> str:
        """Name and figures, for people."""
        kind = {"sleep": "sleeping", "cpu": "of CPU", "none": "that only count"}[self.cost]
        cost = f"{_short(self.seconds)} {kind}" if self.seconds else kind
        return f"{self.name}: {self.instances:,} instances x {self.calls:,} calls {cost}"

    def target(self) -> tuple[Target, Arguments]:
        """Return the plain class and what it is made with; both count `increment`, have `read`."""
        if self.cost == "cpu":
            return Cruncher, {"rounds": self.rounds}
        return Counter, {"delay": self.seconds}

    def sample(self) -> Scenario:
        """Return the part a serial loop runs: whole instances, and all of them if it may."""
        if self.nominal_s <= LIMIT_S:
            return self
        affordable = int(SAMPLE_S / (self.calls * self.seconds))
        return replace(self, instances=min(self.instances, max(1, affordable)))

    def ideal_s(self, serial_cpu_s: float | None, cpus: int) -> float | None:
        """Return the bound of the work phase, None where it is not known.

        Where calls wait, all instances may do so at once: the slowest instance is the bound. Else
        it is the CPU time, that of the serial loop, over the CPUs.
        """
        if self.cost == "sleep":
            return self.calls * self.seconds
        return None if serial_cpu_s is None else serial_cpu_s / min(cpus, self.instances)


def _short(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("seed", 4, 2, "sleep", 1.0),
        Scenario("wait", 64, 20, "sleep", 0.01),
        Scenario("wait1k", 1_000, 20, "sleep", 0.01, easier="wait"),
        Scenario("cpu", 8, 50, "cpu", 0.002),
        Scenario("noop", 1_000, 100),
        Scenario("noop10m", 1_000, 10_000, easier="noop"),
        Scenario("many", 100_000, 10, easier="noop"),
    )
}

LADDER = (Scenario("many1k", 1_000, 10), Scenario("many10k", 10_000, 10), SCENARIOS["many"])
"""For one contender only: how its work grows with the instances."""

ALL = SCENARIOS | {rung.name: rung for rung in LADDER}
