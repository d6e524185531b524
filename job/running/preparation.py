"""What is compared, ready to be sent, and tried on the driver before anything else runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from job.cluster import connection
from job.errors import TargetRaisedError, UsageError
from job.planning.estimate import Profile
from job.running.serial import on_driver
from job.shard.recipe import Recipe, make_instance
from job.shard.shard import Place, Shard
from job.shard.states import state_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.workload.model import Plan, Workload

PROBED = 3  # instances whose first calls are timed before anything runs


@dataclass(frozen=True)
class Subject:
    """What is compared, ready to be sent: made before anything of the target was called.

    Attributes:
        workload: What is computed.
        plan: How it is run.
        recipe: The workload as the workers need it.
        packed: The recipe as it is sent.
        busy_share: Of the driver's CPUs, before anything began.
    """

    workload: Workload
    plan: Plan
    recipe: Recipe
    packed: bytes
    busy_share: float


def recipe_of(workload: Workload, make: Callable[..., Any]) -> Recipe:
    """Return what shards must know of a workload whose target is imported."""
    limit = state_limit(workload.instances)
    exact = workload.agree.kind != "tolerance"
    return Recipe(make, workload.target, workload.calls, workload.read, limit, exact)


def prepared(workload: Workload, plan: Plan, make: Callable[..., Any]) -> Subject:
    """Pack a workload, and try its target on the driver, so that its own errors come first.

    Raises:
        JobError: The target cannot be sent, or raises.
    """
    recipe = recipe_of(workload, make)
    packed = connection.pack(recipe)
    busy = connection.busy_share()
    _try_on_driver(recipe, plan)
    return Subject(workload, plan, recipe, packed, busy)


def _try_on_driver(recipe: Recipe, plan: Plan) -> None:
    """Make an instance here, so that the target's own errors come first."""
    try:
        with on_driver(plan.timeout_s, "instance 0"):
            _check_methods(recipe, make_instance(recipe, 0))
    except TargetRaisedError as error:
        raise error.told("the target", "on the driver") from None


def first_calls(subject: Subject) -> Profile | None:
    """Time first calls here; none where the serial loop does not make them here anyway."""
    if "serial" not in subject.plan.strategies:
        return None
    try:
        with on_driver(subject.plan.timeout_s, "first calls"):
            return probed(subject.recipe, subject.workload.instances)
    except TargetRaisedError as error:
        raise error.told("the target", "on the driver") from None


def probed(recipe: Recipe, instances: int) -> Profile:
    """Return what the first calls of a few fresh instances take here, about a second's worth.

    Raises:
        TargetRaisedError: One of them raised.
    """
    shard = Shard(recipe, range(min(PROBED, instances)), None, 1, Place.here)
    shard.ready()
    shard.advance()
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
