"""What the benchmarks demand of our strategies, and whether it was met."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from statistics import linear_regression
from typing import TYPE_CHECKING

from benchmarks.contenders import (
    BARE,
    CONTENDERS,
    HAND,
    POOL,
    PROCESSES,
    PYKKA,
    SERIAL,
    SHARDED,
    SPAWNED,
    THREADS,
)  # fmt: skip
from benchmarks.scenarios import LADDER, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.contenders import Contender
    from benchmarks.outcomes import Outcomes

_EXPONENT = 1.1
LOCAL = ("seed", "wait", "wait1k", "cpu")  # where our threads and processes are held to others'
# What `sharded` is held against: frameworks, and what does as they do. A pool on one machine is
# what our own threads and processes are held against.
_PEERS = [c for c in CONTENDERS.values() if not c.ours and c not in {SERIAL, POOL, SPAWNED}]


@dataclass(frozen=True)
class Verdict:
    """One demand.

    Attributes:
        demand: What is demanded, in words.
        measured: The ratio or exponent, None where a run that it needs has none.
        at_most: What it may be.
    """

    demand: str
    measured: float | None
    at_most: float

    @property
    def met(self) -> bool:
        """Whether the demand was met."""
        return self.measured is not None and self.measured <= self.at_most

    def __str__(self) -> str:
        """Return the verdict as a line."""
        measured = "not measured" if self.measured is None else f"{self.measured:.3f}"
        tick = "\N{CHECK MARK}" if self.met else "\N{BALLOT X}"
        return f"{tick} {self.demand}: {measured}, demanded <= {self.at_most:.2f}"


def verdicts(outcomes: Outcomes, cpus: int) -> list[Verdict]:
    """Judge what was measured; what was not asked for is left out."""
    judges: list[tuple[Callable[[Outcomes, int], Verdict], str]] = [
        (_seed_work, "seed"),
        (_seed_elapsed, "seed"),
        (_wait1k_work, "wait1k"),
        (_wait1k_elapsed, "wait1k"),
        (_cpu_work, "cpu"),
        (_noop10m_work, "noop10m"),
        (_noop_work, "noop"),
        (_startup, "noop"),
        (_many_memory, "many"),
        (_many_growth, "many"),
    ]
    asked = [name for name in SCENARIOS if outcomes.runs(name, SHARDED.name)]
    local = [name for name in LOCAL if outcomes.runs(name, THREADS.name)]
    return [judge(outcomes, cpus) for judge, scenario in judges if scenario in asked] + [
        verdict for name in local for verdict in _local(outcomes, name)
    ]


def _local(outcomes: Outcomes, scenario: str) -> list[Verdict]:
    """Hold our threads and processes against what one would write by hand in their place."""
    demands = [
        (THREADS, POOL, 1.05), (THREADS, PYKKA, 1.05), (PROCESSES, SPAWNED, 1.10),
    ]  # fmt: skip
    return [
        Verdict(
            f"{scenario}: elapsed of `{ours.name}` over {theirs.title}",
            outcomes.middle_ratio(
                (scenario, ours.name, "elapsed_s"), (scenario, theirs.name, "elapsed_s")
            ),
            at_most,
        )
        for ours, theirs, at_most in demands
    ]


def _seed_work(outcomes: Outcomes, cpus: int) -> Verdict:
    return Verdict(
        "seed: work of `sharded` over the ideal", _over_ideal(outcomes, "seed", cpus), 1.01
    )


def _seed_elapsed(outcomes: Outcomes, _cpus: int) -> Verdict:
    ratio = outcomes.middle_ratio(
        ("seed", SHARDED.name, "elapsed_s"), ("seed", HAND.name, "elapsed_s")
    )
    return Verdict("seed: elapsed of `sharded` over hand-written Ray actors", ratio, 1.0)


def _wait1k_work(outcomes: Outcomes, cpus: int) -> Verdict:
    ratio = _over_ideal(outcomes, "wait1k", cpus)
    return Verdict("wait1k: work of `sharded` over the ideal", ratio, 3.0)


def _wait1k_elapsed(outcomes: Outcomes, _cpus: int) -> Verdict:
    return _against_peers(outcomes, "wait1k", "elapsed_s", _PEERS)


def _cpu_work(outcomes: Outcomes, cpus: int) -> Verdict:
    return Verdict(
        "cpu: work of `sharded` over the ideal", _over_ideal(outcomes, "cpu", cpus), 1.10
    )


def _noop10m_work(outcomes: Outcomes, _cpus: int) -> Verdict:
    ratio = outcomes.middle_ratio(
        ("noop10m", SHARDED.name, "work_s"), ("noop10m", SERIAL.name, "work_s")
    )
    return Verdict("noop10m: work of `sharded` over the serial loop", ratio, 0.70)


def _noop_work(outcomes: Outcomes, _cpus: int) -> Verdict:
    rivals = [peer for peer in _PEERS if peer.processes]
    return _against_peers(outcomes, "noop", "work_s", rivals)


def _startup(outcomes: Outcomes, _cpus: int) -> Verdict:
    ratio = outcomes.middle_ratio(
        ("noop", SHARDED.name, "startup_s"), ("noop", BARE.name, "startup_s")
    )
    return Verdict("noop: startup of `sharded` over a bare Ray actor per CPU", ratio, 1.2)


def _many_memory(outcomes: Outcomes, _cpus: int) -> Verdict:
    ratio = outcomes.middle_ratio(
        ("many", SHARDED.name, "driver_mb"), ("many", SERIAL.name, "driver_mb")
    )
    return Verdict("many: growth of the driver's memory over the serial loop's", ratio, 3.0)


def _many_growth(outcomes: Outcomes, _cpus: int) -> Verdict:
    works = [outcomes.middle(rung.name, SHARDED.name, "work_s") for rung in LADDER]
    known = [work for work in works if work]
    exponent = (
        linear_regression(
            [log(rung.instances) for rung in LADDER], [log(work) for work in known]
        ).slope
        if len(known) == len(LADDER)
        else None
    )
    return Verdict("many: exponent of work over instances, 1,000 to 100,000", exponent, _EXPONENT)


def _over_ideal(outcomes: Outcomes, scenario: str, cpus: int) -> float | None:
    ideal = SCENARIOS[scenario].ideal_s(1.0, cpus)  # for each second that the serial loop computes
    if SCENARIOS[scenario].cost == "sleep":
        work = outcomes.middle(scenario, SHARDED.name, "work_s")
    else:
        work = outcomes.middle_ratio(
            (scenario, SHARDED.name, "work_s"), (scenario, SERIAL.name, "driver_cpu_s")
        )
    return work / ideal if work is not None and ideal else None


def _against_peers(
    outcomes: Outcomes, scenario: str, figure: str, peers: Iterable[Contender]
) -> Verdict:
    """Compare with the quickest peer; one that did not end in time is behind."""
    ours = outcomes.middle(scenario, SHARDED.name, figure)
    theirs = {peer.title: outcomes.middle(scenario, peer.name, figure) for peer in peers}
    ended = {title: seconds for title, seconds in theirs.items() if seconds is not None}
    quickest = min(ended, key=ended.__getitem__, default=None)
    what = f"{scenario}: {figure.removesuffix('_s')} of `sharded` over the quickest peer's"
    if quickest is None:
        return Verdict(f"{what} (none ended)", None if ours is None else 0.0, 1.0)
    ratio = None if ours is None else ours / ended[quickest]
    return Verdict(f"{what} ({quickest})", ratio, 1.0)
