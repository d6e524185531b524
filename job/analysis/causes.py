"""What keeps a strategy from being faster, of a closed set of reasons; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from job.analysis.symptoms import UNLIKE, driver_share, slow_instance, threads_in_turns
from job.words import count, spelled

if TYPE_CHECKING:
    from job.analysis.figures import Figures
    from job.results.document import Trial

    Name: TypeAlias = Literal[
        "the GIL", "startup", "the driver", "a slow node", "imbalance", "slots", "overhead"
    ]

MUCH_STARTUP = 0.5  # of elapsed
FULL = 1.25  # the fullest actor against the mean
NEAR_IDEAL = 0.7  # from here on the work uses what it has


class Cause(NamedTuple):
    """What limits, the figures that show it, and what to do; that may be empty."""

    name: Name
    said: str
    advice: str = ""


def causes_of(figures: Figures) -> dict[str, Cause]:
    """Return what keeps each strategy but the serial loop from being faster, by its last trial.

    Of several the one counts that stands first: what is wrong comes before what is merely scarce.
    """
    cases = {n: _Case(figures, of[-1]) for n, of in figures.trials.items() if n != "serial"}
    return {
        name: next(found for check in CHECKS if (found := check(case)))
        for name, case in cases.items()
    }


class _Case(NamedTuple):
    figures: Figures
    trial: Trial

    @property
    def efficiency(self) -> float:
        row = self.figures.row(self.trial.strategy)
        return (row and row.efficiency) or 0.0

    @property
    def near_ideal(self) -> bool:
        """Whether the work uses what it has, so that only more of it would help."""
        return self.efficiency >= NEAR_IDEAL


def _gil(case: _Case) -> Cause | None:
    threads = threads_in_turns(case.trial, case.figures.trials)
    if not threads:
        return None
    return Cause(
        "the GIL",
        f"the calls compute, so a shard's {threads:,} threads take turns",
        "give each shard one",
    )


def _startup(case: _Case) -> Cause | None:
    trial = case.trial
    if not trial.elapsed_s or trial.startup_s <= MUCH_STARTUP * trial.elapsed_s:
        return None
    share = trial.startup_s / trial.elapsed_s
    return Cause(
        "startup", f"{spelled(trial.startup_s)}, {share:.0%} of elapsed", "make more calls per run"
    )


def _driver(case: _Case) -> Cause | None:
    share = driver_share(case.trial)
    if not share:
        return None
    return Cause(
        "the driver", f"busy with sending for {share:.0%} of the work", "send larger batches"
    )


def _slow_node(case: _Case) -> Cause | None:
    """Return the node whose core is slower than the quickest one's, where that matters."""
    hosts = [share for share in case.trial.placement if share.core_s]
    if len(hosts) < 2 or case.near_ideal:  # noqa: PLR2004 - one is no slower than others
        return None
    quickest, *_, slowest = sorted(hosts, key=lambda share: share.core_s or 0.0)
    ratio = (slowest.core_s or 0.0) / (quickest.core_s or 1.0)
    if ratio <= UNLIKE:
        return None
    names = {node.node_id: node.name for node in case.figures.results.cluster.nodes}
    name = names.get(slowest.node_id, slowest.host)
    return Cause("a slow node", f"a core of {name} takes {ratio:.2g} times as long as the best")


def _imbalance(case: _Case) -> Cause | None:
    """Return whether one actor or one instance has more to do than the others."""
    trial, instances = case.trial, case.figures.results.workload.instances
    if case.near_ideal:
        return None
    actors = max(1, trial.actors)
    fullest, threads = -(-instances // actors), trial.threads
    rounds = -(-fullest // threads)  # what threads do at once is no wait
    if rounds > FULL * max(1.0, instances / actors / threads):
        return Cause(
            "imbalance",
            f"{instances:,} instances over {actors:,} actors: the fullest has {fullest:,}",
            "let the one be a multiple of the other",
        )
    if slow := slow_instance(trial):
        took, usual = spelled(slow.took_s), spelled(slow.mean_s)
        return Cause("imbalance", f"the slowest instance took {took}, the mean is {usual}")
    return None


def _slots(case: _Case) -> Cause:
    trial = case.trial
    efficiency = case.efficiency
    if case.near_ideal:
        scarce = f"{trial.at_once:,} calls at once"
        if case.figures.computes:
            scarce = count(trial.cpus, "CPU")
        return Cause("slots", f"the work reached {efficiency:.0%} of what {scarce} can do")
    return Cause(
        "overhead",
        f"the work reached {efficiency:.0%} of the ideal, and no other figure shows why: "
        "something else ran, or calls are too short for the way they are sent",
    )


CHECKS = (_gil, _startup, _driver, _slow_node, _imbalance, _slots)
