"""Kill actors and nodes while a strategy works, as `--chaos` asks for."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.actors.recovery import Advance
from job.cluster.connection import on_node
from job.errors import ClusterError, UsageError
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.actors.losses import Losses
    from job.actors.worker import Worker
    from job.cluster.connection import Site
    from job.results.document import Cluster
    from job.workload.chaos import Chaos, Kill

UNHURT_S = 0.25  # how long a kill waits for a victim that has answered something to lose


class Executioner:
    """Ends processes of its own node; an actor without a CPU."""

    def ready(self) -> None:
        """Be there before the first kill is due."""

    def kill(self, pid: int) -> None:
        """End a process as the kernel does when memory runs out."""
        os.kill(pid, signal.SIGKILL)

    def kill_node(self) -> None:
        """End the node's raylet, and with it all of its workers, this one included."""
        import psutil

        raylet = psutil.Process().parent()
        while raylet and raylet.name() != "raylet":
            raylet = raylet.parent()
        if raylet:
            raylet.kill()


class Killer:
    """Carries out the kills of one trial."""

    def __init__(self, kills: Sequence[Kill], site: Site, timeout_s: float) -> None:
        """Start what kills on every node, before anything is timed.

        Raises:
            ClusterError: It did not start.
        """
        self._kills = list(kills)
        self._site = site
        self._began_s = 0.0
        self._hands: dict[str, Any] = {}
        self._spared = spared(site.cluster)
        remote = ray.remote(Executioner)
        for node in ray.nodes():  # those of the last trial may be gone
            if node["Alive"] and node["Resources"].get("CPU"):
                where = on_node(node["NodeID"])
                hand = remote.options(num_cpus=0, scheduling_strategy=where)
                self._hands[node["NodeID"]] = hand.remote()
        ready = {hand.ready.remote(): node for node, hand in self._hands.items()}
        found, late = ray.wait(list(ready), num_returns=len(ready), timeout=timeout_s)
        if late:
            self.end()
            raise ClusterError("--chaos: what is to kill did not start", "`check` tells of nodes.")
        for ref in found:
            try:
                ray.get(ref)
            except rex.RayError:  # lost meanwhile, and not there to be killed
                del self._hands[ready[ref]]

    def begin(self) -> None:
        """Let the time run: the work begins now."""
        self._began_s = time.monotonic()

    def patience_s(self) -> float:
        """Return for how long nothing is to be done."""
        if not self._kills:
            return math.inf
        return max(0.01, self._kills[0].due_s - (time.monotonic() - self._began_s))

    def strike(self, workers: Sequence[Worker], losses: Losses) -> None:
        """Kill who is due."""
        now_s = time.monotonic() - self._began_s
        while self._kills and self._kills[0].due_s <= now_s:
            kill = self._kills[0]
            hurt = self._victims(workers, losses, node=kill.node)
            exposed = [worker for worker in hurt if _has_something_to_lose(worker)]
            if not hurt or (not exposed and now_s < kill.due_s + UNHURT_S):
                return  # later, when there is a victim
            choice = exposed or hurt
            self._kill(kill, choice[int(kill.choice * len(choice))], workers, losses)
            self._kills.pop(0)

    def end(self) -> None:
        """End what kills; say which kills came too late."""
        if self._kills and self._began_s:
            self._site.note(
                f"--chaos: {count(len(self._kills), 'kill')} found no victim before the work was "
                "done; a shorter interval brings them earlier"
            )
        for hand in self._hands.values():
            with contextlib.suppress(rex.RayError, ValueError):  # gone with its node
                ray.kill(hand)
        self._hands.clear()

    def _victims(self, workers: Sequence[Worker], losses: Losses, *, node: bool) -> list[Worker]:
        """Return the actors that are at work, on nodes that may be killed."""
        nodes = self._hands.keys() - (self._spared if node else set())
        return [
            w for w in workers
            if w.place and w.place.node_id in nodes and w.sent and not losses.is_ours(w)
        ]  # fmt: skip

    def _kill(self, kill: Kill, victim: Worker, workers: Sequence[Worker], losses: Losses) -> None:
        assert victim.place  # noqa: S101 - who is at work has one
        node_id, pid = victim.place.node_id, victim.place.pid
        if kill.node:
            for place in [w.place for w in workers if w.place and w.place.node_id == node_id]:
                losses.expect(place)
            self._hands.pop(node_id).kill_node.remote()
        else:
            losses.expect(victim.place)
            self._hands[node_id].kill.remote(pid)


def spared(cluster: Cluster) -> set[str]:
    """Return the nodes that are never killed: the head, and the driver's."""
    heads = {node.node_id for node in cluster.nodes if node.head}
    return {*heads, str(ray.get_runtime_context().get_node_id())}


def check_victims(chaos: Chaos, cluster: Cluster) -> None:
    """Refuse to kill nodes where there are none to be killed.

    Raises:
        UsageError: There is only the head, or the driver's.
    """
    if chaos.node and not {node.node_id for node in cluster.nodes} - spared(cluster):
        message = f"--chaos {chaos}: the cluster has no node but the head and the driver's"
        raise UsageError(message, "kill=2 kills actors; node=1 needs a cluster of several nodes.")


def _has_something_to_lose(worker: Worker) -> bool:
    """Return whether an actor has answered calls that are in no snapshot."""
    sent = worker.sent[0]
    if worker.recovery.unsaved:
        return True
    return isinstance(sent.order, Advance) and bool(ray.wait(sent.refs[:1], timeout=0)[0])
