"""One comparison from a workload and a plan to its results: tries, connects, builds, runs."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from types import ModuleType
from typing import TYPE_CHECKING, Any

from job import ray_address, ray_cluster
from job.errors import ClusterError, TargetRaisedError, UsageError
from job.estimate import SEND_S, Estimate, Profile, sample_size, startup_s, threads_for, work_s
from job.metering import core_s
from job.placement import fit, fits_memory, free_slots, room, share_of_cpu
from job.ray_actors import Layout, Setting
from job.recipe import Recipe, make_instance
from job.results import Computed, Environment, Results
from job.runner import Runner
from job.shard import Place, Shard
from job.states import state_limit
from job.strategies.ray_shards import RayShards
from job.strategies.serial import Serial, on_driver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.leaving import Leaving
    from job.placement import Capacity, Fit
    from job.results import Cluster
    from job.runner import Keep, Watch
    from job.strategies.base import Strategy
    from job.workload import Plan, Workload

    Note = Callable[[str], None]

REHEARSED_S = (0.000001, 0.001, 1.0)  # what a call may take, as nobody knows before it is made
PROBED = 3  # instances whose first calls are timed before anything runs
NUMERIC = ("numpy", "scipy", "sklearn", "torch", "pandas")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def compare(  # noqa: PLR0913 - the callbacks are named
    workload: Workload, plan: Plan, make: Callable[..., Any], way: ray_address.Way,
    leaving: Leaving, *, keep: Keep, watch: Watch, show: Keep, note: Note,
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
    packed = ray_cluster.pack(recipe)
    busy = ray_cluster.busy_share()
    profile = _try_on_driver(recipe, workload.instances, plan)
    with ray_cluster.connected(way, leaving, note, workload.target.module) as cluster:
        layouts, omitted = arrange(workload, plan, ray_cluster.capacities(cluster))
        sample = _sample(workload, plan, profile)
        if profile and profile.calls:
            note(str(_estimate(workload, profile, sample, layouts, cluster.cpus)))
        results = Results(
            workload=Computed.model_validate(workload.model_dump(mode="json")),
            plan=plan.model_dump(mode="json"),
            environment=_environment(busy, workload.target.module),
            cluster=cluster,
            omitted=omitted,
        )
        setting = Setting(
            recipe,
            workload.instances,
            cluster,
            plan.startup_timeout_s,
            plan.timeout_s,
            note,
            packed,
        )
        built: list[Strategy] = [
            RayShards(name, layouts[name], setting)
            if name in layouts
            else Serial(recipe, sample or workload.instances, plan.timeout_s)
            for name in plan.strategies
            if name not in omitted
        ]
        runner = Runner(results, workload, plan, keep=keep, watch=watch, profile=profile)
        try:
            return runner.run(built)
        finally:
            show(runner.results)


@dataclass(frozen=True)
class Rehearsal:
    """What a comparison would do, had it been run.

    Attributes:
        cluster: Where.
        layouts: How each strategy that needs actors would be laid out.
        fits: Whether each would be placed at once.
        omitted: The strategies that would be left out, and why.
        estimates: How long each trial would take, by what one call may take in seconds.
        strategies: Those that would be run, in order.
    """

    cluster: Cluster
    layouts: dict[str, Layout]
    fits: dict[str, Fit]
    omitted: dict[str, str]
    estimates: dict[float, Estimate]
    strategies: tuple[str, ...]


def rehearse(
    workload: Workload, plan: Plan, way: ray_address.Way, leaving: Leaving, note: Note
) -> Rehearsal:
    """Say what `compare` would do on this cluster; nothing of the target is imported or run.

    Raises:
        ClusterError: There is no cluster, or what is asked for can never be placed on it.
    """
    with ray_cluster.connected(way, leaving, note) as cluster:
        nodes = ray_cluster.capacities(cluster)
        layouts, omitted = arrange(workload, plan, nodes)
        estimates = {}
        for call_s in REHEARSED_S:
            profile = Profile(1, call_s, call_s, switches=0)
            sample = _sample(workload, plan, profile)
            estimates[call_s] = _estimate(workload, profile, sample, layouts, cluster.cpus)
        fits = {name: fit(x.shards, x.cpus_per_actor, nodes) for name, x in layouts.items()}
        left = tuple(name for name in plan.strategies if name not in omitted)
        return Rehearsal(cluster, layouts, fits, omitted, estimates, left)


def arrange(
    workload: Workload, plan: Plan, nodes: Sequence[Capacity]
) -> tuple[dict[str, Layout], dict[str, str]]:
    """Turn the knobs of each strategy that needs actors; the second part says why not, for some.

    Raises:
        ClusterError: What is asked for can never be placed on these nodes.
    """
    layouts: dict[str, Layout] = {}
    omitted: dict[str, str] = {}
    for name in plan.strategies:
        if name == "serial":
            continue
        layout = _layout(name, workload.instances, plan, nodes)
        memory = fits_memory(layout.shards, nodes)
        if memory.when == "never" and name == "actors" and "sharded" in plan.strategies:
            omitted[name] = memory.reason
            continue
        placed = fit(layout.shards, layout.cpus_per_actor, nodes)
        for found in (memory, placed):
            if found.when == "never":
                message = f"{name}: cannot be placed: {found.reason}"
                advice = {
                    "actors": "Ask for fewer instances or lower --cpus-per-actor; or run "
                    "--strategies serial,sharded, which needs one actor per CPU.",
                    "sharded": "Lower --shards or --cpus-per-actor.",
                }
                raise ClusterError(message, advice[name])
        layouts[name] = layout
    return layouts, omitted


def _layout(name: str, instances: int, plan: Plan, nodes: Sequence[Capacity]) -> Layout:
    if name == "actors":
        shards: int = instances
        threads: int | None = 1
        calls_per_batch: int | None = 1
    else:
        wanted = _auto_shards(plan, nodes) if plan.shards == "auto" else plan.shards
        shards = min(wanted, instances)
        threads = None if plan.threads_per_shard == "auto" else plan.threads_per_shard
        calls_per_batch = None if plan.calls_per_batch == "auto" else plan.calls_per_batch
    each = plan.cpus_per_actor
    if each == "auto":
        each = share_of_cpu(shards, nodes)
    return Layout(shards, each, threads, calls_per_batch)


def _auto_shards(plan: Plan, nodes: Sequence[Capacity]) -> int:
    most = free_slots(nodes)
    if plan.cpus_per_actor != "auto":
        most = min(most, room(plan.cpus_per_actor, [node.cpus for node in nodes]))
    return max(1, most)


def _sample(workload: Workload, plan: Plan, profile: Profile | None) -> int | None:
    """Return how many instances the serial loop runs; None for all."""
    if profile is None or plan.serial == "full":
        return None
    calls, count = workload.calls_per_instance, workload.instances
    if plan.serial == "sample":
        # As many as half the budget allows, and always fewer than all, so that it is a sample.
        each = max(profile.call_s * calls, 1e-9)
        found: int | None = max(1, min(count - 1, int(plan.budget_s / 2 / each)))
    else:
        found = sample_size(profile, count, calls, plan.budget_s)
    return found if found != count else None


def _estimate(
    workload: Workload,
    profile: Profile,
    sample: int | None,
    layouts: dict[str, Layout],
    cpus: float,
) -> Estimate:
    calls = workload.instances * workload.calls_per_instance
    others = {}
    for name, layout in layouts.items():
        threads = layout.threads or threads_for(profile, -(-workload.instances // layout.shards))
        used = min(cpus, layout.shards)
        sent = -(-calls // layout.calls_per_batch) if layout.calls_per_batch else 0
        others[name] = startup_s(layout.shards, used) + max(
            work_s(profile, calls, layout.shards * threads, used), sent * SEND_S
        )
    return Estimate(profile.call_s * calls, sample, others)


def _try_on_driver(recipe: Recipe, instances: int, plan: Plan) -> Profile | None:
    """Try the target here, so that its own errors come first, and time its first calls.

    Calls are made only where the serial loop will make them here anyway.
    """
    try:
        with on_driver(plan.timeout_s, "first calls"):
            _check_methods(recipe, make_instance(recipe, 0))
            if "serial" not in plan.strategies:
                return None
            shard = Shard(recipe, range(min(PROBED, instances)), None, 1, _here)
            shard.ready()
            shard.advance()
    except TargetRaisedError as error:
        raise error.told("the target", "on the driver") from None
    account = shard.account()
    return Profile(account.calls, account.wall_s, account.cpu_s, account.switches)


def _check_methods(recipe: Recipe, instance: object) -> None:
    for call in recipe.calls:
        if not callable(getattr(instance, call.method, None)):
            kind = type(instance).__name__
            made = type(instance)  # whose properties are not run
            has = [n for n in dir(made) if n[0] != "_" and callable(getattr(made, n, None))]
            if instance is None:
                raise UsageError(f"target {recipe.target}: it returned None, not an instance")
            message = f"--call {call}: {kind} has no method {call.method!r}"
            raise UsageError(message, f"It has: {', '.join(has[:20])}." if has else "")


def _here() -> Place:
    return Place("", "", platform.node(), os.getpid())


def _environment(busy: float, module: str) -> Environment:
    return Environment(
        python_version=platform.python_version(),
        platform=platform.platform(),
        driver_address=ray_cluster.driver_address(),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        busy_share=busy,
        core_s=core_s(),
        blas_threads=_blas_threads() if _is_numeric(module) else None,
    )


def _is_numeric(module: str) -> bool:
    """Return whether a target's module is, or has imported, a library that computes in threads."""
    held = [v.__name__ for v in vars(sys.modules[module]).values() if isinstance(v, ModuleType)]
    return any(name.partition(".")[0] in NUMERIC for name in [module, *held])


def _blas_threads() -> int:
    for variable in THREAD_VARIABLES:
        if (value := os.environ.get(variable, "")).isdigit():
            return int(value)
    return os.cpu_count() or 1
