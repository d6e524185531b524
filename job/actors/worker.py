"""What `actors` and `sharded` share, how the driver sees their actors, and where it starts them."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import ray
import ray.exceptions as rex

from job.cluster import private
from job.cluster.connection import on_node
from job.planning.placement import emptiest, room
from job.shard.shard import Place, Shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.actors.recovery import Instruction, Recovery
    from job.cluster.travel import Subject
    from job.planning.layout import Layout

FRESH_S = 0.5  # how old what is known of the nodes may be


class Sent(NamedTuple):
    """Remote calls that carry out an instruction; the last one's answer is waited for.

    Attributes:
        order: What they carry out.
        refs: One for each remote call.
        since_s: When they were sent, by the monotonic clock.
        incarnation: To which actor of the shard.
    """

    order: Instruction
    refs: list[Any]
    since_s: float
    incarnation: int


@dataclass
class Worker:
    """A shard as the driver sees it: its actor, and the remote calls on their way to it.

    Attributes:
        index: Which shard it is, from 0.
        recovery: How far it is, and what it is to do.
        handle: Its actor now, as below.
        place: Where that is, once it is ready.
        refuge: The node on which it is requested without a CPU of its own; None: anywhere.
        asked_s: When it was requested, by the monotonic clock.
        heard_s: When it last answered, likewise.
        sent: What is not answered, oldest first.
        states: Those that were read so far.
        told: How many calls were told as progress.
    """

    index: int
    recovery: Recovery
    handle: Any = None
    place: Place | None = None
    refuge: str | None = None
    asked_s: float = 0.0
    heard_s: float = 0.0
    sent: deque[Sent] = field(default_factory=deque)
    states: list[str] = field(default_factory=list)
    told: int = 0

    def renew(self, handle: Any, now: float) -> None:
        """Take note of a new actor, of which nothing is known yet."""
        self.handle, self.place = handle, None
        self.asked_s = self.heard_s = now
        self.states.clear()

    def kill(self) -> None:
        """End the actor, wherever it is, and whether it still lives; expect no answer."""
        self.sent.clear()
        with contextlib.suppress(rex.RayError, ValueError):  # gone already, with its node
            ray.kill(self.handle)

    @property
    def host(self) -> str:
        """The node it is on, as far as that is known yet."""
        return self.place.address if self.place else "its node"

    def __str__(self) -> str:
        """Name the actor by its instances and its node."""
        which = which_instances(self.recovery.numbers[0], self.recovery.numbers[-1])
        return f"the actor of {which}" + (f" on {self.place.address}" if self.place else "")


def which_instances(first: int, last: int) -> str:
    """Return how a sentence names neighbouring instances."""
    return f"instance {first:,}" if first == last else f"instances {first:,} to {last:,}"


class Spawner:
    """Starts actors, spread over the nodes or sharing a CPU, and knows which nodes there are."""

    def __init__(self, layout: Layout, subject: Subject) -> None:
        """Take note of what is asked for."""
        self._layout = layout
        self._subject = subject
        self._recipe: Any = None
        self._remote: Any = None
        self._cpus: dict[str, float] = {}  # of each node that is alive
        self._seen_s = -FRESH_S

    def request(self, numbers: Sequence[int], node_id: str | None) -> Any:
        """Request an actor for these instances: wherever there is room, or on that node.

        There it holds no CPU, since there may be none left.
        """
        if self._recipe is None:  # both are sent once, to where every actor can have them
            self._recipe = ray.put(self._subject.packed)
            self._remote = ray.remote(Shard)
        cpus: float = 0 if node_id else self._layout.cpus_per_actor
        where = on_node(node_id) if node_id else "SPREAD"
        return self._remote.options(
            max_restarts=0, max_task_retries=0, num_cpus=cpus, scheduling_strategy=where
        ).remote(
            self._recipe,
            numbers,
            self._layout.calls_per_batch,
            self._layout.threads or 1,
            own_place,
        )

    def is_there(self, node_id: str | None) -> bool:
        """Return whether there is such a node in the cluster."""
        return node_id in self._nodes()

    def is_lost(self, worker: Worker) -> bool:
        """Return whether an actor's node has left the cluster, as far as it is known yet."""
        node_id = worker.place.node_id if worker.place else worker.refuge
        return node_id is not None and not self.is_there(node_id)

    def cpus(self) -> float:
        """Return how many CPUs the nodes have that are there."""
        return sum(self._nodes().values())

    def refuge(self, workers: Sequence[Worker]) -> str | None:
        """Return the node for an actor that must share a CPU with others, since too few are left.

        None where there is room, or where no node has a CPU: then one is waited for.
        """
        leaving = private.draining_nodes()  # Ray starts nothing there any more
        nodes = {n: cpus for n, cpus in self._nodes().items() if cpus and n not in leaving}
        if not nodes or room(self._layout.cpus_per_actor, list(nodes.values())) >= len(workers):
            return None
        return emptiest(nodes, [w.place.node_id if w.place else w.refuge for w in workers])

    def _nodes(self) -> dict[str, float]:
        if time.monotonic() > self._seen_s + FRESH_S:
            self._seen_s = time.monotonic()
            alive = [node for node in ray.nodes() if node["Alive"]]
            self._cpus = {n["NodeID"]: n["Resources"].get("CPU", 0.0) for n in alive}
        return self._cpus


def own_place() -> Place:
    """Return where this process runs; called on the workers."""
    context = ray.get_runtime_context()
    address = str(ray.util.get_node_ip_address())
    return Place(context.get_node_id(), address, socket.gethostname(), os.getpid())
