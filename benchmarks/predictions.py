"""Measures what `winners` judges: one calibrated run, and a comparison at every point."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from benchmarks import ours
from benchmarks.winners import CALIBRATED, INSTANCES, POINTS, TRIALS, Point, point_of
from job.analysis.breakeven import NoBreakEven
from job.analysis.report import analyse
from job.running.comparison import compare
from job.running.listener import Listener
from job.running.preparation import prepare
from job.targets.spinner import Spinner, rounds_for
from job.workload.reading import build

if TYPE_CHECKING:
    from job.analysis.breakeven import BreakEven
    from job.cluster.connection import Site
    from job.results.document import Results


def find() -> list[Point]:
    """Calibrate once, predict, and measure all points; about three minutes."""
    with ours.begin() as found:
        site = replace(found, note=_unsaid)
        model = analyse(_compared(site, *CALIBRATED)).model
        if isinstance(model, NoBreakEven):
            message = f"the calibrating run gave no break-even: {model.reason}"
            raise click.ClickException(message)
        return [_point(model, site, cost, calls) for cost, calls in POINTS]


def _point(model: BreakEven, site: Site, cost: float, calls: int) -> Point:
    point = point_of(model, _compared(site, cost, calls))
    shown = ", ".join(f"{name} {value:.2f} s" for name, value in point.elapsed_s.items())
    click.echo(f"break-even  {point.calls:5,} calls of {cost * 1e3:g} ms: {shown}", err=True)
    return point


def _compared(site: Site, cost: float, calls: int) -> Results:
    keys: dict[str, Any] = {
        "target": f"{Spinner.__module__}:Spinner(seed=instance, rounds={rounds_for(cost)})",
        "instances": INSTANCES,
        "calls": (f"spin * {calls}",),
        "read": "read",
        "trials": TRIALS,
        "serial": "full",
    }
    workload, plan = build({}, keys)
    return compare(prepare(workload, plan, None, Listener()), site, Listener())


def _unsaid(_text: str) -> None:
    pass
