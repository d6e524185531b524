"""Kill actors and nodes while a strategy works, as `--chaos` asks for."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.cluster.connection import on_node
from job.errors import ClusterError, UsageError
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.actors.worker import Worker
    from job.cluster.connection import Site
    from job.results.document import Cluster
    from job.workload.chaos import Chaos, Kill

UNHURT_S = 0.25  # how long a kill waits for a victim that has answered something to lose


class Executioner:
    """Ends processes of its own node; an actor without a CPU."""

    def raylet(self) -> int:
        """Return the process that the node lives by, and all of its workers with it."""
        import psutil

        parents = psutil.Process().parents()
        return int(next(each.pid for each in parents if each.name() == "raylet"))

    def kill(self, pid: int) -> None:
        """End a process as the kernel does when memory runs out."""
        os.kill(pid, signal.SIGKILL)


class Killer:
    """Carries out the kills of one trial."""

    def __init__(self, kills: Sequence[Kill], site: Site, timeout_s: float) -> None:
        """Start what kills on every node, before anything is timed.

        Raises:
            ClusterError: It did not start.
        """
        self._kills = list(kills)
        self._site = site
        self._now_s = 0.0  # since the work began
        self._spared = spared(site.cluster)
        remote = ray.remote(Executioner)
        alive = [n["NodeID"] for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]
        self._hands: dict[str, Any] = {
            node_id: remote.options(num_cpus=0, scheduling_strategy=on_node(node_id)).remote()
            for node_id in alive  # those of the last trial may be gone
        }
        self._raylets: dict[str, int] = {}
        for node_id, hand in self._hands.items():
            try:
                self._raylets[node_id] = ray.get(hand.raylet.remote(), timeout=timeout_s)
            except rex.GetTimeoutError:
                self.end()
                message = "--chaos: what is to kill did not start"
                raise ClusterError(message, "`check` tells of nodes.") from None
            except rex.RayError:  # lost meanwhile, and not there to be killed
                continue

    def strike(self, workers: Sequence[Worker], now_s: float) -> None:
        """Kill who is due by now: an actor at work, or the node it is on."""
        self._now_s = now_s
        while self._kills and self._kills[0].due_s <= now_s:
            kill = self._kills[0]
            nodes = self._raylets.keys() - (self._spared if kill.node else set())
            at_work = [w for w in workers if w.sent and not w.killed_s]
            victims = [w for w in at_work if w.place and w.place.node_id in nodes]
            exposed = [w for w in victims if w.recovery.unsaved]
            if not victims or (not exposed and now_s < kill.due_s + UNHURT_S):
                return  # later, when there is a victim
            choice = exposed or victims
            victim = choice[int(kill.choice * len(choice))]
            if place := victim.place:
                for worker in workers if kill.node else [victim]:
                    if worker.node_id == place.node_id:
                        worker.killed_s = time.monotonic()
                pid = self._raylets[place.node_id] if kill.node else place.pid
                self._hands[place.node_id].kill.remote(pid)
            self._kills.pop(0)

    def end(self) -> None:
        """End what kills; say which kills came too late."""
        if self._kills and self._now_s:
            self._site.note(
                f"--chaos: {count(len(self._kills), 'kill')} found no victim before the work was "
                "done; a shorter interval brings them earlier"
            )
        for hand in self._hands.values():
            with contextlib.suppress(rex.RayError, ValueError):  # gone with its node
                ray.kill(hand)
        self._hands.clear()


def spared(cluster: Cluster) -> set[str]:
    """Return the nodes that are never killed: the head, and the driver's."""
    heads = {node.node_id for node in cluster.nodes if node.head}
    return {*heads, str(ray.get_runtime_context().get_node_id())}


def check_victims(chaos: Chaos, cluster: Cluster) -> None:
    """Raise a UsageError where nodes are to be killed, and none may be."""
    if chaos.node and not {node.node_id for node in cluster.nodes} - spared(cluster):
        message = f"--chaos {chaos}: the cluster has no node but the head and the driver's"
        raise UsageError(message, "kill=2 kills actors; node=1 needs a cluster of several nodes.")
