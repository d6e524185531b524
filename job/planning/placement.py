"""What a plan needs against what the nodes have: how CPUs are shared, what fits, and why not."""

from __future__ import annotations

import itertools
import math
from collections import Counter
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
    cores: float | None = None  # that its CPUs are, where it is known

    def __str__(self) -> str:
        """Say what it has; of GPUs only where there are any."""
        gpus = f" and {count(self.gpus, 'GPU')}" if self.gpus else ""
        return f"{self.name} has {count(self.cpus, 'CPU')}{gpus}"


@dataclass(frozen=True)
class Growth:
    """What an autoscaler could still add to the nodes that are there."""

    nodes: tuple[Capacity, ...] = ()  # as many as it could add, each named by its type
    more: bool = False  # there may be others, whose size nobody knows before they come
    elastic: bool = False  # nodes come and go, so that an idle one may be taken away


NO_GROWTH = Growth()


@dataclass(frozen=True)
class Fit:
    """Whether a demand fits now, when others have ended, when nodes were added, or never."""

    when: Literal["now", "later", "scaling", "never"]
    reason: str = ""  # what is asked for, and what there is; none where it fits now


def slots(nodes: Sequence[Capacity]) -> int:
    """Return how many whole CPUs can be scheduled; nodes with none do not count."""
    return room(1, [node.cpus for node in nodes])


def cores(nodes: Sequence[Capacity]) -> float:
    """Return how many cores the nodes' CPUs are; as many, where that is not known."""
    return sum(min(node.cpus, node.cores or node.cpus) for node in nodes)


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
    """Return the node with the fewest actors a CPU, by CPUs and by where each actor is."""
    return min(nodes, key=lambda node: hosts.count(node) / nodes[node])


def fit(
    actors: int, cpus_per_actor: float, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH
) -> Fit:
    """Return whether `actors` actors of `cpus_per_actor` CPUs can be placed."""
    here, added = ([node.cpus for node in of] for of in (nodes, growth.nodes))
    free = room(cpus_per_actor, [node.cpus_free for node in nodes])
    if free >= actors:
        return Fit("now")
    are = "is" if actors == 1 else "are"
    asked = f"{count(actors, 'actor')} of {count(cpus_per_actor, 'CPU')} {are} asked for"
    could = room(cpus_per_actor, added)
    if growth.more or (could and free + could >= actors):
        return Fit("scaling", f"{asked}, and {free:,} fit into the nodes that are there")
    if room(cpus_per_actor, here) >= actors:
        left = sum(node.cpus_free for node in nodes)
        return Fit("later", f"{asked}, and {left:g} CPUs are free")
    total = room(cpus_per_actor, here + added)
    if total >= actors:
        return Fit("scaling", f"{asked}, and others hold the CPUs of the nodes that are there")
    into = "into the cluster, even grown as far as it may" if added else "into the cluster"
    why = f"{asked}, and {total:,} fit {into}"
    if not total:
        why = f"an actor needs {count(cpus_per_actor, 'CPU')} on one node, and none has as many"
    return Fit("never", f"{why} ({_listed([*nodes, *growth.nodes])})")


def fits_memory(actors: int, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH) -> Fit:
    """Return whether so many processes fit into the nodes' memory, where that is known."""
    memory = sum(node.memory_bytes for node in [*nodes, *growth.nodes] if node.cpus)
    needed = actors * PROCESS_BYTES
    known = memory and not growth.more and all(node.memory_bytes for node in growth.nodes)
    if not known or needed <= memory:
        return Fit("now")
    reason = (
        f"{actors:,} actors are {actors:,} processes of about {PROCESS_BYTES // 10**6} MB, "
        f"{needed / 1e9:,.0f} GB in all, and the nodes have {memory / 1e9:,.0f} GB"
    )
    return Fit("never", reason)


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
    """List nodes, the largest first, those that are alike as one."""
    alike = Counter(str(node) for node in sorted(nodes, key=lambda node: -node.cpus))
    said = [f"{count:,} x {text}" if count > 1 else text for text, count in alike.items()]
    more = [f"and {len(said) - MOST_LISTED:,} more"] if len(said) > MOST_LISTED else []
    return ", ".join([*said[:MOST_LISTED], *more]) or "there are no nodes"


def deal(instances: int, shards: int) -> list[range]:
    """Return the instances' numbers dealt evenly, in order: sizes differ by one at most."""
    shards = min(shards, instances)
    each, more = divmod(instances, shards)
    starts = [each * shard + min(shard, more) for shard in range(shards + 1)]
    return [range(start, end) for start, end in itertools.pairwise(starts)]
