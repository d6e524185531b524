"""multiprocessing: a process for each core takes its share of the instances through all calls.

Spawned, as ours are: a fork of a process with threads may hang, and Python 3.14 forks no more.
"""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Arguments, Scenario, Target


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Start the processes, have all make their calls, then collect the states."""
    target, arguments = scenario.target()
    laps.connected()
    context, pipes = multiprocessing.get_context("spawn"), []
    cores = len(os.sched_getaffinity(0))
    for core in range(min(cores, scenario.instances)):
        ours, theirs = context.Pipe()
        share = len(range(core, scenario.instances, cores))
        args = theirs, target, arguments, share, scenario.calls
        context.Process(target=serve, args=args, daemon=True).start()
        theirs.close()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    laps.started()
    for pipe in pipes:
        pipe.send("work")
    for pipe in pipes:
        pipe.recv()
    laps.worked()
    states = [state for pipe in pipes for state in read(pipe)]
    laps.finished()
    return states


def read(pipe: Connection[str, list[int]]) -> list[int]:
    """Ask a process for its states."""
    pipe.send("read")
    return pipe.recv()


def serve(
    pipe: Connection[object, str], target: Target, arguments: Arguments, share: int, calls: int
) -> None:
    """Make the instances, then do as told; where calls wait, a thread each, as one would."""
    from benchmarks.contenders.thread_pool import work_all

    counters = [target(**arguments) for _ in range(share)]
    pipe.send("ready")
    pipe.recv()
    work_all(counters, calls)
    pipe.send("worked")
    pipe.recv()
    pipe.send([counter.read() for counter in counters])
