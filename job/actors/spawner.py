"""Where a fleet's actors are started: spread over the nodes, or sharing CPUs of those left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ray

from job.actors.worker import own_place
from job.cluster.connection import on_node
from job.cluster.private import draining_nodes
from job.planning.placement import emptiest, room
from job.shard.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.actors.worker import Worker
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.planning.layout import Layout

FRESH_S = 0.5  # how old what is known of the nodes may be


class Spawner:
    """Starts actors, and knows which nodes there are for them."""

    def __init__(self, layout: Layout, subject: Subject, site: Site) -> None:
        """Take note of what is asked for."""
        self._layout = layout
        self._subject, self._site = subject, site
        self._recipe: Any = None
        self._remote: Any = None
        self._cpus: dict[str, float] = {}  # of each node that is alive
        self._seen_s = -FRESH_S

    def actor(self, numbers: Sequence[int], node_id: str | None = None) -> Any:
        """Request an actor for these instances: wherever there is room, or on that node.

        There it holds no CPU, since there may be none left.
        """
        if self._recipe is None:  # both are sent once, to where every actor can have them
            self._recipe = ray.put(self._subject.packed)
            self._remote = ray.remote(Shard)
        options: dict[str, Any] = {
            "num_cpus": self._layout.cpus_per_actor, "scheduling_strategy": "SPREAD",
        }  # fmt: skip
        if node_id:
            options = {"num_cpus": 0, "scheduling_strategy": on_node(node_id)}
        remote = self._remote.options(max_restarts=0, max_task_retries=0, **options)
        return remote.remote(
            self._recipe,
            numbers,
            self._layout.calls_per_batch,
            self._layout.threads or 1,
            own_place,
        )

    def is_there(self, node_id: str | None) -> bool:
        """Return whether there is such a node in the cluster."""
        return node_id in self._nodes()

    def is_gone(self, worker: Worker) -> bool:
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
        leaving = draining_nodes()  # Ray starts nothing there any more
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
