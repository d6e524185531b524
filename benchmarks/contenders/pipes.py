"""multiprocessing: a process per instance, told what to do through a pipe."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Arguments, Scenario, Target


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Send every process its calls, then ask each to read; the answer ends its work."""
    target, arguments = scenario.target()
    laps.connected()
    pipes = [start(target, arguments) for _ in range(scenario.instances)]
    for pipe in pipes:
        pipe.recv()
    laps.started()
    for _ in range(scenario.calls):
        for pipe in pipes:
            pipe.send("increment")
    for pipe in pipes:
        pipe.send("read")
    states = [pipe.recv() for pipe in pipes]
    laps.worked()
    laps.finished()
    return states


def start(target: Target, arguments: Arguments) -> Connection[object, int]:
    """Start one process and return our end of its pipe."""
    ours, theirs = multiprocessing.Pipe()
    serving = multiprocessing.Process(target=serve, args=(theirs, target, arguments), daemon=True)
    serving.start()
    theirs.close()
    return ours


def serve(
    pipe: Connection[int, str],
    target: Target,
    arguments: Arguments,
) -> None:
    """Make the instance, say so, and do as told until the state is asked for."""
    counter = target(**arguments)
    pipe.send(0)
    while pipe.recv() == "increment":
        counter.increment()
    pipe.send(counter.read())
    pipe.recv()
