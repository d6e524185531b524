"""What the page is made of: data for plotly.js, words and figures for who cannot see a chart.

A figure is plain data, so that making one needs neither plotly nor a browser; its style is the
template in page.js. A colour is a name of page.css with an @ before it, looked up where the page is
shown: by day, by night, on paper.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from job.words import figure

Figure: TypeAlias = dict[str, Any]
Cell: TypeAlias = str | float | None
Table: TypeAlias = Sequence[dict[str, Cell]]  # cells by heading; the first is what a row is of

# Of the lines of strategies, in turn.
LINES: tuple[Figure, ...] = (
    {"color": "@accent"}, {"color": "@ink", "dash": "dash"}, {"color": "@soft"},
    {"color": "@accent", "dash": "dot"},
)  # fmt: skip
RATIO = ",.3~r"  # d3's format: 0.0123, 1,230
MOST_TICKS = 6
MOST_NAME = 36  # characters of a name that a chart has room for, on a phone too

# The line at a speedup of 1: below it the serial loop is quicker.
LEVEL: Figure = {
    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "layer": "below",
    "line": {"color": "@soft", "width": 1},
    "label": {"text": "the serial loop", "textposition": "end", "yanchor": "top",
              "font": {"color": "@soft", "size": 12}},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table or sentences with a heading."""

    key: str  # its name in the page, of letters and hyphens
    title: str
    said: str = ""  # what it shows and what is to be seen in it, in sentences
    table: Table = ()
    notes: tuple[str, ...] = ()
    long: bool = False  # its cells hold more than figures


@dataclass(frozen=True, kw_only=True)
class Chart(Section):
    """A section with a chart above its table."""

    traces: tuple[Figure, ...]  # what plotly draws; every text in it is escaped for plotly
    layout: Figure
    height_px: int = 340


def written(cell: Cell) -> str:
    """Return a table's cell as text."""
    if isinstance(cell, float):
        return figure(cell)
    return f"{cell:,}" if isinstance(cell, int) else cell or "-"


def plain(text: str, most: int = MOST_NAME) -> str:
    """Return a text that plotly shows as it is, though it reads tags and entities in all texts."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return html.escape(cut, quote=False)


def seconds(longest_s: float) -> str:
    """Return the d3 format for times up to so long: 1.5m and 200µ, or 0.2 and 8,012."""
    return ".3~s" if longest_s < 1 else ",.3~r"


def short(values: Iterable[float | None]) -> list[float | None]:
    """Return values with as many digits as can be drawn."""
    return [None if value is None else float(f"{value:.6g}") for value in values]


def scatter(
    name: str, x: Iterable[float | None], y: Iterable[float | None], mode: str = "lines",
    **more: Any,  # noqa: ANN401 - whatever plotly has
) -> Figure:  # fmt: skip
    """Return points that are joined, marked or told; a None ends a line."""
    points = {"type": "scatter", "mode": mode, "name": plain(name), "x": short(x), "y": short(y)}
    return points | more


def texts(x: Iterable[float], y: Iterable[float], shown: Sequence[str], **font: object) -> Figure:
    """Return texts, each to the right of its point; they must be escaped."""
    return scatter("", x, y, "text", text=shown, textfont=font, hoverinfo="skip", showlegend=False)


def axis(title: str = "", **more: object) -> Figure:
    """Return an axis."""
    return {"title": {"text": title}} | more


def log_axis(title: str, values: Sequence[float], **more: object) -> Figure:
    """Return an axis of powers of ten, of which no more are marked than there is room for."""
    step = max(1, math.ceil(math.log10(max(values) / min(values)) / MOST_TICKS))
    return axis(title, type="log", dtick=step, tickangle=0, **more)
