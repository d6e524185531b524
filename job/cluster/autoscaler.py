"""From a plan and a cluster to a layout that fits it, with nodes asked for and waited for.

Ray tells nobody what its autoscaler may add: `get_cluster_config` answers None on clusters of `ray
up`, on those of version 1 and of version 2 (2.60). The file that `ray up` leaves on the head does.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.cluster import connection, private
from job.cluster.guard import ANSWER_S
from job.errors import ClusterError
from job.planning.layout import arrange, demand_of
from job.planning.placement import NO_GROWTH, Capacity, Demand, Growth, bundles, lacking, slots
from job.planning.shards import fewer_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from job.cluster.connection import Site
    from job.planning.estimate import Profile
    from job.planning.layout import Arrangement
    from job.results.document import Cluster
    from job.workload.model import Plan, Workload

    Missing = Callable[[Sequence[Capacity]], str]

CONFIGURATION = "~/ray_bootstrap_config.yaml"  # where `ray up` leaves a cluster's file on the head
POLL_S = 0.5
NOTE_S = 10.0  # between two lines that say the same
INFEASIBLE_S = 15.0  # an autoscaler looks every 5 s
HEAD_S = 30.0  # how long the head may take to answer
MOST_ADDED = 100_000  # nodes; a bound that nobody set is no bound
DEAD = 2  # autoscaler_pb2.NodeStatus
JOINING = "Where nodes are still to join, as after `ray up`, --wait-for-cpus N waits for them."


def lay_out(
    workload: Workload, plan: Plan, site: Site, profile: Profile | None = None
) -> tuple[Site, Arrangement]:
    """Lay the plan out, and wait until there is room for it where nodes can be added.

    `profile` is what calls take, as far as it is known.

    Raises:
        ClusterError: It can never be placed, or the nodes did not come in time.
    """
    site = await_cpus(plan, site)
    nodes, growth = around = _look_around(site.cluster, demand_of(plan))
    made = _arrange(workload, plan, site.cluster, around, profile)
    largest = made.largest
    scaling = any(fit.when == "scaling" for fit in made.fits.values())
    if largest is None or not (scaling or growth.elastic):
        return site, made
    # Also what has room: its nodes would be taken away as idle under a long serial loop.
    _ask(bundles(largest.shards, largest.demand, nodes), site)
    if not scaling:
        return site, made
    there, added = slots(nodes), sum(node.cpus for node in growth.nodes)
    if added:
        site.note(
            f"The cluster has {there:,} CPUs and may grow to {there + added:g}: the plan is laid "
            "out for that."
        )

    def missing(now: Sequence[Capacity]) -> str:
        return lacking(largest.shards, largest.demand, now)

    site = _wait(plan, site, missing, asked=True)
    return site, preview(workload, plan, site.cluster, profile)


def preview(
    workload: Workload, plan: Plan, cluster: Cluster, profile: Profile | None = None
) -> Arrangement:
    """Lay the plan out over the nodes that are there and those that may be added, as it is now.

    Raises:
        ClusterError: It can never be placed.
    """
    return _arrange(workload, plan, cluster, _look_around(cluster, demand_of(plan)), profile)


def await_cpus(plan: Plan, site: Site) -> Site:
    """Wait for the CPUs that --wait-for-cpus names, and return the site as it is then.

    Raises:
        ClusterError: They did not come in time, or cannot come.
    """
    wanted, cluster = plan.wait_for_cpus, site.cluster
    if not wanted or slots(connection.capacities(cluster)) >= wanted:
        return site
    nodes, growth = _look_around(cluster, Demand())
    if cluster.kind == "embedded":
        message = f"--wait-for-cpus {wanted:,}: this machine has {slots(nodes):,}"
        raise ClusterError(message, "A Ray of its own never grows; --address names a cluster.")

    def missing(now: Sequence[Capacity]) -> str:
        there = slots(now)
        return "" if there >= wanted else f"{there:,} of {wanted:,} CPUs are there"

    asked = bool(growth.nodes or growth.more)
    if asked:
        _ask([Demand()] * wanted, site)
    return _wait(plan, site, missing, asked=asked)


def _arrange(
    workload: Workload, plan: Plan, cluster: Cluster, around: tuple[list[Capacity], Growth],
    profile: Profile | None,
) -> Arrangement:  # fmt: skip
    """See `arrange`; where nodes may join, a refusal says how to wait for them."""
    try:
        made = arrange(workload, plan, *around, profile.held_bytes if profile else 0.0)
    except ClusterError as error:
        if cluster.kind == "embedded":
            raise
        raise ClusterError(error.message, f"{error.hint} {JOINING}") from None
    if profile is None or plan.shards != "auto" or "sharded" not in made.layouts:
        return made
    return fewer_shards(made, workload, profile, *around)


def _look_around(cluster: Cluster, demand: Demand) -> tuple[list[Capacity], Growth]:
    """Return what the nodes have now, and what could be added to them."""
    with _answering():
        nodes = connection.capacities(cluster)
        return nodes, NO_GROWTH if cluster.kind == "embedded" else _growth(cluster, demand)


def _growth(cluster: Cluster, demand: Demand) -> Growth:
    status = private.autoscaler_status(ANSWER_S)
    nodes = status.cluster_resource_state.node_states if status else ()
    types = Counter(node.ray_node_type_name for node in nodes if node.status != DEAD)
    del types[""]
    if not types:  # nodes that were started by hand
        return NO_GROWTH
    config = _configuration(cluster)
    if config is None:  # whoever named the types scales the cluster from outside, as KubeRay does
        return Growth(more=True, elastic=True)
    return addable(config, types, sum(not node.head for node in cluster.nodes), demand)


def addable(
    config: dict[str, Any], present: Mapping[str, int], workers: int, demand: Demand | None = None
) -> Growth:
    """Return what a configuration allows besides the workers that are there.

    Args:
        config: A cluster's file, as `ray up` leaves it on the head.
        present: How many nodes of each type there are; those of an autoscaler of version 1 do not
            tell their type, and are counted as of each.
        workers: How many workers there are, of whatever type.
        demand: Of an actor; nodes that can host the most of them count first.
    """
    types, head = config.get("available_node_types") or {}, config.get("head_node_type")
    told = sum(count for name, count in present.items() if name != head)
    untold = max(0, workers - told)
    left = max(0, min(MOST_ADDED, config.get("max_workers", 0)) - workers)
    nodes: list[Capacity] = []
    more = False
    for name, kind in types.items():
        if name == head:
            continue
        resources = kind.get("resources") or {}
        most = min(kind.get("max_workers", config.get("max_workers", 0)), MOST_ADDED)
        number = max(0, min(left, most - present.get(name, 0) - untold))
        if "CPU" not in resources:
            more = more or number > 0
            continue
        cpus, memory = float(resources["CPU"]), float(resources.get("memory", 0))
        others = {key: float(value) for key, value in resources.items() if key != "CPU"}
        labels = kind.get("labels") or {}
        nodes += [Capacity(name, cpus, cpus, memory, others=others, labels=labels)] * number
    nodes.sort(key=lambda node: (-node.room(demand or Demand()), -node.cpus))
    return Growth(tuple(nodes[:left]), more, elastic=len(types) > 1)


def _configuration(cluster: Cluster) -> dict[str, Any] | None:
    """Return the cluster's file, which lies on the head; None where there is none."""
    import ray

    head = next((node for node in cluster.nodes if node.head), None)
    if head is None or head.address == connection.driver_address():
        return read_configuration()
    remote = ray.remote(read_configuration).options(
        num_cpus=0, max_retries=0, scheduling_strategy=connection.on_node(head.node_id)
    )
    with contextlib.suppress(Exception):  # a head that runs no tasks keeps it to itself
        found: dict[str, Any] | None = ray.get(remote.remote(), timeout=HEAD_S)
        return found
    return None


def read_configuration() -> dict[str, Any] | None:
    """Return what the cluster's file on this machine says; None where there is none."""
    import yaml

    with contextlib.suppress(OSError, ValueError, yaml.YAMLError):
        found: dict[str, Any] = yaml.safe_load(Path(CONFIGURATION).expanduser().read_text("utf-8"))
        return found
    return None


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Say so where the head does not answer within the block."""
    import ray.exceptions as rex

    try:
        yield
    except rex.RpcError:
        message = f"the cluster's head does not answer within {ANSWER_S} s"
        raise ClusterError(message, "Is it overloaded? `ray status` there tells.") from None


def _ask(demands: list[Demand], site: Site) -> None:
    with _answering():
        site.request.ask(demands)


def _wait(plan: Plan, site: Site, missing: Missing, *, asked: bool) -> Site:
    """Wait until nothing is missing, and return the site as it is then."""
    began, told_at, told = time.monotonic(), 0.0, ""
    feasible_at = began
    while lack := missing(connection.capacities(site.cluster)):
        now = time.monotonic()
        progress, feasible = _progress() if asked else ("", True)
        feasible_at = now if feasible else feasible_at
        if now > feasible_at + INFEASIBLE_S:
            message = f"{lack}; the autoscaler says that it can add no nodes for that"
            raise ClusterError(message, "Ask for less, or raise max_workers in the cluster's file.")
        if now > began + plan.scale_timeout_s:
            raise _late(plan, site.cluster, lack, progress)
        text = f"Waiting for nodes: {lack}" + (f"; {progress}" if progress else "")
        if text != told or now > told_at + NOTE_S:
            waited = f"{now - began:.0f} s of at most {plan.scale_timeout_s:g} s"
            site.note(f"{text} ({waited})")
            told_at, told = now, text
        time.sleep(POLL_S)
        nodes = connection.find_nodes(site.cores)
        site = replace(site, cluster=site.cluster.model_copy(update={"nodes": nodes}))
    there = slots(connection.capacities(site.cluster))
    site.note(f"The nodes are there: {there:,} CPUs on {len(site.cluster.nodes):,} nodes.")
    return site


def _late(plan: Plan, cluster: Cluster, lack: str, progress: str) -> ClusterError:
    there = slots(connection.capacities(cluster))
    also = f"; the autoscaler: {progress}" if progress else ""
    message = (
        f"the nodes did not come within {plan.scale_timeout_s:g} s: {lack}; "
        f"{there:,} CPUs on {len(cluster.nodes):,} nodes are there{also}"
    )
    return ClusterError(message, "Allow more with --scale-timeout, or ask for less.")


def _progress() -> tuple[str, bool]:
    """Return what an autoscaler has ordered or could not have, and whether it can do it at all.

    One of version 1 does not tell.
    """
    import ray.exceptions as rex

    status = None
    with contextlib.suppress(rex.RpcError):  # a head that is too busy to say now
        status = private.autoscaler_status(ANSWER_S)
    if not status:
        return "", True
    state = status.autoscaling_state
    coming = Counter(each.ray_node_type_name for each in state.pending_instances)
    for request in state.pending_instance_requests:
        coming[request.ray_node_type_name] += request.count
    said = [f"{count:,} x {name} on the way" for name, count in coming.items()]
    refused = {f"{r.ray_node_type_name}: {r.reason}" for r in state.failed_instance_requests}
    feasible = not state.infeasible_cluster_resource_constraints
    return ", ".join([*said, *sorted(refused)]), feasible
