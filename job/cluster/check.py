"""Ask every node before anything is measured: briefly in a comparison, thoroughly for `check`."""

from __future__ import annotations

import pickle
import platform
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.analysis import checks
from job.analysis.checks import Inspection, Probe, Reply
from job.cluster import connection
from job.cluster.autoscaler import await_cpus, preview
from job.cluster.connection import on_node
from job.cluster.reasons import cause_of_death, last_line, missing_module
from job.errors import ClusterError
from job.shard.metering import pace_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.cluster.connection import Site
    from job.planning.placement import Fit
    from job.results.document import Cluster, Node
    from job.workload.model import Plan, Workload

CALLS = 20  # round trips, of which the median counts
NODE_S = 60.0  # how long a node may take to answer
NOTE_S = 10.0  # between two lines while nodes are asked
LOOK_S = 0.2  # how long one wait may last: a signal is seen in between


class Scout:
    """An actor that takes no CPU and tells what its node is like."""

    def answer(self, packed: bytes) -> Reply:
        """Say what runs here, and whether the target can be loaded."""
        return answer(packed)

    def nothing(self) -> None:
        """Do nothing."""

    def core_s(self) -> float:
        """Return what a fixed piece of Python takes here, in seconds."""
        return pace_s()


def answer(packed: bytes) -> Reply:
    """Say what runs here, and whether what is sent to the actors can be loaded."""
    problem = ""
    try:
        pickle.loads(packed)  # noqa: S301 - our own driver packed it
    except BaseException as error:  # whatever the target's module does when it is imported
        problem = last_line(error)
    return Reply(ray.__version__, platform.python_version(), problem)


def look(cluster: Cluster, packed: bytes, timeout_s: float, note: Callable[[str], None]) -> None:
    """Ask the nodes that will host actors whether they can, by a task that takes no CPU.

    The driver's own node is not asked where it is the only one.

    Raises:
        ClusterError: A node does not answer, lacks the target's module or has other versions.
    """
    hosts = [node for node in cluster.nodes if node.cpus]
    if {node.address for node in hosts} <= {connection.driver_address()}:
        return
    remote = ray.remote(answer)
    asked = {
        remote.options(
            num_cpus=0, max_retries=0, scheduling_strategy=on_node(node.node_id)
        ).remote(packed): node
        for node in hosts
    }  # fmt: skip
    probes = _answers(asked, min(timeout_s, NODE_S), note)
    own = _own_reply()
    findings = [
        checks.answers(probes),
        checks.versions(probes, own),
        checks.importable(probes, "the target"),
    ]
    for finding in findings:
        if finding.level == "failure":
            raise ClusterError(f"{finding.check}: {finding.text}", finding.advice)
        if finding.level == "warning":
            note(f"{finding.check}: {finding.text}. {finding.advice}")


def inspect(workload: Workload, plan: Plan, site: Site, packed: bytes) -> Inspection:
    """Look at everything that a comparison depends on; nothing of the target is called.

    Raises:
        ClusterError: The CPUs that --wait-for-cpus names did not come.
    """
    cluster = await_cpus(plan, site).cluster
    driver_core_s = pace_s()
    probes = tuple(_measure(node, packed, site.note) for node in cluster.nodes)
    placed: dict[str, Fit] = {}
    sizes: dict[str, str] = {}
    omitted: dict[str, str] = {}
    refused = ""
    try:
        laid_out = preview(workload, plan, cluster)
        omitted, placed = laid_out.omitted, laid_out.fits
        sizes = {name: str(layout) for name, layout in laid_out.layouts.items()}
    except ClusterError as error:
        refused = str(error)
    findings = (
        checks.answers(probes),
        checks.versions(probes, _own_reply()),
        checks.importable(probes, str(workload.target)),
        checks.capacity(cluster),
        *checks.placement(placed, sizes, omitted, refused),
        *checks.token(cluster),
        *checks.head(cluster),
        *checks.speed(probes, driver_core_s),
    )
    return Inspection(cluster, probes, driver_core_s, findings)


def _measure(node: Node, packed: bytes, note: Callable[[str], None]) -> Probe:
    """Start an actor on a node, one node after the other so that none disturbs another."""
    since = time.perf_counter()
    remote: Any = ray.remote(Scout)
    actor = remote.options(
        num_cpus=0, max_restarts=0, max_task_retries=0, scheduling_strategy=on_node(node.node_id)
    ).remote()
    try:
        (probe,) = _answers({actor.answer.remote(packed): node}, NODE_S, note)
        start_s = time.perf_counter() - since
        if probe.silent:
            return probe
        core_s = ray.get(actor.core_s.remote(), timeout=NODE_S)
        trips = [_trip_s(actor) for _ in range(CALLS)]
    except (rex.RayError, rex.GetTimeoutError) as error:
        return Probe(node.name, node.cpus, silent=cause_of_death(error))
    finally:
        ray.kill(actor)
    return replace(probe, start_s=start_s, core_s=core_s, round_trip_s=median(trips))


def _trip_s(actor: Any) -> float:
    since = time.perf_counter()
    ray.get(actor.nothing.remote(), timeout=NODE_S)
    return time.perf_counter() - since


def _answers(
    asked: dict[Any, Node], timeout_s: float, note: Callable[[str], None]
) -> Sequence[Probe]:
    """Wait for the nodes' answers; a node that gives none is told, not waited for."""
    began = said = time.monotonic()
    waiting, probes = dict(asked), {}
    while waiting and time.monotonic() < began + timeout_s:
        for ref in ray.wait(list(waiting), num_returns=len(waiting), timeout=LOOK_S)[0]:
            node = waiting.pop(ref)
            probes[node.node_id] = _probe(node, ref)
        if waiting and time.monotonic() > said + NOTE_S:
            said = time.monotonic()
            names = ", ".join(sorted(node.name for node in waiting.values())[:5])
            note(f"Waiting for {len(waiting):,} of {len(asked):,} nodes to answer: {names}")
    for node in waiting.values():
        silent = f"not within {timeout_s:g} s"
        probes[node.node_id] = Probe(node.name, node.cpus, silent=silent)
    return [probes[node.node_id] for node in asked.values()]


def _probe(node: Node, ref: Any) -> Probe:
    try:
        return Probe(node.name, node.cpus, ray.get(ref))
    except rex.RuntimeEnvSetupError as error:
        silent = f"its runtime environment cannot be set up: {last_line(error)}"
    except (rex.RayError, ImportError) as error:
        module = missing_module(error)
        silent = f"Python module {module!r} is missing" if module else cause_of_death(error)
    return Probe(node.name, node.cpus, silent=silent)


def _own_reply() -> Reply:
    return Reply(ray.__version__, platform.python_version())
