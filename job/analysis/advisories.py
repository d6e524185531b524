"""What makes a figure doubtful, and what to do about it: a closed set, pure.

Each advisory follows from the results alone, so a saved file yields the same ones.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from job.analysis import causes, stats
from job.analysis.figures import SAME
from job.planning.estimate import MOST_THREADS
from job.planning.placement import PROCESS_BYTES
from job.results.document import BY_VALUE
from job.words import LINE, capitalise, count, factor, listed, percent, shorten, size, spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from job.analysis.figures import Figures, Row

WIDE_SPREAD = 0.10
SLOW_FIRST = 1.25
LONG_S = 0.1  # of calls, from which on the clocks tell what they do
HELD_UP = 1.25  # times as long as it computed
NOTABLE = 0.05  # of the CPU time
SEVERAL = 1.25  # CPUs that a call computes on, from which on it is worth a word
COLD = 2.0  # times as long to start as later, which single trials of a busy machine hardly take
BUSY = 0.25  # of the driver's machine before the start
WORTH_BRINGING = 1_000  # bytes that one call returns, beyond which bringing them may show


def advise(figures: Figures) -> tuple[str, ...]:
    """Return all advisories that apply, the gravest kinds first."""
    if not figures.trials:
        return ()
    return tuple(text for check in CHECKS for text in check(figures))


def _unchanged(figures: Figures) -> Iterator[str]:
    tried = figures.results.tried
    if not tried or not tried.unchanged or tried.shared:  # what they share, they change
        return
    said = "The calls change nothing that is read"
    if figures.results.compares_returns:
        tells = "what they returned, which was compared, is all that tells of them"
        yield f"{said}: {tells}. Should they change something, name it with --read."
        return
    advice = "Name with --read what they change"
    if any(tried.returned_bytes) and figures.results.workload.returns == "drop":
        advice += ", or compare what they return: --returns bring"
    yield f"{said}: states that agree say nothing of them. {advice}."


def _returns_dropped(figures: Figures) -> Iterator[str]:
    results = figures.results
    sizes = results.tried.returned_bytes if results.tried else ()
    worth = max(sizes, default=0)
    if results.workload.returns == "bring" or worth <= WORTH_BRINGING:
        return
    if not any(row.last.actors for row in figures.rows):
        return
    pairs = list(zip(results.workload.calls, sizes, strict=True))
    largest = max(pairs, key=lambda pair: pair[1])[0]
    in_all = results.workload.instances * sum(_times(call) * each for call, each in pairs)
    said = f"{shorten(largest, LINE)} returns {size(worth)} a call. What the calls return, in all"
    cost = f"{size(in_all)}, stays where they run, and no figure holds what bringing it costs."
    yield f"{said} {cost} --returns bring has it come to the driver, as ray.get of every call does."


def _times(call: str) -> int:
    """Return how many times in a row a call is made, as `Call.text` writes it."""
    times = call.rpartition(") * ")[2]
    return int(times) if times.isdecimal() else 1


def _shared(figures: Figures) -> Iterator[str]:
    tried = figures.results.tried
    if tried and tried.shared:
        said = f"Instances share {listed(tried.shared)}, and calls change it: all of the serial"
        advice = "Keep it in each instance, unless it is a mere cache"
        yield f"{said} loop's have one, those of each process another. {advice}."


def _by_value(figures: Figures) -> Iterator[str]:
    if figures.results.environment.travel == BY_VALUE:
        said = "The target travelled by value, as not every node can import the same source of it:"
        means = "its classes are others there than those that a module imports, in isinstance too."
        yield f"{said} {means} Put it into a module that is installed, or lies, on every node."


def _runtime_env(figures: Figures) -> Iterator[str]:
    kinds = figures.results.environment.runtime_env
    if kinds and any(row.last.actors for row in figures.rows):
        named = listed(kinds, len(kinds))
        said = f"Startup has the runtime environment in it ({named}), which is not the class's:"
        means = "a node makes it ready for its first actor, and every actor's process starts in it."
        without = "leave it out"
        if "uv run" in kinds:
            without = "set RAY_ENABLE_UV_RUN_RUNTIME_ENV=0"
        yield f"{said} {means} Where the nodes have what it brings, {without}."


def _omitted(figures: Figures) -> Iterator[str]:
    for name, reason in figures.results.omitted.items():
        needs = f" {causes.SHARDED_NEEDS}" if name == "actors" else ""
        yield f"{name} was left out: {reason}.{needs}"


def _not_as_actors(figures: Figures) -> Iterator[str]:
    """Say what nobody has asked for and everybody would write first: an actor an instance."""
    results = figures.results
    if figures.row("actors") or "actors" in results.omitted:
        return
    memory = sum(node.memory_bytes for node in results.cluster.nodes if node.cpus)
    each = PROCESS_BYTES + (results.tried.held_bytes if results.tried else 0.0)
    if 0 < memory < results.workload.instances * each:
        are = f"{count(results.workload.instances, 'process')} of about {size(each)}"
        said = f"As `actors` it would not fit: {are} are more than the nodes' {size(memory)}."
        yield f"{said} {causes.SHARDED_NEEDS}"


def _serial_estimated(figures: Figures) -> Iterator[str]:
    loop = figures.loop
    if not loop:
        return
    by = " by what each took in the actors" if loop.correction else ""
    said = f"The serial time is estimated from {loop.sampled:,} of {count(loop.of, 'instance')}{by}"
    may = "nothing tells how far it is off"
    if loop.interval:
        low, high = map(spelled, loop.interval)
        may = f"its work takes {low} to {high} (95%)"
    only = "Only their states were checked against it. --serial full runs all of them."
    yield f"{said}: {may}. {only}"


def _others_on_cluster(figures: Figures) -> Iterator[str]:
    cluster = figures.results.cluster
    if held := cluster.cpus_held:
        of = f"{held:g} of the cluster's {cluster.cpus:g} CPUs at the start"
        yield f"Other actors or jobs held {of}. Compare again when they have ended."


def _machine_loaded(figures: Figures) -> Iterator[str]:
    busy = figures.results.environment.busy_share or 0.0
    if busy > BUSY:
        said = f"The driver's machine was {percent(busy, 0)} busy before the start."
        yield f"{said} Compare again when it is idle."


def _avoidable(figures: Figures) -> Iterator[str]:
    """Say what keeps a strategy back, whether or not it is what limits it."""
    for row in figures.rows:
        for cause in causes.faults(figures, row):
            if cause.name in ("the GIL", "the driver"):
                yield f"{row.strategy}: {cause.said}. {capitalise(cause.advice)}."


def is_held_up(figures: Figures) -> bool:
    """Return whether something else had the serial loop's CPU for a notable part of its time."""
    calls = figures.profile
    serial = figures.row("serial")
    return bool(serial and calls and calls.held_up > HELD_UP and calls.wall_s > LONG_S)


def _held_up(figures: Figures) -> Iterator[str]:
    calls = figures.profile
    if calls and is_held_up(figures):
        took = f"{factor(calls.held_up, 1)} times as long as it computed, and its calls do not wait"
        means = "something else had its CPU, so speedups may be too large"
        said = f"The serial loop took {took}: {means}."
        yield f"{said} Compare again when the driver's machine is idle."


def _above_ideal(figures: Figures) -> Iterator[str]:
    for row in figures.rows:
        if row.strategy != "serial" and (row.efficiency or 0.0) > SAME and row.ideal_s > LONG_S:
            why = "; ".join(_reasons(figures, row)) or "nothing that was measured tells why"
            reached = percent(row.efficiency or 0.0, 0)
            said = f"{row.strategy}: its work reached {reached} of the ideal: {why}"
            advice = "Compare again when the machines are idle, with more --trials"
            yield f"{said}. {advice}; what stays is what the calls themselves gain there."


def _reasons(figures: Figures, row: Row) -> Iterator[str]:
    """Yield what lets work be shorter than the serial loop's times allow."""
    serial, calls = figures.row("serial"), figures.profile
    if serial and serial.estimated:
        yield "the serial time is an estimate"
    if serial and calls and calls.held_up > SAME:
        took = f"{factor(calls.held_up, 1)} times as long as it computed"
        yield f"the serial loop took {took}, as something else had its CPU"
    cores_s = causes.node_cores_s(figures.trials[row.strategy])
    loop_s, whose = causes.loop_core(figures)
    if cores_s and (loop_s or 0.0) > causes.UNLIKE * median(cores_s):
        yield f"a worker's core is {causes.unlike_driver(cores_s, loop_s)} than {whose}"
    if (used := row.cpu_s / row.work_s) > SAME * row.cpus:
        counted = factor(row.cpus, 1)
        yield f"its calls computed on {factor(used, 1)} CPUs, and {counted} were counted"
    if serial and SAME * row.cpu_s < serial.cpu_s:
        why = "in warmer caches, or on cores less shared"
        if (serial.last.elsewhere_share or 0.0) > NOTABLE + (row.last.elsewhere_share or 0.0):
            why = "without the loop's own threads, which may compute while they wait"
        took = f"its calls computed for {spelled(row.cpu_s)}, the loop's for"
        yield f"{took} {spelled(serial.cpu_s)}, {why}"


def _elsewhere(figures: Figures) -> Iterator[str]:
    shares = (row.last.elsewhere_share for row in figures.rows)
    share, calls = next((each for each in shares if each is not None), 0.0), figures.profile
    if not calls or share < NOTABLE:
        return
    said = f"Of the calls' CPU time {percent(share, 0)} is that of threads or child processes they"
    said += " start: it was counted for whole processes, around the work."
    if calls.width > SEVERAL:
        enough = math.ceil(figures.results.cluster.cpus / calls.width)
        said += f" A call computes on {factor(calls.width, 1)} CPUs at once, so more than"
        said += f" {count(enough, 'call')} at once gain nothing."
    unseen = "What others compute for them, such as a server, is not in it"
    yield f"{said} {unseen}: start it within the calls or the constructor."


def _many_threads(figures: Figures) -> Iterator[str]:
    for row in figures.rows:
        if row.last.threads >= MOST_THREADS and row.strategy != "threads":
            said = f"{row.strategy}: each shard has {MOST_THREADS:,} threads, the most there may be"
            more = "--workers" if row.strategy == "processes" else "--shards"
            yield f"{said}. More {more} would let more calls wait at once."


def _unlike_nodes(figures: Figures) -> Iterator[str]:
    sizes = {node.cpus for node in figures.results.cluster.nodes if node.cpus}
    if len(sizes) > 1:
        said = ", ".join(f"{size:g}" for size in sorted(sizes))
        advice = "Figures are those of this mixture; use nodes of one kind to compare strategies."
        yield f"The nodes are unlike: they have {said} CPUs. {advice}"


def _unlike_cores(figures: Figures) -> Iterator[str]:
    trials = [t for name, of in figures.trials.items() for t in of if name != "serial"]
    environment = figures.results.environment
    loop_s, whose = causes.loop_core(figures)
    if unlike := causes.unlike_driver(causes.node_cores_s(trials), loop_s):
        if whose != "the driver's":
            yield f"A worker's core was {unlike} than {whose}. Use nodes of one kind."
            return
        advice = causes.SUBMIT
        used = {share.address for trial in trials for share in trial.placement}
        if used == {environment.driver_address}:
            advice = "It is the same machine, so something else ran: compare again when it is idle."
        said = f"A worker's core was {unlike} than the driver's, where the serial loop ran."
        yield f"{said} {advice}"


def _actors_on_head(figures: Figures) -> Iterator[str]:
    nodes = figures.results.cluster.nodes
    used = {share.node_id for row in figures.rows for share in row.last.placement}
    for node in nodes if len(nodes) > 1 else ():
        if node.head and node.node_id in used:
            compete = "which compete there with the driver and with Ray's own processes"
            yield f"The head, {node.name}, hosted actors, {compete}. Start the head with 0 CPUs."


def _open_cluster(figures: Figures) -> Iterator[str]:
    if figures.results.cluster.open:
        whoever = "whoever reaches its ports runs code on it, also while this measures"
        said = f"The cluster is open: it demands no token, so {whoever}."
        yield f"{said} {causes.DEMAND_TOKEN}"


def _blas_threads(figures: Figures) -> Iterator[str]:
    if figures.results.plan.get("serial_on") == "actor":
        return
    driver = figures.results.environment.blas_threads or 0
    knobs = [row.last.settings for row in figures.rows if row.last.actors]
    actor = max((1, *(int(each.get("cpus_per_actor", 1)) for each in knobs)))
    if knobs and driver > actor:
        said = f"numpy may use {driver} threads in the serial loop and {actor} in an actor."
        yield f"{said} Set OMP_NUM_THREADS=1 for the driver to compare like with like."


def _wide_spread(figures: Figures) -> Iterator[str]:
    for row in figures.rows:
        if row.trials >= stats.LEAST_FOR_OUTLIERS and (row.spread or 0.0) > WIDE_SPREAD:
            spread = percent(row.spread or 0.0, 0)
            said = f"{row.strategy}: the trials spread by {spread} around their median."
            advice = "Let nothing else run on the machines, or make each trial longer with more"
            yield f"{said} {advice} calls."


def _slow_first(figures: Figures) -> Iterator[str]:
    for name, of_one in figures.trials.items():
        if said := _cold_start(figures, name):
            yield said
            continue
        first, *others = (trial.elapsed_s for trial in of_one)
        usual = median(others) if len(others) > 1 else first  # of two nobody can tell which is odd
        if first > SLOW_FIRST * usual and not figures.results.plan.get("warmups"):
            times = factor(first / usual, 1)
            said = f"{name}: its first trial took {times} times as long as the others."
            yield f"{said} --warmups 1 leaves it out."


def _cold_start(figures: Figures, name: str) -> str:
    """Say that a strategy's first trial, a warm-up or not, started on nodes that were not ready."""
    first, *others = (trial for trial in figures.results.trials if trial.strategy == name)
    if len(others) < 2 - first.warmup:  # likewise
        return ""
    usual_s = median(trial.startup_s for trial in others)
    more_s = first.startup_s - usual_s
    if not first.actors or more_s < max((COLD - 1) * usual_s, WIDE_SPREAD * first.elapsed_s):
        return ""
    kinds = figures.results.environment.runtime_env
    made = f", or made the runtime environment ready ({listed(kinds, len(kinds))})" if kinds else ""
    which = "warm-up" if first.warmup else "first trial"
    took = f"{spelled(first.startup_s)} in the {which} and {spelled(usual_s)} later"
    means = "Whoever runs once pays that." if first.warmup else "--warmups 1 leaves it out."
    return f"{name}: startup took {took}: the nodes were cold{made}. {means}"


def _outliers(figures: Figures) -> Iterator[str]:
    far = []
    for name, of_one in figures.trials.items():
        if found := stats.summarise([t.elapsed_s for t in of_one]).outliers:
            which = listed([str(index + 1) for index in found])
            far.append(f"{name} {which} of {len(of_one)}")
    if far:
        bear = "The medians bear that; if it recurs, look at what else runs on the machines."
        yield f"Trials far from the others: {'; '.join(far)}. {bear}"


def _reach(figures: Figures) -> Iterator[str]:
    """Say in one line, as it is so of every first run, what the figures are not made to tell."""
    calls, fewest = figures.profile, min(row.trials for row in figures.rows)
    said = []
    if fewest < stats.LEAST_FOR_INTERVAL and figures.results.plan.get("trials") != "auto":
        give = "1 trial gives" if fewest == 1 else f"{fewest} trials give"
        said.append(f"{give} no interval (--trials {stats.LEAST_FOR_RATIO}).")
    if calls and calls.waits > 10 and calls.wall_s > LONG_S:  # noqa: PLR2004 - clearly waiting
        said.append("The calls wait: the figures say nothing of CPUs.")
    if said:
        yield " ".join(said)


CHECKS: tuple[Callable[[Figures], Iterator[str]], ...] = (
    _unchanged, _shared, _returns_dropped, _by_value, _runtime_env, _omitted, _not_as_actors,
    _serial_estimated, _others_on_cluster, _machine_loaded, _held_up, _above_ideal, _avoidable,
    _elsewhere, _many_threads, _unlike_nodes, _unlike_cores, _actors_on_head, _open_cluster,
    _blas_threads, _wide_spread, _slow_first, _outliers, _reach,
)  # fmt: skip
