"""Instances are closed: each once, after its state is read, in the thread that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.errors import TargetRaisedError, TrialError
from job.planning.estimate import Loop
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.results.storage import load
from job.running.hosted import Hosted
from job.running.serial import Serial
from job.running.sharded import Sharded
from tests.subjects import Here, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from job.cluster.connection import Site
    from job.running.strategy import Strategy
    from tests.ray_local.running import Command

    Make = Callable[..., Strategy]

CPU = Demand(0.1)  # of each actor, so that all layouts fit
INSTANCES = 5
WAYS: dict[str, Here | Layout | str] = {
    "serial": "driver",
    "serial in an actor": "actor",
    "threads": Here("threads", Layout(1, threads=3, calls_per_batch=None)),
    "processes": Here("processes", Layout(2, threads=2, calls_per_batch=None)),
    "actors": Layout(INSTANCES, CPU),
    "sharded": Layout(2, CPU, calls_per_batch=3),
    "threaded": Layout(2, CPU, threads=2, calls_per_batch=None),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
release = pytest.mark.release


@pytest.fixture
def make(site: Site) -> Make:
    """Return what builds a strategy on the shared Ray, whose instances are to be closed."""

    def build(way: Here | Layout | str, target: str) -> Strategy:
        subject = subject_of(
            f"closers:{target}", ["step * 2"], read="read", instances=INSTANCES, close="close"
        )
        if way == "driver":
            return Serial(subject.recipe, INSTANCES, 60.0)
        if way == "actor":
            return Hosted(subject, site, Layout(1, CPU), Loop())
        if isinstance(way, Here):
            return way.made(subject)
        assert isinstance(way, Layout)
        return Sharded("under test", way, subject, site)

    return build


def close(strategy: Strategy, marks: Path) -> None:
    """Carry a trial to its end, and see that nothing is closed before its states are there."""
    try:
        strategy.prepare(None)
        strategy.start()
        strategy.work(lambda _: None)
        assert strategy.read() == ["2"] * INSTANCES
        strategy.facts()
        assert marked(marks, "closed") == []
        strategy.close()
    finally:
        strategy.stop()
        strategy.settle()


def marked(folder: Path, what: str) -> list[str]:
    """Return which instances left such a mark, each with its process and its number there."""
    found = (path.name.split() for path in folder.iterdir())
    return sorted(f"{number} {name}" for number, was, name in found if was == what)


@pytest.mark.parametrize("kind", ["Closer", pytest.param("AsyncCloser", marks=release)])
@every_way
def test_each_instance_is_closed_once_in_the_thread_that_made_it(
    make: Make, way: Here | Layout | str, marks: Path, kind: str
) -> None:
    close(make(way, f"{kind}({str(marks)!r}, instance)"), marks)
    closed = marked(marks, "closed")
    assert [each[0] for each in closed] == ["0", "1", "2", "3", "4"]
    assert closed == marked(marks, "opened")


@release
@every_way
def test_an_instance_that_cannot_be_closed_is_named(
    make: Make, way: Here | Layout | str, marks: Path
) -> None:
    strategy = make(way, f"Closer({str(marks)!r}, instance, breaks=2)")
    with pytest.raises((TrialError, TargetRaisedError)) as raised:
        close(strategy, marks)
    assert "instance 2, close close: OSError: the disk is full" in str(raised.value)


@release
@pytest.mark.parametrize("way", [WAYS["actors"], WAYS["threaded"]], ids=["actors", "threaded"])
def test_an_actor_that_is_lost_while_it_closes_is_not_replaced(
    make: Make, way: Layout, marks: Path
) -> None:
    close(make(way, f"Leaver({str(marks)!r}, instance)"), marks)
    assert len(marked(marks, "opened")) == INSTANCES


def test_a_comparison_closes_all_that_it_opens_where_it_is_tried_out_too(
    command: Command, marks: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "results.json"
    ended = command.run(
        "--target", f"closers:Closer({str(marks)!r}, instance)", "--call", "step * 3",
        "--read", "read", "--close", "close", "--instances", "3", "--output", str(saved),
        "--strategies", "serial,threads,processes,actors,sharded",
    )  # fmt: skip
    assert ended.code == 0, ended
    assert "step() * 3, then read, then close" in " ".join(ended.stdout.split())
    opened = marked(marks, "opened")
    assert len(opened) > 5 * 3  # those that were tried out, too
    assert marked(marks, "closed") == opened
    results = load(saved)
    assert results.workload.close == "close"
    again = command.run("compare", str(saved), str(saved))
    assert again.code == 0, again


def test_what_cannot_be_closed_is_told_before_anything_is_measured(
    command: Command, marks: Path
) -> None:
    target = ("--target", f"closers:Closer({str(marks)!r}, instance, breaks=0)", "--call", "step")
    ended = command.run(*target, "--close", "shut")
    assert ended.code == 2
    assert "Error: --close shut: Closer has no method 'shut'\nIt has: close, read" in ended.stderr
    ended = command.run(*target, "--close", "close")
    assert ended.code == 4
    assert "instance 0, close close: OSError: the disk is full (tried out)" in ended.stderr
