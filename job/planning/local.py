"""What `threads` and `processes` have on the driver's machine, and when they are left out; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from job.planning.estimate import MOST_THREADS, STARTS, expected_cost, threads_for
from job.planning.layout import LOCAL, Layout
from job.words import span

if TYPE_CHECKING:
    from job.planning.estimate import Profile
    from job.planning.layout import Arrangement
    from job.workload.model import Plan, Workload


def add_local(
    made: Arrangement, workload: Workload, plan: Plan, profile: Profile | None, cores: int
) -> Arrangement:
    """Return an arrangement with the strategies of the driver's machine, or why they are left out.

    Args:
        made: What is laid out over the cluster.
        workload: What is computed.
        plan: How it is to be run.
        profile: What calls take; None where nobody knows.
        cores: How many the driver's machine has for them.
    """
    layouts, omitted = dict(made.layouts), dict(made.omitted)
    calls = workload.instances * workload.calls_per_instance
    for name in plan.strategies:
        if name not in LOCAL:
            continue
        layouts[name] = lay_out(name, workload.instances, plan, profile, cores)
        if plan.names_strategies or profile is None:
            continue
        cost = expected_cost(layouts[name], profile, workload.instances, cores, STARTS[name])
        took_s = cost.elapsed_s(calls, profile.call_s)
        if reason := _reason(name, profile, took_s, plan.budget_s):
            omitted[name] = f"{reason}; name it in --strategies to run it all the same"
            del layouts[name]
    layouts = {name: layouts[name] for name in plan.strategies if name in layouts}
    return replace(made, layouts=layouts, omitted=omitted)


def lay_out(name: str, instances: int, plan: Plan, profile: Profile | None, cores: int) -> Layout:
    """Return the knobs of `threads`, which has one process, or of `processes`, one a core."""
    workers = plan.workers
    if name == "processes":
        shards = min(instances, cores if workers == "auto" else workers)
        threads = plan.threads_per_shard
        decided = None if threads == "auto" else threads
    else:
        shards, decided = 1, None if workers == "auto" else workers
    if decided is None and profile:
        decided = threads_of(name, profile, -(-instances // shards), cores)
    return Layout(shards, threads=decided, calls_per_batch=None)


def threads_of(name: str, profile: Profile, instances: int, cores: int) -> int:
    """Return how many threads a process for so many instances has.

    In the only one they are what there is: each instance has one where calls wait.
    """
    if name == "processes":
        return threads_for(profile, instances)
    return min(instances, cores if profile.computes else MOST_THREADS)


def _reason(name: str, profile: Profile, took_s: float, budget_s: float) -> str:
    """Return why a strategy that nobody has asked for is left out; nothing if it is not."""
    if name == "threads" and profile.calls and profile.computes:
        return "the calls compute, and threads of Python take turns at that"
    if took_s > budget_s:
        return f"it would take {span(took_s)}, and --budget allows {span(budget_s)}"
    return ""
