"""What every chart of the page is made of: data for plotly.js, words for who cannot see it.

A figure is plain data, so that making one needs neither plotly nor a browser. A colour is a name
of page.css with an @ before it, looked up where the page is shown: by day, by night, on paper.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Figure: TypeAlias = dict[str, Any]
Cell: TypeAlias = str | float | None

LINES = (("@accent", "solid"), ("@soft", "dash"), ("@tint", "dot"))  # of strategies, in turn
RATIO = ",.3~r"  # d3's format: 0.0123, 1,230
MOST_TICKS = 6
MOST_TABLE_ROWS = 100
_NAME = 36  # characters of a name that a chart has room for, on a phone too

# The line at a speedup of 1: below it the serial loop is quicker.
LEVEL: Figure = {
    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "layer": "below",
    "line": {"color": "@soft", "width": 1},
    "label": {"text": "the serial loop", "textposition": "end", "yanchor": "top",
              "font": {"color": "@soft", "size": 12}},
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Figures and texts, the first column being what they are of."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def cut(self) -> Table:
        """Return as many rows as somebody would read."""
        return Table(self.headings, self.rows[:MOST_TABLE_ROWS])


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        key: Its name in the page, of letters and hyphens.
        title: Its heading.
        said: What it shows and what is to be seen in it, in sentences.
        traces: What plotly draws; every text in it is escaped for plotly.
        layout: How.
        table: The same in figures.
        height_px: Of all of it.
    """

    key: str
    title: str
    said: str
    traces: tuple[Figure, ...]
    layout: Figure
    table: Table
    height_px: int = 340


def written(cell: Cell) -> str:
    """Return a table's cell as text."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1_000 else f"{cell:.4g}"  # noqa: PLR2004
    return f"{cell:,}" if isinstance(cell, int) else cell or "-"


def plain(text: str, most: int = _NAME) -> str:
    """Return a text that plotly shows as it is, though it reads tags and entities in all texts."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return html.escape(cut, quote=False)


def seconds(longest_s: float) -> str:
    """Return the d3 format for times up to so long: 1.5m and 200µ, or 0.2 and 8,012."""
    return ".4~s" if longest_s < 1 else ",.4~r"


def short(values: Iterable[float | None]) -> list[float | None]:
    """Return values with as many digits as can be drawn."""
    return [None if value is None else float(f"{value:.6g}") for value in values]


def lines(
    name: str, x: Iterable[float | None], y: Iterable[float | None], colour: str,
    dash: str = "solid", **more: Any,  # noqa: ANN401 - whatever plotly has
) -> Figure:  # fmt: skip
    """Return points that are joined; a None ends a line."""
    return {
        "type": "scatter", "mode": "lines", "name": plain(name), "x": short(x), "y": short(y),
        "line": {"color": colour, "width": 2.5, "dash": dash},
    } | more  # fmt: skip


def dots(
    name: str, x: Iterable[float], y: Iterable[float], marker: Figure, **more: object
) -> Figure:
    """Return points that are marked."""
    usual = {"color": "@ink", "size": 9, "line": {"color": "@paper", "width": 1.5}}
    return {
        "type": "scatter", "mode": "markers", "name": plain(name), "x": short(x), "y": short(y),
        "marker": usual | marker,
    } | more  # fmt: skip


def texts(x: Iterable[float], y: Iterable[float], shown: Sequence[str], **font: object) -> Figure:
    """Return texts, each to the right of its point; they must be escaped."""
    return {
        "type": "scatter", "mode": "text", "x": short(x), "y": short(y), "text": shown,
        "textposition": "middle right", "textfont": {"color": "@soft", "size": 12} | font,
        "hoverinfo": "skip", "showlegend": False, "cliponaxis": False,
    }  # fmt: skip


def axis(title: str = "", **more: object) -> Figure:
    """Return an axis in the page's style, which no finger moves by accident."""
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": "@rule", "linecolor": "@rule", "zeroline": False, "automargin": True,
        "fixedrange": True, "ticks": "",
    } | more  # fmt: skip


def log_axis(title: str, values: Sequence[float], **more: object) -> Figure:
    """Return an axis of powers of ten, of which no more are marked than there is room for."""
    decades = math.log10(max(values) / min(values))
    step = max(1, math.ceil(decades / MOST_TICKS))
    return axis(title, type="log", dtick=step, tickangle=0, **more)


def layout(xaxis: Figure, yaxis: Figure, **more: object) -> Figure:
    """Return a layout in the page's style."""
    return {
        "xaxis": xaxis, "yaxis": yaxis, "hovermode": "closest", "showlegend": False,
        "dragmode": False,  # or a finger that scrolls the page would be caught
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
    } | more  # fmt: skip
