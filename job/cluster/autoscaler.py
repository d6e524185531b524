"""What the cluster's autoscaler could add, how it gets on, and waiting until nodes are there."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.cluster import connection, private
from job.cluster.guard import ANSWER_S
from job.errors import ClusterError
from job.planning.placement import NO_GROWTH, Capacity, Growth, slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.results.document import Cluster

LOOK_S = 0.5
NOTE_S = 10.0  # between two lines that say the same
INFEASIBLE_S = 15.0  # an autoscaler looks every 5 s
HEAD_S = 30.0  # how long the head may take to answer
MOST_ADDED = 100_000  # nodes; a bound that nobody set is no bound


@dataclass(frozen=True)
class Outlook:
    """How an autoscaler gets on with what it was asked for.

    Attributes:
        coming: The nodes it has ordered, by type.
        refused: Why it could not have some.
        infeasible: Whether it says that it can never do it.
    """

    coming: dict[str, int]
    refused: tuple[str, ...] = ()
    infeasible: bool = False

    def __str__(self) -> str:
        """Say it in a few words; nothing where there is nothing to say."""
        said = [f"{count:,} x {name} on the way" for name, count in self.coming.items() if count]
        return ", ".join([*said, *self.refused])


def growth(cluster: Cluster) -> Growth:
    """Return what an autoscaler could add to the cluster, as its configuration bounds it."""
    if cluster.kind == "embedded":
        return NO_GROWTH
    config = _configuration(cluster)
    present = _present()
    if config is None:
        # Types are named by whoever scales a cluster from outside of it, as KubeRay does.
        named = any(present.values())
        return Growth(more=named, elastic=named)
    workers = sum(not node.head for node in cluster.nodes)
    return addable(config, present, workers)


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Say so where the head does not answer within the block.

    Raises:
        ClusterError: It did not.
    """
    import ray.exceptions as rex

    try:
        yield
    except rex.RpcError:
        message = f"the cluster's head does not answer within {ANSWER_S} s"
        raise ClusterError(message, "Is it overloaded? `ray status` there tells.") from None


def view(cluster: Cluster) -> tuple[list[Capacity], Growth]:
    """Return what the nodes have now, and what could be added to them.

    Raises:
        ClusterError: The head does not answer.
    """
    with answering():
        return connection.capacities(cluster), growth(cluster)


def is_asked_by_others() -> bool:
    """Return whether the autoscaler was asked for something by whomever."""
    if status := private.status_v2(ANSWER_S):
        # A request that was withdrawn stays as one for nothing.
        asked = status.cluster_resource_state.cluster_resource_constraints
        return any(each.resource_requests for each in asked)
    return private.is_v1_asked()


def addable(config: dict[str, Any], present: dict[str, int], workers: int) -> Growth:
    """Return what a configuration allows besides the workers that are there.

    Args:
        config: A cluster's file, as `ray up` leaves it on the head.
        present: How many nodes of each type there are.
        workers: How many workers there are, of whatever type.
    """
    types = config.get("available_node_types") or {}
    left = max(0, min(MOST_ADDED, config.get("max_workers", 0)) - workers)
    nodes: list[Capacity] = []
    more = False
    for name, kind in types.items():
        if name == config.get("head_node_type"):
            continue
        resources = kind.get("resources") or {}
        most = min(kind.get("max_workers", config.get("max_workers", 0)), MOST_ADDED)
        count = max(0, min(left, most - present.get(name, 0)))
        if "CPU" not in resources:
            more = more or count > 0
            continue
        cpus, memory = float(resources["CPU"]), float(resources.get("memory", 0))
        nodes += [Capacity(name, cpus, cpus, memory, float(resources.get("GPU", 0)))] * count
    nodes.sort(key=lambda node: -node.cpus)
    return Growth(tuple(nodes[:left]), more, elastic=len(types) > 1)


def wait(
    cluster: Cluster, missing: Callable[[Sequence[Capacity]], str], timeout_s: float,
    note: Callable[[str], None], *, asked: bool,
) -> Cluster:  # fmt: skip
    """Wait until nothing is missing, and return the cluster as it is then.

    Args:
        cluster: As it is now.
        missing: Says what the nodes lack; nothing when they do.
        timeout_s: How long that may take.
        note: Told how it gets on.
        asked: Whether an autoscaler was asked.

    Raises:
        ClusterError: It did not come in time, or the autoscaler says that it never will.
    """
    import ray.exceptions as rex

    began, said, told = time.monotonic(), 0.0, ""
    since_infeasible: float | None = None
    while lacking := missing(connection.capacities(cluster)):
        now = time.monotonic()
        outlook = Outlook({})
        with contextlib.suppress(rex.RpcError):  # a head that is too busy to say now
            outlook = _outlook() if asked else outlook
        since_infeasible = (since_infeasible or now) if outlook.infeasible else None
        if since_infeasible and now > since_infeasible + INFEASIBLE_S:
            message = f"{lacking}; the autoscaler says that it can add no nodes for that"
            raise ClusterError(message, "Ask for less, or raise max_workers in the cluster's file.")
        if now > began + timeout_s:
            raise _late(lacking, cluster, outlook, timeout_s)
        text = f"Waiting for nodes: {lacking}" + (f"; {outlook}" if str(outlook) else "")
        if text != told or now > said + NOTE_S:
            note(f"{text} ({now - began:.0f} s of at most {timeout_s:g} s)")
            said, told = now, text
        time.sleep(LOOK_S)
        cluster = cluster.model_copy(update={"nodes": connection.find_nodes()})
    return cluster


def _late(lacking: str, cluster: Cluster, outlook: Outlook, timeout_s: float) -> ClusterError:
    there = slots(connection.capacities(cluster))
    also = f"; the autoscaler: {outlook}" if str(outlook) else ""
    message = (
        f"the nodes did not come within {timeout_s:g} s: {lacking}; "
        f"{there:,} CPUs on {len(cluster.nodes):,} nodes are there{also}"
    )
    return ClusterError(message, "Allow more with --scale-timeout, or ask for less.")


def _configuration(cluster: Cluster) -> dict[str, Any] | None:
    """Return the autoscaler's configuration, which lies on the head; None where there is none."""
    import ray

    port = cluster.address.rpartition(":")[2]
    head = next((node for node in cluster.nodes if node.head), None)
    if head is None or head.address == connection.driver_address():
        return read_configuration(port)
    remote = ray.remote(read_configuration).options(
        num_cpus=0, max_retries=0, scheduling_strategy=connection.on_node(head.node_id)
    )
    with contextlib.suppress(Exception):  # a head that runs no tasks keeps it to itself
        found: dict[str, Any] | None = ray.get(remote.remote(port), timeout=HEAD_S)
        return found
    return None


def read_configuration(port: str) -> dict[str, Any] | None:
    """Return the configuration of the autoscaler that runs on this machine for a GCS's port.

    Ray tells nobody else: the autoscaler's process was given it by name. One that was given none
    adds nothing; where there is no such process, somebody else may scale the cluster: None.
    """
    import psutil
    import yaml

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, yaml.YAMLError):
            line = process.cmdline()
            values = dict(part.partition("=")[::2] for part in line)
            if not any(part.endswith("monitor.py") for part in line[:4]):
                continue
            if not values.get("--gcs-address", "").endswith(f":{port}"):
                continue
            file = values.get("--autoscaling-config")
            if not file:
                return {}
            config: dict[str, Any] = yaml.safe_load(Path(file).expanduser().read_text("utf-8"))
            keys = ("available_node_types", "head_node_type", "max_workers")
            return {key: config[key] for key in keys if key in config}
    return None


def _present() -> dict[str, int]:
    """Return how many nodes of each type there are or are ordered; without an autoscaler none."""
    if state := private.status_v2(ANSWER_S):
        names = [n.ray_node_type_name for n in state.cluster_resource_state.node_states
                 if n.status != _DEAD]  # fmt: skip
    else:
        report = private.status_v1()
        names = [name for name, count in report.get("active_nodes", {}).items()
                 for _ in range(count) if not name.startswith("node_")]  # fmt: skip
    return {name: names.count(name) for name in set(names) if name}


_DEAD = 2  # autoscaler_pb2.NodeStatus


def _outlook() -> Outlook:
    coming: dict[str, int] = {}
    status = private.status_v2(ANSWER_S)
    if not status:
        report = private.status_v1()
        for name, count in report.get("pending_launches", {}).items():
            coming[name] = coming.get(name, 0) + count
        for _address, name, _state in report.get("pending_nodes", ()):
            coming[name] = coming.get(name, 0) + 1
        known = report.get("node_availability_summary", {}).get("node_availabilities", {})
        reasons = {
            f"{name}: {entry['unavailable_node_information']['description']}"
            for name, entry in known.items()
            if entry.get("unavailable_node_information")
        }
        return Outlook(coming, tuple(sorted(reasons)))
    state = status.autoscaling_state
    for request in state.pending_instance_requests:
        name = request.ray_node_type_name
        coming[name] = coming.get(name, 0) + request.count
    for instance in state.pending_instances:
        name = instance.ray_node_type_name
        coming[name] = coming.get(name, 0) + 1
    failed = {f"{r.ray_node_type_name}: {r.reason}" for r in state.failed_instance_requests}
    infeasible = bool(state.infeasible_cluster_resource_constraints)
    return Outlook(coming, tuple(sorted(failed)), infeasible)
