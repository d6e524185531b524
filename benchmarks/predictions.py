"""Measures what `winners` judges: one calibrated run, and a comparison at every point."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from benchmarks import ours
from benchmarks.winners import CALIBRATED, INSTANCES, POINTS, TRIALS, Point, point_of
from job.analysis.breakeven import NoBreakEven, break_even
from job.cluster.address import choose
from job.cluster.guard import asking
from job.cluster.waiting import Site
from job.running.comparison import measured
from job.running.preparation import prepared
from job.targets.spinner import Spinner, rounds_for
from job.workload.importing import load_target
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from job.analysis.breakeven import BreakEven
    from job.results.document import Results


def find() -> list[Point]:
    """Calibrate once, predict, and measure all points; about three minutes."""
    with _site() as site:
        model = break_even(_compared(site, *CALIBRATED))
        if isinstance(model, NoBreakEven):
            message = f"the calibrating run gave no break-even: {model.reason}"
            raise click.ClickException(message)
        return [_point(model, site, cost, calls) for cost, calls in POINTS]


@contextlib.contextmanager
def _site() -> Iterator[Site]:
    with ours.connected() as cluster, asking(cluster.address) as request:
        yield Site(choose("local", {}), cluster, request, _unsaid)


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
    subject = prepared(workload, plan, load_target(workload.target))
    return measured(subject, site, None, keep=_unkept, watch=_unwatched, show=_unkept)


def _unsaid(_text: str) -> None:
    pass


def _unkept(_results: Results) -> None:
    pass


@contextlib.contextmanager
def _unwatched(_strategy: str, _turn: int, _calls: int) -> Iterator[Any]:
    yield ours.unseen
