"""How a plan is laid out over the nodes that are there, and those that could be added; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.errors import ClusterError
from job.planning.placement import NO_GROWTH, fit, fits_memory, room, share_of_cpu
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.planning.placement import Capacity, Fit, Growth
    from job.results.document import Chosen
    from job.workload.model import Plan, Workload

ADVICE = {
    "actors": "Ask for fewer instances or lower --cpus-per-actor; or run --strategies "
    "serial,sharded, which needs one actor per CPU.",
    "sharded": "Lower --shards or --cpus-per-actor.",
}


@dataclass(frozen=True)
class Layout:
    """The knobs, turned."""

    shards: int  # how many actors
    cpus_per_actor: float
    threads: int | None = 1  # of each actor; None: to be found out
    calls_per_batch: int | None = 1  # that one remote call carries; None: about a second's worth

    def __str__(self) -> str:
        """Say what it asks for."""
        return f"{count(self.shards, 'actor')} of {count(self.cpus_per_actor, 'CPU')}"


@dataclass(frozen=True)
class Arrangement:
    """A plan, laid out."""

    layouts: dict[str, Layout]  # of each strategy that needs actors
    fits: dict[str, Fit]  # when the actors of each can be placed
    omitted: dict[str, str]  # the strategies that are left out, and why
    chosen: Chosen | None = None  # how many shards, where that was left to us

    @property
    def largest(self) -> Layout | None:
        """The layout that needs the most CPUs: strategies run one after the other."""
        return max(
            self.layouts.values(),
            key=lambda each: (each.shards * each.cpus_per_actor, each.cpus_per_actor),
            default=None,
        )


def arrange(
    workload: Workload, plan: Plan, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH
) -> Arrangement:
    """Turn the knobs of each strategy that needs actors.

    Raises:
        ClusterError: What is asked for can never be placed on these nodes.
    """
    layouts: dict[str, Layout] = {}
    found: dict[str, Fit] = {}
    omitted: dict[str, str] = {}
    for name in plan.strategies:
        if name == "serial":
            continue
        layout = _layout(name, workload.instances, plan, nodes, growth)
        memory = fits_memory(layout.shards, nodes, growth)
        if memory.when == "never" and name == "actors" and "sharded" in plan.strategies:
            omitted[name] = memory.reason
            continue
        found[name] = fit(layout.shards, layout.cpus_per_actor, nodes, growth)
        for each in (memory, found[name]):
            if each.when == "never":
                message = f"{name}: cannot be placed: {each.reason}"
                raise ClusterError(message, ADVICE[name])
        layouts[name] = layout
    return Arrangement(layouts, found, omitted)


def _layout(
    name: str, instances: int, plan: Plan, nodes: Sequence[Capacity], growth: Growth
) -> Layout:
    shards, each, every = instances, plan.cpus_per_actor, [*nodes, *growth.nodes]
    knobs: tuple[int | None, int | None] = (1, 1)
    if name == "sharded":
        wanted = _auto_shards(plan, every) if plan.shards == "auto" else plan.shards
        shards = min(wanted, instances)
        threads, batch = plan.threads_per_shard, plan.calls_per_batch
        knobs = (None if threads == "auto" else threads, None if batch == "auto" else batch)
    return Layout(shards, share_of_cpu(shards, every) if each == "auto" else each, *knobs)


def _auto_shards(plan: Plan, nodes: Sequence[Capacity]) -> int:
    """Return one for each free CPU, and fewer where each is to have more than one."""
    each = 1.0 if plan.cpus_per_actor == "auto" else max(1.0, plan.cpus_per_actor)
    free = room(each, [node.cpus_free for node in nodes])
    return max(1, free or room(each, [node.cpus for node in nodes]))
