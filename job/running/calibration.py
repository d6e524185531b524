"""What calls cost that do nothing, on this cluster: in the loop, in a shard, sent to actors."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from job.cluster.travel import pack
from job.errors import JobError
from job.planning.layout import Layout, demand_of
from job.results.document import BY_VALUE, Calibration
from job.running.serial import Serial
from job.running.sharded import Sharded
from job.shard.recipe import Recipe
from job.shard.shard import Place, Shard
from job.targets.idler import Idler
from job.workload.calls import Call, Target

if TYPE_CHECKING:
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.results.document import Results
    from job.running.listener import Listener

SENT = 1_500  # remote calls: a third of a second, and far more than what the first ones differ by
LOOPED = 100_000  # calls on the driver: 5 ms in the loop
MOST_ACTORS = 8  # one driver sends no faster to more of them
INSTANCES = 100  # in the loop and in the shard: so many that going from one to the next shows
DEADLINE_S = 15.0


def calibrate(
    results: Results, subject: Subject, site: Site, listener: Listener
) -> Calibration | None:
    """Time calls that do nothing, in about a second, most of which actors take to start.

    Without a serial loop and something to compare it with there is no break-even to be found, and
    nothing is timed.
    """
    trials = results.analysed()
    last = next((trials[name][-1] for name in ("actors", "sharded") if name in trials), None)
    if "serial" not in trials or last is None:
        return None
    count = max(1, min(int(last.cpus), MOST_ACTORS))
    since = time.perf_counter()
    try:
        loop_s, inside_s = _time_loop(), _time_shard()
        demand = replace(demand_of(subject.plan), cpus=float(last.settings["cpus_per_actor"]))
        layout = Layout(count, demand)
        send_s = _time_sending(layout, subject, site)
    except JobError as error:
        listener.tell(f"No break-even: calls that do nothing could not be timed: {error.message}")
        return None
    took_s = time.perf_counter() - since
    listener.tell(f"Break-even: calls that do nothing were timed for {took_s:.1f} s.")
    calls = count * -(-SENT // count)
    return Calibration(
        loop_s=loop_s, inside_s=inside_s, send_s=send_s, actors=count, calls=calls,
        elapsed_s=took_s,
    )  # fmt: skip


def _resting(times: int) -> Recipe:
    target = Target(Idler.__module__, Idler.__name__)
    return Recipe(Idler, target, (Call("rest", times=times),), None, state_limit=0)


def _time_loop() -> float:
    """Return what the serial loop takes per call, besides the call."""
    loop = Serial(_resting(LOOPED // INSTANCES), INSTANCES, DEADLINE_S)
    loop.prepare(None)
    loop.start()
    began = time.perf_counter()
    loop.work(_ignore)
    return (time.perf_counter() - began) / loop.calls


def _time_shard() -> float:
    """Return what a shard takes per call, besides the call; its batches end by themselves."""
    recipe = _resting(LOOPED // INSTANCES)
    shard = Shard(recipe, range(INSTANCES), None, 1, Place.here)
    shard.ready()
    began = time.perf_counter()
    while shard.advance():
        pass
    return (time.perf_counter() - began) / (INSTANCES * recipe.calls_per_instance)


def _time_sending(layout: Layout, subject: Subject, site: Site) -> float:
    """Return what a remote call takes per call, sent to as many actors as compute at once."""
    limits = {"startup_timeout_s": DEADLINE_S, "timeout_s": DEADLINE_S}
    recipe = _resting(-(-SENT // layout.shards))
    idle = replace(
        subject,
        workload=subject.workload.model_copy(update={"instances": layout.shards}),
        plan=subject.plan.model_copy(update=limits | {"chaos": None, "snapshot_every": 0}),
        recipe=recipe,
        packed=pack(recipe, BY_VALUE),
    )
    actors = Sharded("calibration", layout, idle, site)
    actors.prepare(None)
    try:
        actors.start()
        began = time.perf_counter()
        actors.work(_ignore)
        send_s = (time.perf_counter() - began) / actors.calls
    finally:
        actors.stop()
    actors.settle()
    return send_s


def _ignore(_calls: int) -> None:
    pass
