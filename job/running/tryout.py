"""The try-out: a process of its own makes the target's first calls, before anything is measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from job.errors import StateError, TargetRaisedError, TrialError, UsageError
from job.planning.estimate import Profile, deadline_s
from job.results.document import Tried
from job.running.child import LOOK_S, PACKER, Child, EndedError
from job.shard.tryout import serve

if TYPE_CHECKING:
    from job.cluster.travel import Subject
    from job.planning.layout import Layout
    from job.running.listener import Listener
    from job.shard.recipe import Recipe
    from job.workload.model import Plan, Workload

EXTRA_S = 3.0  # for what is good to know, once everything that must be known is
LATER = "a call after the first ones"
SAY_S = 10.0  # between two notes that something is waited for


def try_out(
    workload: Workload, plan: Plan, sent: Recipe | bytes, listener: Listener
) -> tuple[Tried, frozenset[str]]:
    """Try out a target by its recipe; return what was found, and what is to be awaited.

    Raises:
        UsageError: The target cannot be compared, or its state not; or it ended its process.
        TrialError: It raised, or took too long.
    """
    child = Child()
    try:
        child.begin(serve, sent, workload.instances, PACKER)
        found = _await(child, workload, plan, listener)
    finally:
        child.end()
    awaited = found.pop("awaited", frozenset())
    return Tried.model_validate(found), awaited


def profile_of(workload: Workload, tried: Tried) -> Profile:
    """Return what the calls of one instance take, as each kind of them was timed."""
    pairs = [
        (call.times / timed.calls, timed)
        for call, timed in zip(workload.calls, tried.calls, strict=True)
        if timed.calls
    ]
    return Profile(
        workload.calls_per_instance,
        sum(scale * timed.wall_s for scale, timed in pairs),
        sum(scale * timed.cpu_s for scale, timed in pairs),
        round(sum(scale * timed.switches for scale, timed in pairs)),
        load_s=tried.load_s,
        held_bytes=tried.held_bytes,
        instance_bytes=tried.instance_bytes,
    )


def work_deadline_s(
    subject: Subject, layout: Layout, profile: Profile | None, cores: float
) -> float:
    """Return how long the work of a layout may take: what was asked for, or far beyond expectation.

    `profile` is what calls took, where that is known; the first ones load and warm up besides.
    """
    plan, tried = subject.plan, subject.tried
    first = profile_of(subject.workload, tried) if tried else None
    known = [each for each in (profile, first) if each and each.calls]
    if plan.timeout_s != "auto" or not known:
        return plan.most_s
    calls = subject.instances * subject.recipe.calls_per_instance
    return deadline_s(layout, known, subject.instances, calls, cores)


def _await(child: Child, workload: Workload, plan: Plan, listener: Listener) -> dict[str, Any]:
    """Return what the process found; of one that takes long over what is extra, what it had."""
    began = time.monotonic()
    found: dict[str, Any] = {}
    doing: str | None = "starting Python"
    said, until = began, began + plan.most_s
    while True:
        now = time.monotonic()
        try:
            doing, found, error = child.hear(LOOK_S)
        except TimeoutError:
            if now > until:
                if doing:
                    raise _late(workload, plan, doing) from None
                return found
            if now > said + SAY_S:
                said = now
                listener.note(f"Trying out {workload.target}: {doing}, for {now - began:.0f} s")
            continue
        except EndedError as ended:
            if doing or "serial" in plan.strategies:
                what = f"its process {ended} in {doing or LATER}"
                hint = "What ends its process cannot be compared: have it raise."
                raise UsageError(f"target {workload.target}: {what}", hint) from None
            return found  # actors may die
        if not found:
            _check(error)
        if doing is None:
            return found
        until = until if doing else min(until, time.monotonic() + EXTRA_S)


def _late(workload: Workload, plan: Plan, doing: str) -> TrialError:
    message = f"trying out {workload.target}: {doing} took longer than {plan.most_s:g} s"
    return TrialError(message, "Allow more with --timeout.")


def _check(error: Exception | None) -> None:
    if isinstance(error, TargetRaisedError):
        if error.error.startswith("TypeError") and not error.line:  # in no code but the call itself
            hint = "Give it what its def line asks for; `self` is not counted."
            raise UsageError(f"{error.doing}: {error.error}", hint)
        raise error.told("the target", "tried out")
    if isinstance(error, StateError):  # told before anything was measured
        raise UsageError(error.message, error.hint)
    if error:
        raise error
