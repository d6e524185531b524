"""Results -> Report: speedups, efficiency and the verdict; pure, and the same for a saved file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job import stats
from job.states import excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.results import Cluster, Results, Trial
    from job.stats import Interval

SAME = 1.05  # up to this factor, either way, nobody should change a program
STATES_WIDTH = 76


@dataclass(frozen=True)
class Row:
    """One strategy's figures: medians of its trials, times in seconds.

    Attributes:
        actors: How many there were; None for the serial loop.
        ideal_s: The bound of the work phase.
        speedup: Of elapsed, against the serial loop; None where that did not run.
        speedup_of_work: Likewise, of the work phase alone.
        interval: Of the speedup; None with few trials.
        efficiency: ideal / work.
        spread: Of elapsed, as `stats.Summary` has it.
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
    speedup: float | None
    speedup_of_work: float | None
    interval: Interval | None
    efficiency: float | None
    calls_per_s: float | None
    spread: float | None
    settings: dict[str, int | float | str]
    losses: int
    replayed_calls: int
    estimated: bool
    speedup_estimated: bool


@dataclass(frozen=True)
class Spot:
    """What of one strategy ran on one node, in its last trial."""

    strategy: str
    host: str
    address: str
    actors: int
    calls: int
    busy_s: float


@dataclass(frozen=True)
class Report:
    """What a person wants to know of a comparison."""

    cluster: str
    workload: str
    states: tuple[tuple[str, str], ...]
    agreement: str
    rows: tuple[Row, ...]
    spots: tuple[Spot, ...]
    advisories: tuple[str, ...]
    verdict: str


def analyse(results: Results) -> Report:
    """Return the report of a results document, complete or not."""
    trials = results.analysed()
    serial = trials.get("serial", [])
    count = results.workload.instances
    rows = tuple(_row(of_one, serial, count) for of_one in trials.values())
    last = {name: of_one[-1] for name, of_one in trials.items()}
    return Report(
        cluster=f"{describe(results.cluster)}, Python {results.environment.python_version}",
        workload=_workload(results),
        states=tuple(
            (name, excerpt(t.states, STATES_WIDTH, t.instances)) for name, t in last.items()
        ),
        agreement=_agreement(results, last),
        rows=rows,
        spots=tuple(spot for trial in last.values() for spot in _spots(trial)),
        advisories=results.advisories,
        verdict=_verdict(results, rows),
    )


def ideal(trial: Trial, serial: Sequence[Trial], instances: int) -> float:
    """Return the bound of a trial's work phase, in seconds.

    max(slowest instance's wall time, total CPU / CPUs used, total wall / calls at once), with the
    calls' times as the serial loop had them: it alone runs them undisturbed. Where it did not run
    they are the trial's own. The loop is not slowed by timing each instance, so the slowest one's
    time is at least the mean.
    """
    if serial:
        wall, cpu = _median(serial, "work_s"), _median(serial, "cpu_s")
    else:
        wall, cpu = sum(share.busy_s for share in trial.placement), trial.cpu_s
    return max(wall / instances, cpu / (trial.cpus or 1), wall / trial.at_once)


def _row(trials: Sequence[Trial], serial: Sequence[Trial], instances: int) -> Row:
    last = trials[-1]
    work, elapsed = _median(trials, "work_s"), stats.summarise([t.elapsed_s for t in trials])
    bound = ideal(last, serial, instances)
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
        ideal_s=bound,
        speedup=speedup.value,
        speedup_of_work=_quotient(_median(serial, "work_s"), work) if serial else None,
        interval=speedup.interval if last.strategy != "serial" else None,
        efficiency=_quotient(bound, work),
        calls_per_s=_quotient(last.calls * instances / last.instances, work),
        spread=elapsed.spread,
        settings=last.settings,
        losses=sum(t.losses for t in trials),
        replayed_calls=sum(t.replayed_calls for t in trials),
        estimated=any(t.estimated for t in trials),
        speedup_estimated=any(t.estimated for t in serial),
    )


def _median(trials: Sequence[Trial], phase: str) -> float:
    return stats.summarise([getattr(trial, phase) for trial in trials]).median


def _quotient(over: float, under: float) -> float | None:
    return over / under if under else None


def _spots(trial: Trial) -> list[Spot]:
    return [
        Spot(trial.strategy, share.host, share.address, share.actors, share.calls, share.busy_s)
        for share in trial.placement
    ]


def describe(cluster: Cluster) -> str:
    """Return what a cluster consists of, in one line."""
    kind = {"embedded": "embedded Ray", "connected": cluster.address, "job": "Ray job"}
    nodes = _count(len(cluster.nodes), "node")
    return f"{kind[cluster.kind]}: {nodes}, {cluster.cpus:g} CPUs; Ray {cluster.ray_version}"


def _workload(results: Results) -> str:
    workload = results.workload
    calls = ", ".join(workload.calls) or "no calls"
    read = f", then {workload.read}" if workload.read else ""
    return f"{workload.instances:,} x {workload.target}: {calls}{read}"


def _agreement(results: Results, last: dict[str, Trial]) -> str:
    if results.status == "disagree":
        return results.problem
    if len(last) < 2:  # noqa: PLR2004 - two make a comparison
        return "nothing to compare them with"
    agree = results.workload.agree
    if isinstance(agree, dict) and "none" in agree:
        return f"not compared: {agree['none']}"
    sampled = [trial.instances for trial in last.values() if trial.estimated]
    within = "" if agree == "exact" else " within the tolerance"
    if sampled:
        return f"they agree{within} (serial: of the {_count(sampled[0], 'instance')} it ran)"
    return f"they agree{within}"


def _verdict(results: Results, rows: Sequence[Row]) -> str:
    """Say in one sentence what the figures mean."""
    others = [row for row in rows if row.strategy != "serial" and row.speedup]
    if results.status != "complete" or not others:
        ended = {
            "complete": "No verdict: only `serial` and another strategy give a speedup",
            "interrupted": "No verdict, it was interrupted",
            "disagree": "No verdict, the states disagree",
            "failed": f"No verdict, it failed: {results.problem}",
        }
        said = ended.get(results.status, "No verdict yet")
        return f"{said.rstrip('.')}. {_count(len(results.trials), 'trial')} had ended."
    serial = next(row for row in rows if row.strategy == "serial")
    best = max(others, key=lambda row: row.speedup or 0.0)
    about = "about " if serial.estimated else ""
    times = f"{_time(best.elapsed_s)} against {about}{_time(serial.elapsed_s)}"
    factor = best.speedup or 0.0
    if factor > SAME:
        whole = f"Use {best.strategy}: {about}{factor:.3g} times as fast as the serial loop"
        if best.efficiency is not None:
            return f"{whole} ({times}); its work reached {best.efficiency:.0%} of the ideal."
        return f"{whole} ({times})."
    if factor > 1 / SAME:
        return f"No difference worth a change: {best.strategy} took {times} for the serial loop."
    gain = best.speedup_of_work or 0.0
    reason = (
        f"its work alone is {gain:.3g} times as fast, but {_time(best.startup_s)} of startup eat it"
        if gain > SAME
        else "a call costs less than sending it to an actor"
        if best.strategy == "actors"
        else "its work alone is no faster either"
    )
    return f"Stay with the serial loop: {best.strategy} took {times}; {reason}."


def _time(seconds: float) -> str:
    return f"{seconds:,.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.3g} ms"  # noqa: PLR2004


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
