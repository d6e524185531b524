"""Results -> Figures: the trials that count, and a row of medians for each strategy; pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from job.analysis import stats
from job.analysis.sampling import as_estimated, estimate_loop, estimated_ratio
from job.planning.costs import Cost, Shape
from job.planning.estimate import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.sampling import Estimated
    from job.analysis.stats import Interval
    from job.results.document import Cluster, Results, Trial

SAME = 1.05  # a factor up to which, either way, nobody should change a program
SLACK = 0.05  # of a CPU: a call that computes on 1.02 at once needs no second one
BUSY, ALONE = 0.7, 1.2  # CPUs a process computes on: from where on it had no time left, and one CPU
# Threads that wait for the interpreter give up their CPU, 400 times a second of computing or after
# each call (measured); those that a busy machine keeps waiting do not, and native ones hardly.
TURNS_PER_S, TURNS_PER_CALL = 50, 0.5


@dataclass(frozen=True)
class Row:
    """One strategy's figures: medians of its trials, times in seconds.

    Attributes:
        last: For what all of them share: actors, CPUs, knobs.
        cpus: On how many CPUs its calls can compute; see `_cpus`.
        ideal_s: The bound of the work phase, by the resource `bound_by`; see `Shape.bounds`.
        speedup: Of elapsed, against the serial loop; None where that did not run.
        interval: Of the speedup; None with few trials, or where a sample is too small for one.
        spread: Of elapsed, as `stats.Summary` has it.
        estimated: Whether the times are extrapolated from some of the instances.
        speedup_estimated: Whether the serial loop's are, on which the speedup rests.
        losses: How many actors died, in trials that are not among these too.
        replayed_calls: How many answered calls had to be made again, likewise.
    """

    strategy: str
    last: Trial
    trials: int
    startup_s: float
    work_s: float
    read_s: float
    elapsed_s: float
    cpu_s: float
    cpus: float
    ideal_s: float
    bound_by: str
    speedup: float | None
    speedup_of_work: float | None
    interval: Interval | None
    efficiency: float | None
    calls_per_s: float | None
    spread: float | None
    estimated: bool
    speedup_estimated: bool
    losses: int
    replayed_calls: int

    @property
    def fixed_s(self) -> float:
        """What it takes whatever the calls are."""
        return self.startup_s + self.read_s

    @property
    def lost_s(self) -> float:
        """How far the work is from its ideal."""
        return self.work_s - self.ideal_s

    @property
    def cpus_each(self) -> float:
        """On how many CPUs each of its processes computed, on average."""
        return self.cpu_s / self.work_s / self.last.shards if self.work_s else 0.0

    @property
    def takes_turns(self) -> bool:
        """Whether the threads of a process kept one CPU busy and no more, as the GIL has them."""
        trial = self.last
        least = min(TURNS_PER_S * trial.cpu_s, TURNS_PER_CALL * trial.calls)
        gave_up = trial.switches is None or trial.switches >= least
        return trial.threads > 1 and BUSY <= self.cpus_each <= ALONE and gave_up

    @property
    def cpus_computed_on(self) -> float:
        """On how many CPUs they can compute, now that it is known what their threads come to."""
        return min(self.cpus, self.last.shards) if self.takes_turns else self.cpus

    @property
    def gains_nothing(self) -> bool:
        """Whether neither the whole nor the work alone is any faster than the serial loop."""
        return self.speedup is not None and max(self.speedup, self.speedup_of_work or 0.0) <= SAME


@dataclass(frozen=True)
class Figures:
    """What every judgement of a comparison rests on, computed once.

    Attributes:
        counted: The trials that are no warm-ups, by strategy.
        trials: Those of them that figures rest on.
        rows: A row for each strategy of which a trial has ended, in the order they were run.
        profile: What the calls took, from the serial loop or else from actors; None where no
            call is known.
        loop: What the serial loop is estimated to take, where it ran a sample.
    """

    results: Results
    counted: dict[str, list[Trial]]
    trials: dict[str, list[Trial]]
    rows: tuple[Row, ...]
    profile: Profile | None
    loop: Estimated | None

    def row(self, strategy: str) -> Row | None:
        """Return a strategy's row, if it was run."""
        return next((row for row in self.rows if row.strategy == strategy), None)


def figures_of(results: Results) -> Figures:
    """Return the figures of a results document, complete or not."""
    counted, trials = results.counted(), results.analysed()
    instances = results.workload.instances
    if whole := [trial for trial in trials.get("serial", ()) if not trial.estimated]:
        trials["serial"] = whole  # a loop near its budget may have become a sample now and then
    loop = estimate_loop(trials, instances)
    if loop and loop.numbers:
        trials["serial"] = [as_estimated(each, loop) for each in trials["serial"]]
    serial = trials.get("serial", [])
    rows = tuple(_row(of, counted[name], serial, loop, results) for name, of in trials.items())
    known = [serial] if serial else [of for of in trials.values() if of[-1].calls]
    profile = Profile.of(known[0], instances) if known else None
    return Figures(results, counted, trials, rows, profile, loop)


def _cpus(trial: Trial, profile: Profile, cluster: Cluster) -> float:
    """Return on how many CPUs a trial's calls can compute: of each node on as many as it has.

    Each actor makes some calls at once, and each of those computes on some CPUs. Whether threads
    let each other, as Python's do not and native ones do, is no matter of the layout.
    """
    if not trial.actors:
        at_once = trial.at_once * profile.width
        return max(1.0, min(trial.cpus, at_once)) if trial.processes else max(trial.cpus, at_once)
    each = trial.at_once / trial.actors * profile.width
    nodes = {node.node_id: node.real_cpus for node in cluster.nodes}
    reached = (min(nodes.get(s.node_id, s.actors), s.actors * each) for s in trial.placement)
    return max(1.0, min(trial.cpus, cluster.cores), sum(reached))


def _row(
    trials: Sequence[Trial], counted: Sequence[Trial], serial: Sequence[Trial],
    loop: Estimated | None, results: Results,
) -> Row:  # fmt: skip
    last, work_s, instances = trials[-1], _median(trials, "work_s"), results.workload.instances
    elapsed = stats.summarise([trial.elapsed_s for trial in trials])
    # The ideal is the bound of the work if all calls were one and nothing else cost, with the
    # calls' times as the serial loop had them, which alone runs them undisturbed; else their own.
    profile = Profile.of(serial or [last], instances)
    cpus = _cpus(last, profile, results.cluster)
    shape = Shape(instances, cpus, slot=1 / last.at_once)
    computing = profile.cpu_s / profile.wall_s if profile.wall_s else 0.0
    bound = Cost(0.0, shape.bounds(computing)).limit(profile.wall_s)
    ideal_s = bound.per_call_s(profile.wall_s)
    speedup = stats.Ratio(None, None)
    if serial:
        took = [t.elapsed_s for t in serial], [t.elapsed_s for t in trials]
        speedup = estimated_ratio(loop, *took) if loop else stats.ratio(*took)
    return Row(
        strategy=last.strategy,
        last=last,
        trials=len(trials),
        startup_s=_median(trials, "startup_s"),
        work_s=work_s,
        read_s=_median(trials, "read_s"),
        elapsed_s=elapsed.median,
        cpu_s=_median(trials, "cpu_s"),
        cpus=cpus,
        ideal_s=ideal_s,
        bound_by=bound.name,
        speedup=speedup.value,
        speedup_of_work=_median(serial, "work_s") / work_s if serial and work_s else None,
        interval=speedup.interval if last.strategy != "serial" else None,
        efficiency=ideal_s / work_s if work_s else None,
        calls_per_s=last.calls * instances / last.instances / work_s if work_s else None,
        spread=elapsed.spread,
        estimated=any(trial.estimated for trial in trials),
        speedup_estimated=any(trial.estimated for trial in serial),
        losses=sum(trial.losses for trial in counted),
        replayed_calls=sum(trial.replayed_calls for trial in counted),
    )


def _median(trials: Sequence[Trial], phase: str) -> float:
    return float(median(getattr(trial, phase) for trial in trials))
