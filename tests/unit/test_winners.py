"""The bench's break-even points: what counts as a failed prediction, and what is too near."""

from __future__ import annotations

import pytest

from benchmarks.winners import Point, render, thresholds, verdicts
from job.analysis.breakeven import BreakEven
from job.planning.costs import Bound, Cost

MODEL = BreakEven(
    calls=100,
    call_s=0.01,
    costs={
        "serial": Cost(0.0, (Bound("loop", 0.0, 1.0),)),
        "actors": Cost(2.0, (Bound("CPUs", 0.0, 0.5),)),
        "sharded": Cost(1.0, (Bound("CPUs", 0.0, 0.5),)),
    },
    answers=(),
)


def point(predicted: str, measured: str, *, near: bool = False) -> Point:
    elapsed = {"serial": 2.0, "actors": 2.0, "sharded": 2.0} | {measured: 1.0}
    return Point(100, 0.01, elapsed, elapsed, 0.02, predicted, near)


def test_a_prediction_fails_where_another_strategy_wins() -> None:
    points = [point("serial", "serial"), point("sharded", "serial")]
    verdict, claimed = verdicts(points)
    assert verdict.measured == 1.0
    assert not verdict.met
    assert "2 points" in verdict.demand
    assert claimed.met


def test_near_a_threshold_nothing_is_claimed() -> None:
    verdict, claimed = verdicts([point("sharded", "serial", near=True)])
    assert verdict.met
    assert "0 points" in verdict.demand
    assert not claimed.met  # a bench that decides nothing shows nothing


def test_where_nothing_was_measured_nothing_is_said() -> None:
    assert verdicts([]) == []
    assert render([], "simple") == ""


def test_every_point_has_a_row() -> None:
    text = render([point("serial", "serial"), point("sharded", "serial")], "simple")
    assert text.count("2.00 (2.00)") == 4
    assert "\N{BALLOT X}" in text


@pytest.mark.parametrize(
    ("call_s", "winner"), [(0.001, "serial"), (0.019, "serial"), (0.021, "sharded")]
)
def test_the_winner_changes_at_the_threshold(call_s: float, winner: str) -> None:
    assert thresholds(MODEL, 100) == pytest.approx({"actors": 0.04, "sharded": 0.02})
    assert MODEL.winner(100, call_s) == winner
