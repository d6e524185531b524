"""Is the cluster fit to be measured: what its nodes answered, as checks that each end in a word.

Each check looks at what was found and says ok, warning or failure, with what to do; pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

from job.analysis.causes import DEMAND_TOKEN, SHARDED_NEEDS, SUBMIT, UNLIKE, unlike_driver
from job.analysis.stats import MAD_PER_SIGMA, OUTLYING_SIGMAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from job.planning.placement import Fit
    from job.results.document import Cluster

Level = Literal["ok", "warning", "failure"]
MOST_NAMED = 5  # nodes that one sentence names
LEAST_TO_JUDGE = 3  # nodes; of two nobody can tell which is the odd one
INSTALL = "Install it there, or name it under `pip` in runtime_env.yaml (make submit)."


class Reply(NamedTuple):
    """What a node answers; `problem` is why the target could not be loaded there."""

    ray_version: str
    python_version: str
    problem: str = ""


@dataclass(frozen=True)
class Probe:
    """What is known of one node after it was asked; times in seconds, None where not measured.

    Attributes:
        name: The node.
        cpus: How many CPUs it gives to actors.
        reply: What it answered.
        silent: Why it did not answer.
        round_trip_s: What a call of a method without a body takes.
        start_s: What an actor takes from being requested until it answers.
        core_s: What a fixed piece of Python takes there, all told.
    """

    name: str
    cpus: float
    reply: Reply | None = None
    silent: str = ""
    round_trip_s: float | None = None
    start_s: float | None = None
    core_s: float | None = None


@dataclass(frozen=True)
class Finding:
    """How one check ended, and what to do where it is not ok."""

    check: str
    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Inspection:
    """All that `check` finds; what a fixed piece of Python takes for the driver, in seconds."""

    cluster: Cluster
    probes: tuple[Probe, ...]
    driver_core_s: float
    findings: tuple[Finding, ...]


class Measure(NamedTuple):
    """A figure by which nodes are compared: its name, and from when on a difference matters."""

    key: str
    doing: str
    times: float
    least_s: float


MEASURES = (
    Measure("core_s", "the same Python", UNLIKE, 0.0),
    Measure("round_trip_s", "a call", 2.0, 0.002),
    Measure("start_s", "starting an actor", 2.0, 1.0),
)


def answers(probes: Sequence[Probe]) -> Finding:
    """Every node runs what it is given."""
    silent = [f"{probe.name} ({probe.silent})" for probe in probes if probe.silent]
    if silent:
        advice = "Look at that node's raylet, or take it out of the cluster."
        return Finding("nodes", "failure", f"no answer from {_some(silent)}", advice)
    return Finding("nodes", "ok", f"{_all(probes)} answered")


def versions(probes: Sequence[Probe], driver: Reply) -> Finding:
    """Ray, and Python but for its last figure, are the driver's everywhere."""
    ours = f"Ray {driver.ray_version}, Python {driver.python_version}"
    replies = {probe.name: probe.reply for probe in probes if probe.reply}
    unlike = {
        name: f"{name} has Ray {reply.ray_version}, Python {reply.python_version}"
        for name, reply in replies.items()
        if (reply.ray_version, reply.python_version) != (driver.ray_version, driver.python_version)
    }
    grave = [text for name, text in unlike.items() if _breaks(replies[name], driver)]
    if grave:
        text = f"the driver has {ours}, and {_some(grave)}"
        return Finding("versions", "failure", text, "Install the same versions on every node.")
    if unlike:
        text = f"the driver has {ours}, and {_some(list(unlike.values()))}"
        return Finding("versions", "warning", text, "Speeds may differ with it.")
    return Finding("versions", "ok", f"{ours}, on the driver and {_all(probes)}")


def importable(probes: Sequence[Probe], target: str) -> Finding:
    """The target can be loaded wherever it may be sent."""
    wrong = [f"{p.name} ({p.reply.problem})" for p in probes if p.reply and p.reply.problem]
    if wrong:
        text = f"{target} cannot be loaded on {_some(wrong)}"
        return Finding("target", "failure", text, INSTALL)
    return Finding("target", "ok", f"{target} can be loaded on {_all(probes)}")


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


def placement(
    fits: Mapping[str, Fit], sizes: Mapping[str, str], omitted: Mapping[str, str], refused: str
) -> list[Finding]:
    """What the plan asks for fits, now or when nodes were added or others have ended."""
    if refused:
        text, _, advice = refused.partition("\n")
        return [Finding("placement", "failure", text, advice)]
    found = []
    for name, fit in fits.items():
        if fit.when == "now":
            found.append(Finding("placement", "ok", f"{name}: there is room for {sizes[name]}"))
        elif fit.when == "scaling":
            text = f"{name} will fit after scaling: {fit.reason}"
            advice = "The comparison asks the autoscaler for nodes, and waits --scale-timeout."
            found.append(Finding("placement", "warning", text, advice))
        else:
            advice = "It would wait for the others to end."
            found.append(Finding("placement", "warning", f"{name}: {fit.reason}", advice))
    for name, reason in omitted.items():
        text = f"{name} is left out: {reason}"
        found.append(Finding("placement", "warning", text, SHARDED_NEEDS))
    return found


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


def speed(probes: Sequence[Probe], driver_core_s: float) -> list[Finding]:
    """No node that hosts actors is slower than the others; the driver's core is like theirs."""
    hosts = [probe for probe in probes if probe.cpus and not probe.silent]
    found = [finding for measure in MEASURES for finding in _slow(hosts, measure)]
    cores = [probe.core_s for probe in hosts if probe.core_s]
    if unlike := unlike_driver(cores, driver_core_s):
        text = f"the nodes' cores are {unlike} than the driver's"
        found.append(Finding("speed", "warning", text, SUBMIT))
    if not found and cores:
        alike = "no node is slower than the others" if len(hosts) > 1 else "there is one node"
        found.append(Finding("speed", "ok", f"{alike}; the driver's core is like theirs"))
    return found


def slow_nodes(values: Mapping[str, float], times: float, least: float) -> dict[str, float]:
    """Return the nodes that are odd, with how many times the median each has.

    A value is odd where it lies more than 3.5 scaled median absolute deviations above the median.
    That alone would name one of any few nodes that are nearly equal, so it must besides be `times`
    the median and `least` more. Of fewer than three nodes none is odd.
    """
    if len(values) < LEAST_TO_JUDGE:
        return {}
    middle = median(values.values())
    spread = median(abs(value - middle) for value in values.values())
    odd = middle + OUTLYING_SIGMAS * spread / MAD_PER_SIGMA
    limit = max(odd, times * middle, middle + least)
    return {name: value / middle for name, value in values.items() if value > limit > 0}


def _slow(hosts: Sequence[Probe], measure: Measure) -> Iterator[Finding]:
    values = {host.name: value for host in hosts if (value := getattr(host, measure.key))}
    for name, factor in slow_nodes(values, measure.times, measure.least_s).items():
        text = f"{name} is slow: {measure.doing} takes {factor:.2g} times as long as on most nodes"
        advice = "See what else runs there, or take it out: the slowest node sets the pace."
        yield Finding("speed", "warning", text, advice)
    if len(values) == LEAST_TO_JUDGE - 1:
        (fast, low), (slow, high) = sorted(values.items(), key=lambda item: item[1])
        if high > measure.times * low and high - low > measure.least_s:
            text = f"{measure.doing} takes {high / low:.2g} times as long on {slow} as on {fast}"
            advice = "Of two nodes nobody can tell which is the odd one: look at both."
            yield Finding("speed", "warning", text, advice)


def _breaks(reply: Reply, driver: Reply) -> bool:
    """Whether what one Python pickles the other may not read, or one Ray says to the other."""
    theirs, ours = reply.python_version.split(".")[:2], driver.python_version.split(".")[:2]
    return reply.ray_version != driver.ray_version or theirs != ours


def _all(probes: Sequence[Probe]) -> str:
    return "the one node" if len(probes) == 1 else f"all {len(probes):,} nodes"


def _some(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - MOST_NAMED:,} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more
