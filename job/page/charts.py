"""The charts of one comparison: its phases, and its trials; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.analysis import stats
from job.analysis.breakeven import BreakEven
from job.page.breakeven import pay_off
from job.page.drawing import (
    ACCENT,
    COST,
    DANGER,
    INK,
    PAPER,
    SOFT,
    TINT,
    Chart,
    Figure,
    Table,
    axis,
    layout,
    listed,
    plain,
    text_at,
    unit_for,
)
from job.page.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.figures import Row
    from job.analysis.report import Report
    from job.results.document import Trial

_ROW_PX = 56  # of one strategy
_FRAME_PX = 96  # legend and axis
_HALF = 0.31  # of a bar's thickness, in rows
_PHASES = (("startup", COST), ("work", ACCENT), ("read", TINT))
_STRIP = 0.5  # of a row, over which a strategy's trials are spread
LEAST_RANGE = 5.0  # percent: what varies less is not shown as if it mattered


def charts(report: Report) -> list[Chart]:
    """Return the charts that a comparison's results are good for."""
    found: list[Chart] = []
    if report.rows:
        found.append(phases(report.rows))
    if any(len(trials) > 1 for trials in report.counted.values()):
        found.append(samples(report))
    model = report.model
    if isinstance(model, BreakEven) and model.telling:
        found.append(pay_off(model, report.pays_off))
    for trials in report.counted.values():
        drawn = timeline(trials[-1], report.results.cluster)
        found += [drawn] if drawn else []
    return found


def phases(rows: Sequence[Row]) -> Chart:
    """Return what a user waits for under each strategy, and where the ideal would have ended it."""
    longest = max(row.elapsed_s for row in rows)
    unit = unit_for(longest)
    traces = []
    for phase, colour in _PHASES:
        lengths = [getattr(row, f"{phase}_s") for row in rows]
        traces.append(
            {
                "type": "bar", "orientation": "h", "name": phase, "width": 2 * _HALF,
                "y": list(range(len(rows))), "x": unit.of(lengths),
                "marker": {"color": colour, "line": {"width": 0}},
                "text": [f"{plain(row.strategy)}, {phase}" for row in rows], "textposition": "none",
                "hovertemplate": f"%{{text}}: %{{x:.4g}} {unit.name}<extra></extra>",
            }
        )  # fmt: skip
    ends = unit.of(row.startup_s + row.ideal_s for row in rows)
    traces.append(_ideals(ends, unit.name))
    totals = unit.of(row.elapsed_s for row in rows)
    # Medians of phases need not add up to the median of elapsed: a label stands behind its bar.
    stacks = unit.of(row.startup_s + row.work_s + row.read_s for row in rows)
    furthest = [max(each) for each in zip(totals, stacks, ends, strict=True)]
    labels = [
        text_at(far, place, f"<b>{_elapsed(row)}</b>{_speedup(row)}", xshift=8,
                font={"color": INK, "size": 13})
        for place, (row, far) in enumerate(zip(rows, furthest, strict=True))
    ]  # fmt: skip
    return Chart(
        key="phases",
        title="What a user waits",
        said=f"Elapsed time by phase: {listed([f'{r.strategy} {_elapsed(r)}' for r in rows])}. "
        "The line marks where the work would have ended at the ideal, the most that the CPUs "
        "used could do.",
        traces=tuple(traces),
        layout=layout(
            axis(f"elapsed, {unit.name}", rangemode="tozero",
                 range=[0, 1.34 * max(furthest)]),
            _strategies([row.strategy for row in rows]),
            barmode="stack", showlegend=True, annotations=labels,
        ),
        height_px=_FRAME_PX + _ROW_PX * len(rows),
        table=Table(
            ("strategy", "startup s", "work s", "read s", "elapsed s", "ideal work s"),
            tuple(
                (row.strategy, *(f"{v:,.4g}" for v in (
                    row.startup_s, row.work_s, row.read_s, row.elapsed_s, row.ideal_s)))
                for row in rows
            ),
        ),
    )  # fmt: skip


def samples(report: Report) -> Chart:
    """Return every trial against its strategy's median, with that median's interval if it has one.

    Times of strategies lie far apart; how far each one's vary can only be seen side by side so.
    """
    strategies, analysed = list(report.counted.items()), report.trials
    traces, bands, rows, most = [], [], [], LEAST_RANGE
    for place, (name, trials) in enumerate(strategies):
        summary = stats.summarise([trial.elapsed_s for trial in analysed[name]])
        off = _off([trial.elapsed_s for trial in trials], summary.median)
        ends = _off(summary.interval or (), summary.median)
        traces.append(_dots(place, name, trials, off))
        bands += [_band(place, ends)] if ends else []
        most = max([most, *map(abs, off)])
        shown = [f"{end:,.4g}" for end in summary.interval or ()]
        times = (f"{value:,.4g}" for value in (summary.median, summary.low, summary.high))
        rows.append((name, f"{len(trials):,}", *times, " to ".join(shown) or "-"))
    median = {
        "type": "line", "layer": "below", "x0": 0, "x1": 0, "y0": -0.6, "y1": len(rows) - 0.4,
        "line": {"color": SOFT, "width": 1.5},
    }  # fmt: skip
    return Chart(
        key="samples",
        title="Every trial, against its median",
        said=_spoken(strategies, bands),
        traces=tuple(traces),
        layout=layout(
            axis("elapsed, % off the median", range=[-1.1 * most, 1.1 * most]),
            _strategies([name for name, _ in strategies]),
            shapes=[*bands, median],
        ),
        height_px=_FRAME_PX - 28 + _ROW_PX * len(strategies),
        table=Table(
            ("strategy", "trials", "median s", "lowest s", "highest s", "95 % interval s"),
            tuple(rows),
        ),
    )  # fmt: skip


def _off(values: Sequence[float], median: float) -> list[float]:
    """Return how far values are from the median, in percent of it."""
    return [float(f"{100 * (value / median - 1):.4g}") if median else 0.0 for value in values]


def _spoken(strategies: Sequence[tuple[str, Sequence[Trial]]], bands: Sequence[Figure]) -> str:
    said = "Each dot is one trial, the first at the top"
    said += "; the band is the median's 95 % confidence interval." if bands else "."
    if not bands:
        said += " They are too few for a confidence interval."
    if any(trial.losses for _, trials in strategies for trial in trials):
        said += " A ring is a trial in which an actor died."
    return said


def _dots(place: int, name: str, trials: Sequence[Trial], off: Sequence[float]) -> Figure:
    step = _STRIP / max(len(trials) - 1, 1)
    first = place - _STRIP / 2 if len(trials) > 1 else place
    times = [_time(trial.elapsed_s) for trial in trials]
    return {
        "type": "scatter", "mode": "markers", "name": plain(name), "x": list(off),
        "y": [first + step * turn for turn in range(len(trials))],
        "text": [f"{plain(name)}, trial {turn + 1}: {time}" for turn, time in enumerate(times)],
        "marker": {
            "color": [PAPER if trial.losses else ACCENT for trial in trials], "size": 9,
            "line": {"color": [DANGER if t.losses else PAPER for t in trials], "width": 1.5},
        },
        "hovertemplate": "%{text} (%{x:+.2f} %)<extra></extra>",
    }  # fmt: skip


def _band(place: int, ends: Sequence[float]) -> Figure:
    return {
        "type": "rect", "layer": "below", "x0": ends[0], "x1": ends[1], "y0": place - 0.36,
        "y1": place + 0.36, "fillcolor": TINT, "opacity": 0.5, "line": {"width": 0},
    }  # fmt: skip


def _ideals(ends: Sequence[float], unit: str) -> Figure:
    """Return an upright line for each strategy, as a trace: it can be pointed at."""
    return {
        "type": "scatter", "mode": "markers", "name": "ideal", "x": list(ends),
        "y": list(range(len(ends))),
        "marker": {"symbol": "line-ns-open", "size": 38, "color": INK, "line": {"width": 2}},
        "hovertemplate": f"the ideal: %{{x:.4g}} {unit}<extra></extra>",
    }  # fmt: skip


def _strategies(names: Sequence[str]) -> Figure:
    return axis(
        tickvals=list(range(len(names))), ticktext=[f"{plain(name)} " for name in names],
        range=[len(names) - 0.4, -0.6], showgrid=False, tickfont={"size": 14, "color": INK},
    )  # fmt: skip


def _elapsed(row: Row) -> str:
    return f"{'~' if row.estimated else ''}{_time(row.elapsed_s)}"


def _time(seconds: float) -> str:
    unit = unit_for(seconds)
    value = seconds * unit.per_s
    decimals = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - three digits
    return f"{value:,.{decimals}f} {unit.name}"


def _speedup(row: Row) -> str:
    if row.strategy == "serial" or row.speedup is None:
        return ""
    about = "~" if row.speedup_estimated else ""
    return f"<span style='color:{SOFT}'>  {about}{row.speedup:,.3g}x</span>"
