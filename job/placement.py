"""What a plan needs against what the nodes have: how CPUs are shared, what fits, and why not."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

# Ray counts resources in ten-thousandths.
GRAIN = 10_000
# What an actor's process takes, in bytes: 50 to 100 MB each were seen (Ray 2.60, Python 3.11).
PROCESS_BYTES = 80 * 10**6


@dataclass(frozen=True)
class Capacity:
    """What one node has for actors; memory in bytes."""

    name: str
    cpus: float
    cpus_free: float
    memory_bytes: float


@dataclass(frozen=True)
class Fit:
    """Whether a demand fits: now, later (others hold the CPUs), or never, and why."""

    when: Literal["now", "later", "never"]
    reason: str = ""


def slots(nodes: Sequence[Capacity]) -> int:
    """Return how many whole CPUs can be scheduled; nodes with none do not count."""
    return sum(math.floor(node.cpus) for node in nodes)


def free_slots(nodes: Sequence[Capacity]) -> int:
    """Return how many whole CPUs are free; where none are, how many there will be; at least 1."""
    free = sum(math.floor(node.cpus_free) for node in nodes)
    return max(1, free or slots(nodes))


def share_of_cpu(actors: int, nodes: Sequence[Capacity]) -> float:
    """Return the num_cpus with which `actors` actors fit beside each other.

    One whole CPU where there are enough of them, else 1/m for the smallest m actors a CPU must
    take, so that every actor can be placed at once and none waits for another to end.
    """
    whole = slots(nodes)
    if not whole or actors <= whole:
        return 1.0
    return max(1, GRAIN // -(-actors // whole)) / GRAIN


def room(cpus_per_actor: float, cpus: Sequence[float]) -> int:
    """Return how many actors of that size fit into nodes of these sizes."""
    grains = round(cpus_per_actor * GRAIN)
    return sum(math.floor(c * GRAIN + 0.5) // grains for c in cpus)


def fit(actors: int, cpus_per_actor: float, nodes: Sequence[Capacity]) -> Fit:
    """Return whether `actors` actors of `cpus_per_actor` CPUs can be placed."""
    largest = max(nodes, key=lambda node: node.cpus, default=None)
    each = f"{cpus_per_actor:g} CPUs" if cpus_per_actor != 1 else "1 CPU"
    if largest is None or largest.cpus < cpus_per_actor:
        has = f"the largest, {largest.name}, has {largest.cpus:g}" if largest else "there are none"
        return Fit("never", f"an actor needs {each} on one node, and {has}")
    total = room(cpus_per_actor, [node.cpus for node in nodes])
    if total < actors:
        reason = f"{actors:,} actors of {each} are asked for, and {total:,} fit into the cluster"
        return Fit("never", reason)
    if room(cpus_per_actor, [node.cpus_free for node in nodes]) < actors:
        free = sum(node.cpus_free for node in nodes)
        reason = f"{actors:,} actors of {each} are asked for, and {free:g} CPUs are free"
        return Fit("later", reason)
    return Fit("now")


def fits_memory(actors: int, nodes: Sequence[Capacity]) -> Fit:
    """Return whether so many processes fit into the nodes' memory."""
    memory = sum(node.memory_bytes for node in nodes if node.cpus)
    needed = actors * PROCESS_BYTES
    if memory and needed > memory:
        reason = (
            f"{actors:,} actors are {actors:,} processes of about {PROCESS_BYTES // 10**6} MB, "
            f"{needed / 1e9:,.0f} GB in all, and the nodes have {memory / 1e9:,.0f} GB"
        )
        return Fit("never", reason)
    return Fit("now")


def deal(instances: int, shards: int) -> list[range]:
    """Return the instances' numbers dealt evenly, in order: sizes differ by one at most."""
    each, more = divmod(instances, min(shards, instances))
    sizes = [each + (index < more) for index in range(min(shards, instances))]
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    return [range(start, end) for start, end in itertools.pairwise(ends)]
