"""What keeps a strategy from being faster: a closed set, detected here and said everywhere; pure.

The verdict, the advisories and the limit of a sweep must not judge the same run by different
measures. What is wrong comes before what is merely scarce.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from job.analysis.breakeven import BreakEven
from job.planning.estimate import Profile
from job.words import spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from job.analysis.breakeven import NoBreakEven
    from job.analysis.figures import Figures, Row
    from job.results.document import Results, Trial

    Name: TypeAlias = Literal[
        "nothing to do", "losses", "startup", "the read",
        "the GIL", "the driver", "a slow node", "imbalance", "overhead",
        "an instance", "CPUs", "slots",
    ]  # fmt: skip

SAME = 1.05  # a factor up to which, either way, nobody should change a program
WORTH = 0.2  # of elapsed, from which on a part is worth a word
UNLIKE = 1.25  # one core or node against another
FULL = 1.25  # the fullest actor against the mean
UNEVEN = 1.5  # the slowest instance against the mean
DRIVER_BOUND = 0.7  # of the work phase in which the driver itself computed
IDLE_BELOW = 0.7  # of it in which actors did, else they had no time left

# What to do, where the check before a run and the advisories after it see the same.
SUBMIT = "Submit the comparison as a job, so that the driver runs on such a node too."
DEMAND_TOKEN = "Start every node of it with RAY_AUTH_MODE=token."  # noqa: S105 - no password
SHARDED_NEEDS = "`sharded` needs one actor per CPU."


class Cause(NamedTuple):
    """One of them, the figures that show it, and what to do; both as clauses of a sentence."""

    name: Name
    said: str
    advice: str = ""


@dataclass(frozen=True)
class _Case:
    """A strategy, by its last trial, and what is known besides."""

    figures: Figures
    model: BreakEven | NoBreakEven
    row: Row
    trial: Trial

    @property
    def lost_s(self) -> float:
        """How far the work is from its ideal."""
        return self.row.work_s - self.row.ideal_s

    @property
    def loses(self) -> bool:
        """Whether neither the whole nor the work alone is any faster than the serial loop."""
        whole, work = self.row.speedup, self.row.speedup_of_work
        return whole is not None and whole <= SAME and (work or 0.0) <= SAME

    @property
    def may_shard(self) -> bool:
        """Whether `sharded` could do what these actors do, and was not run."""
        return self.row.strategy == "actors" and not self.figures.row("sharded")


def causes_of(figures: Figures, model: BreakEven | NoBreakEven) -> dict[str, Cause]:
    """Return what keeps each strategy but the serial loop from being faster."""
    return {
        row.strategy: _cause(_Case(figures, model, row, figures.trials[row.strategy][-1]))
        for row in figures.rows
        if row.strategy != "serial"
    }


def _cause(case: _Case) -> Cause:
    row = case.row
    if not case.trial.calls:
        does = "--call names what the instances are to do"
        return Cause("nothing to do", "nothing was called", does)
    if case.trial.losses:  # then no trial was without any
        tells = "a trial without deaths tells what limits it"
        return Cause("losses", "its times hold the price of actors that died", tells)
    if case.loses:  # neither startup nor the read is what it fails by
        return _lost(case) if case.lost_s > WORTH * row.work_s else _bound(case)
    avoidable: dict[Callable[[_Case], Cause], float] = {
        _startup: row.startup_s, _lost: case.lost_s, _read: row.read_s
    }  # fmt: skip
    largest = max(avoidable, key=lambda part: avoidable[part])
    if not row.elapsed_s or avoidable[largest] <= WORTH * row.elapsed_s:
        return _bound(case)
    return largest(case)


def _startup(case: _Case) -> Cause:
    row, trial = case.row, case.trial
    takes = f"startup is {row.startup_s / row.elapsed_s:.0%} of the time ({spelled(row.startup_s)})"
    gain = row.speedup_of_work
    if gain is not None and gain <= SAME:  # what it gains, it gains by making instances
        shortens = "where making the instances takes it, more CPUs would shorten it"
        return Cause("startup", f"its work is no faster than the loop's, and {takes}", shortens)
    said = f"its work is {gain:.3g} times as fast, but {takes}" if gain else takes
    advice = "make more calls per run, or keep the actors for several runs"
    if trial.actors > trial.cpus and case.may_shard:
        advice = f"`sharded` starts one process a CPU rather than {trial.actors:,}"
    return Cause("startup", said, advice)


def _read(case: _Case) -> Cause:
    share, took = case.row.read_s / case.row.elapsed_s, spelled(case.row.read_s)
    advice = "--read NAME may name less that tells as much"
    return Cause("the read", f"collecting the states is {share:.0%} of the time ({took})", advice)


def _lost(case: _Case) -> Cause:
    """Return why the work is far from its ideal."""
    if found := next(faults(case.figures, case.trial), None):
        return found
    if case.loses and case.lost_s > case.row.ideal_s:
        return _no_gain(case)
    advice = "let a call do more, or raise --calls-per-batch"
    if case.may_shard:
        advice = "`sharded` carries many calls in one, and may come nearer"
    return Cause("overhead", f"its work reached {case.row.efficiency:.0%} of the ideal", advice)


def _no_gain(case: _Case) -> Cause:
    """Return that without startup it would be no faster either."""
    profile = case.figures.profile or Profile(0, 0.0, 0.0)
    calls = profile.calls
    here, there = spelled(profile.call_s), spelled(case.row.work_s / max(calls, 1))
    answers = case.model.telling if isinstance(case.model, BreakEven) else ()
    more = next((a.whole_calls for a in answers if a.strategy == case.row.strategy), None)
    pays = "only calls that do more would pay"
    if more and more > calls:  # else what was measured contradicts it
        pays = f"calls that do more would pay, or more than {more:,} of this cost"
    said = f"a call takes {here} in the loop and {there} by way of actors; {pays}"
    return Cause("overhead", f"without startup it is no faster either: {said}")


def _bound(case: _Case) -> Cause:
    """Return what bounds the ideal itself, of work that is near it."""
    row, trial = case.row, case.trial
    name: Name = "an instance"
    said = "more CPUs would not shorten it, as an instance's calls come one after the other"
    if row.bound_by == "CPUs":
        name, said = "CPUs", f"more CPUs than {trial.cpus:g} would shorten it, as the calls compute"
    if row.bound_by == "slots":
        name, said = "slots", f"more than {trial.at_once:,} calls at once would shorten it"
        said += ": more --shards, --threads-per-shard or CPUs"
    of = "" if row.efficiency is None else f"{row.efficiency:.0%} of "
    return Cause(name, f"its work reached {of}the ideal; {said}")


# --- what is wrong with a trial


def faults(figures: Figures, trial: Trial) -> Iterator[Cause]:
    """Yield what keeps a trial's work from its ideal, as far as its figures show it."""
    results = figures.results
    if trial.threads > 1 and figures.computes:
        advice = "leave --threads-per-shard to auto"
        if results.plan.get("threads_per_shard", "auto") == "auto":
            advice = "--threads-per-shard 1 gives each shard one"
        said = f"the calls compute, so the {trial.threads:,} threads of a shard take turns"
        yield Cause("the GIL", said, advice)
    yield from _driver(trial, results)
    yield from _slow_node(trial, results)
    yield from _imbalance(trial, results.workload.instances)


def _driver(trial: Trial, results: Results) -> Iterator[Cause]:
    """Yield that the driver could not send any faster, while actors had time left."""
    if not (trial.calls and trial.actors and trial.driver_cpu_s and trial.work_s):
        return
    share = trial.driver_cpu_s / trial.work_s
    computed = trial.cpu_s / max(trial.cpus, 1) / trial.work_s
    if share > DRIVER_BOUND and computed < IDLE_BELOW:
        advice = "raise --calls-per-batch"
        if trial.strategy == "actors":
            shards = "sharded" in results.plan.get("strategies", ())
            advice = "`sharded`" if shards else "--strategies serial,sharded"
            advice += " sends batches instead"
        said = f"the driver limits it, busy with sending for {share:.0%} of the work"
        yield Cause("the driver", said, advice)


def _slow_node(trial: Trial, results: Results) -> Iterator[Cause]:
    hosts = sorted((s for s in trial.placement if s.core_s), key=lambda share: share.core_s or 0.0)
    ratio = (hosts[-1].core_s or 0.0) / (hosts[0].core_s or 1.0) if hosts else 1.0
    if ratio > UNLIKE:
        names = {node.node_id: node.name for node in results.cluster.nodes}
        name = names.get(hosts[-1].node_id, hosts[-1].host)
        said = f"a core of {name} takes {ratio:.2g} times as long as the best"
        yield Cause("a slow node", said, "look at what else runs there, or use nodes of one kind")


def _imbalance(trial: Trial, instances: int) -> Iterator[Cause]:
    """Yield that one actor, or one instance, has more to do than the others."""
    actors = max(1, trial.actors)
    fullest, threads = -(-instances // actors), trial.threads
    rounds = -(-fullest // threads)  # what threads do at once is no wait
    if rounds > FULL * max(1.0, instances / actors / threads):
        said = f"of {instances:,} instances over {actors:,} actors the fullest has {fullest:,}"
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


def unlike_driver(cores_s: Sequence[float], driver_s: float | None) -> str:
    """Say how the median core differs from the driver's, "2 times slower"; nothing if it is alike.

    Args:
        cores_s: What a fixed piece of Python takes on the nodes, in seconds.
        driver_s: What it takes on the driver.
    """
    if not cores_s or not driver_s:
        return ""
    factor = median(cores_s) / driver_s
    if 1 / UNLIKE <= factor <= UNLIKE:
        return ""
    return f"{factor:.2g} times slower" if factor > 1 else f"{1 / factor:.2g} times faster"
