"""The chart of a sweep: the speedup over what was varied; pure."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from job.page.breakeven import pay_off
from job.page.drawing import LEVEL, LINES, RATIO, Chart, Table, axis, layout, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.figures import Row
    from job.analysis.sweep import SweepReport
    from job.results.sweep import Over

MOST_VALUES = 8  # that are marked


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


def speedups(over: Over, pairs: Sequence[tuple[float, Row]]) -> Chart:
    """Return each strategy's speedup over the values, and what sharded's would be at the ideal."""
    values = sorted({value for value, _ in pairs})
    marked = values[:: -(-len(values) // MOST_VALUES)]
    said = (
        "Elapsed time of the serial loop ÷ that of each strategy; below the line at 1 the loop is "
        "quicker."
    )
    traces = []
    names = dict.fromkeys(row.strategy for _, row in pairs)
    for name, style in zip(names, cycle(LINES), strict=False):
        mine = [row for _, row in pairs if row.strategy == name]
        shown = [value for value, row in pairs if row.strategy == name]
        if name == "sharded":
            said += " The dotted line is sharded's, if its work took no longer than the ideal."
            ideal = [_at_ideal(row) for row in mine]
            traces.append(lines("ideal", shown, ideal, "@soft", "dot", hoverinfo="skip"))
        traces.append(
            lines(
                name, shown, [row.speedup for row in mine], *style,
                mode="lines+markers", text=[over.spelled(value) for value in shown],
                marker={"color": style[0], "size": 9, "line": {"color": "@paper", "width": 1.5}},
                hovertemplate=f"%{{fullData.name}} at {over.key}=%{{text}}: %{{y:{RATIO}}}x"
                "<extra></extra>",
            )
        )  # fmt: skip
    return Chart(
        key="speedups",
        title=f"Speedup over {over.key}",
        said=said,
        traces=tuple(traces),
        layout=layout(
            axis(over.key, type="log", tickangle=0, tickvals=marked,
                 ticktext=[over.spelled(value) for value in marked]),
            axis("speedup", rangemode="tozero", ticksuffix="x "),
            showlegend=True, shapes=[LEVEL],
        ),
        table=Table(
            (over.key, "strategy", "speedup", "at the ideal"),
            tuple((over.spelled(value), row.strategy, row.speedup, _at_ideal(row))
                  for value, row in pairs),
        ),
    )  # fmt: skip


def _at_ideal(row: Row) -> float:
    """Return the speedup with the same startup, if the work took no longer than the ideal."""
    return (row.speedup or 0.0) * row.elapsed_s / (row.startup_s + row.ideal_s + row.read_s)
