"""How a plan is laid out over the nodes that are there, and those that could be added; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from job.errors import ClusterError
from job.planning.costs import STARTS
from job.planning.placement import NO_GROWTH, Demand, fit, fits_memory, room, share_of_cpu
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.planning.placement import Capacity, Fit, Growth
    from job.results.document import Chosen
    from job.workload.model import Plan, Workload

CPU_EACH = Demand()
LOCAL = tuple(STARTS)  # the strategies of the driver's machine
ADVICE = {
    "actors": "Ask for fewer instances, or for less with --cpus-per-actor or --actor-options; or "
    "run --strategies serial,sharded, which needs one actor per CPU.",
    "sharded": "Lower --shards, or ask for less with --cpus-per-actor or --actor-options.",
    "serial": "Ask for less with --cpus-per-actor or --actor-options, or use --serial-on driver.",
}


@dataclass(frozen=True)
class Layout:
    """The knobs, turned."""

    shards: int  # how many actors
    demand: Demand = CPU_EACH
    threads: int | None = 1  # of each actor; None: to be found out
    calls_per_batch: int | None = 1  # that one remote call carries; None: about a second's worth

    def __str__(self) -> str:
        """Say what it asks for."""
        return f"{count(self.shards, 'actor')} of {self.demand}"


@dataclass(frozen=True)
class Arrangement:
    """A plan, laid out."""

    layouts: dict[str, Layout]  # of each strategy but the loop on the driver
    fits: dict[str, Fit]  # when the actors can be placed of each that needs some
    omitted: dict[str, str]  # the strategies that are left out, and why
    chosen: Chosen | None = None  # how many shards, where that was left to us

    @property
    def largest(self) -> Layout | None:
        """The layout that needs the most CPUs: strategies run one after the other."""
        return max(
            self.layouts.values(),
            key=lambda each: (each.shards * each.demand.cpus, each.demand.cpus, each.shards),
            default=None,
        )


def arrange(
    workload: Workload, plan: Plan, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH,
    held_bytes: float = 0.0,
) -> Arrangement:  # fmt: skip
    """Turn the knobs of each strategy that needs actors; see `fits_memory` for `held_bytes`.

    Raises:
        ClusterError: What is asked for can never be placed on these nodes.
    """
    layouts: dict[str, Layout] = {}
    found: dict[str, Fit] = {}
    omitted: dict[str, str] = {}
    for name in plan.strategies:
        if name in LOCAL or (name == "serial" and plan.serial_on == "driver"):
            continue
        layout = _layout(name, workload.instances, plan, nodes, growth)
        fits = [fits_memory(layout.shards, nodes, growth, held_bytes)]
        fits.append(fit(layout.shards, layout.demand, nodes, growth))
        never = next((each for each in fits if each.when == "never"), None)
        # Where others than CPUs are scarce too, some of them may find a place all the same.
        scarce = never is fits[0] or not layout.demand.is_plain
        if never and scarce and name == "actors" and "sharded" in plan.strategies:
            omitted[name] = never.reason
            continue
        if never:
            message = f"{name}: cannot be placed: {never.reason}"
            raise ClusterError(message, ADVICE[name])
        layouts[name], found[name] = layout, fits[1]
    return Arrangement(layouts, found, omitted)


def _layout(
    name: str, instances: int, plan: Plan, nodes: Sequence[Capacity], growth: Growth
) -> Layout:
    shards, every = instances, [*nodes, *growth.nodes]
    if name == "serial":
        return Layout(1, demand_of(plan))
    knobs: tuple[int | None, int | None] = (1, 1)
    if name == "sharded":
        wanted = _auto_shards(plan, every) if plan.shards == "auto" else plan.shards
        shards = min(wanted, instances)
        threads, batch = plan.threads_per_shard, plan.calls_per_batch
        knobs = (None if threads == "auto" else threads, None if batch == "auto" else batch)
    demand = demand_of(plan)
    if plan.num_cpus == "auto":
        demand = replace(demand, cpus=share_of_cpu(shards, every, demand))
    return Layout(shards, demand, *knobs)


def demand_of(plan: Plan) -> Demand:
    """Return what a plan's actors ask for each; a CPU where that is left open."""
    options, cpus = plan.actor_options, plan.num_cpus
    asked = {"GPU": options.num_gpus, "memory": options.memory, **options.resources}
    return Demand(
        1.0 if cpus == "auto" else cpus,
        {name: number for name, number in asked.items() if number},
        options.label_selector,
    )


def _auto_shards(plan: Plan, nodes: Sequence[Capacity]) -> int:
    """Return one for each free CPU, and fewer where each is to have more, or what is scarcer."""
    demand = demand_of(plan)
    if demand.cpus:
        demand = replace(demand, cpus=max(1.0, demand.cpus))
    return max(1, room(demand, nodes, free=True) or room(demand, nodes))
