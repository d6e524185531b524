"""The verdict: a sentence that a manager understands, and one that an engineer can act on; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.analysis.advisories import fewer_calls
from job.analysis.breakeven import BreakEven
from job.analysis.symptoms import driver_share, slow_instance, threads_in_turns
from job.words import count, spelled

if TYPE_CHECKING:
    from job.analysis.breakeven import NoBreakEven
    from job.analysis.figures import Figures, Row
    from job.results.document import Results, Trial

SAME = 1.05  # up to this factor, either way, nobody should change a program
WORTH = 0.2  # of elapsed, from which on a part is worth a word


@dataclass(frozen=True)
class _Case:
    """The best strategy against the serial loop, and what is known of its last trial."""

    figures: Figures
    model: BreakEven | NoBreakEven
    serial: Row
    best: Row
    trial: Trial


def verdict(figures: Figures, model: BreakEven | NoBreakEven) -> tuple[str, str]:
    """Say what the figures mean: what to do, then what limits it.

    Only a complete comparison has a verdict; of any other it is said why there is none.
    """
    others = [row for row in figures.rows if row.strategy != "serial" and row.speedup]
    serial = figures.row("serial")
    if figures.results.status != "complete" or not others or not serial:
        return _none(figures.results)
    best = max(others, key=lambda row: row.speedup or 0.0)
    case = _Case(figures, model, serial, best, figures.trials[best.strategy][-1])
    return _answer(case), _limit(case)


def _none(results: Results) -> tuple[str, str]:
    ended = {
        "complete": "No verdict: only `serial` and another strategy give a speedup",
        "interrupted": "No verdict, it was interrupted",
        "disagree": "No verdict, the states disagree",
        "failed": f"No verdict, it failed: {results.problem}",
    }
    said = ended.get(results.status, "No verdict yet")
    return f"{said.rstrip('.')}.", f"{count(len(results.trials), 'trial')} had ended."


def _answer(case: _Case) -> str:
    """What to do, in words that need no explanation."""
    best, factor = case.best, case.best.speedup or 0.0
    about = "about " if case.serial.estimated else ""
    times = f"{spelled(best.elapsed_s)} against {about}{spelled(case.serial.elapsed_s)}"
    if 1 / SAME < factor <= SAME:
        return f"No difference worth a change: {best.strategy} took {times} for the serial loop."
    if best.interval and best.interval[0] <= 1 <= best.interval[1]:
        low, high = best.interval
        return (
            f"No difference beyond the noise: {best.strategy} took {times} for the serial loop, "
            f"and the trials allow anything from {low:.3g} to {high:.3g} times as fast."
        )
    if factor > 1:
        return (
            f"Use {best.strategy}: {about}{factor:.3g} times as fast as the serial loop ({times})."
        )
    return f"Stay with the serial loop: {best.strategy} took {times}."


def _limit(case: _Case) -> str:
    """What keeps the best strategy from being faster, and what can be done about it."""
    best = case.best
    if not case.trial.calls:
        return "Nothing was called: --call names what the instances are to do."
    if case.trial.losses:  # then no trial was without any
        return (
            "Its times hold the price of actors that died: a trial without deaths tells what "
            "limits it."
        )
    ideal, lost = min(best.ideal_s, best.work_s), best.work_s - best.ideal_s
    slow = (best.speedup or 0.0) <= SAME and (best.speedup_of_work or 0.0) <= SAME
    if slow:  # startup is not what it fails by
        return _no_gain(case) if lost > ideal else _bound(case)
    avoidable = {_startup: best.startup_s, _lost: lost, _read: best.read_s}
    largest = max(avoidable, key=lambda part: avoidable[part])
    return largest(case) if avoidable[largest] > WORTH * best.elapsed_s else _bound(case)


def _bound(case: _Case) -> str:
    """Of a work phase that is near its ideal: what the ideal itself is bound by."""
    best, trial = case.best, case.trial
    reached = (
        "" if best.efficiency is None else f"Its work reached {best.efficiency:.0%} of the ideal; "
    )
    if best.bound_by == "cpus":
        return f"{reached}more CPUs than {trial.cpus:g} would shorten it, as the calls compute."
    if best.bound_by == "slots":
        return (
            f"{reached}more than {trial.at_once:,} calls at once would shorten it: more --shards, "
            "--threads-per-shard or CPUs."
        )
    return (
        f"{reached}more CPUs would not shorten it, as an instance's calls come one after the other."
    )


def _startup(case: _Case) -> str:
    best, trial = case.best, case.trial
    takes = f"startup is {best.startup_s / best.elapsed_s:.0%} of the time"
    if (best.speedup_of_work or 0.0) <= SAME:  # what it gains, it gains by making instances
        return (
            f"Its work is no faster than the loop's, and {takes} ({spelled(best.startup_s)}): "
            "where making the instances takes it, more CPUs would shorten it."
        )
    said = (
        f"Its work is {best.speedup_of_work:.3g} times as fast, but {takes} "
        f"({spelled(best.startup_s)}):"
    )
    if trial.actors > trial.cpus and _may_shard(case):
        return f"{said} `sharded` starts one process a CPU rather than {trial.actors:,}."
    return f"{said} make more calls per run, or keep the actors for several runs."


def _no_gain(case: _Case) -> str:
    """Without startup it would be no faster either."""
    if said := _cause(case):
        return said
    calls = case.trial.calls * case.figures.results.workload.instances / case.trial.instances
    here, there = (spelled(row.work_s / max(calls, 1)) for row in (case.serial, case.best))
    pays = "only calls that do more would pay"
    more = _pays_after(case)
    if more and more > calls:  # else what was measured contradicts it
        pays = f"calls that do more would pay, or more than {more:,} of this cost"
    return (
        f"Without startup it is no faster either: a call takes {here} in the loop and {there} by "
        f"way of actors; {pays}."
    )


def _pays_after(case: _Case) -> int | None:
    """Return after how many calls the break-even sees startup paid back; None if never."""
    answers = case.model.telling if isinstance(case.model, BreakEven) else ()
    return next((e.whole_calls for e in answers if e.strategy == case.best.strategy), None)


def _lost(case: _Case) -> str:
    """The work phase is far from its ideal."""
    if said := _cause(case):
        return said
    best = case.best
    said = f"Its work reached {best.efficiency:.0%} of the ideal:"
    if _may_shard(case):
        return f"{said} `sharded` carries many calls in one, and may come nearer."
    return f"{said} let a call do more, or raise --calls-per-batch."


def _read(case: _Case) -> str:
    best = case.best
    return (
        f"Collecting the states is {best.read_s / best.elapsed_s:.0%} of the time "
        f"({spelled(best.read_s)}): --read NAME may name less that tells as much."
    )


def _cause(case: _Case) -> str:
    """Name what is known to keep the work phase from its ideal; empty if nothing is."""
    trial, name = case.trial, case.best.strategy
    if share := driver_share(trial):
        advice = fewer_calls(name, case.figures.results)
        return f"The driver limits it, busy with sending for {share:.0%} of the work. {advice}"
    if threads := threads_in_turns(trial, case.figures.trials):
        return (
            f"Threads limit it: the calls compute, so the {threads:,} threads of a shard take "
            "turns. --threads-per-shard 1 gives each shard one."
        )
    if slow := slow_instance(trial):
        return (
            f"The slowest instance limits it: its calls took {spelled(slow.took_s)}, the mean is "
            f"{spelled(slow.mean_s)}. Look at what it does, and at the node it was on."
        )
    return ""


def _may_shard(case: _Case) -> bool:
    return case.best.strategy == "actors" and not case.figures.row("sharded")
