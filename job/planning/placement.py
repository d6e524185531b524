"""What a plan needs against what the nodes have: how CPUs are shared, what fits, and why not."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from job.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Ray counts resources in ten-thousandths.
GRAIN = 10_000
# What an actor's process takes, in bytes: 50 to 100 MB each were seen (Ray 2.60, Python 3.11).
PROCESS_BYTES = 80 * 10**6
MOST_LISTED = 6  # nodes that a sentence names


@dataclass(frozen=True)
class Capacity:
    """What one node has for actors; memory in bytes."""

    name: str
    cpus: float
    cpus_free: float
    memory_bytes: float
    gpus: float = 0

    def __str__(self) -> str:
        """Say what it has; of GPUs only where there are any."""
        gpus = f" and {count(self.gpus, 'GPU')}" if self.gpus else ""
        return f"{self.name} has {count(self.cpus, 'CPU')}{gpus}"


@dataclass(frozen=True)
class Growth:
    """What an autoscaler could still add to the nodes that are there.

    Attributes:
        nodes: As many as it could add, each named by its type.
        more: Whether there may be others, whose size nobody knows before they come.
        elastic: Whether nodes come and go at all, so that an idle one may be taken away.
    """

    nodes: tuple[Capacity, ...] = ()
    more: bool = False
    elastic: bool = False


NO_GROWTH = Growth()


@dataclass(frozen=True)
class Fit:
    """Whether a demand fits, and why not now.

    Attributes:
        when: Now; later, when others have ended; after scaling, when nodes were added; or never.
        reason: What is asked for, and what there is.
    """

    when: Literal["now", "later", "scaling", "never"]
    reason: str = ""


def slots(nodes: Sequence[Capacity]) -> int:
    """Return how many whole CPUs can be scheduled; nodes with none do not count."""
    return sum(math.floor(node.cpus) for node in nodes)


def free_slots(nodes: Sequence[Capacity], growth: Growth = NO_GROWTH) -> int:
    """Return how many whole CPUs are free or can be added; else how many there will be.

    At least 1.
    """
    free = sum(math.floor(node.cpus_free) for node in [*nodes, *growth.nodes])
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


def emptiest(nodes: Mapping[str, float], hosts: Sequence[str | None]) -> str:
    """Return the node with the fewest actors a CPU.

    Args:
        nodes: The CPUs of each, above 0, by name.
        hosts: Where the actors are, or were asked to be; None where nobody knows.
    """
    return min(nodes, key=lambda node: hosts.count(node) / nodes[node])


def fit(
    actors: int, cpus_per_actor: float, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH
) -> Fit:
    """Return whether `actors` actors of `cpus_per_actor` CPUs can be placed."""
    are = "is" if actors == 1 else "are"
    asked = f"{count(actors, 'actor')} of {count(cpus_per_actor, 'CPU')} {are} asked for"
    every = [*nodes, *growth.nodes]
    free = room(cpus_per_actor, [node.cpus_free for node in nodes])
    if free >= actors:
        return Fit("now")
    added = room(cpus_per_actor, [node.cpus for node in growth.nodes])
    if growth.more or (added and free + added >= actors):
        return Fit("scaling", f"{asked}, and {free:,} fit into the nodes that are there")
    if room(cpus_per_actor, [node.cpus for node in nodes]) >= actors:
        left = sum(node.cpus_free for node in nodes)
        return Fit("later", f"{asked}, and {left:g} CPUs are free")
    if max((node.cpus for node in every), default=0.0) < cpus_per_actor:
        return Fit("never", _too_small(cpus_per_actor, nodes, growth))
    total = room(cpus_per_actor, [node.cpus for node in every])
    if total >= actors:
        return Fit("scaling", f"{asked}, and others hold the CPUs of the nodes that are there")
    into = "into the cluster, even grown as far as it may" if growth.nodes else "into the cluster"
    return Fit("never", f"{asked}, and {total:,} fit {into} ({_listed(every)})")


def _too_small(cpus_per_actor: float, nodes: Sequence[Capacity], growth: Growth) -> str:
    """Say why not even one actor can be placed."""
    needs = f"an actor needs {count(cpus_per_actor, 'CPU')} on one node"
    largest = max(nodes, key=lambda node: node.cpus, default=None)
    if largest is None:
        has = "there are none"
    elif largest.cpus:
        has = f"the largest, {largest.name}, has {largest.cpus:g}"
    else:
        has = f"no node has any to give: {_listed(nodes)}"
        if any(node.gpus for node in nodes):
            has += "; GPUs alone host no actor"
    if growth.nodes:
        most = max(growth.nodes, key=lambda node: node.cpus)
        has += f"; the largest that can be added, {most.name}, has {most.cpus:g}"
    return f"{needs}, and {has}"


def fits_memory(actors: int, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH) -> Fit:
    """Return whether so many processes fit into the nodes' memory, where that is known."""
    every = [node for node in [*nodes, *growth.nodes] if node.cpus]
    memory = sum(node.memory_bytes for node in every)
    needed = actors * PROCESS_BYTES
    known = not growth.more and all(node.memory_bytes for node in growth.nodes)
    if memory and known and needed > memory:
        reason = (
            f"{actors:,} actors are {actors:,} processes of about {PROCESS_BYTES // 10**6} MB, "
            f"{needed / 1e9:,.0f} GB in all, and the nodes have {memory / 1e9:,.0f} GB"
        )
        return Fit("never", reason)
    return Fit("now")


def bundles(actors: int, cpus_per_actor: float, nodes: Sequence[Capacity]) -> list[float]:
    """Return what to ask an autoscaler for, in CPUs that must lie on one node each.

    It counts what is in use as there for us, so that is asked for besides. Actors that share a
    CPU are asked for CPU by CPU: a thousand pieces are as many as it looks at.
    """
    each = round(cpus_per_actor * GRAIN)
    shared = each < GRAIN
    wanted = [1.0] * -(-actors // (GRAIN // each)) if shared else [cpus_per_actor] * actors
    held = [round(node.cpus - node.cpus_free, 4) for node in nodes]
    return wanted + [cpus for cpus in held if cpus > 0]


def lacking(actors: int, cpus_per_actor: float, nodes: Sequence[Capacity]) -> str:
    """Return what is missing for all actors to be placed at once; nothing where nothing is."""
    found = room(cpus_per_actor, [node.cpus_free for node in nodes])
    if found >= actors:
        return ""
    return f"room for {found:,} of {actors:,} actors of {count(cpus_per_actor, 'CPU')} is there"


def _listed(nodes: Sequence[Capacity]) -> str:
    """List nodes, those that are alike as one."""
    alike: dict[str, int] = {}
    for node in nodes:
        alike[str(node)] = alike.get(str(node), 0) + 1
    said = [f"{count:,} x {text}" if count > 1 else text for text, count in alike.items()]
    more = f", and {len(said) - MOST_LISTED:,} more" if len(said) > MOST_LISTED else ""
    return ", ".join(said[:MOST_LISTED]) + more


def deal(instances: int, shards: int) -> list[range]:
    """Return the instances' numbers dealt evenly, in order: sizes differ by one at most."""
    each, more = divmod(instances, min(shards, instances))
    sizes = [each + (index < more) for index in range(min(shards, instances))]
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    return [range(start, end) for start, end in itertools.pairwise(ends)]
