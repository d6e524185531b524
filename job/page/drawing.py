"""What every chart of the page is made of: data for plotly.js, words for who cannot see it.

A figure is plain data, so that making one needs neither plotly nor a browser. Colours are names
of the page's own (`@accent`), which it looks up where it is shown: by day, by night, on paper.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Figure: TypeAlias = dict[str, Any]

INK, SOFT, RULE, PAPER = "@ink", "@soft", "@rule", "@paper"
ACCENT, TINT, COST, DANGER = "@accent", "@tint", "@cost", "@danger"

# The line at a speedup of 1: below it the serial loop is quicker.
LEVEL: Figure = {
    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "layer": "below",
    "line": {"color": SOFT, "width": 1},
}  # fmt: skip

MOST_TABLE_ROWS = 100
_NAME = 36  # characters of a name that a chart has room for, on a phone too


@dataclass(frozen=True)
class Table:
    """Figures as text, the first column being what they are of."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

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
        height_px: Of all of it.
        table: The same in figures.
    """

    key: str
    title: str
    said: str
    traces: tuple[Figure, ...]
    layout: Figure
    height_px: int
    table: Table


def plain(text: str, most: int = _NAME) -> str:
    """Return a text that plotly shows as it is, though it reads tags and entities in all texts."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return html.escape(cut, quote=False)


def axis(title: str = "", **more: Any) -> Figure:  # noqa: ANN401 - whatever plotly has
    """Return an axis in the page's style, which no finger moves by accident."""
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": RULE, "linecolor": RULE, "zeroline": False, "automargin": True,
        "fixedrange": True, "ticks": "",
    } | more  # fmt: skip


def layout(xaxis: Figure, yaxis: Figure, **more: Any) -> Figure:  # noqa: ANN401 - likewise
    """Return a layout in the page's style."""
    return {
        "xaxis": xaxis,
        "yaxis": yaxis,
        "dragmode": False,  # or a finger that scrolls the page would be caught
        "hovermode": "closest",
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
    } | more


def text_at(x: float, y: float, text: str, **more: Any) -> Figure:  # noqa: ANN401 - likewise
    """Return a text in a chart; it must be escaped."""
    return {
        "x": x, "y": y, "text": text, "showarrow": False, "xanchor": "left", "align": "left",
        "font": {"color": SOFT, "size": 12},
    } | more  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A unit of time that suits what is shown: so many of it are a second."""

    name: str
    per_s: float

    def of(self, seconds: Iterable[float]) -> list[float]:
        """Return times in this unit, with as many digits as can be drawn."""
        return [float(f"{each * self.per_s:.6g}") for each in seconds]


def unit_for(seconds: float) -> Unit:
    """Return the unit in which so long a time is no tiny figure."""
    for size, name in ((0.1, "s"), (1e-4, "ms")):
        if seconds >= size:
            return Unit(name, {"s": 1.0, "ms": 1e3}[name])
    return Unit("µs", 1e6)


def listed(words: Sequence[str]) -> str:
    """Return words as a sentence has them: a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
