"""Curves: what a model says, with the points that were measured on it; pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

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
    text_at,
)
from job.words import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.breakeven import Answer, BreakEven

POINTS = 60
MOST_TICKS = 6
_HEIGHT_PX = 340
_MARGIN = 30.0  # how many times beyond what is to be seen a curve goes on
_LEAST_S, _MOST_S = 1e-7, 1e4  # of a call: beyond, nobody asks
_LINES = ((ACCENT, "solid"), (SOFT, "dash"), (TINT, "dot"))


class Seen(NamedTuple):
    """A speedup that was measured, with calls of that cost."""

    strategy: str
    call_s: float
    speedup: float


def pay_off(found: BreakEven, said: Sequence[str], seen: Sequence[Seen] | None = None) -> Chart:
    """Return the predicted speedup against the cost of a call, and where it passes 1.

    Args:
        found: The model of a run.
        said: What it says, in sentences.
        seen: What was measured; else that run's own speedups.
    """
    seen = [each for each in (seen or _own(found)) if each.call_s >= _LEAST_S]
    costs = _costs(found, seen)
    order = sorted(found.telling, key=lambda answer: answer.call_s or math.inf)
    traces: list[Figure] = []
    for place, answer in enumerate(order):
        colour, dash = _LINES[place % len(_LINES)]
        traces.append(
            {
                "type": "scatter", "mode": "lines", "name": plain(answer.strategy),
                "x": [float(f"{cost:.4g}") for cost in costs],
                "y": [float(f"{_speedup(found, answer, cost):.4g}") for cost in costs],
                "text": [duration(float(f"{cost:.2g}")) for cost in costs],
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "hovertemplate": f"{plain(answer.strategy)} at %{{text}} a call: "
                "%{y:.3g}x<extra></extra>",
            }
        )  # fmt: skip
    return Chart(
        key="pay-off",
        title="From which call cost on it pays",
        said=f"Predicted speedup of {found.calls:,} calls against the cost of one. "
        + " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in said),
        traces=(*traces, *_measured(seen), *_thresholds(order)),
        layout=layout(
            _seconds_axis("cost of one call", costs),
            _times_axis([y for trace in traces for y in trace["y"]] + [s.speedup for s in seen]),
            showlegend=True, shapes=[LEVEL],
            annotations=[
                text_at(0.005, 0, "the serial loop", xref="paper", yanchor="top")
            ],
        ),
        height_px=_HEIGHT_PX,
        table=Table(
            ("strategy", "pays from s", "pays back after calls", "predicted s", "measured s"),
            tuple(
                (
                    answer.strategy, _or_never(answer.call_s),
                    "never" if answer.calls is None else f"{math.ceil(answer.calls):,}",
                    f"{answer.predicted_s:,.4g}", f"{answer.measured_s:,.4g}",
                )
                for answer in found.telling
            ),
        ),
    )  # fmt: skip


def _or_never(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.3g}"


def _costs(found: BreakEven, seen: Sequence[Seen]) -> list[float]:
    """Return call costs, evenly apart on a logarithmic scale, around those of interest."""
    known = [*(each.call_s for each in seen), *(answer.call_s or 0.0 for answer in found.telling)]
    known = [cost for cost in known if _LEAST_S <= cost <= _MOST_S] or [1e-3]
    low = math.log10(max(min(known) / _MARGIN, _LEAST_S))
    high = math.log10(min(max(known) * _MARGIN, _MOST_S))
    return [10 ** (low + (high - low) * step / (POINTS - 1)) for step in range(POINTS)]


def _speedup(found: BreakEven, answer: Answer, call_s: float) -> float:
    serial = found.costs["serial"].elapsed_s(found.calls, call_s)
    return serial / max(found.costs[answer.strategy].elapsed_s(found.calls, call_s), 1e-9)


def _own(found: BreakEven) -> list[Seen]:
    """Return the speedups of the run that the model is of."""
    serial = found.costs["serial"].elapsed_s(found.calls, found.call_s)
    known = [answer for answer in found.answers if answer.measured_s]
    return [Seen(each.strategy, found.call_s, serial / each.measured_s) for each in known]


def _measured(seen: Sequence[Seen]) -> list[Figure]:
    if not seen:
        return []
    return [
        {
            "type": "scatter", "mode": "markers", "name": "measured",
            "x": [float(f"{each.call_s:.4g}") for each in seen],
            "y": [float(f"{each.speedup:.4g}") for each in seen],
            "text": [plain(each.strategy) for each in seen],
            "marker": {"color": INK, "size": 9, "line": {"color": PAPER, "width": 1.5}},
            "hovertemplate": "%{text}, measured: %{y:.3g}x<extra></extra>",
        }
    ]  # fmt: skip


def _thresholds(order: Sequence[Answer]) -> list[Figure]:
    known = [a for a in order if a.call_s is not None and _LEAST_S <= a.call_s <= _MOST_S]
    if not known:
        return []
    costs = [answer.call_s or 0.0 for answer in known]
    return [
        {
            "type": "scatter", "mode": "markers+text", "name": "break-even", "x": costs,
            "y": [1.0] * len(known),
            "text": [duration(float(f"{cost:.2g}")) for cost in costs],
            "textposition": ["top left", "bottom right", "top right"][: len(known)],
            "textfont": {"color": INK, "size": 13}, "hoverinfo": "skip",
            "marker": {
                "symbol": "diamond", "size": 11, "color": PAPER,
                "line": {"color": INK, "width": 1.5},
            },
        }
    ]  # fmt: skip


def _seconds_axis(title: str, costs: Sequence[float]) -> Figure:
    powers = _powers(costs)
    return axis(
        title, type="log", tickvals=[10.0**power for power in powers],
        ticktext=[duration(float(f"1e{power}")) for power in powers], tickangle=0,
        range=[math.log10(costs[0]), math.log10(costs[-1])],
    )  # fmt: skip


def _times_axis(values: Sequence[float]) -> Figure:
    shown = [*values, 1.0]
    powers = _powers(shown)
    low, high = math.log10(min(shown)), math.log10(max(shown))
    return axis(
        "speedup", type="log", tickvals=[10.0**power for power in powers],
        ticktext=[f"{10.0**power:g}x " for power in powers], range=[low - 0.1, high + 0.2],
    )  # fmt: skip


def _powers(values: Sequence[float]) -> list[int]:
    """Return the powers of ten to be marked, not more than there is room for."""
    low, high = math.ceil(math.log10(min(values))), math.floor(math.log10(max(values)))
    step = max(1, -(-(high - low + 1) // MOST_TICKS))
    return [power for power in range(low, high + 1) if power % step == 0]
