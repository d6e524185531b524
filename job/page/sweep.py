"""The charts of a sweep: how calls/s grow with what may run at once, and speedup over all; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.analysis.scaling import NoFit, fit
from job.page.breakeven import Seen, pay_off
from job.page.drawing import (
    ACCENT,
    INK,
    LEVEL,
    PAPER,
    SOFT,
    TINT,
    Chart,
    Figure,
    Table,
    axis,
    layout,
    plain,
)
from job.words import duration

if TYPE_CHECKING:
    from job.analysis.figures import Row
    from job.analysis.scaling import Fit
    from job.analysis.sweep import SweepReport

_HEIGHT_PX = 340
_FIT_POINTS = 60
_DASHES = ("solid", "dash", "dot")
_COLOURS = (ACCENT, SOFT, TINT)


def sweep_charts(sweep: SweepReport) -> list[Chart]:
    """Return the charts that a sweep is good for."""
    found = []
    points = [(float(at_once), row) for at_once, row in sweep.scaling]
    if sweep.over.key in ("shards", "threads") and len(points) > 1:
        law = fit([(at_once, row.calls_per_s or 0.0) for at_once, row in points])
        found.append(_scaling(points, law))
    if any(row.speedup for _, row in _others(sweep)):
        found.append(_over_call_cost(sweep) or _speedups(sweep))
    return found


def _others(sweep: SweepReport) -> list[tuple[float, Row]]:
    """Return each value with the figures of each strategy that has a speedup to show."""
    return [
        (value, row)
        for value, report in sweep.points
        for row in report.rows
        if row.strategy != "serial" and row.speedup
    ]


def _scaling(points: list[tuple[float, Row]], fitted: Fit | NoFit) -> Chart:
    points = sorted(points, key=lambda each: each[0])
    at_once = [parallel for parallel, _ in points]
    rates = [row.calls_per_s or 0.0 for _, row in points]
    ideals = [rate / (row.efficiency or 1.0) for rate, (_, row) in zip(rates, points, strict=True)]
    traces = [
        _line("ideal", at_once, ideals, SOFT, "dash"),
        *_fit(fitted),
        {
            "type": "scatter", "mode": "markers", "name": "measured", "x": at_once,
            "y": _short(rates),
            "marker": {"color": INK, "size": 9, "line": {"color": PAPER, "width": 1.5}},
            "hovertemplate": "%{x} at once: %{y:,.4g} calls/s<extra></extra>",
        },
    ]  # fmt: skip
    said = "Calls a second of sharded against how many can run at once, and the ideal."
    said += (
        f" No curve is fitted: {fitted.reason}."
        if isinstance(fitted, NoFit)
        else f" The curve is the Universal Scalability Law: contention {fitted.sigma:.1%}, "
        f"coherency {fitted.kappa:.2%}, at most {fitted.error:.0%} off."
    )
    return Chart(
        key="scaling",
        title="How it scales",
        said=said,
        traces=tuple(traces),
        layout=layout(
            axis("calls at once", rangemode="tozero", range=[0, 1.06 * max(at_once)]),
            axis("calls/s", range=[0, 1.1 * max(*rates, *ideals)]),
            showlegend=True,
        ),
        height_px=_HEIGHT_PX,
        table=Table(
            ("calls at once", "calls/s", "ideal calls/s", "efficiency"),
            tuple(
                (f"{p:,.0f}", f"{rate:,.4g}", f"{best:,.4g}", f"{rate / best:.0%}" if best else "-")
                for p, rate, best in zip(at_once, rates, ideals, strict=True)
            ),
        ),
    )


def _fit(fitted: Fit | NoFit) -> list[Figure]:
    if isinstance(fitted, NoFit):
        return []
    width = (fitted.high - fitted.low) / (_FIT_POINTS - 1)
    at_once = [fitted.low + width * step for step in range(_FIT_POINTS - 1)] + [fitted.high]
    rates = [fitted.throughput(parallel) for parallel in at_once]
    return [_line("USL fit", at_once, rates, ACCENT, "solid")]


def _line(name: str, x: list[float], y: list[float], colour: str, dash: str) -> Figure:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": _short(x), "y": _short(y),
        "line": {"color": colour, "width": 2.5, "dash": dash}, "hoverinfo": "skip",
    }  # fmt: skip


def _short(values: list[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _over_call_cost(sweep: SweepReport) -> Chart | None:
    """Return the model of the middle point with what was measured at all of them."""
    if not sweep.model:
        return None
    # What a call really took: the value that was asked for is met only about.
    cost = {value: report.profile.call_s if report.profile else 0.0
            for value, report in sweep.points}  # fmt: skip
    seen = [Seen(row.strategy, cost[value], row.speedup or 0.0) for value, row in _others(sweep)]
    return pay_off(sweep.model, sweep.pays_off, seen)


def _speedups(sweep: SweepReport) -> Chart:
    over, pairs = sweep.over, _others(sweep)
    values = sorted({value for value, _ in pairs})
    traces = []
    for place, name in enumerate(dict.fromkeys(row.strategy for _, row in pairs)):
        mine = [(value, row.speedup or 0.0) for value, row in pairs if row.strategy == name]
        colour = _COLOURS[place % len(_COLOURS)]
        traces.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": plain(name),
                "x": [value for value, _ in mine], "y": _short([times for _, times in mine]),
                "text": [over.spelled(value) for value, _ in mine],
                "line": {"color": colour, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
                "marker": {"color": colour, "size": 9, "line": {"color": PAPER, "width": 1.5}},
                "hovertemplate": f"{plain(name)} at {over.key}=%{{text}}: %{{y:.3g}}x"
                "<extra></extra>",
            }
        )  # fmt: skip
    step = -(-len(values) // 8)
    shown = duration if over.key == "call-cost" else over.spelled
    return Chart(
        key="speedups",
        title=f"Speedup over {over.key}",
        said="Elapsed time of the serial loop ÷ that of each strategy; below the line at 1 the "
        "loop is quicker.",
        traces=tuple(traces),
        layout=layout(
            axis(over.key, type="log", tickvals=values[::step], tickangle=0,
                 ticktext=[shown(value) for value in values[::step]]),
            axis("speedup", rangemode="tozero"),
            showlegend=True, shapes=[LEVEL],
        ),
        height_px=_HEIGHT_PX,
        table=Table(
            (over.key, "strategy", "speedup"),
            tuple((shown(v), row.strategy, f"{row.speedup:.3g}x") for v, row in pairs),
        ),
    )  # fmt: skip
