"""What calls cost that do nothing, on this cluster: in the loop, in a shard, sent to actors."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from job.errors import JobError
from job.planning.layout import Layout
from job.results.document import Calibration
from job.running.serial import Serial
from job.running.sharded import RayShards
from job.shard.recipe import Recipe
from job.shard.shard import Place, Shard
from job.targets.idler import Idler
from job.workload.calls import Call, Target

if TYPE_CHECKING:
    from job.actors.worker import Setting
    from job.results.document import Results

SENT = 1_500  # remote calls: a third of a second, and far more than what the first ones differ by
LOOPED = 100_000  # calls on the driver: 5 ms in the loop
MOST_ACTORS = 8  # one driver sends no faster to more of them
INSTANCES = 100  # in the loop and in the shard: so many that going from one to the next shows
DEADLINE_S = 15.0


def calibrated(results: Results, setting: Setting) -> Results:
    """Return a complete comparison's results with what calls cost here that do nothing.

    Without a serial loop and something to compare it with there is no break-even to be found, and
    nothing is timed.
    """
    trials = results.analysed()
    last = next((trials[name][-1] for name in ("actors", "sharded") if name in trials), None)
    if results.status != "complete" or "serial" not in trials or last is None:
        return results
    try:
        found = calibrate(setting, int(last.cpus), float(last.settings["cpus_per_actor"]))
    except JobError as error:
        setting.note(f"No break-even: calls that do nothing could not be timed: {error.message}")
        return results
    setting.note(f"Break-even: calls that do nothing were timed for {found.elapsed_s:.1f} s.")
    return results.with_(calibration=found)


def calibrate(setting: Setting, actors: int, cpus_per_actor: float) -> Calibration:
    """Time calls that do nothing; about a second, most of which actors take to start.

    Args:
        setting: The comparison's; what it computes is replaced.
        actors: How many the comparison had that compute at once.
        cpus_per_actor: What each of them asked for.

    Raises:
        JobError: An actor died, or was not ready in time.
    """
    since = time.perf_counter()
    loop_s, inside_s = _looped_s(), _inside_s()
    count = max(1, min(actors, MOST_ACTORS))
    each = -(-SENT // count)
    idle = replace(
        setting, recipe=_resting(each), instances=count, packed=None,
        startup_timeout_s=DEADLINE_S, timeout_s=DEADLINE_S,
    )  # fmt: skip
    shards = RayShards("calibration", Layout(count, cpus_per_actor), idle)
    shards.prepare(None)
    try:
        shards.start()
        began = time.perf_counter()
        shards.work(_unseen)
        send_s = (time.perf_counter() - began) / shards.calls
    finally:
        shards.stop()
    shards.settle()
    took_s = time.perf_counter() - since
    return Calibration(
        loop_s=loop_s, inside_s=inside_s, send_s=send_s, actors=count, calls=shards.calls,
        elapsed_s=took_s,
    )  # fmt: skip


def _resting(times: int) -> Recipe:
    return Recipe(Idler, Target(Idler.__module__, Idler.__name__), (Call("rest", times=times),),
                  None, state_limit=0)  # fmt: skip


def _looped_s() -> float:
    """Return what the serial loop takes per call, besides the call."""
    loop = Serial(_resting(LOOPED // INSTANCES), INSTANCES, DEADLINE_S)
    loop.start()
    began = time.perf_counter()
    loop.work(_unseen)
    return (time.perf_counter() - began) / loop.calls


def _inside_s() -> float:
    """Return what a shard takes per call, besides the call; its batches end by themselves."""
    recipe = _resting(LOOPED // INSTANCES)
    shard = Shard(recipe, range(INSTANCES), None, 1, Place.here)
    shard.ready()
    began = time.perf_counter()
    while shard.advance():
        pass
    return (time.perf_counter() - began) / (INSTANCES * recipe.calls_per_instance)


def _unseen(_calls: int) -> None:
    pass
