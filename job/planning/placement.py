"""What a plan needs against what the nodes have: how CPUs are shared, what fits, and why not."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from job.words import count, factor, listed, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Ray counts resources in ten-thousandths.
GRAIN = 10_000
CPU = "CPU"
# What an actor's process takes, in bytes: 50 to 100 MB each were seen (Ray 2.60, Python 3.11).
PROCESS_BYTES = 80 * 10**6
MOST_LISTED = 6  # nodes that a sentence names
MOST = 10**7  # actors on one node; a bound for those that ask it for nothing


@dataclass(frozen=True)
class Demand:
    """What one actor asks for, all of it on one node, in Ray's words; memory in bytes."""

    cpus: float = 1.0
    others: Mapping[str, float] = field(default_factory=dict)  # by resource: GPU, memory, …
    labels: Mapping[str, str] = field(default_factory=dict)  # that its node must have

    def __str__(self) -> str:
        """Say it; CPUs also where there are none of them."""
        parts = [count(self.cpus, "CPU"), *(_amount(*each) for each in self.others.items())]
        parts += [f"label {key}={value}" for key, value in self.labels.items()]
        return listed(parts, most=len(parts))

    @property
    def is_plain(self) -> bool:
        """Whether it asks for CPUs alone."""
        return not self.others and not self.labels


@dataclass(frozen=True)
class Capacity:
    """What one node has for actors; memory in bytes."""

    name: str
    cpus: float
    cpus_free: float
    memory_bytes: float
    cores: float | None = None  # that its CPUs are, where it is known
    others: Mapping[str, float] = field(default_factory=dict)  # besides CPUs, by resource
    others_free: Mapping[str, float] | None = None  # of those; None: all
    labels: Mapping[str, str] = field(default_factory=dict)

    def room(self, demand: Demand, *, free: bool = False) -> float:
        """Return how many fit into all it has, or what is free; inf if they ask for nothing."""
        if any(not _matches(self.labels.get(key), asked) for key, asked in demand.labels.items()):
            return 0
        others = self.others if self.others_free is None or not free else self.others_free
        has = {**others, CPU: self.cpus_free if free else self.cpus}
        asked = {**demand.others, CPU: demand.cpus}
        rooms = [
            math.floor(has.get(name, 0.0) * GRAIN + 0.5) // round(each * GRAIN)
            for name, each in asked.items()
            if each
        ]
        return min(rooms, default=math.inf)

    def held(self, demand: Demand) -> Demand:
        """Return what others hold of what is asked for."""
        free = self.others if self.others_free is None else self.others_free
        others = {
            name: round(self.others.get(name, 0.0) - free.get(name, 0.0), 4)
            for name in demand.others
        }
        cpus = max(0.0, round(self.cpus - self.cpus_free, 4))
        return Demand(cpus, {name: number for name, number in others.items() if number > 0})

    def told(self, demand: Demand) -> str:
        """Say what it has of what is asked for; of GPUs wherever there are any."""
        names = dict.fromkeys([*demand.others, *(["GPU"] if self.others.get("GPU") else [])])
        parts = [count(self.cpus, "CPU")]
        parts += [_amount(name, self.others.get(name, 0.0)) for name in names]
        parts += [f"label {key}={self.labels.get(key, '(none)')}" for key in demand.labels]
        return f"{self.name} has {listed(parts, most=len(parts))}"


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
    return room(Demand(), nodes)


def cores(nodes: Sequence[Capacity]) -> float:
    """Return how many cores the nodes' CPUs are; as many, where that is not known."""
    return sum(min(node.cpus, node.cores or node.cpus) for node in nodes)


def share_of_cpu(actors: int, nodes: Sequence[Capacity], demand: Demand) -> float:
    """Return the num_cpus with which `actors` actors fit beside each other.

    One whole CPU where there are enough of them, else 1/m for the smallest m actors a CPU must
    take, so that every actor can be placed at once and none waits for another to end. The CPUs of
    nodes without what else is asked for do not count.
    """
    whole = slots([node for node in nodes if node.room(replace(demand, cpus=0.0))])
    if not whole or actors <= whole:
        return 1.0
    return max(1, GRAIN // -(-actors // whole)) / GRAIN


def room(demand: Demand, nodes: Sequence[Capacity], *, free: bool = False) -> int:
    """Return how many such actors fit into these nodes, into all they have or what is free."""
    return int(sum(min(node.room(demand, free=free), MOST) for node in nodes))


def emptiest(nodes: Mapping[str, float], hosts: Sequence[str | None]) -> str:
    """Return the node with the fewest actors a CPU, by CPUs and by where each actor is."""
    has = Counter(hosts)
    return min(nodes, key=lambda node: has[node] / nodes[node])


def fit(actors: int, demand: Demand, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH) -> Fit:
    """Return whether so many actors can be placed."""
    free = room(demand, nodes, free=True)
    if free >= actors:
        return Fit("now")
    are = "is" if actors == 1 else "are"
    asked = f"{count(actors, 'actor')} of {demand} {are} asked for"
    could = room(demand, growth.nodes)
    if growth.more or (could and free + could >= actors):
        return Fit("scaling", f"{asked}, and {free:,} fit into the nodes that are there")
    if room(demand, nodes) >= actors:
        left = f"{sum(node.cpus_free for node in nodes):g} CPUs are free"
        return Fit("later", f"{asked}, and {left if demand.is_plain else f'{free:,} fit now'}")
    total = room(demand, [*nodes, *growth.nodes])
    if total >= actors:
        what = "the CPUs of" if demand.is_plain else "what is asked for of"
        return Fit("scaling", f"{asked}, and others hold {what} the nodes that are there")
    into = "into the cluster, even grown as far as it may" if growth.nodes else "into the cluster"
    why = f"{asked}, and {total:,} fit {into}"
    if not total:
        why = f"an actor needs {demand} on one node, and none has as many"
    return Fit("never", f"{why} ({_listed([*nodes, *growth.nodes], demand)})")


def fits_memory(
    actors: int, nodes: Sequence[Capacity], growth: Growth = NO_GROWTH, held_bytes: float = 0.0
) -> Fit:
    """Return whether so many processes fit into the nodes' memory, where that is known.

    `held_bytes` are what the target takes in each besides what any process takes.
    """
    memory = sum(node.memory_bytes for node in [*nodes, *growth.nodes] if node.cpus)
    each = PROCESS_BYTES + held_bytes
    needed = actors * each
    known = memory and not growth.more and all(node.memory_bytes for node in growth.nodes)
    if not known or needed <= memory:
        return Fit("now")
    reason = (
        f"{actors:,} actors are {actors:,} processes of about {size(each)}, "
        f"{needed / 1e9:,.0f} GB in all, and the nodes have {memory / 1e9:,.0f} GB"
    )
    return Fit("never", reason)


def bundles(actors: int, demand: Demand, nodes: Sequence[Capacity]) -> list[Demand]:
    """Return what to ask an autoscaler for, each of which must lie on one node.

    It counts what is in use as there for us, so that is asked for besides. Actors that share a
    CPU, and ask for nothing else, are asked for CPU by CPU: a thousand pieces are as many as it
    looks at.
    """
    shared = demand.is_plain and 0 < round(demand.cpus * GRAIN) < GRAIN
    each = GRAIN // round(demand.cpus * GRAIN) if shared else 1
    wanted = [Demand() if shared else demand] * -(-actors // each)
    held = [node.held(demand) for node in nodes]
    return wanted + [each for each in held if each.cpus or each.others]


def lacking(actors: int, demand: Demand, nodes: Sequence[Capacity]) -> str:
    """Return what is missing for all actors to be placed at once; nothing where nothing is."""
    found = room(demand, nodes, free=True)
    if found >= actors:
        return ""
    return f"room for {found:,} of {actors:,} actors of {demand} is there"


def _matches(label: str | None, asked: str) -> bool:
    """Return whether a node's label is what a selector asks for, as Ray writes selectors."""
    negated, asked = asked.startswith("!"), asked.removeprefix("!")
    inside = asked.startswith("in(") and asked.endswith(")")
    allowed = {each.strip() for each in asked[3:-1].split(",")} if inside else {asked}
    return (label in allowed) != negated


def _amount(resource: str, number: float) -> str:
    """Say how much of a resource."""
    if resource == "memory":
        return f"{factor(number / 1e9)} GB of memory"
    return count(number, "GPU") if resource == "GPU" else f"{number:g} {resource}"


def _listed(nodes: Sequence[Capacity], demand: Demand) -> str:
    """List nodes, the largest first, those that are alike as one."""
    alike = Counter(node.told(demand) for node in sorted(nodes, key=lambda node: -node.cpus))
    said = [f"{count:,} x {text}" if count > 1 else text for text, count in alike.items()]
    more = [f"and {len(said) - MOST_LISTED:,} more"] if len(said) > MOST_LISTED else []
    return ", ".join([*said[:MOST_LISTED], *more]) or "there are no nodes"


def deal(instances: int, shards: int) -> list[range]:
    """Return the instances' numbers dealt evenly, in order: sizes differ by one at most."""
    shards = min(shards, instances)
    each, more = divmod(instances, shards)
    starts = [each * shard + min(shard, more) for shard in range(shards + 1)]
    return [range(start, end) for start, end in itertools.pairwise(starts)]
