"""The charts of one comparison: its phases, and its trials; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.analysis import stats
from job.analysis.breakeven import BreakEven
from job.page.breakeven import pay_off
from job.page.drawing import Chart, Figure, Table, axis, dots, layout, plain, seconds, short, texts
from job.page.timeline import timeline
from job.words import spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from job.analysis.figures import Row
    from job.analysis.report import Report
    from job.results.document import Trial

_ROW_PX = 56  # of one strategy
_MARK_PX = 38  # of what stands upright in it
_FRAME_PX = 96  # legend and axis
_PHASES = (("startup", "@cost"), ("work", "@accent"), ("read", "@tint"))
_STRIP = 0.5  # of a row, over which a strategy's trials are spread
LEAST_RANGE = 5.0  # percent: what varies less is not shown as if it mattered


def charts(report: Report) -> list[Chart]:
    """Return the charts that a comparison's results are good for."""
    found: list[Chart] = []
    if report.rows:
        found.append(phases(report.rows))
    if any(len(trials) > 1 for trials in report.counted.values()):
        found.append(samples(report.counted, report.trials))
    if isinstance(report.model, BreakEven) and report.model.telling:
        seen = [(report.model.call_s, row) for row in report.rows if row.strategy != "serial"]
        found.append(pay_off(report.model, report.pays_off, seen))
    last = (trials[-1] for trials in report.counted.values())
    return found + [timeline(trial, report.results.cluster) for trial in last if trial.timeline]


def phases(rows: Sequence[Row]) -> Chart:
    """Return what a user waits for under each strategy, and where the ideal would have ended it."""
    names = [plain(row.strategy) for row in rows]
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
                    "marker": {"color": colour, "line": {"width": 0}}, "customdata": names,
                    "hovertemplate": f"%{{customdata}}, {phase}: %{{x:{form}}}s<extra></extra>",
                }
                for phase, colour in _PHASES
            ),
            dots(
                "ideal", ends, places,
                {"symbol": "line-ns-open", "size": _MARK_PX, "line": {"width": 2}},
                hovertemplate=f"the ideal: %{{x:{form}}}s<extra></extra>",
            ),
            texts(furthest, places, [f"  <b>{_elapsed(row)}</b>{_speedup(row)}" for row in rows],
                  color="@ink", size=13),
        ),
        layout=layout(
            axis("elapsed", tickformat=form, ticksuffix="s", range=[0, 1.34 * max(furthest)]),
            _strategies(names), barmode="stack", showlegend=True,
        ),
        height_px=_FRAME_PX + _ROW_PX * len(rows),
        table=Table(
            ("strategy", "startup s", "work s", "read s", "elapsed s", "ideal work s"),
            tuple((row.strategy, row.startup_s, row.work_s, row.read_s, row.elapsed_s, row.ideal_s)
                  for row in rows),
        ),
    )  # fmt: skip


def samples(counted: dict[str, list[Trial]], analysed: dict[str, list[Trial]]) -> Chart:
    """Return every trial against its strategy's median, with that median's interval if it has one.

    Times of strategies lie far apart; how far each one's vary can only be seen side by side so.
    """
    found = {name: stats.summarise([t.elapsed_s for t in of]) for name, of in analysed.items()}
    strips = _strips(counted, {name: summary.median for name, summary in found.items()})
    most = max([LEAST_RANGE, *map(abs, strips["x"])])
    said = "Each dot is one trial, the first at the top"
    if any(summary.interval for summary in found.values()):
        said += "; the band is the median's 95 % confidence interval."
    else:
        said += ". They are too few for a confidence interval."
    if any(trial.losses for trials in counted.values() for trial in trials):
        said += " A ring is a trial in which an actor was lost."
    return Chart(
        key="samples",
        title="Every trial, against its median",
        said=said,
        traces=(_bands(list(found.values())), strips),
        layout=layout(
            axis("elapsed, % off the median", range=[-1.1 * most, 1.1 * most], zeroline=True,
                 zerolinecolor="@soft", zerolinewidth=1.5),
            _strategies([plain(name) for name in counted]),
        ),
        height_px=_FRAME_PX - 28 + _ROW_PX * len(counted),
        table=Table(
            ("strategy", "trials", "median s", "lowest s", "highest s", "95 % from s", "95 % to s"),
            tuple(
                (name, len(counted[name]), each.median, each.low, each.high,
                 *(each.interval or (None, None)))
                for name, each in found.items()
            ),
        ),
    )  # fmt: skip


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
    hover = "%{text} (%{x:+.2f} %)<extra></extra>"
    return dots("trials", x, y, marker, text=said, hovertemplate=hover)


def _bands(found: Sequence[stats.Summary]) -> Figure:
    """Return the intervals as error bars that are as thick as a row."""
    ends = [_off(each.interval or (each.median, each.median), each.median) for each in found]
    return dots(
        "95 % interval", [0.0] * len(ends), range(len(ends)), {"opacity": 0},
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
        tickvals=list(range(len(names))), ticktext=[f"{name} " for name in names],
        range=[len(names) - 0.4, -0.6], showgrid=False, tickfont={"size": 14, "color": "@ink"},
    )  # fmt: skip


def _elapsed(row: Row) -> str:
    return f"{'~' if row.estimated else ''}{spelled(row.elapsed_s)}"


def _speedup(row: Row) -> str:
    if row.strategy == "serial" or row.speedup is None:
        return ""
    return f"  {'~' if row.speedup_estimated else ''}{row.speedup:,.3g}x"
