"""What a comparison will take, and how to run it in that light; pure.

Everything here follows from a profile: what a few calls took, one after the other, before anything
else was run. The costs of actors are rough figures, good for an estimate and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.words import count, span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from job.planning.layout import Layout
    from job.planning.placement import Fit
    from job.results.document import Cluster

# Seen with Ray 2.60 on 2 cores: 32 actors took 11 s to start, and a driver sends 4,500 calls/s.
ACTOR_CPU_S = 0.7
SEND_S = 1 / 4_500
MOST_THREADS = 1_000
WAITS_PER_CALL = 0.01
SPARE = 2
WAITING = 1.5  # wall / CPU from which on calls wait rather than compute


@dataclass(frozen=True)
class Profile:
    """What calls took, one after the other, in seconds.

    Attributes:
        calls: Over how many calls.
        wall_s: By the clock.
        cpu_s: On a CPU.
        switches: How often a call gave up its CPU to wait for something; None where not known.
    """

    calls: int
    wall_s: float
    cpu_s: float
    switches: int | None = None

    @property
    def call_s(self) -> float:
        """What one call took by the clock."""
        return self.wall_s / self.calls if self.calls else 0.0

    @property
    def waits(self) -> float:
        """How many times as long as they computed the calls took; 1 if they never waited.

        A busy machine, too, makes calls take longer than they compute. But it takes their CPU
        away; a call that waits gives it up.
        """
        if self.switches is not None and self.switches < WAITS_PER_CALL * self.calls:
            return 1.0
        return self.wall_s / max(self.cpu_s, 1e-9)

    @property
    def computes(self) -> bool:
        """Whether they compute rather than wait."""
        return self.waits < WAITING


@dataclass(frozen=True)
class Estimate:
    """How long each strategy will take, in seconds.

    Attributes:
        serial_s: The whole serial loop.
        sample: How many instances the serial loop is to run; None for all.
        others_s: Each other strategy, startup included.
    """

    serial_s: float
    sample: int | None
    others_s: Mapping[str, float]

    def __str__(self) -> str:
        """Say it in one line."""
        said = []
        if self.serial_s:
            how = f" (estimated from {count(self.sample, 'instance')})" if self.sample else ""
            said.append(f"serial {span(self.serial_s)}{how}")
        said += [f"{name} {span(seconds)}" for name, seconds in self.others_s.items()]
        return f"Estimate of each trial: {', '.join(said)}."


@dataclass(frozen=True)
class Rehearsal:
    """What a comparison would do, had it been run.

    Attributes:
        cluster: Where.
        layouts: How each strategy that needs actors would be laid out.
        fits: Whether each would be placed at once.
        omitted: The strategies that would be left out, and why.
        estimates: How long each trial would take, by what one call may take in seconds.
        strategies: Those that would be run, in order.
    """

    cluster: Cluster
    layouts: dict[str, Layout]
    fits: dict[str, Fit]
    omitted: dict[str, str]
    estimates: dict[float, Estimate]
    strategies: tuple[str, ...]


def threads_for(profile: Profile, instances: int) -> int:
    """Return how many threads a shard of so many instances should have.

    While one call waits others can compute: wall / CPU calls keep one CPU busy. Twice as many
    threads are taken, for a thread too many costs little and one too few leaves the CPU idle: 1,000
    instances x 20 calls of 10 ms took 0.42 s with wall / CPU threads and 0.30 s with twice as many.
    Calls that only compute gain nothing from threads.
    """
    if profile.waits < WAITING:
        return 1
    return max(1, min(round(SPARE * profile.waits), instances, MOST_THREADS))


def sample_size(profile: Profile, instances: int, calls: int, budget_s: float) -> int | None:
    """Return of how many instances the serial loop is to be run so that it fits; None for all.

    Where all do not fit into the budget, half of it goes into the sample: with whole instances,
    and with what else a comparison takes, the user waits about as long as the budget says.

    Args:
        profile: What calls take.
        instances: How many instances there are.
        calls: How many calls each gets.
        budget_s: What the loop may take.
    """
    each = profile.call_s * calls
    if each * instances <= budget_s:
        return None
    return max(1, min(instances, math.floor(budget_s / 2 / each)))


def work_s(profile: Profile, calls: int, at_once: int, cpus: float) -> float:
    """Return the least that `calls` calls take when `at_once` of them run on `cpus` CPUs."""
    cpu_s = profile.cpu_s / profile.calls if profile.calls else 0.0
    return calls * max(profile.call_s / max(at_once, 1), cpu_s / max(cpus, 1))


def startup_s(actors: int, cpus: float) -> float:
    """Return what so many actors take to start on so many CPUs, each being a process."""
    return max(1.0, ACTOR_CPU_S * actors / max(cpus, 1))
