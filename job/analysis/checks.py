"""Is the cluster fit to be measured: what its nodes answered, as checks that each end in a word.

Each check looks at what was found and says ok, warning or failure, with what to do; pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from job.analysis.causes import DEMAND_TOKEN, SHARDED_NEEDS, SUBMIT, UNLIKE, unlike_driver
from job.errors import ClusterError
from job.words import factor
from job.workload.importing import HOW_TO_BRING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from job.planning.layout import Arrangement
    from job.results.document import Cluster

Level = Literal["ok", "warning", "failure"]
MOST_NAMED = 5  # nodes that one sentence names


@dataclass(frozen=True)
class Answer:
    """What is known of a node after it was asked, or of the driver.

    Times are in seconds, None where they were not measured.

    Attributes:
        cpus: How many CPUs it gives to actors.
        ray_version: Empty where it did not answer.
        problem: Why the target cannot be loaded there.
        silent: Why it did not answer.
        round_trip_s: What a call of a method without a body takes.
        start_s: What an actor takes from being requested until it answers.
        core_s: What a fixed piece of Python takes there, all told.
    """

    name: str
    cpus: float = 0
    ray_version: str = ""
    python_version: str = ""
    problem: str = ""
    silent: str = ""
    round_trip_s: float | None = None
    start_s: float | None = None
    core_s: float | None = None

    def __str__(self) -> str:
        """Say which versions it has."""
        return f"{self.name} has Ray {self.ray_version}, Python {self.python_version}"


@dataclass(frozen=True)
class Finding:
    """How one check ended, and what to do where it is not ok."""

    check: str
    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """All that `check` asked and found."""

    cluster: Cluster
    driver: Answer
    nodes: tuple[Answer, ...]
    findings: tuple[Finding, ...]


def answers(nodes: Sequence[Answer]) -> Finding:
    """Every node runs what it is given."""
    silent = [f"{node.name} ({node.silent})" for node in nodes if node.silent]
    if silent:
        advice = "Look at that node's raylet, or take it out of the cluster."
        return Finding("nodes", "failure", f"no answer from {_some(silent)}", advice)
    return Finding("nodes", "ok", f"{_all(nodes)} answered")


def versions(nodes: Sequence[Answer], driver: Answer) -> Finding:
    """Ray, and Python but for its last figure, are the driver's everywhere."""
    ours = (driver.ray_version, driver.python_version)
    unlike = [n for n in nodes if not n.silent and (n.ray_version, n.python_version) != ours]
    if grave := [str(node) for node in unlike if _breaks(node, driver)]:
        text = f"{driver}, and {_some(grave)}"
        return Finding("versions", "failure", text, "Install the same versions on every node.")
    if unlike:
        text = f"{driver}, and {_some([str(node) for node in unlike])}"
        return Finding("versions", "warning", text, "Speeds may differ with it.")
    text = f"Ray {ours[0]}, Python {ours[1]}, on the driver and {_all(nodes)}"
    return Finding("versions", "ok", text)


def importable(nodes: Sequence[Answer], target: str) -> Finding:
    """The target can be loaded wherever it may be sent."""
    wrong = [f"{node.name} ({node.problem})" for node in nodes if node.problem]
    if wrong:
        text = f"{target} cannot be loaded on {_some(wrong)}"
        return Finding("target", "failure", text, HOW_TO_BRING)
    return Finding("target", "ok", f"{target} can be loaded on {_all(nodes)}")


def capacity(cluster: Cluster) -> Finding:
    """There are CPUs, and nobody else holds them."""
    hosts = [node for node in cluster.nodes if node.cpus]
    memory = sum(node.memory_bytes for node in hosts) / 1e9
    text = (
        f"{cluster.cpus:g} CPUs and {memory:,.0f} GB for actors "
        f"on {len(hosts):,} of {len(cluster.nodes):,} nodes"
    )
    if not hosts:
        return Finding("capacity", "warning", "no node has a CPU for actors now")
    if held := cluster.cpus_held:
        advice = "Measure when the other actors and jobs have ended."
        return Finding("capacity", "warning", f"{text}; others hold {held:g} CPUs", advice)
    return Finding("capacity", "ok", text)


def placement(laid_out: Arrangement | ClusterError) -> Iterator[Finding]:
    """What the plan asks for fits, now or when nodes were added or others have ended."""
    if isinstance(laid_out, ClusterError):
        yield Finding("placement", "failure", laid_out.message, laid_out.hint)
        return
    for name, fit in laid_out.fits.items():
        level: Level = "warning"
        text, advice = f"{name}: {fit.reason}", "It would wait for the others to end."
        if fit.when == "now":
            level, text, advice = "ok", f"{name}: there is room for {laid_out.layouts[name]}", ""
        elif fit.when == "scaling":
            text = f"{name} will fit after scaling: {fit.reason}"
            advice = "The comparison asks the autoscaler for nodes, and waits --scale-timeout."
        yield Finding("placement", level, text, advice)
    for name, reason in laid_out.omitted.items():
        yield Finding("placement", "warning", f"{name} is left out: {reason}", SHARDED_NEEDS)


def token(cluster: Cluster) -> Iterator[Finding]:
    """Whoever reaches the cluster runs code there, unless it demands a token."""
    if cluster.open:
        text = "the cluster demands no token: whoever reaches its ports runs code on it"
        yield Finding("token", "warning", text, DEMAND_TOKEN)
    elif cluster.open is False:
        yield Finding("token", "ok", "the cluster demands a token")


def head(cluster: Cluster) -> Iterator[Finding]:
    """Actors on the head compete with the driver and with Ray's own processes."""
    for node in cluster.nodes:
        if node.head and len(cluster.nodes) > 1:
            if node.cpus:
                text = f"the head, {node.name}, gives {node.cpus:g} CPUs to actors"
                advice = "They compete with the driver there: start the head with --num-cpus=0."
                yield Finding("head", "warning", text, advice)
            else:
                yield Finding("head", "ok", f"no actor runs on the head, {node.name}")


def speed(nodes: Sequence[Answer], driver_core_s: float) -> list[Finding]:
    """No node that hosts actors is slower than the others; the driver's core is like theirs."""
    cores = {node.name: node.core_s for node in nodes if node.cpus and node.core_s}
    found = []
    for name, ratio in slow_nodes(cores).items():
        times = factor(ratio, 1)
        text = f"{name} is slow: the same Python takes {times} times as long as on the others"
        advice = "See what else runs there, or take it out: the slowest node sets the pace."
        found.append(Finding("speed", "warning", text, advice))
    if unlike := unlike_driver(list(cores.values()), driver_core_s):
        text = f"the nodes' cores are {unlike} than the driver's"
        found.append(Finding("speed", "warning", text, SUBMIT))
    if not found and cores:
        alike = "no node is slower than the others" if len(cores) > 1 else "there is one node"
        found.append(Finding("speed", "ok", f"{alike}; the driver's core is like theirs"))
    return found


def slow_nodes(cores: Mapping[str, float]) -> dict[str, float]:
    """Return the nodes whose core is slow, with how many times the others' median it takes.

    A core is slow where that is more than UNLIKE, of two nodes too. Round trips and starts are
    shown and not judged: they differ with where the driver is.
    """
    slow = {}
    for name, core_s in cores.items():
        others = [each for other, each in cores.items() if other != name]
        if others and core_s > UNLIKE * median(others):
            slow[name] = core_s / median(others)
    return slow


def _breaks(node: Answer, driver: Answer) -> bool:
    """Whether what one Python pickles the other may not read, or one Ray says to the other."""
    theirs, ours = node.python_version.split(".")[:2], driver.python_version.split(".")[:2]
    return node.ray_version != driver.ray_version or theirs != ours


def _all(nodes: Sequence[Answer]) -> str:
    return "the one node" if len(nodes) == 1 else f"all {len(nodes):,} nodes"


def _some(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - MOST_NAMED:,} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more
