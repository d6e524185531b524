"""What `threads` and `processes` have on the driver's machine, and when they are left out; pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from job.planning.costs import STARTS
from job.planning.estimate import MOST_HELD, MOST_THREADS, expected_cost, threads_for
from job.planning.layout import LOCAL, Layout, demand_of
from job.words import size, span

if TYPE_CHECKING:
    from job.planning.estimate import Profile
    from job.planning.layout import Arrangement
    from job.workload.model import Plan, Workload

# Of a call that waits alone most of the CPU time is that of waking the core, which among many
# others it finds awake: sleeps of 10 ms took 40 to 100 us alone and 25 among 1,000 (measured).
WAKING_S, AWAKE_S = 75e-6, 25e-6
MANY = 10_000  # instances: that one machine can hold more, a loop that is sampled does not show


class Machine(NamedTuple):
    """What the driver's machine has for a comparison."""

    cores: int
    memory_bytes: float = math.inf


def add_local(
    made: Arrangement, workload: Workload, plan: Plan, profile: Profile | None, machine: Machine
) -> Arrangement:
    """Return an arrangement with the strategies of the driver's machine, or why they are left out.

    Args:
        made: What is laid out over the cluster.
        workload: What is computed.
        plan: How it is to be run.
        profile: What calls take; None where nobody knows.
        machine: The driver's.
    """
    layouts, omitted = dict(made.layouts), dict(made.omitted)
    for name in plan.strategies:
        if name not in LOCAL:
            continue
        layout = lay_out(name, workload.instances, plan, profile, machine.cores)
        asked = name, layout, workload, plan, profile, machine
        reason = "" if plan.names_strategies else _reason(*asked)
        if reason:
            omitted[name] = f"{reason} (--strategies runs it)"
        else:
            layouts[name] = layout
    layouts = {name: layouts[name] for name in plan.strategies if name in layouts}
    return replace(made, layouts=layouts, omitted=omitted)


def lay_out(name: str, instances: int, plan: Plan, profile: Profile | None, cores: int) -> Layout:
    """Return the knobs of `threads`, which has one process, or of `processes`, one a core."""
    workers = plan.workers
    if name == "threads":
        auto = home_threads(profile, instances, cores) if profile else None
        threads = auto if workers == "auto" else min(workers, instances)
        return Layout(1, threads=threads, calls_per_batch=None)
    shards = min(instances, cores if workers == "auto" else workers)
    each = -(-instances // shards)
    auto = threads_for(profile, each) if profile else None
    threads = auto if plan.threads_per_shard == "auto" else min(plan.threads_per_shard, each)
    return Layout(shards, threads=threads, calls_per_batch=None)


def home_threads(profile: Profile, instances: int, cores: int) -> int:
    """Return how many threads the one process of `threads` has.

    They are as many as there are cores where calls compute; where those wait, as many as are
    quickest by the cost model: one an instance, or fewer where starting them costs more than they
    bring.
    """
    if profile.computes:
        return min(instances, cores)
    most = min(instances, MOST_THREADS)
    call_cpu_s = profile.cpu_s / max(1, profile.calls)
    among_others_s = min(call_cpu_s, max(AWAKE_S, call_cpu_s - WAKING_S))
    crowded = replace(profile, cpu_s=profile.calls * among_others_s)

    def elapsed_s(threads: int) -> float:
        layout = Layout(1, threads=threads, calls_per_batch=None)
        cost = expected_cost(layout, crowded, instances, cores, STARTS["threads"])
        return cost.elapsed_s(profile.calls * instances, profile.call_s)

    rounds = {-(-instances // threads) for threads in range(1, most + 1)}
    return min((-(-instances // each) for each in sorted(rounds)), key=elapsed_s)


def _reason(  # noqa: PLR0913, PLR0917 - what it may lie in
    name: str, layout: Layout, workload: Workload, plan: Plan, profile: Profile | None,
    machine: Machine,
) -> str:  # fmt: skip
    """Return why a strategy that nobody has asked for is left out; nothing if it is not."""
    if plan.serial_on == "actor" or not demand_of(plan).is_plain:
        return "the driver's machine need not have what the actors' nodes have"
    if profile is None or not profile.calls:
        return ""
    if name == "threads" and profile.computes:
        return "calls that compute take turns in threads"
    calls = workload.instances * workload.calls_per_instance
    if too_many := _too_many(workload.instances, profile, machine, profile.call_s * calls, plan):
        return too_many
    cost = expected_cost(layout, profile, workload.instances, machine.cores, STARTS[name])
    took_s = cost.elapsed_s(calls, profile.call_s)
    if took_s > plan.budget_s:
        return f"it would take {span(took_s)}, and --budget allows {span(plan.budget_s)}"
    return ""


def _too_many(instances: int, profile: Profile, machine: Machine, loop_s: float, plan: Plan) -> str:
    """Return why the machine may not hold so many instances at once; nothing if it does."""
    if instances > profile.fitting(MOST_HELD * machine.memory_bytes):
        has = f"this machine has {size(machine.memory_bytes)}"
        return f"its instances would hold {size(instances * profile.instance_bytes)}, and {has}"
    if instances > MANY and loop_s > plan.budget_s:
        return f"all {instances:,} instances would be on this machine, which the loop is not to do"
    return ""
