"""Our strategies as the benchmarks drive them: the product's own parts, under another clock."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from benchmarks.scenarios import LIMIT_S
from job.cluster import connection
from job.cluster.autoscaler import preview
from job.cluster.travel import pack
from job.planning.estimate import Loop
from job.planning.local import lay_out
from job.running.comparison import build_strategies
from job.running.listener import Listener
from job.running.local import Local
from job.running.preparation import prepare
from job.running.tryout import profile_of
from job.shard.metering import own_cores
from job.signals import Leaving
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario
    from job.cluster.connection import Site
    from job.running.strategy import Strategy

_SETTLE_S = 1.0


@contextlib.contextmanager
def begin() -> Iterator[Site]:
    """Connect to an embedded Ray and let the workers that it starts ahead come up."""
    with Leaving().watching() as leaving, connection.session("local", leaving, note) as site:
        time.sleep(_SETTLE_S)
        yield site


def strategy(name: str, scenario: Scenario, site: Site) -> Strategy:
    """Return one strategy for a scenario, prepared as a comparison prepares it."""
    workload, plan = build({}, options(name, scenario))
    subject = prepare(workload, plan, None, Listener())
    subject = replace(subject, packed=pack(subject.recipe, site.travel))
    assert subject.tried  # noqa: S101 - prepare has tried it
    profile = profile_of(workload, subject.tried)
    laid_out = preview(workload, plan, site.cluster, profile)
    (built,) = build_strategies(subject, site, laid_out, Loop())
    built.prepare(profile)
    return built


def run_local(name: str, scenario: Scenario, laps: Laps) -> list[int]:
    """Run one of the strategies that need no Ray, likewise."""
    workload, plan = build({}, options(name, scenario))
    subject = prepare(workload, plan, None, Listener())
    assert subject.tried  # noqa: S101 - prepare has tried it
    profile = profile_of(workload, subject.tried)
    layout = lay_out(name, workload.instances, plan, profile, own_cores())
    built = Local(name, layout, subject)
    built.prepare(profile)
    laps.connected()
    return _timed(built, laps)


def _timed(built: Strategy, laps: Laps) -> list[int]:
    built.start()
    laps.started()
    built.work(unseen)
    laps.worked()
    states = built.read()
    laps.finished()
    built.stop()
    return [int(state) for state in states]


def options(name: str, scenario: Scenario) -> dict[str, object]:
    """Return a scenario as the command line's options."""
    target, arguments = scenario.target()
    literals = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return {
        "target": f"{target.__module__}:{target.__name__}({literals})",
        "instances": scenario.instances,
        "calls": (f"increment * {scenario.calls}",),
        "read": "read",
        "strategies": name,
        "timeout_s": 2 * LIMIT_S,
    }


def run(name: str, scenario: Scenario, laps: Laps) -> list[int]:
    """Run one strategy once, in the phases that the runner times."""
    with begin() as site:
        built = strategy(name, scenario, site)
        laps.connected()
        return _timed(built, laps)


def unseen(calls: int) -> None:
    """Show no progress."""


def note(text: str) -> None:
    """Say what a person may want to know; on stderr, for stdout is the report's."""
    click.echo(text, err=True)
