"""Sweep -> SweepReport: a report of each point, and what they say together; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from job.analysis.breakeven import BreakEven
from job.analysis.report import Report, analyse, describe
from job.results.sweep import KNOBS
from job.words import count, factor, percent, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from job.analysis.figures import Row
    from job.results.sweep import Over, Sweep

    Point: TypeAlias = tuple[float, Report]  # a value, and the report of what was measured there


@dataclass(frozen=True)
class SweepReport:
    """What a person wants to know of a sweep.

    Attributes:
        over: What was varied, through the values that were measured.
        facts: What was swept, where, and what is missing, each behind its label.
        best: The best layout, or which strategy is the quickest from where on.
        limit: What limits the best strategy with actors; None where there is none.
        pays_off: From which call cost on each strategy pays, where that was varied: what the
            middle point of those that have a break-even predicts.
        checked: How well it predicts the other points; empty where it does not.
        advisories: What makes figures of any point doubtful, each once, the most frequent first.
        model: What predicts; None where nothing does.
    """

    over: Over
    points: tuple[Point, ...]
    facts: tuple[tuple[str, str], ...]
    best: str = ""
    limit: str | None = None
    pays_off: tuple[str, ...] = ()
    checked: str = ""
    advisories: tuple[str, ...] = ()
    model: BreakEven | None = None


def analyse_sweep(sweep: Sweep) -> SweepReport:
    """Return the report of a sweep, complete or not."""
    over = sweep.varied
    points = tuple((point.value, analyse(point.results)) for point in sweep.points)
    if not points:
        nothing = f"over {sweep.over}: nothing was measured. {sweep.problem}".strip()
        return SweepReport(over, (), (("Sweep", nothing),))
    model, pays_off, checked = _predict(points, over)
    return SweepReport(
        over, points, tuple(_facts(sweep)), *_best_and_limit(points, over), pays_off, checked,
        tuple(_advisories(points)), model,
    )  # fmt: skip


def _facts(sweep: Sweep) -> Iterator[tuple[str, str]]:
    over, first = sweep.varied, sweep.points[0].results
    computed = first.workload
    instances = "" if sweep.weak or sweep.over == "instances" else f"{computed.instances:,} x "
    target = "spinner" if sweep.over == "call-cost" else computed.target
    yield "Cluster", describe(first.cluster)
    yield "Workload", f"{instances}{target}: {', '.join(computed.calls) or 'no calls'}"
    varied = "shards, instances growing along" if sweep.weak else sweep.over
    yield "Sweep", f"over {varied}, {count(len(sweep.points), 'point')}"
    if left := ", ".join(over.spelled(value) for value in sweep.left_out):
        yield "", f"left out: {left}"
    if sweep.status not in ("complete", "running"):
        yield "", f"{sweep.status} {sweep.problem}".strip()


def _best_and_limit(points: Sequence[Point], over: Over) -> tuple[str, str | None]:
    def gain(pair: tuple[float, Report, Row]) -> float:
        # Of weak scaling each point computes something else: the best is what gains most by it.
        return (pair[2].speedup or 0.0) if over.weak else -pair[2].elapsed_s

    pairs = [(value, report, row) for value, report in points for row in report.rows]
    if over.key in KNOBS:  # each is another layout of the same
        value, _, row = max(pairs, key=gain)
        about = "about " if row.speedup_estimated else ""
        times = f", {about}{factor(row.speedup)} times as fast as the loop" if row.speedup else ""
        best = f"{over.key}={over.spelled(value)}: {spelled(row.elapsed_s)}{times}."
        if row.strategy == "serial":
            took = spelled(row.elapsed_s)
            best = f"the serial loop, {took}: no layout that was measured is quicker."
    else:
        best = _winners(points, over)
        pairs = [pair for pair in pairs if pair[1] is points[-1][1]]
    sent = [pair for pair in pairs if pair[2].strategy != "serial"]
    if not sent:
        return best, None
    value, report, row = max(sent, key=gain)
    cause = report.causes[row.strategy]
    said = f"{cause.said}; {cause.advice}" if cause.advice else cause.said
    return best, f"{cause.name}, for {row.strategy} at {over.key}={over.spelled(value)}: {said}."


def _winners(points: Sequence[Point], over: Over) -> str:
    """Say which strategy is the quickest, and where that changes."""

    def quickest(point: Point) -> str:
        return min(point[1].rows, key=lambda row: row.elapsed_s).strategy

    said = (
        f"{name} from {over.key}={over.spelled(next(won)[0])} on"
        for name, won in groupby(points, quickest)
    )
    return f"{', then '.join(said)}."


def _advisories(points: Sequence[Point]) -> Iterator[str]:
    found = Counter(text for _, report in points for text in dict.fromkeys(report.advisories))
    whole = len(points)
    for text, times in found.most_common():
        yield text if times == whole else f"{text} ({times} of {count(whole, 'point')})"


def _predict(points: Sequence[Point], over: Over) -> tuple[BreakEven | None, tuple[str, ...], str]:
    """Return the break-even of the middle point that has one, in sentences, and how it holds."""
    found = [
        (value, report.pays_off, report.model)
        for value, report in points
        if isinstance(report.model, BreakEven) and report.model.telling
    ]
    if over.key != "call-cost" or not found:
        return None, (), ""
    value, pays_off, model = found[len(found) // 2]
    right, off = 0, 0.0
    for _, report in points:
        cost = report.profile.call_s if report.profile else 0.0
        rows = {row.strategy: row.elapsed_s for row in report.rows if row.strategy in model.costs}
        right += model.winner(model.calls, cost) == min(rows, key=lambda name: rows[name])
        for name, measured_s in rows.items():
            predicted_s = model.costs[name].elapsed_s(model.calls, cost)
            off = max(off, abs(predicted_s / measured_s - 1) if measured_s else 0.0)
    winners = f"the winner is predicted right at {right} of {count(len(points), 'point')}"
    by = f"by {over.key}={over.spelled(value)} alone"
    return model, pays_off, f"{by}, {winners}, elapsed at most {percent(off, 0)} off."
