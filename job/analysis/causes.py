"""What keeps a strategy from being faster: a closed set, detected here and said everywhere; pure.

The verdict, the advisories and the limit of a sweep must not judge the same run by different
measures. What is wrong comes before what is merely scarce.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from job.analysis.breakeven import BreakEven
from job.analysis.figures import BUSY, SAME, SLACK
from job.words import count, factor, percent, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from job.analysis.breakeven import NoBreakEven
    from job.analysis.figures import Figures, Row
    from job.planning.estimate import Profile
    from job.results.document import Trial

    Name: TypeAlias = Literal[
        "nothing to do", "losses", "startup", "the read", "the GIL", "the driver", "a slow node",
        "imbalance", "overhead", "an instance", "CPUs", "slots",
    ]  # fmt: skip

WORTH = 0.2  # of elapsed, from which on a part is worth a word
UNLIKE = 1.25  # one core or node against another
FULL = 1.25  # the fullest actor against the mean
UNEVEN = 1.5  # the slowest instance against the mean
DRIVER_BOUND = 0.7  # of the work phase in which the driver itself computed

# What to do, where the check before a run and the advisories after it see the same.
SUBMIT = (
    "Submit the comparison as a job, so that the driver runs on such a node too; or run the serial "
    "loop on one: --serial-on actor."
)
DEMAND_TOKEN = "Start every node of it with RAY_AUTH_MODE=token (Ray 2.52 or later)."  # noqa: S105 - no password
SHARDED_NEEDS = "`sharded` needs fewer: at most one actor per CPU."


class Cause(NamedTuple):
    """One of them, the figures that show it, and what to do; both as clauses of a sentence."""

    name: Name
    said: str
    advice: str = ""


def causes_of(figures: Figures, model: BreakEven | NoBreakEven) -> dict[str, Cause]:
    """Return what keeps each strategy but the serial loop from being faster."""
    others = [row for row in figures.rows if row.strategy != "serial"]
    return {row.strategy: _cause(row, figures, model) for row in others}


def _cause(row: Row, figures: Figures, model: BreakEven | NoBreakEven) -> Cause:
    if not row.last.calls:
        does = "--call names what the instances are to do"
        return Cause("nothing to do", "nothing was called", does)
    if row.last.losses:  # then no trial was without any
        tells = "a trial without deaths tells what limits it"
        return Cause("losses", "its times hold the price of actors that died", tells)
    parts = {"startup": row.startup_s, "work": row.lost_s, "read": row.read_s}
    largest, of_s = max(parts, key=lambda part: parts[part]), row.elapsed_s
    if row.gains_nothing:  # neither startup nor the read is what it fails by
        largest, of_s = "work", row.work_s
    if not of_s or parts[largest] <= WORTH * of_s:
        return _bound(row, figures)
    may_shard = row.strategy == "actors" and not figures.row("sharded")
    if largest == "work":
        return _lost(row, figures, model, may_shard=may_shard)
    return _startup(row, may_shard=may_shard) if largest == "startup" else _read(row)


def _read(row: Row) -> Cause:
    said = f"collecting the states is {_share(row, row.read_s)}"
    return Cause("the read", said, "--read NAME may name less that tells as much")


def _share(row: Row, part_s: float) -> str:
    return f"{percent(part_s / row.elapsed_s, 0)} of the time ({spelled(part_s)})"


def _startup(row: Row, *, may_shard: bool) -> Cause:
    takes, gain = f"startup is {_share(row, row.startup_s)}", row.speedup_of_work
    if gain is not None and gain <= SAME:  # what it gains, it gains by making instances
        shortens = "where making the instances takes it, more CPUs would shorten it"
        return Cause("startup", f"its work is no faster than the loop's, and {takes}", shortens)
    advice = f"make more calls per run, or keep the {_workers(row)} for several runs"
    if row.last.actors > row.cpus and may_shard:
        advice = f"`sharded` starts one process a CPU rather than {row.last.actors:,}"
    faster = f"its work is {factor(gain)} times as fast, but " if gain else ""
    return Cause("startup", faster + takes, advice)


def _workers(row: Row) -> str:
    if row.last.actors:
        return "actors"
    return "threads" if row.strategy == "threads" else "processes"


def _lost(row: Row, figures: Figures, model: BreakEven | NoBreakEven, *, may_shard: bool) -> Cause:
    """Return why the work is far from its ideal."""
    if found := next(faults(figures, row), None):
        return found
    if row.gains_nothing and row.lost_s > row.ideal_s and figures.profile:
        return _no_gain(row, figures.profile, model)
    advice = "let a call do more" + (", or raise --calls-per-batch" if row.last.actors else "")
    if may_shard:
        advice = "`sharded` carries many calls in one, and may come nearer"
    return Cause(
        "overhead", f"its work reached {percent(row.efficiency or 0.0, 0)} of the ideal", advice
    )


def _no_gain(row: Row, profile: Profile, model: BreakEven | NoBreakEven) -> Cause:
    """Return that without startup it would be no faster either."""
    here, there = spelled(profile.call_s), spelled(row.work_s / max(profile.calls, 1))
    answers = model.telling if isinstance(model, BreakEven) else ()
    more = next((a.whole_calls for a in answers if a.strategy == row.strategy), None)
    pays = "only calls that do more would pay"
    if more and more > profile.calls:  # else what was measured contradicts it
        pays = f"calls that do more would pay, or more than {more:,} of this cost"
    said = f"a call takes {here} in the loop and {there} by way of {_workers(row)}; {pays}"
    return Cause("overhead", f"without startup it is no faster either: {said}")


def _bound(row: Row, figures: Figures) -> Cause:
    """Return what bounds the ideal itself, of work that is near it."""
    of = "" if row.efficiency is None else f"{percent(row.efficiency, 0)} of "
    lead = f"its work reached {of}the ideal;"
    if row.bound_by == "CPUs" or _uses_all(row, figures.profile):
        if idle := _idle(row, figures):
            return Cause("CPUs", f"{lead} the calls compute, and {idle}", idle.advice)
        more = f"more CPUs than {round(row.cpus, 2):g} would shorten it, as the calls compute"
        return Cause("CPUs", f"{lead} {more}")
    if row.bound_by == "slots":
        more = f"more than {count(row.last.at_once, 'call')} at once would shorten it"
        by = "--workers" if row.last.processes else "--shards, --threads-per-shard or CPUs"
        return Cause("slots", f"{lead} {more}: more {by}")
    none = "more CPUs would not shorten it, as an instance's calls come one after the other"
    return Cause("an instance", f"{lead} {none}")


def _uses_all(row: Row, profile: Profile | None) -> bool:
    """Return whether slots bound it that cannot have more CPUs, for calls that compute in them.

    Their wall time is a little above their CPU time, so by a little it is not the CPUs.
    """
    if row.bound_by != "slots" or not profile or not profile.computes:
        return False
    return row.last.at_once * profile.width >= row.cpus - SLACK


class Idle(NamedTuple):
    """CPUs of the cluster that were free and that no call computed on, and how to use them."""

    cpus: float
    advice: str

    def __str__(self) -> str:
        """Say it as the end of a sentence."""
        return f"{count(self.cpus, 'free CPU')} {'was' if self.cpus == 1 else 'were'} not used"


def _idle(row: Row, figures: Figures) -> Idle | None:
    """Return the CPUs that more shards would use; None where there are none, or no instances."""
    if not row.last.actors:
        return None
    free = sum(min(node.cpus_free, node.real_cpus) for node in figures.results.cluster.nodes)
    width = figures.profile.width if figures.profile else 1.0
    each = max(width, float(row.last.settings.get("cpus_per_actor", 1.0)))
    shards = min(figures.results.workload.instances, math.floor(free / each + SLACK))
    cpus = round(free - row.cpus_computed_on, 1)
    if shards <= row.last.actors or cpus < 1:
        return None
    return Idle(cpus, f"--shards {shards:,} would use {'it' if cpus == 1 else 'them'}")


# --- what is wrong with a trial


def faults(figures: Figures, row: Row) -> Iterator[Cause]:
    """Yield what keeps a strategy's work from its ideal, as far as its last trial shows it."""
    plan, trial = figures.results.plan, row.last
    yield from _threads(figures, row)
    yield from _driver(row, plan)
    hosts = sorted((s for s in trial.placement if s.core_s), key=lambda share: share.core_s or 0.0)
    ratio = (hosts[-1].core_s or 0.0) / (hosts[0].core_s or 1.0) if hosts else 1.0
    if ratio > UNLIKE:
        names = {node.node_id: node.name for node in figures.results.cluster.nodes}
        name = names.get(hosts[-1].node_id, hosts[-1].host)
        said = f"a core of {name} takes {factor(ratio, 1)} times as long as the best"
        yield Cause("a slow node", said, "look at what else runs there, or use nodes of one kind")
    yield from _imbalance(trial, figures.results.workload.instances)


def _threads(figures: Figures, row: Row) -> Iterator[Cause]:
    """Yield that threads took turns: all of a process together computed on one CPU."""
    idle, profile = _idle(row, figures), figures.profile
    if not row.takes_turns or not profile or not (profile.computes or idle):
        return
    if row.strategy == "threads":
        said = f"its {row.last.threads:,} threads take turns, as the calls compute"
        yield Cause("the GIL", said, "`processes` can compute on more CPUs than one")
        return
    used = f"together they computed on {count(float(f'{row.cpus_each:.2g}'), 'CPU')}"
    said = f"the {row.last.threads:,} threads of a shard take turns: {used}"
    advice = "leave --threads-per-shard to auto"
    if idle:
        advice = f"{idle}, and {idle.advice}"
    elif figures.results.plan.get("threads_per_shard", "auto") == "auto":
        advice = "--threads-per-shard 1 gives each shard one"
    yield Cause("the GIL", said, advice)


def _driver(row: Row, plan: dict[str, Any]) -> Iterator[Cause]:
    """Yield that the driver could not send any faster, while actors had time left."""
    trial = row.last
    if not (trial.calls and trial.actors and trial.driver_cpu_s and trial.work_s):
        return
    share = trial.driver_cpu_s / trial.work_s
    computed = trial.cpu_s / row.cpus_computed_on / trial.work_s
    if share > DRIVER_BOUND and computed < BUSY:
        advice = "raise --calls-per-batch"
        if trial.strategy == "actors":
            shards = "sharded" in plan.get("strategies", ())
            advice = (
                f"{'`sharded`' if shards else '--strategies serial,sharded'} sends batches instead"
            )
        said = f"the driver limits it, busy with sending for {percent(share, 0)} of the work"
        yield Cause("the driver", said, advice)


def _imbalance(trial: Trial, instances: int) -> Iterator[Cause]:
    """Yield that one actor, or one instance, has more to do than the others."""
    threads = trial.threads
    shards, what = trial.shards, "process" if trial.processes else "actor"
    if trial.strategy == "threads":
        shards, what, threads = threads, "thread", 1
    fullest = -(-instances // shards)
    rounds = -(-fullest // threads)  # what threads do at once is no wait
    if rounds > FULL * max(1.0, instances / shards / threads):
        said = f"of {instances:,} instances over {count(shards, what)} the fullest has {fullest:,}"
        yield Cause("imbalance", said, "let the one be a multiple of the other")
    mean = sum(share.busy_s for share in trial.placement) / trial.instances
    slowest = trial.slowest_s or 0.0
    if mean and slowest > UNEVEN * mean and slowest > trial.work_s / 2:
        said = f"the slowest instance took {spelled(slowest)}, the mean is {spelled(mean)}"
        yield Cause("imbalance", said, "look at what it does, and at the node it was on")


# --- what cores differ by


def node_cores_s(trials: Iterable[Trial]) -> list[float]:
    """Return what a fixed piece of Python took on each node, in seconds, at its least disturbed."""
    best: dict[str, float] = {}
    for share in (share for trial in trials for share in trial.placement):
        if share.core_s:
            best[share.node_id] = min(share.core_s, best.get(share.node_id, share.core_s))
    return list(best.values())


def loop_core(figures: Figures) -> tuple[float | None, str]:
    """Return what the piece took where the serial loop ran, and whose core that is."""
    own = node_cores_s(figures.trials.get("serial", ()))
    if own:
        return min(own), "that of the serial loop's actor"
    return figures.results.environment.core_s, "the driver's"


def unlike_driver(cores_s: Sequence[float], driver_s: float | None) -> str:
    """Say how the median core differs from the driver's, "2 times slower"; nothing if alike."""
    ratio = median(cores_s) / driver_s if cores_s and driver_s else 1.0
    if 1 / UNLIKE <= ratio <= UNLIKE:
        return ""
    times, how = (ratio, "slower") if ratio > 1 else (1 / ratio, "faster")
    return f"{factor(times, 1)} times {how}"
