"""What makes a figure doubtful, and what to do about it: a closed set, pure.

Each advisory follows from the results alone, so a saved file yields the same ones.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from job.analysis import stats
from job.analysis.causes import (
    DEMAND_TOKEN,
    SHARDED_NEEDS,
    SUBMIT,
    faults,
    node_cores_s,
    unlike_driver,
)
from job.planning.estimate import MOST_THREADS
from job.words import capitalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from job.analysis.figures import Figures

FEW_TRIALS = stats.LEAST_FOR_INTERVAL
WIDE_SPREAD = 0.10
SLOW_FIRST = 1.25
BUSY = 0.25  # of the driver's machine before the start


def advise(figures: Figures) -> tuple[str, ...]:
    """Return all advisories that apply, the gravest kinds first."""
    if not figures.trials:
        return ()
    return tuple(text for check in CHECKS for text in check(figures))


def omitted(figures: Figures) -> Iterator[str]:
    """A strategy was left out."""
    for name, reason in figures.results.omitted.items():
        yield f"{name} was left out, not started: {reason}. {SHARDED_NEEDS}"


def serial_estimated(figures: Figures) -> Iterator[str]:
    """The serial loop was sampled."""
    for trial in figures.trials.get("serial", [])[-1:]:
        if trial.estimated:
            yield (
                f"The serial time is estimated from {trial.instances:,} of "
                f"{figures.results.workload.instances:,} instances, and only their states were "
                "checked against it. --serial full runs all of them."
            )


def few_trials(figures: Figures) -> Iterator[str]:
    """No interval can be claimed."""
    fewest = min(len(of_one) for of_one in figures.trials.values())
    if fewest < FEW_TRIALS and figures.results.plan.get("trials") != "auto":
        runs = "1 trial of each strategy carries"
        if fewest > 1:
            runs = f"{fewest} trials of each strategy carry"
        yield (
            f"{runs} no confidence interval. "
            f"--trials {stats.LEAST_FOR_RATIO} or --trials auto give one (--wide)."
        )


def wide_spread(figures: Figures) -> Iterator[str]:
    """Trials of one strategy differ much."""
    for row in figures.rows:
        if row.trials >= stats.LEAST_FOR_OUTLIERS and (row.spread or 0.0) > WIDE_SPREAD:
            yield (
                f"{row.strategy}: the trials spread by {row.spread:.0%} around their median. "
                "Let nothing else run on the machines, or make each trial longer with more calls."
            )


def slow_first(figures: Figures) -> Iterator[str]:
    """The first trial was slower than the others, and no warm-up came before it."""
    if figures.results.plan.get("warmups"):
        return
    for name, of_one in figures.trials.items():
        if len(of_one) < 3:  # noqa: PLR2004 - of two nobody can tell which is odd
            continue
        first, others = of_one[0].elapsed_s, median(t.elapsed_s for t in of_one[1:])
        if first > SLOW_FIRST * others:
            yield (
                f"{name}: its first trial took {first / others:.2g} times as long as the others. "
                "--warmups 1 leaves it out."
            )


def outliers(figures: Figures) -> Iterator[str]:
    """Single trials lie far from the rest."""
    for name, of_one in figures.trials.items():
        if found := stats.summarise([t.elapsed_s for t in of_one]).outliers:
            which = ", ".join(str(index + 1) for index in found)
            yield (
                f"{name}: trial {which} of {len(of_one)} lies far from the others. The median "
                "bears that; if it recurs, look at what else runs on the machines."
            )


def machine_loaded(figures: Figures) -> Iterator[str]:
    """The driver's machine was busy before anything began."""
    busy = figures.results.environment.busy_share
    if busy is not None and busy > BUSY:
        yield (
            f"The driver's machine was {busy:.0%} busy before the start. "
            "Compare again when it is idle."
        )


def others_on_cluster(figures: Figures) -> Iterator[str]:
    """Somebody else holds CPUs."""
    cluster = figures.results.cluster
    if held := cluster.cpus_held:
        yield (
            f"Other actors or jobs held {held:g} of the cluster's {cluster.cpus:g} CPUs at the "
            "start. Compare again when they have ended."
        )


def avoidable(figures: Figures) -> Iterator[str]:
    """Something keeps a strategy back, whether or not it is what limits it."""
    for name, of_one in figures.trials.items():
        for cause in faults(figures, of_one[-1]):
            if cause.name in ("the GIL", "the driver"):
                yield f"{name}: {cause.said}. {capitalise(cause.advice)}."


def many_threads(figures: Figures) -> Iterator[str]:
    """More threads would be of use than a shard may have."""
    for name, of_one in figures.trials.items():
        if of_one[-1].threads >= MOST_THREADS:
            yield (
                f"{name}: each shard has {MOST_THREADS:,} threads, the most there may be. "
                "More --shards would let more calls wait at once."
            )


def waiting(figures: Figures) -> Iterator[str]:
    """Calls that wait say nothing of CPU capacity."""
    calls = figures.profile
    if calls and calls.waits > 10 and calls.wall_s > 0.1:  # noqa: PLR2004 - clearly waiting
        yield (
            "The calls wait rather than compute: the figures show scheduling, not CPU capacity. "
            "Do not carry them over to calls that compute."
        )


def unlike_nodes(figures: Figures) -> Iterator[str]:
    """Nodes differ in size."""
    sizes = {node.cpus for node in figures.results.cluster.nodes if node.cpus}
    if len(sizes) > 1:
        said = ", ".join(f"{size:g}" for size in sorted(sizes))
        yield (
            f"The nodes are unlike: they have {said} CPUs. Figures are those of this mixture; "
            "use nodes of one kind to compare strategies."
        )


def open_cluster(figures: Figures) -> Iterator[str]:
    """Whoever reaches the cluster runs code on it."""
    if figures.results.cluster.open:
        yield (
            "The cluster is open: it demands no token, so whoever reaches its ports runs code on "
            f"it, also while this measures. {DEMAND_TOKEN}"
        )


def actors_on_head(figures: Figures) -> Iterator[str]:
    """Actors ran beside the driver and Ray's own processes, though there are other nodes."""
    nodes = figures.results.cluster.nodes
    heads = {node.node_id: node for node in nodes if node.head}
    used = {s.node_id for of in figures.trials.values() for s in of[-1].placement}
    for node_id in heads.keys() & used:
        if len(nodes) > 1:
            yield (
                f"The head, {heads[node_id].name}, hosted actors, which compete there with the "
                "driver and with Ray's own processes. Start the head with 0 CPUs."
            )


def unlike_cores(figures: Figures) -> Iterator[str]:
    """A driver core is faster or slower than a worker core."""
    cores = node_cores_s(trial for of in figures.trials.values() for trial in of)
    if unlike := unlike_driver(cores, figures.results.environment.core_s):
        advice = SUBMIT
        if _all_beside_driver(figures):  # then it is one and the same machine
            advice = "It is the same machine, so something else ran: compare again when it is idle."
        yield (
            f"A worker's core was {unlike} than the driver's, where the serial loop ran. {advice}"
        )


def _all_beside_driver(figures: Figures) -> bool:
    driver = figures.results.environment.driver_address
    trials = [trial for of_one in figures.trials.values() for trial in of_one]
    return {share.address for trial in trials for share in trial.placement} == {driver}


def blas_threads(figures: Figures) -> Iterator[str]:
    """Numpy uses more threads on the driver than in an actor."""
    driver = figures.results.environment.blas_threads
    last = [of_one[-1] for of_one in figures.trials.values() if of_one[-1].actors]
    actor = max((int(trial.settings.get("cpus_per_actor", 1)) for trial in last), default=0)
    if driver and last and driver > max(1, actor):
        yield (
            f"numpy may use {driver} threads in the serial loop and {max(1, actor)} in an "
            "actor. Set OMP_NUM_THREADS=1 for the driver to compare like with like."
        )


CHECKS: tuple[Callable[[Figures], Iterator[str]], ...] = (
    omitted, serial_estimated, others_on_cluster, machine_loaded, avoidable, many_threads,
    unlike_nodes, unlike_cores, actors_on_head, open_cluster, blas_threads, wide_spread,
    slow_first, outliers, waiting, few_trials,
)  # fmt: skip
