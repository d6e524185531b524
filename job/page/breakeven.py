"""From which call cost on it pays: what a model says, with what was measured on it; pure."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING

from job.page.drawing import LEVEL, LINES, RATIO, Chart, Figure, log_axis, plain, scatter
from job.words import capitalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.breakeven import Answer, BreakEven
    from job.analysis.figures import Row

POINTS = 60
# Over the cheapest calls no curve is above the loop's line.
_LEVEL: Figure = LEVEL | {"label": LEVEL["label"] | {"textposition": "start", "yanchor": "bottom"}}
_MARGIN = 30.0  # how many times beyond what is to be seen a curve goes on
_LEAST_S, _MOST_S = 1e-7, 1e4  # of a call: beyond, nobody asks


def pay_off(model: BreakEven, said: Sequence[str], seen: Sequence[tuple[float, Row]]) -> Chart:
    """Return the predicted speedup against the cost of a call, and where it passes 1.

    `said` is the model in sentences, `seen` what a call took and a strategy's figures with such.
    """
    seen = [(cost, row) for cost, row in seen if cost >= _LEAST_S and row.speedup]
    answers = sorted(model.telling, key=lambda answer: answer.call_s or math.inf)
    costs = _costs([cost for cost, _ in seen] + [answer.call_s or 0.0 for answer in answers])
    curves = [
        scatter(
            f"{answer.strategy} from {answer.cost}" if answer.call_s else answer.strategy,
            costs, [_speedup(model, answer, cost) for cost in costs], line=style,
            hovertemplate=f"{plain(answer.strategy)} at %{{x:.2~s}}s a call: %{{y:{RATIO}}}x"
            "<extra></extra>",
        )
        for answer, style in zip(answers, cycle(LINES), strict=False)
    ]  # fmt: skip
    measured = scatter(
        "measured", [cost for cost, _ in seen], [row.speedup for _, row in seen], "markers",
        text=[plain(row.strategy) for _, row in seen],
        hovertemplate=f"%{{text}}, measured: %{{y:{RATIO}}}x<extra></extra>",
    )  # fmt: skip
    return Chart(
        key="pay-off",
        title="From which call cost on it pays",
        said=f"Predicted speedup of {model.calls:,} calls against the cost of one. "
        + " ".join(f"{capitalise(sentence)}." for sentence in said),
        traces=(*curves, measured, _diamonds(answers)),
        layout={
            "xaxis": log_axis("cost of one call", costs, tickformat="~s", ticksuffix="s",
                              range=[math.log10(costs[0]), math.log10(costs[-1])]),
            "yaxis": log_axis("speedup", [y for curve in curves for y in curve["y"]],
                              tickformat=RATIO, ticksuffix="x "),
            "showlegend": True, "shapes": [_LEVEL],
        },
        height_px=400,
        table=[
            {
                "strategy": answer.strategy,
                "pays from": answer.cost,
                "pays back after calls": "never" if answer.whole_calls is None
                else answer.whole_calls,
                "predicted s": answer.predicted_s,
                "measured s": answer.measured_s,
            }
            for answer in model.telling
        ],
    )  # fmt: skip


def _costs(of_interest: Sequence[float]) -> list[float]:
    """Return call costs, evenly apart on a logarithmic scale, around those of interest."""
    known = [cost for cost in of_interest if _LEAST_S <= cost <= _MOST_S] or [1e-3]
    low = math.log10(max(min(known) / _MARGIN, _LEAST_S))
    high = math.log10(min(max(known) * _MARGIN, _MOST_S))
    return [10 ** (low + (high - low) * step / (POINTS - 1)) for step in range(POINTS)]


def _speedup(model: BreakEven, answer: Answer, call_s: float) -> float:
    serial_s = model.costs["serial"].elapsed_s(model.calls, call_s)
    return serial_s / max(model.costs[answer.strategy].elapsed_s(model.calls, call_s), 1e-9)


def _diamonds(answers: Sequence[Answer]) -> Figure:
    costs = [a.call_s for a in answers if a.call_s and _LEAST_S <= a.call_s <= _MOST_S]
    return scatter(
        "break-even", costs, [1.0] * len(costs), "markers", hoverinfo="skip",
        marker={"symbol": "diamond", "size": 11, "color": "@paper", "line": {"color": "@ink"}},
    )  # fmt: skip
