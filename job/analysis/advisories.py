"""What makes a figure doubtful, and what to do about it: a closed set, pure.

Each advisory looks at the results alone, so a saved file yields the same ones.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from job.analysis import stats
from job.analysis.symptoms import (
    DEMAND_TOKEN,
    SHARDED_NEEDS,
    SUBMIT,
    driver_share,
    node_cores_s,
    profile,
    threads_in_turns,
    unlike_driver,
)
from job.planning.estimate import MOST_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from job.analysis.symptoms import Trials
    from job.results.document import Results

FEW_TRIALS = stats.LEAST_FOR_INTERVAL
WIDE_SPREAD = 0.10
SLOW_FIRST = 1.25
BUSY = 0.25  # of the driver's machine before the start


def advise(results: Results) -> tuple[str, ...]:
    """Return all advisories that apply, the gravest kinds first."""
    trials = results.analysed()
    if not trials:
        return ()
    return tuple(text for check in CHECKS for text in check(results, trials))


def omitted(results: Results, _trials: Trials) -> Iterator[str]:
    """A strategy was left out."""
    for name, reason in results.omitted.items():
        yield f"{name} was left out, not started: {reason}. {SHARDED_NEEDS}"


def serial_estimated(results: Results, trials: Trials) -> Iterator[str]:
    """The serial loop was sampled."""
    for trial in trials.get("serial", [])[-1:]:
        if trial.estimated:
            yield (
                f"The serial time is estimated from {trial.instances:,} of "
                f"{results.workload.instances:,} instances, and only their states were checked "
                "against it. --serial full runs all of them."
            )


def few_trials(results: Results, trials: Trials) -> Iterator[str]:
    """No interval can be claimed."""
    fewest = min(len(of_one) for of_one in trials.values())
    if fewest < FEW_TRIALS and results.plan.get("trials") != "auto":
        runs = "1 trial of each strategy carries"
        if fewest > 1:
            runs = f"{fewest} trials of each strategy carry"
        yield (
            f"{runs} no confidence interval. "
            f"--trials {stats.LEAST_FOR_RATIO} or --trials auto give one (--wide)."
        )


def wide_spread(_results: Results, trials: Trials) -> Iterator[str]:
    """Trials of one strategy differ much."""
    for name, of_one in trials.items():
        spread = stats.summarise([t.elapsed_s for t in of_one]).spread
        if len(of_one) >= stats.LEAST_FOR_OUTLIERS and spread and spread > WIDE_SPREAD:
            yield (
                f"{name}: the trials spread by {spread:.0%} around their median. "
                "Let nothing else run on the machines, or make each trial longer with more calls."
            )


def slow_first(results: Results, trials: Trials) -> Iterator[str]:
    """The first trial was slower than the others, and no warm-up came before it."""
    if results.plan.get("warmups"):
        return
    for name, of_one in trials.items():
        if len(of_one) < 3:  # noqa: PLR2004 - of two nobody can tell which is odd
            continue
        first, others = of_one[0].elapsed_s, median(t.elapsed_s for t in of_one[1:])
        if first > SLOW_FIRST * others:
            yield (
                f"{name}: its first trial took {first / others:.2g} times as long as the others. "
                "--warmups 1 leaves it out."
            )


def outliers(_results: Results, trials: Trials) -> Iterator[str]:
    """Single trials lie far from the rest."""
    for name, of_one in trials.items():
        found = stats.summarise([t.elapsed_s for t in of_one]).outliers
        if found:
            which = ", ".join(str(index + 1) for index in found)
            yield (
                f"{name}: trial {which} of {len(of_one)} lies far from the others. The median "
                "bears that; if it recurs, look at what else runs on the machines."
            )


def machine_loaded(results: Results, _trials: Trials) -> Iterator[str]:
    """The driver's machine was busy before anything began."""
    busy = results.environment.busy_share
    if busy is not None and busy > BUSY:
        yield (
            f"The driver's machine was {busy:.0%} busy before the start. "
            "Compare again when it is idle."
        )


def others_on_cluster(results: Results, _trials: Trials) -> Iterator[str]:
    """Somebody else holds CPUs."""
    if held := results.cluster.cpus_held:
        yield (
            f"Other actors or jobs held {held:g} of the cluster's {results.cluster.cpus:g} CPUs at "
            "the start. Compare again when they have ended."
        )


def driver_bottleneck(results: Results, trials: Trials) -> Iterator[str]:
    """The driver could not send any faster."""
    for name, of_one in trials.items():
        if share := driver_share(of_one[-1]):
            yield (
                f"{name}: the driver is the bottleneck: sending calls kept it busy for "
                f"{share:.0%} of the work phase. {fewer_calls(name, results)}"
            )


def fewer_calls(strategy: str, results: Results) -> str:
    """Return how to make the driver send less."""
    if strategy != "actors":
        return "Raise --calls-per-batch."
    if "sharded" in results.plan.get("strategies", ()):
        return "`sharded` sends batches instead."
    return "--strategies serial,sharded sends batches instead."


def threads_on_cpu(results: Results, trials: Trials) -> Iterator[str]:
    """A target that computes was given threads."""
    advice = "Leave --threads-per-shard to auto."
    if results.plan.get("threads_per_shard") == "auto":
        advice = "--threads-per-shard 1 gives each shard one."
    for name, of_one in trials.items():
        if threads := threads_in_turns(of_one[-1], trials):
            yield (
                f"{name}: the calls compute rather than wait, so {threads} threads per shard only "
                f"get in each other's way. {advice}"
            )


def many_threads(_results: Results, trials: Trials) -> Iterator[str]:
    """More threads would be of use than a shard may have."""
    for name, of_one in trials.items():
        if of_one[-1].threads >= MOST_THREADS:
            yield (
                f"{name}: each shard has {MOST_THREADS:,} threads, the most there may be. "
                "More --shards would let more calls wait at once."
            )


def waiting(_results: Results, trials: Trials) -> Iterator[str]:
    """Calls that wait say nothing of CPU capacity."""
    calls = profile(trials)
    if calls and calls.waits > 10 and calls.wall_s > 0.1:  # noqa: PLR2004 - clearly waiting
        yield (
            "The calls wait rather than compute: the figures show scheduling, not CPU capacity. "
            "Do not carry them over to calls that compute."
        )


def unlike_nodes(results: Results, _trials: Trials) -> Iterator[str]:
    """Nodes differ in size."""
    sizes = {node.cpus for node in results.cluster.nodes if node.cpus}
    if len(sizes) > 1:
        said = ", ".join(f"{size:g}" for size in sorted(sizes))
        yield (
            f"The nodes are unlike: they have {said} CPUs. Figures are those of this mixture; "
            "use nodes of one kind to compare strategies."
        )


def open_cluster(results: Results, _trials: Trials) -> Iterator[str]:
    """Whoever reaches the cluster runs code on it."""
    if results.cluster.open:
        yield (
            "The cluster is open: it demands no token, so whoever reaches its ports runs code on "
            f"it, also while this measures. {DEMAND_TOKEN}"
        )


def actors_on_head(results: Results, trials: Trials) -> Iterator[str]:
    """Actors ran beside the driver and Ray's own processes, though there are other nodes."""
    heads = {node.node_id: node for node in results.cluster.nodes if node.head}
    used = {s.node_id for of in trials.values() for s in of[-1].placement}
    for node_id in heads.keys() & used:
        if len(results.cluster.nodes) > 1:
            yield (
                f"The head, {heads[node_id].name}, hosted actors, which compete there with the "
                "driver and with Ray's own processes. Start the head with 0 CPUs."
            )


def unlike_cores(results: Results, trials: Trials) -> Iterator[str]:
    """A driver core is faster or slower than a worker core."""
    cores = node_cores_s(trial for of in trials.values() for trial in of)
    if unlike := unlike_driver(cores, results.environment.core_s):
        advice = SUBMIT
        if _all_beside_driver(results, trials):  # then it is one and the same machine
            advice = "It is the same machine, so something else ran: compare again when it is idle."
        yield (
            f"A worker's core was {unlike} than the driver's, where the serial loop ran. {advice}"
        )


def _all_beside_driver(results: Results, trials: Trials) -> bool:
    driver = results.environment.driver_address
    return {s.address for of in trials.values() for t in of for s in t.placement} == {driver}


def blas_threads(results: Results, trials: Trials) -> Iterator[str]:
    """Numpy uses more threads on the driver than in an actor."""
    driver = results.environment.blas_threads
    each = [float(t[-1].settings.get("cpus_per_actor", 1)) for t in trials.values() if t[-1].actors]
    if driver and each and driver > max(1, int(max(each))):
        yield (
            f"numpy may use {driver} threads in the serial loop and {max(1, int(max(each)))} in an "
            "actor. Set OMP_NUM_THREADS=1 for the driver to compare like with like."
        )


CHECKS: tuple[Callable[[Results, Trials], Iterator[str]], ...] = (
    omitted,
    serial_estimated,
    others_on_cluster,
    machine_loaded,
    driver_bottleneck,
    threads_on_cpu,
    many_threads,
    unlike_nodes,
    unlike_cores,
    actors_on_head,
    open_cluster,
    blas_threads,
    wide_spread,
    slow_first,
    outliers,
    waiting,
    few_trials,
)
