"""From a plan and a cluster to layouts that fit it, with nodes asked for and waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from job.cluster import autoscaler, connection
from job.errors import ClusterError
from job.planning.layout import arrange, fits, largest
from job.planning.placement import bundles, lacking, slots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.cluster.connection import Site
    from job.planning.layout import Arrangement
    from job.planning.placement import Capacity, Growth
    from job.results.document import Cluster
    from job.workload.model import Plan, Workload

JOINING = "Where nodes are still to join, as after `ray up`, --wait-for-cpus N waits for them."


def lay_out(workload: Workload, plan: Plan, site: Site) -> tuple[Site, Arrangement]:
    """Lay the plan out, and wait until there is room for it where nodes can be added.

    Raises:
        ClusterError: It can never be placed, or the nodes did not come in time.
    """
    site = await_cpus(plan, site)
    nodes, growth = autoscaler.view(site.cluster)
    laid_out = try_to_arrange(workload, plan, site.cluster, nodes, growth)
    biggest = largest(laid_out.layouts)
    scaling = any(fit.when == "scaling" for fit in fits(laid_out.layouts, nodes, growth).values())
    if biggest is None or not (scaling or growth.elastic):
        return site, laid_out
    wanted = bundles(biggest.shards, biggest.cpus_per_actor, nodes)
    if not scaling:  # its nodes would be taken away as idle under a long serial loop
        _ask(wanted, site)
        return site, laid_out
    there = slots(nodes)
    if added := sum(node.cpus for node in growth.nodes):
        site.note(
            f"The cluster has {there:,} CPUs and may grow to {there + added:g}: the plan is laid "
            "out for that."
        )

    def missing(now: Sequence[Capacity]) -> str:
        return lacking(biggest.shards, biggest.cpus_per_actor, now)

    _ask(wanted, site)
    site = _wait(plan, site, missing, asked=True)
    nodes, growth = autoscaler.view(site.cluster)
    return site, try_to_arrange(workload, plan, site.cluster, nodes, growth)


def await_cpus(plan: Plan, site: Site) -> Site:
    """Wait for the CPUs that --wait-for-cpus names, and return the site as it is then.

    Raises:
        ClusterError: They did not come in time, or cannot come.
    """
    wanted, cluster = plan.wait_for_cpus, site.cluster
    if not wanted or slots(connection.capacities(cluster)) >= wanted:
        return site
    nodes, growth = autoscaler.view(cluster)
    if cluster.kind == "embedded":
        message = f"--wait-for-cpus {wanted:,}: this machine has {slots(nodes):,}"
        raise ClusterError(message, "A Ray of its own never grows; --address names a cluster.")

    def missing(now: Sequence[Capacity]) -> str:
        there = slots(now)
        return "" if there >= wanted else f"{there:,} of {wanted:,} CPUs are there"

    asked = bool(growth.nodes or growth.more)
    if asked:
        _ask([1.0] * wanted, site)
    return _wait(plan, site, missing, asked=asked)


def _wait(
    plan: Plan, site: Site, missing: Callable[[Sequence[Capacity]], str], *, asked: bool
) -> Site:
    came = autoscaler.wait(site.cluster, missing, plan.scale_timeout_s, site.note, asked=asked)
    there = slots(connection.capacities(came))
    site.note(f"The nodes are there: {there:,} CPUs on {len(came.nodes):,} nodes.")
    return replace(site, cluster=came)


def try_to_arrange(
    workload: Workload, plan: Plan, cluster: Cluster, nodes: Sequence[Capacity], growth: Growth
) -> Arrangement:
    """Lay the plan out; see `arrange`.

    Raises:
        ClusterError: It can never be placed; where nodes may join, with how to wait for them.
    """
    try:
        return arrange(workload, plan, nodes, growth)
    except ClusterError as error:
        if cluster.kind == "embedded":
            raise
        raise ClusterError(error.message, f"{error.hint} {JOINING}") from None


def _ask(cpus: list[float], site: Site) -> None:
    with autoscaler.answering():
        if not site.request.made and autoscaler.is_asked_by_others():
            site.note("What somebody else asked of the autoscaler is replaced, and not put back.")
        site.request.ask(cpus)
