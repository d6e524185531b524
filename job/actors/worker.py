"""What `actors` and `sharded` share, how the driver sees their actors, and where it starts them."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.cluster import private
from job.cluster.connection import on_node
from job.errors import UsageError
from job.planning.placement import Capacity, Demand, emptiest, room
from job.shard.shard import Place, Shard
from job.words import first_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.actors.recovery import Instruction, Recovery
    from job.cluster.travel import Subject
    from job.planning.layout import Layout

FRESH_S = 0.5  # how old what is known of the nodes may be
REMOTE: Any = ray.remote(max_restarts=0, max_task_retries=0)(Shard)  # replaced by us, not by Ray


@dataclass(slots=True)
class Worker:
    """A shard as the driver sees it: its actor, and the remote calls on their way to it."""

    index: int  # from 0
    recovery: Recovery  # how far it is, and what it is to do
    threads: int = 1  # how many instances may be called at once
    told: int = 0  # calls that were told as progress
    # Of its actor now:
    handle: Any = None
    place: Place | None = None  # once it is ready
    refuge: str | None = None  # the node on which it has no CPU of its own; None: anywhere
    heard_s: float = 0.0  # when it last answered, or was requested, by the monotonic clock
    killed_s: float | None = None  # when we killed it, likewise, if we did
    states: list[str] = field(default_factory=list)  # those that were read so far
    # What is not answered, the oldest first; an actor answers in order: the last one is waited for
    sent: deque[tuple[Instruction, list[Any]]] = field(default_factory=deque)

    def renew(self, handle: Any) -> None:
        """Take note of a new actor, of which nothing is known yet."""
        self.handle, self.heard_s = handle, time.monotonic()
        self.place = self.killed_s = None
        self.states.clear()

    def kill(self) -> None:
        """End the actor, wherever it is, and whether it still lives; expect no answer."""
        self.sent.clear()
        with contextlib.suppress(rex.RayError, ValueError):  # gone already, with its node
            ray.kill(self.handle)

    @property
    def node_id(self) -> str | None:
        """Where it is, or is asked to be; None where nobody knows yet."""
        return self.place.node_id if self.place else self.refuge

    @property
    def address(self) -> str:
        """That of its node; empty where nobody knows yet."""
        return self.place.address if self.place else ""

    def __str__(self) -> str:
        which = which_instances(self.recovery.numbers[0], self.recovery.numbers[-1])
        return f"the actor of {which}" + (f" on {self.address}" if self.place else "")


def which_instances(first: int, last: int) -> str:
    """Return how a sentence names neighbouring instances."""
    return f"instance {first:,}" if first == last else f"instances {first:,} to {last:,}"


class Spawner:
    """Starts actors, spread over the nodes or sharing a CPU, and knows which nodes there are."""

    def __init__(self, layout: Layout, subject: Subject) -> None:
        self._layout, self._subject = layout, subject
        self._recipe: Any = None
        self._cpus: dict[str, float] = {}  # of each node that is alive
        self._seen_s = -FRESH_S

    def request(self, numbers: Sequence[int], node_id: str | None) -> Any:
        """Request an actor: wherever there is room, or on that node without a CPU of its own."""
        layout = self._layout
        if self._recipe is None:  # it is sent once, to where every actor can have it
            self._recipe = ray.put(self._subject.packed)
        threads = layout.threads or 1
        dump = ray.cloudpickle.dumps if self._subject.recipe.bring else None
        args = self._recipe, numbers, layout.calls_per_batch, threads, own_place, dump
        return request(REMOTE, layout, node_id, *args)

    def is_lost(self, worker: Worker) -> bool:
        """Return whether an actor's node has left the cluster, as far as it is known yet."""
        return worker.node_id is not None and worker.node_id not in self._nodes()

    def cpus(self) -> float:
        """Return how many CPUs the nodes have that are there."""
        return sum(self._nodes().values())

    def refuge(self, workers: Sequence[Worker]) -> str | None:
        """Return the node for an actor that must share a CPU with others, since too few are left.

        None where there is room, or where no node has a CPU: then one is waited for.
        """
        leaving = private.draining_nodes()  # Ray starts nothing there any more
        nodes = {n: cpus for n, cpus in self._nodes().items() if cpus and n not in leaving}
        there = [Capacity(node, cpus, cpus, 0) for node, cpus in nodes.items()]
        demand = self._layout.demand
        # What else an actor asks for, a GPU, is nothing to do without.
        if not nodes or not demand.is_plain or room(demand, there) >= len(workers):
            return None
        return emptiest(nodes, [worker.node_id for worker in workers])

    def _nodes(self) -> dict[str, float]:
        if time.monotonic() > self._seen_s + FRESH_S:
            self._seen_s = time.monotonic()
            alive = [node for node in ray.nodes() if node["Alive"]]
            self._cpus = {n["NodeID"]: n["Resources"].get("CPU", 0.0) for n in alive}
        return self._cpus


def request(remote: Any, layout: Layout, node_id: str | None, *args: Any) -> Any:
    """Request an actor such as a layout has: anywhere, or on a node without a CPU of its own.

    Raises:
        UsageError: Ray does not take the options.
    """
    options = options_of(layout.demand if node_id is None else Demand(0.0))
    options["scheduling_strategy"] = on_node(node_id) if node_id else "SPREAD"
    try:
        return remote.options(**options).remote(*args)
    except ValueError as error:  # of what only some accelerators do not bear, for example
        raise UsageError(f"--actor-options: Ray does not take them: {first_words(error)}") from None


def options_of(demand: Demand) -> dict[str, Any]:
    """Return what an actor asks for as Ray's options."""
    others = dict(demand.others)
    gpus, memory = others.pop("GPU", 0), others.pop("memory", 0)
    asked = {"num_gpus": gpus, "memory": memory, "resources": others}
    asked |= {"label_selector": dict(demand.labels)}
    return {"num_cpus": demand.cpus} | {name: each for name, each in asked.items() if each}


def own_place() -> Place:
    """Return where this process runs; called on the workers."""
    node_id, address = ray.get_runtime_context().get_node_id(), ray.util.get_node_ip_address()
    return Place(node_id, str(address), socket.gethostname(), os.getpid())
