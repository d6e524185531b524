"""What is compared, made ready to be sent, and tried on the driver before anything else runs."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from types import ModuleType
from typing import TYPE_CHECKING, Any

from job.cluster import connection
from job.cluster.travel import Subject, pack
from job.errors import TargetRaisedError, UsageError
from job.planning.estimate import Profile
from job.results.document import Computed, Environment, Results
from job.running.serial import on_driver
from job.shard.metering import core_s
from job.shard.recipe import Recipe, make_instance
from job.shard.shard import Place, Shard
from job.shard.states import state_limit
from job.workload.model import Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.cluster.connection import Site
    from job.workload.model import Plan, Workload

PROBED = 3  # instances whose first calls are timed before anything runs
NUMERIC = ("numpy", "scipy", "sklearn", "torch", "pandas")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def recipe_of(workload: Workload, make: Callable[..., Any]) -> Recipe:
    """Return what shards must know of a workload whose target is imported."""
    limit = state_limit(workload.instances)
    exact = workload.agree.tolerance == Tolerance()
    return Recipe(make, workload.target, workload.calls, workload.read, limit, exact=exact)


def prepare(workload: Workload, plan: Plan, make: Callable[..., Any]) -> Subject:
    """Pack a workload, and try its target on the driver, so that its own errors come first.

    Raises:
        JobError: The target cannot be sent, or raises.
    """
    recipe = recipe_of(workload, make)
    packed = pack(recipe)
    busy = connection.busy_share()
    try:
        with on_driver(plan.timeout_s, "instance 0"):
            _check_methods(recipe, make_instance(recipe, 0))
    except TargetRaisedError as error:
        raise error.told("the target", "on the driver") from None
    return Subject(workload, plan, recipe, packed, busy)


def time_first_calls(subject: Subject) -> Profile | None:
    """Time first calls here; none where the serial loop does not make them here anyway.

    Raises:
        TrialError: One of them raised, or took too long.
    """
    if "serial" not in subject.plan.strategies:
        return None
    try:
        with on_driver(subject.plan.timeout_s, "first calls"):
            return probe(subject.recipe, subject.workload.instances)
    except TargetRaisedError as error:
        raise error.told("the target", "on the driver") from None


def probe(recipe: Recipe, instances: int) -> Profile:
    """Return what the first calls of a few fresh instances take here, about a second's worth.

    Raises:
        TargetRaisedError: One of them raised.
    """
    shard = Shard(recipe, range(min(PROBED, instances)), None, 1, Place.here)
    shard.ready()
    shard.advance()
    account = shard.account()
    return Profile(account.calls, account.wall_s, account.cpu_s, account.switches)


def begin(subject: Subject, site: Site, omitted: dict[str, str]) -> Results:
    """Return the document of a comparison of which nothing was run yet."""
    module = subject.workload.target.module
    return Results(
        workload=Computed.model_validate(subject.workload.model_dump(mode="json")),
        plan=subject.plan.model_dump(mode="json"),
        environment=Environment(
            python_version=platform.python_version(),
            platform=platform.platform(),
            driver_address=connection.driver_address(),
            started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            busy_share=subject.busy_share,
            core_s=core_s(),
            blas_threads=_blas_threads() if _is_numeric(module) else None,
        ),
        cluster=site.cluster,
        omitted=omitted,
    )


def _check_methods(recipe: Recipe, instance: object) -> None:
    if instance is None:
        raise UsageError(f"target {recipe.target}: it returned None, not an instance")
    for call in recipe.calls:
        if not callable(getattr(instance, call.method, None)):
            made = type(instance)  # whose properties are not run
            has = [n for n in dir(made) if n[0] != "_" and callable(getattr(made, n, None))]
            message = f"--call {call}: {made.__name__} has no method {call.method!r}"
            raise UsageError(message, f"It has: {', '.join(has[:20])}." if has else "")


def _is_numeric(module: str) -> bool:
    """Return whether a target's module is, or has imported, a library that computes in threads."""
    held = [v.__name__ for v in vars(sys.modules[module]).values() if isinstance(v, ModuleType)]
    return any(name.partition(".")[0] in NUMERIC for name in [module, *held])


def _blas_threads() -> int:
    for variable in THREAD_VARIABLES:
        if (value := os.environ.get(variable, "")).isdigit():
            return int(value)
    return os.cpu_count() or 1
