"""A sweep as text: a table with a bar for each speedup, the best layout and what limits it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from job.report.table import labelled, seconds, table, times
from job.words import percent

if TYPE_CHECKING:
    from job.analysis.sweep import SweepReport

BAR = 16  # characters for the largest speedup
MOST_ADVISORIES = 5
PARTS = " ▏▎▍▌▋▊▉█"


def render_sweep(report: SweepReport, style: str = "simple") -> str:
    """Return a sweep as text, at most 100 columns but for long names."""
    head = "\n".join(labelled(label, text) for label, text in report.facts)
    if not report.points:
        return head
    said = [("Pays off", text) for text in report.pays_off]
    said += [("", report.checked), ("Best", report.best), ("Limit", report.limit or "")]
    said += [("Advisory", text) for text in report.advisories[:MOST_ADVISORIES]]
    if more := len(report.advisories[MOST_ADVISORIES:]):
        said.append(("", f"The results hold {more:,} more."))
    end = "\n".join(labelled(label, text) for label, text in said if text)
    return "\n\n".join([head, table(cells_of_sweep(report), style), end])


def cells_of_sweep(report: SweepReport) -> list[dict[str, str]]:
    """Return the figures of each point and strategy as text, by the headings of their columns."""
    over = report.over
    most = max((row.speedup or 0.0 for _, each in report.points for row in each.rows), default=0.0)
    found, said = [], False
    for value, each in report.points:
        for row in each.rows:
            shared = row.strategy == "serial" and over.reuses_serial
            if shared and said:
                continue  # it ran once, for all
            said = said or shared
            cells = {
                over.key: "all" if shared else over.spelled(value),
                "strategy": row.strategy,
                "startup s": seconds(row, row.startup_s),
                "work s": seconds(row, row.work_s),
                "elapsed s": seconds(row, row.elapsed_s),
                "efficiency": "-" if row.efficiency is None else percent(row.efficiency),
                "speedup": times(row, row.speedup),
                "": bar(row.speedup or 0.0, most),
            }
            found.append(cells)
    return found


def bar(value: float, most: float) -> str:
    """Return a bar in eighths of a character, the largest value `BAR` long."""
    eighths = math.floor(8 * BAR * value / most + 0.5) if most > 0 else 0
    return PARTS[-1] * (eighths // 8) + PARTS[eighths % 8].strip()
