"""Results -> Figures: the trials that count, and a row of medians for each strategy; pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from job.analysis import stats
from job.planning.costs import Cost, Shape
from job.planning.estimate import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.stats import Interval
    from job.planning.costs import Bound
    from job.results.document import Results, Trial


@dataclass(frozen=True)
class Row:
    """One strategy's figures: medians of its trials, times in seconds.

    Attributes:
        actors: How many there were; None for the serial loop.
        ideal_s: The bound of the work phase.
        bound_by: Which resource that is; see `Shape.bounds`.
        speedup: Of elapsed, against the serial loop; None where that did not run.
        speedup_of_work: Likewise, of the work phase alone.
        interval: Of the speedup; None with few trials.
        efficiency: ideal / work.
        spread: Of elapsed, as `stats.Summary` has it.
        losses: How many actors died, in trials that are not among these too.
        replayed_calls: How many answered calls had to be made again, likewise.
        estimated: Whether the times are extrapolated from some of the instances.
        speedup_estimated: Whether the serial loop's are, on which the speedup rests.
    """

    strategy: str
    trials: int
    actors: int | None
    startup_s: float
    work_s: float
    read_s: float
    elapsed_s: float
    cpu_s: float
    ideal_s: float
    bound_by: str
    speedup: float | None
    speedup_of_work: float | None
    interval: Interval | None
    efficiency: float | None
    calls_per_s: float | None
    spread: float | None
    settings: dict[str, int | float | str]
    estimated: bool
    speedup_estimated: bool
    losses: int
    replayed_calls: int

    @property
    def fixed_s(self) -> float:
        """What it takes whatever the calls are."""
        return self.startup_s + self.read_s


@dataclass(frozen=True)
class Figures:
    """What every judgement of a comparison rests on, computed once.

    Attributes:
        results: The document.
        counted: The trials that are no warm-ups, by strategy.
        trials: Those of them that figures rest on.
        rows: A row for each strategy of which a trial has ended, in the order they were run.
        profile: What the calls took, from the serial loop or else from actors; None where no
            call is known.
    """

    results: Results
    counted: dict[str, list[Trial]]
    trials: dict[str, list[Trial]]
    rows: tuple[Row, ...]
    profile: Profile | None

    def row(self, strategy: str) -> Row | None:
        """Return a strategy's row, if it was run."""
        return next((row for row in self.rows if row.strategy == strategy), None)

    @property
    def computes(self) -> bool:
        """Whether the calls compute rather than wait, as far as is known."""
        return self.profile is not None and self.profile.computes


def figures_of(results: Results) -> Figures:
    """Return the figures of a results document, complete or not."""
    counted, trials = results.counted(), results.analysed()
    serial, instances = trials.get("serial", []), results.workload.instances
    rows = tuple(_row(of, counted[name], serial, instances) for name, of in trials.items())
    known = [serial] if serial else [of for of in trials.values() if of[-1].calls]
    profile = Profile.of(known[0], instances) if known else None
    return Figures(results, counted, trials, rows, profile)


def ideal(trial: Trial, profile: Profile, instances: int) -> Bound:
    """Return the bound of a trial's work phase, if all its calls were one and nothing else cost.

    That is max(slowest instance's wall time, total CPU time / CPUs used, total wall time / calls at
    once), with the calls' times as the serial loop had them: it alone runs them undisturbed. The
    loop is not slowed by timing each instance, so the slowest one's time is at least the mean.
    """
    cpu_share = profile.cpu_s / profile.wall_s if profile.wall_s else 0.0
    shape = Shape(instances, cpus=trial.cpus or 1, slot=1 / trial.at_once)
    return Cost(0.0, shape.bounds(cpu_share)).limit(profile.wall_s)


def _row(
    trials: Sequence[Trial], counted: Sequence[Trial], serial: Sequence[Trial], instances: int
) -> Row:
    last = trials[-1]
    work, elapsed = _median(trials, "work_s"), stats.summarise([t.elapsed_s for t in trials])
    # Where the serial loop did not run, the calls' times are the trial's own.
    profile = Profile.of(serial or [last], instances)
    bound = ideal(last, profile, instances)
    ideal_s = bound.per_call_s(profile.wall_s)
    speedup = (
        stats.ratio([t.elapsed_s for t in serial], [t.elapsed_s for t in trials])
        if serial
        else stats.Ratio(None, None)
    )
    return Row(
        strategy=last.strategy,
        trials=len(trials),
        actors=last.actors or None,
        startup_s=_median(trials, "startup_s"),
        work_s=work,
        read_s=_median(trials, "read_s"),
        elapsed_s=elapsed.median,
        cpu_s=_median(trials, "cpu_s"),
        ideal_s=ideal_s,
        bound_by=bound.name,
        speedup=speedup.value,
        speedup_of_work=_quotient(_median(serial, "work_s"), work) if serial else None,
        interval=speedup.interval if last.strategy != "serial" else None,
        efficiency=_quotient(ideal_s, work),
        calls_per_s=_quotient(last.calls * instances / last.instances, work),
        spread=elapsed.spread,
        settings=last.settings,
        estimated=any(t.estimated for t in trials),
        speedup_estimated=any(t.estimated for t in serial),
        losses=sum(trial.losses for trial in counted),
        replayed_calls=sum(trial.replayed_calls for trial in counted),
    )


def _median(trials: Sequence[Trial], phase: str) -> float:
    return float(median(getattr(trial, phase) for trial in trials))


def _quotient(over: float, under: float) -> float | None:
    return over / under if under else None
