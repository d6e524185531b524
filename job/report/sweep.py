"""A sweep as text: a table with a bar for each speedup, the best layout and what limits it."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from job.analysis.breakeven import BreakEven, break_even, sentences
from job.analysis.figures import rows_of
from job.analysis.limits import limit
from job.analysis.report import describe
from job.analysis.scaling import NoFit, fit, karp_flatt
from job.analysis.symptoms import computes, profile
from job.report.table import labelled, table
from job.words import count, spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.analysis.figures import Row
    from job.analysis.scaling import Fit
    from job.results.document import Results
    from job.results.sweep import Over, Point, Sweep

BAR = 16  # characters for the largest speedup
MOST_ADVISORIES = 5
PARTS = " ▏▎▍▌▋▊▉█"


def render_sweep(sweep: Sweep, style: str = "simple") -> str:
    """Return a sweep as text, at most 100 columns but for long names."""
    if not sweep.points:
        return labelled("Sweep", nothing(sweep))
    head = "\n".join(labelled(label, text) for label, text in facts(sweep))
    end = "\n".join(labelled(label, text) for label, text in conclusions(sweep))
    return "\n\n".join([head, table(cells_of_sweep(sweep), style), end])


def nothing(sweep: Sweep) -> str:
    """Say why a sweep has no points."""
    return f"over {sweep.over}: nothing was measured. {sweep.problem}".strip()


def facts(sweep: Sweep) -> list[tuple[str, str]]:
    """Return what was swept, where, and what is missing, each behind its label."""
    over = sweep.varied
    varied = "shards, instances growing along" if sweep.weak else sweep.over
    counted = count(len(sweep.points), "point")
    found = [
        ("Cluster", describe(sweep.points[0].results.cluster)),
        ("Workload", _workload(sweep)),
        ("Sweep", f"over {varied}, {counted}"),
    ]
    if left := ", ".join(over.spelled(value) for value in sweep.left_out):
        found.append(("", f"left out: {left}"))
    if sweep.status not in ("complete", "running"):
        found.append(("", f"{sweep.status} {sweep.problem}".strip()))
    return found


def _workload(sweep: Sweep) -> str:
    computed = sweep.points[0].results.workload
    calls = ", ".join(computed.calls) or "no calls"
    varies = sweep.weak or sweep.over == "instances"
    count = "" if varies else f"{computed.instances:,} x "
    target = "spinner" if sweep.over == "call-cost" else computed.target
    return f"{count}{target}: {calls}"


def cells_of_sweep(sweep: Sweep) -> list[dict[str, str]]:
    """Return the figures of each point and strategy as text, by the headings of their columns."""
    over = sweep.varied
    most = max(
        (row.speedup or 0.0 for point in sweep.points for row in rows_of(point.results)),
        default=0.0,
    )
    found, said = [], False
    for point in sweep.points:
        for row in rows_of(point.results):
            if row.strategy == "serial" and over.reuses_serial and said:
                continue  # it ran once, for all
            said = said or row.strategy == "serial"
            shared = row.strategy == "serial" and over.reuses_serial
            name = "all" if shared else over.spelled(point.value)
            found.append({over.key: name} | _cell(point.results, row, most))
    return found


def _cell(results: Results, row: Row, most: float) -> dict[str, str]:
    about = "~" if row.estimated else ""
    guessed = "~" if row.speedup_estimated else ""
    speedup = "-" if row.speedup is None else f"{guessed}{row.speedup:.3g}x"
    fraction = _fraction(results, row)
    return {
        "strategy": row.strategy,
        "startup s": _seconds(row.startup_s),
        "work s": about + _seconds(row.work_s),
        "elapsed s": about + _seconds(row.elapsed_s),
        "efficiency": "-" if row.efficiency is None else f"{row.efficiency:.0%}",
        "Karp-Flatt": "-" if fraction is None else f"{fraction:.2f}",
        "speedup": speedup,
        "": bar(row.speedup or 0.0, most),
    }


def conclusions(sweep: Sweep) -> list[tuple[str, str]]:
    """Say how it scales, which layout is the best, and what limits the quickest with actors."""
    over = sweep.varied
    warned = [("Advisory", text) for text in _advisories(sweep)]
    if sweep.over not in ("shards", "threads"):
        last = sweep.points[-1]
        others = [row for row in rows_of(last.results) if row.strategy != "serial"]
        pairs = [(last, row) for row in others]
        best = ("Best", _winners(sweep, over))
        return [*_model(sweep), best, *_limit(pairs, _quickness, over), *warned]
    # Of weak scaling each point computes something else: the best is what gains most by it.
    key = _gain if sweep.weak else _quickness
    pairs = [(point, row) for point in sweep.points for row in rows_of(point.results)]
    point, row = max(pairs, key=lambda pair: key(pair[1]))
    best = ("Best", _layout(point, row, over))
    return [("Fit", _fit(sweep)), best, *_limit(pairs, key, over), *warned]


def _advisories(sweep: Sweep) -> list[str]:
    """Return what makes figures of any point doubtful, each once, and of how many points."""
    found = Counter(
        text for point in sweep.points for text in dict.fromkeys(point.results.advisories)
    )
    whole = len(sweep.points)
    return [
        text if times == whole else f"{text} ({times} of {count(whole, 'point')})"
        for text, times in found.most_common(MOST_ADVISORIES)
    ]


def model_of(sweep: Sweep) -> tuple[Point, BreakEven] | None:
    """Return the middle point of which there is a break-even, and this."""
    found = [
        (point, model)
        for point in sweep.points
        if isinstance(model := break_even(point.results), BreakEven) and model.telling
    ]
    return found[len(found) // 2] if found else None


def call_s(results: Results) -> float:
    """Return what a call took in the serial loop, or else in actors."""
    found = profile(results.analysed())
    return found.call_s if found and found.calls else 0.0


def _model(sweep: Sweep) -> list[tuple[str, str]]:
    """Hold what one point predicts for the others against what was measured there."""
    if sweep.over != "call-cost" or not (found := model_of(sweep)):
        return []
    point, model = found
    right, off = 0, 0.0
    for each in sweep.points:
        cost = call_s(each.results)
        rows = {r.strategy: r.elapsed_s for r in rows_of(each.results) if r.strategy in model.costs}
        right += model.winner(model.calls, cost) == min(rows, key=lambda name: rows[name])
        for name, measured_s in rows.items():
            predicted_s = model.costs[name].elapsed_s(model.calls, cost)
            off = max(off, abs(predicted_s / measured_s - 1) if measured_s else 0.0)
    checked = (
        f"by {sweep.varied.key}={sweep.varied.spelled(point.value)} alone, the winner is predicted "
        f"right at {right} of {count(len(sweep.points), 'point')}, elapsed at most {off:.0%} off."
    )
    return [*(("Pays off", text) for text in sentences(point.results)), ("", checked)]


def _limit(
    pairs: list[tuple[Point, Row]], key: Callable[[Row], float], over: Over
) -> list[tuple[str, str]]:
    sent = [pair for pair in pairs if pair[1].strategy != "serial"]
    if not sent:
        return []
    point, row = max(sent, key=lambda pair: key(pair[1]))
    found = limit(point.results, row.strategy)
    where = f"{row.strategy} at {over.key}={over.spelled(point.value)}"
    return [("Limit", f"{found.name}, for {where}: {found.reason}.")]


def _gain(row: Row) -> float:
    return row.speedup or 0.0


def _quickness(row: Row) -> float:
    return -row.elapsed_s


def _layout(point: Point, row: Row, over: Over) -> str:
    if row.strategy == "serial":
        return f"the serial loop, {spelled(row.elapsed_s)}: no layout that was measured is quicker."
    about = "about " if row.speedup_estimated else ""
    times = "" if row.speedup is None else f", {about}{row.speedup:.3g} times as fast as the loop"
    return f"{over.key}={over.spelled(point.value)}: {spelled(row.elapsed_s)}{times}."


def _winners(sweep: Sweep, over: Over) -> str:
    """Say which strategy is the quickest, and where that changes."""
    said: list[str] = []
    before = ""
    for point in sweep.points:
        name = _winner(point).strategy
        if name != before:
            said.append(f"{name} from {over.key}={over.spelled(point.value)} on")
        before = name
    return f"{', then '.join(said)}."


def _winner(point: Point) -> Row:
    return min(rows_of(point.results), key=lambda row: row.elapsed_s)


def scaled(sweep: Sweep) -> list[tuple[float, Row]]:
    """Return the points of `sharded`: how many calls at once, and its figures."""
    rows = ((point.results, row) for point in sweep.points for row in rows_of(point.results))
    return [
        (_parallel(results, row), row)
        for results, row in rows
        if row.strategy == "sharded" and row.calls_per_s
    ]


def law(sweep: Sweep) -> Fit | NoFit:
    """Fit the scalability law to the points of `sharded`."""
    return fit([(parallel, row.calls_per_s or 0.0) for parallel, row in scaled(sweep)])


def _fit(sweep: Sweep) -> str:
    """Say what the scalability law makes of the points of `sharded`."""
    found = law(sweep)
    if isinstance(found, NoFit):
        return f"none: {found.reason}."
    peak = f"; most calls/s at {found.peak:.0f}" if found.peak else "; no peak within"
    return (
        f"contention {found.sigma:.1%}, coherency {found.kappa:.2%} for {found.low:g} to "
        f"{found.high:g} calls at once, at most {found.error:.0%} off{peak}."
    )


def _parallel(results: Results, row: Row) -> float:
    return float(results.analysed()[row.strategy][-1].at_once)


def _fraction(results: Results, row: Row) -> float | None:
    """Return the serial fraction, by the processors that compute or the calls that wait at once."""
    if row.strategy == "serial" or not row.speedup_of_work:
        return None
    trials, parallel = results.analysed(), _parallel(results, row)
    if computes(trials):
        parallel = min(parallel, trials[row.strategy][-1].cpus)
    return karp_flatt(parallel, row.speedup_of_work)


def bar(value: float, most: float) -> str:
    """Return a bar in eighths of a character, the largest value `BAR` long."""
    eighths = math.floor(8 * BAR * value / most + 0.5) if most > 0 else 0
    return PARTS[-1] * (eighths // 8) + PARTS[eighths % 8].strip()


def _seconds(value: float) -> str:
    return f"{value:,.2f}" if value >= 0.1 or not value else f"{value:.2g}"  # noqa: PLR2004
