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
from job.analysis.checks import Answer, Check
from job.cluster.autoscaler import await_cpus, preview
from job.cluster.connection import ask_hosts, on_node
from job.cluster.reasons import cause_of_death, last_line, missing_module
from job.cluster.travel import digest_of
from job.errors import ClusterError, JobError
from job.shard.metering import pace_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.cluster.connection import Site
    from job.planning.layout import Arrangement
    from job.results.document import Node
    from job.workload.model import Plan, Workload

CALLS = 20  # round trips, of which the median counts
NODE_S = 60.0  # how long a node may take to answer
NOTE_S = 10.0  # between two lines while nodes are asked
POLL_S = 0.2  # how long one wait may last: a signal is seen in between


def check_nodes(site: Site, packed: bytes, timeout_s: float) -> None:
    """Ask the nodes that will host actors whether they can, by a task that takes no CPU.

    Some of them may have come since it was found how the target travels. The driver's own node is
    not asked where it is the only one.

    Raises:
        ClusterError: A node does not answer, lacks the target's module or has other versions.
    """
    asked, note = ask_hosts(site.cluster, tell, packed, site.digest), site.note
    if not asked:
        return
    answers = _await_answers(asked, min(timeout_s, NODE_S), note)
    driver = _driver()
    findings = [
        checks.answers(answers),
        checks.versions(answers, driver),
        checks.importable(answers, "the target"),
    ]
    for finding in findings:
        if finding.level == "failure":
            raise ClusterError(f"{finding.check}: {finding.text}", finding.advice)
        if finding.level == "warning":
            note(f"{finding.check}: {finding.text}. {finding.advice}")


def check_all(workload: Workload, plan: Plan, site: Site, packed: bytes) -> Check:
    """Check everything that a comparison depends on; nothing of the target is called.

    Raises:
        ClusterError: The CPUs that --wait-for-cpus names did not come.
    """
    cluster = await_cpus(plan, site).cluster
    core_s = pace_s()
    driver = replace(_driver(), core_s=core_s)
    # One node after the other, so that none disturbs another.
    nodes = tuple(_measure(node, packed, site.note) for node in cluster.nodes)
    laid_out: Arrangement | ClusterError
    try:
        laid_out = preview(workload, plan, cluster)
    except ClusterError as error:
        laid_out = error
    findings = (
        checks.answers(nodes),
        checks.versions(nodes, driver),
        checks.importable(nodes, str(workload.target)),
        checks.capacity(cluster),
        *checks.placement(laid_out),
        *checks.token(cluster),
        *checks.head(cluster),
        *checks.speed(nodes, core_s),
    )
    return Check(cluster, driver, nodes, findings)


class Scout:
    """An actor that takes no CPU and tells what its node is like."""

    def tell(self, packed: bytes) -> tuple[str, str, str]:
        """Say what runs here, and whether the target can be imported."""
        return tell(packed, imported=True)

    def nothing(self) -> None:
        """Do nothing."""

    def core_s(self) -> float:
        """Return what a fixed piece of Python takes here, in seconds."""
        return pace_s()


def tell(packed: bytes, digest: str = "", *, imported: bool = False) -> tuple[str, str, str]:
    """Return the versions of Ray and Python here, and why the target cannot be loaded.

    Unless it is to be imported, it is only looked for: this process may become an actor's. With a
    digest its source must be that one.
    """
    problem = ""
    try:
        recipe = pickle.loads(packed)  # noqa: S301 - our own driver packed it
        module = recipe.target.module
        if imported:
            recipe.resolve()
        elif recipe.make is None and not (found := digest_of(module, recipe.paths)):
            problem = f"No module named {module!r}"
        elif digest and found != digest:
            problem = f"its {module} is another than the driver's"
    except JobError as error:
        problem = error.message
    except BaseException as error:  # whatever the target's module does when it is imported
        problem = last_line(error)
    return ray.__version__, platform.python_version(), problem


def _driver() -> Answer:
    return Answer("the driver", 0, ray.__version__, platform.python_version())


def _measure(node: Node, packed: bytes, note: Callable[[str], None]) -> Answer:
    """Start an actor on a node, and measure how quick both are."""
    since = time.perf_counter()
    remote: Any = ray.remote(Scout)
    actor = remote.options(
        num_cpus=0, max_restarts=0, max_task_retries=0, scheduling_strategy=on_node(node.node_id)
    ).remote()
    try:
        (answer,) = _await_answers({actor.tell.remote(packed): node}, NODE_S, note)
        start_s = time.perf_counter() - since
        if answer.silent:
            return answer
        core_s = ray.get(actor.core_s.remote(), timeout=NODE_S)
        trips = [_trip_s(actor) for _ in range(CALLS)]
    except (rex.RayError, rex.GetTimeoutError) as error:
        return Answer(node.name, node.cpus, silent=cause_of_death(error))
    finally:
        ray.kill(actor)
    return replace(answer, start_s=start_s, core_s=core_s, round_trip_s=median(trips))


def _trip_s(actor: Any) -> float:
    since = time.perf_counter()
    ray.get(actor.nothing.remote(), timeout=NODE_S)
    return time.perf_counter() - since


def _await_answers(
    asked: dict[Any, Node], timeout_s: float, note: Callable[[str], None]
) -> list[Answer]:
    """Wait for the nodes' answers; a node that gives none is told, not waited for."""
    began = told = time.monotonic()
    silent, answers = dict(asked), {}
    while silent and time.monotonic() < began + timeout_s:
        for ref in ray.wait(list(silent), num_returns=len(silent), timeout=POLL_S)[0]:
            node = silent.pop(ref)
            answers[node.node_id] = _answer(node, ref)
        if silent and time.monotonic() > told + NOTE_S:
            told = time.monotonic()
            names = ", ".join(sorted(node.name for node in silent.values())[:5])
            note(f"Waiting for {len(silent):,} of {len(asked):,} nodes to answer: {names}")
    for node in silent.values():
        late = f"not within {timeout_s:g} s"
        answers[node.node_id] = Answer(node.name, node.cpus, silent=late)
    return [answers[node.node_id] for node in asked.values()]


def _answer(node: Node, ref: Any) -> Answer:
    try:
        return Answer(node.name, node.cpus, *ray.get(ref))
    except rex.RuntimeEnvSetupError as error:
        silent = f"its runtime environment cannot be set up: {last_line(error)}"
    except (rex.RayError, ImportError) as error:
        module = missing_module(error)
        silent = f"Python module {module!r} is missing" if module else cause_of_death(error)
    return Answer(node.name, node.cpus, silent=silent)
