"""Results documents to be shown: a plain one, one of an enemy, one that is large."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from job.actors.timeline import Timeline
from job.results.document import Calibration, Computed, Loss, Node, Results, Stretch, Trial
from job.results.storage import load
from job.results.sweep import Point, Sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = load(Path(__file__).parent / "data" / "results-v1.json")
SERIAL, ACTORS = SEED.trials[-2:]
SCRIPT = "<script>window.struck = 1</script>"
IMAGE = "<img src=x onerror='window.struck = 1'>"
DEATH = Loss(
    actor=1, incarnation=1, address="10.0.0.6", cause="the process was killed (SIGKILL)",
    since_s=0.8, resumed_s=0.35, replayed_calls=3,
)  # fmt: skip


def stretches(
    actors: int, batches: int, batch_s: float, nodes: Sequence[str] = ("a1", "b2"), calls: int = 1
) -> tuple[Stretch, ...]:
    """Return what a driver may have seen, the same each time: actors in turn on the nodes."""
    lot = random.Random(7)  # noqa: S311 - figures, not secrets
    found = []
    for actor in range(actors):
        now = 0.0
        for _ in range(batches):
            took = batch_s * lot.uniform(0.8, 1.25)
            node = nodes[actor * len(nodes) // actors]
            found.append(
                Stretch(actor=actor, node_id=node, since_s=now, until_s=now + took, calls=calls)
            )
            now += took
    return tuple(found)


def kept(seen: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Return what a driver keeps of what it has seen."""
    timeline = Timeline()
    for each in sorted(seen, key=lambda stretch: stretch.until_s):
        timeline.add(each.actor, each.node_id, each.since_s, each.until_s, each.calls)
    return tuple(timeline.stretches)


def changed(trial: Trial, **keys: object) -> Trial:
    """Return a trial with some keys changed, its elapsed time being the sum of its phases."""
    made = trial.model_copy(update=keys)
    elapsed = made.startup_s + made.work_s + made.read_s
    return made.model_copy(update={"elapsed_s": elapsed})


def comparison(trials: int = 9) -> Results:
    """Return a comparison of three strategies, in the last trial of which an actor died."""
    lot = random.Random(3)  # noqa: S311 - likewise
    made = []
    for index in range(trials):
        noise = [lot.uniform(0.985, 1.03) for _ in range(3)]
        last = index == trials - 1
        made += [
            changed(SERIAL, index=index, work_s=8.01 * noise[0]),
            changed(
                ACTORS, index=index, work_s=2.02 * noise[1], timeline=stretches(4, 2, 1.0),
                losses=int(last), deaths=(DEATH,) if last else (),
            ),
            changed(
                ACTORS, index=index, strategy="sharded", actors=2, startup_s=0.71,
                work_s=2.01 * noise[2], timeline=stretches(2, 8, 0.25),
                settings={"cpus_per_actor": 1.0, "threads_per_shard": 2, "calls_per_batch": "auto"},
            ),
        ]  # fmt: skip
    calibration = Calibration(
        loop_s=3e-8, inside_s=4e-7, send_s=2.2e-4, actors=4, calls=1_500, elapsed_s=1.1
    )
    return SEED.with_(trials=tuple(made), calibration=calibration)


def hostile() -> Results:
    """Return a comparison whose target and cluster would like to run something in the page."""
    everywhere = SCRIPT + IMAGE + "</script>{{ 7 * 7 }}%{x}<b>&amp;"
    nodes = tuple(
        Node(node_id=key, address=f"10.0.0.{key}{SCRIPT}", host=everywhere, cpus=2)
        for key in ("a1", "b2")
    )
    cause = DEATH.model_copy(update={"address": nodes[0].address, "cause": everywhere})
    states = {"states": (everywhere, "2" * 900, "2", "2")}
    workload = Computed(target=f"evil:Target({everywhere!r})", instances=4, calls=(everywhere,))
    base = comparison(2)
    return base.with_(
        workload=workload,
        cluster=base.cluster.model_copy(update={"nodes": nodes, "address": everywhere}),
        advisories=(everywhere,),
        trials=tuple(
            trial.model_copy(update=states | ({"deaths": (cause,)} if trial.timeline else {}))
            for trial in base.trials
        ),
    )


def large() -> Results:
    """Return 1,000 instances x 20 calls, one by one as actors and sharded over 32."""
    keys = {"instances": 1_000, "calls": 20_000, "states": ("x" * 1_000,) * 1_000}
    one_by_one = changed(ACTORS, **keys, actors=1_000, timeline=kept(stretches(1_000, 20, 0.1)))
    sharded = changed(
        ACTORS, **keys, strategy="sharded", actors=32, timeline=kept(stretches(32, 625, 0.0032))
    )
    workload = SEED.workload.model_copy(update={"instances": 1_000})
    trials = [changed(trial, index=index, work_s=trial.work_s * (1 + index / 50))
              for trial in (changed(SERIAL, **keys), one_by_one, sharded)
              for index in range(7)]  # fmt: skip
    results = SEED.with_(workload=workload, trials=tuple(trials))
    return results.with_(calibration=comparison(1).calibration)


def scaling_sweep() -> Sweep:
    """Return a sweep over shards whose throughput grows ever less, but for a little noise."""
    points = []
    for shards in (1, 2, 3, 4, 6, 8):
        at_once = 2 * shards
        work_s = 8.0 / at_once * (1 + 0.05 * (at_once - 1)) * (1.02 if shards % 2 else 1.0)
        keys = {"strategy": "sharded", "actors": shards, "at_once": at_once, "cpus": float(shards)}
        trials = (SERIAL, changed(ACTORS, work_s=work_s, **keys))
        work = SEED.workload.model_copy(update={"instances": 16})
        at = SEED.with_(trials=tuple(each.model_copy(update={"instances": 16, "calls": 32})
                                     for each in trials), workload=work)  # fmt: skip
        points.append(Point(value=shards, results=at))
    return Sweep(over="shards", points=tuple(points), status="complete")


def cost_sweep() -> Sweep:
    """Return a sweep over call costs of which the cheapest do not pay."""
    points = []
    for call_s in (0.01, 0.1, 1.0):
        base = comparison(1)
        trials = tuple(changed(t, work_s=t.work_s * call_s) for t in base.trials)
        points.append(Point(value=call_s, results=base.with_(trials=trials)))
    return Sweep(over="call-cost", points=tuple(points), status="complete")
