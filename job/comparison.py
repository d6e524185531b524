"""One comparison from a workload and a plan to its results: connects, builds, runs, leaves."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from job import ray_address, ray_cluster
from job.errors import ClusterError, TargetRaisedError, UsageError
from job.placement import fit, fits_memory, share_of_cpu
from job.results import Environment, Results
from job.runner import Runner
from job.shard import Recipe, make_instance
from job.states import state_limit
from job.strategies.ray_shards import Layout, RayShards, Setting
from job.strategies.serial import Serial, on_driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.leaving import Leaving
    from job.results import Cluster
    from job.runner import Keep, Watch
    from job.strategies.base import Strategy
    from job.workload import Plan, Workload


def compare(  # noqa: PLR0913 - the callbacks are named
    workload: Workload, plan: Plan, make: Callable[..., Any], way: ray_address.Way,
    leaving: Leaving, *, keep: Keep, watch: Watch, show: Keep, note: Callable[[str], None],
) -> Results:  # fmt: skip
    """Run the comparison.

    Args:
        workload: What is computed.
        plan: How it is run.
        make: The workload's target, imported.
        way: Where Ray is.
        leaving: The signals that end it before its time.
        keep: Called with the results after each trial.
        watch: Told of the calls as they are made; see `Runner`.
        show: Called with the results at the end, also of a comparison that failed midway, before
            anything is cleaned up: a signal leaves little time for that.
        note: Told what a user should know meanwhile.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    recipe = Recipe(
        make, workload.target, workload.calls, workload.read, state_limit(workload.instances)
    )
    _try_on_driver(recipe, plan)
    with ray_cluster.connected(way, leaving, note) as cluster:
        ray_cluster.carry(workload.target.module)
        results = Results(
            workload=workload.model_dump(mode="json"),
            plan=plan.model_dump(mode="json"),
            environment=_environment(),
            cluster=cluster,
        )
        runner = Runner(results, workload, plan, keep=keep, watch=watch)
        try:
            return runner.run(build(workload, plan, recipe, cluster, note))
        finally:
            show(runner.results)


def build(
    workload: Workload, plan: Plan, recipe: Recipe, cluster: Cluster, note: Callable[[str], None]
) -> list[Strategy]:
    """Return the plan's strategies, in its order."""
    setting = Setting(
        recipe, workload.instances, cluster, plan.startup_timeout_s, plan.timeout_s, note
    )
    built: list[Strategy] = []
    for name in plan.strategies:
        if name == "serial":
            built.append(Serial(recipe, workload.instances, plan.timeout_s))
            continue
        layout = _layout(name, workload.instances, plan, cluster)
        built.append(RayShards(name, layout, setting))
    return built


def _layout(name: str, instances: int, plan: Plan, cluster: Cluster) -> Layout:
    """Turn the knobs, and refuse now what would wait for ever to be placed."""
    nodes, each = ray_cluster.capacities(cluster), plan.cpus_per_actor
    if each == "auto":
        each = share_of_cpu(instances, nodes)
    for found in (fit(instances, each, nodes), fits_memory(instances, nodes)):
        if found.when == "never":
            message = f"{name}: cannot be placed: {found.reason}"
            hint = "Ask for fewer instances, lower --cpus-per-actor, or use a larger cluster."
            raise ClusterError(message, hint)
    return Layout(shards=instances, cpus_per_actor=each)


def _try_on_driver(recipe: Recipe, plan: Plan) -> None:
    """Make one instance here, so that the target's own error comes before anything is started."""
    try:
        with on_driver(plan.timeout_s, "constructor"):
            instance = make_instance(recipe, 0)
    except TargetRaisedError as error:
        raise error.told("the target", "on the driver") from None
    for call in recipe.calls:
        if not callable(getattr(instance, call.method, None)):
            kind = type(instance).__name__
            has = [n for n in dir(instance) if n[0] != "_" and callable(getattr(instance, n, None))]
            message = f"--call {call}: {kind} has no method {call.method!r}"
            raise UsageError(message, f"It has: {', '.join(has[:20])}." if has else "")


def _environment() -> Environment:
    return Environment(
        python_version=platform.python_version(),
        platform=platform.platform(),
        driver_address=ray_cluster.driver_address(),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
