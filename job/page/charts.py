"""The charts of a comparison, its phases and its trials, and of a sweep, its speedups; pure."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from job.analysis import stats
from job.analysis.breakeven import BreakEven
from job.page.breakeven import pay_off
from job.page.drawing import (
    LEVEL,
    LINES,
    RATIO,
    Chart,
    Figure,
    axis,
    plain,
    scatter,
    seconds,
    short,
    texts,
)  # fmt: skip
from job.page.timeline import timeline
from job.report.table import times
from job.words import spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from job.analysis.figures import Row
    from job.analysis.report import Report
    from job.analysis.sweep import SweepReport
    from job.results.document import Trial
    from job.results.sweep import Over

_ROW_PX = 56  # of one strategy
_MARK_PX = 38  # of what stands upright in it
_FRAME_PX = 96  # legend and axis
_PHASES = (("startup", "@cost"), ("work", "@accent"), ("read", "@tint"))
_STRIP = 0.5  # of a row, over which a strategy's trials are spread
MOST_VALUES = 8  # of what is varied that are marked
LEAST_RANGE = 5.0  # percent: what varies less is not shown as if it mattered


def charts(report: Report) -> list[Chart]:
    """Return the charts that a comparison's results are good for."""
    found = [phases(report.rows)] if report.rows else []
    if any(len(trials) > 1 for trials in report.counted.values()):
        found.append(samples(report.counted, report.trials))
    if isinstance(report.model, BreakEven) and report.model.telling:
        seen = [(report.model.call_s, row) for row in report.rows if row.strategy != "serial"]
        found.append(pay_off(report.model, report.pays_off, seen))
    last = (trials[-1] for trials in report.counted.values())
    return found + [timeline(trial, report.results.cluster) for trial in last if trial.timeline]


def sweep_charts(report: SweepReport) -> list[Chart]:
    """Return the charts that a sweep is good for."""
    found = [
        (value, at.profile.call_s if at.profile else 0.0, row)
        for value, at in report.points
        for row in at.rows
        if row.strategy != "serial" and row.speedup
    ]
    if report.model:  # what a call really took: the value that was asked for is met only about
        seen = [(call_s, row) for _, call_s, row in found]
        return [pay_off(report.model, report.pays_off, seen)]
    return [speedups(report.over, [(value, row) for value, _, row in found])] if found else []


def _with_label(end: float, row: Row) -> float:
    """Return where a bar's label ends on a phone: that of the loop tells no speedup."""
    return end * (1.34 if row.strategy == "serial" else 1.62)


def phases(rows: Sequence[Row]) -> Chart:
    """Return what a user waits for under each strategy, and where the ideal would have ended it."""
    places, form = range(len(rows)), seconds(max(row.elapsed_s for row in rows))
    ends = [row.startup_s + row.ideal_s for row in rows]
    # Medians of phases need not add up to the median of elapsed: a label stands behind its bar.
    furthest = [
        max(row.elapsed_s, row.startup_s + row.work_s + row.read_s, end)
        for row, end in zip(rows, ends, strict=True)
    ]
    return Chart(
        key="phases",
        title="What a user waits",
        said=f"Elapsed time by phase: {', '.join(f'{r.strategy} {_elapsed(r)}' for r in rows)}. "
        "The line marks where the work would have ended at the ideal, the most that the CPUs "
        "used could do.",
        traces=(
            *(
                {
                    "type": "bar", "orientation": "h", "name": phase, "width": 0.62,
                    "y": list(places), "x": short(getattr(row, f"{phase}_s") for row in rows),
                    "marker": {"color": colour},
                    "hovertemplate": f"{phase}: %{{x:{form}}}s<extra></extra>",
                }
                for phase, colour in _PHASES
            ),
            scatter(
                "ideal", ends, places, "markers",
                marker={"symbol": "line-ns-open", "size": _MARK_PX, "line": {"width": 2}},
                hovertemplate=f"the ideal: %{{x:{form}}}s<extra></extra>",
            ),
            texts(furthest, places,
                  [f"  <b>{_elapsed(row)}</b>  {_speedup(row)}" for row in rows],
                  color="@ink", size=13),
        ),
        layout={
            "xaxis": axis("elapsed", tickformat=form, ticksuffix="s",
                          range=[0, max(map(_with_label, furthest, rows))]),
            "yaxis": _strategies([row.strategy for row in rows]),
            "barmode": "stack", "showlegend": True,
        },
        height_px=_FRAME_PX + _ROW_PX * len(rows),
        table=[
            {"strategy": row.strategy, "startup s": row.startup_s, "work s": row.work_s,
             "read s": row.read_s, "elapsed s": row.elapsed_s, "ideal work s": row.ideal_s}
            for row in rows
        ],
    )  # fmt: skip


def samples(counted: dict[str, list[Trial]], analysed: dict[str, list[Trial]]) -> Chart:
    """Return every trial against its strategy's median, with that median's interval if it has one.

    Times of strategies lie far apart; how far each one's vary can only be seen side by side so.
    """
    found = {name: stats.summarise([t.elapsed_s for t in of]) for name, of in analysed.items()}
    strips = _strips(counted, {name: summary.median for name, summary in found.items()})
    most = max([LEAST_RANGE, *map(abs, strips["x"])])
    banded = any(summary.interval for summary in found.values())
    band = "the band is" if banded else "they are too few for"
    lossy = any(trial.losses for trials in counted.values() for trial in trials)
    rings = " A ring is a trial in which an actor was lost." if lossy else ""
    return Chart(
        key="samples",
        title="Every trial, against its median",
        said=f"Each dot is one trial, the first at the top; {band} the median's 95 % confidence "
        f"interval.{rings}",
        traces=(_bands(list(found.values())), strips),
        layout={
            "xaxis": axis("elapsed, % off the median", range=[-1.1 * most, 1.1 * most],
                          zeroline=True, zerolinecolor="@soft", zerolinewidth=1.5),
            "yaxis": _strategies(list(counted)),
        },
        height_px=_FRAME_PX - 28 + _ROW_PX * len(counted),
        table=[
            {"strategy": name, "trials": len(counted[name]), "median s": each.median,
             "lowest s": each.low, "highest s": each.high,
             "95 % from s": each.interval and each.interval[0],
             "95 % to s": each.interval and each.interval[1]}
            for name, each in found.items()
        ],
    )  # fmt: skip


def speedups(over: Over, pairs: Sequence[tuple[float, Row]]) -> Chart:
    """Return each strategy's speedup over the values, and what sharded's would be at the ideal."""
    values = sorted({value for value, _ in pairs})
    marked = values[:: -(-len(values) // MOST_VALUES)]
    said = (
        "Elapsed time of the serial loop ÷ that of each strategy; below the line at 1 the loop is "
        "quicker."
    )
    traces = []
    for name, style in zip(dict.fromkeys(row.strategy for _, row in pairs), cycle(LINES)):
        mine = [row for _, row in pairs if row.strategy == name]
        shown = [value for value, row in pairs if row.strategy == name]
        if name == "sharded":
            said += " The dotted line is sharded's, if its work took no longer than the ideal."
            dotted = {"color": "@soft", "dash": "dot"}
            ideal = map(_at_ideal, mine)
            traces.append(scatter("ideal", shown, ideal, line=dotted, hoverinfo="skip"))
        traces.append(
            scatter(
                name, shown, [row.speedup for row in mine], "lines+markers", line=style,
                marker={"color": style["color"]}, text=[over.spelled(value) for value in shown],
                hovertemplate=f"%{{fullData.name}} at {over.key}=%{{text}}: %{{y:{RATIO}}}x"
                "<extra></extra>",
            )
        )  # fmt: skip
    return Chart(
        key="speedups",
        title=f"Speedup over {over.key}",
        said=said,
        traces=tuple(traces),
        layout={
            "xaxis": axis(over.key, type="log", tickangle=0, tickvals=marked,
                          ticktext=[over.spelled(value) for value in marked]),
            "yaxis": axis("speedup", rangemode="tozero", ticksuffix="x "),
            "showlegend": True, "shapes": [LEVEL],
        },
        table=[
            {over.key: over.spelled(value), "strategy": row.strategy, "speedup": row.speedup,
             "at the ideal": _at_ideal(row)}
            for value, row in pairs
        ],
    )  # fmt: skip


def _at_ideal(row: Row) -> float:
    """Return the speedup with the same startup, if the work took no longer than the ideal."""
    return (row.speedup or 0.0) * row.elapsed_s / (row.startup_s + row.ideal_s + row.read_s)


def _strips(counted: dict[str, list[Trial]], medians: dict[str, float]) -> Figure:
    """Return a dot for each trial, from the top of its strategy's row to the bottom in turn."""
    x, y, said = [], [], []
    for place, (name, trials) in enumerate(counted.items()):
        for turn, trial in enumerate(trials, start=1):
            x += _off([trial.elapsed_s], medians[name])
            y.append(place + _STRIP * (turn / (len(trials) + 1) - 0.5))
            said.append(f"{plain(name)}, trial {turn}: {spelled(trial.elapsed_s)}")
    lossy = [bool(trial.losses) for trials in counted.values() for trial in trials]
    marker = {
        "color": ["@paper" if each else "@accent" for each in lossy],
        "line": {"color": ["@danger" if each else "@paper" for each in lossy], "width": 1.5},
    }
    hover = "%{text} (%{x:+.1f} %)<extra></extra>"
    return scatter("trials", x, y, "markers", marker=marker, text=said, hovertemplate=hover)


def _bands(found: Sequence[stats.Summary]) -> Figure:
    """Return the intervals as error bars that are as thick as a row."""
    ends = [_off(each.interval or (each.median, each.median), each.median) for each in found]
    return scatter(
        "95 % interval", [0.0] * len(ends), range(len(ends)), "markers", marker={"opacity": 0},
        opacity=0.5, hoverinfo="skip",
        error_x={
            "type": "data", "symmetric": False, "color": "@tint", "width": 0, "thickness": _MARK_PX,
            "array": [high for _, high in ends], "arrayminus": [-low for low, _ in ends],
        },
    )  # fmt: skip


def _off(values: Iterable[float], median: float) -> list[float]:
    """Return how far values are from the median, in percent of it."""
    return [100 * (value / median - 1) if median else 0.0 for value in values]


def _strategies(names: Sequence[str]) -> Figure:
    """Return an axis with a row for each strategy."""
    return axis(
        tickvals=list(range(len(names))), ticktext=[f"{plain(name)} " for name in names],
        range=[len(names) - 0.4, -0.6], showgrid=False, tickfont={"size": 14, "color": "@ink"},
    )  # fmt: skip


def _speedup(row: Row) -> str:
    """Return it as text, but for the loop's own."""
    return "" if row.strategy == "serial" else times(row, row.speedup)


def _elapsed(row: Row) -> str:
    return f"{'~' if row.estimated else ''}{spelled(row.elapsed_s)}"
