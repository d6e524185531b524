"""What a run's figures show of its troubles, for all that name them; pure.

Advisories, the verdict and what limits a sweep must not judge the same run by different measures.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from job.planning.estimate import WAITING, Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from job.results.document import Trial

    Trials = dict[str, list[Trial]]

UNLIKE = 1.25  # one core or node against another
UNEVEN = 1.5  # the slowest instance against the mean
DRIVER_BOUND = 0.7  # of the work phase in which the driver itself computed
IDLE_BELOW = 0.7  # of it in which actors did, else they had no time left

# What to do, where the check before a run and the advisories after it see the same.
SUBMIT = "Submit the comparison as a job, so that the driver runs on such a node too."
DEMAND_TOKEN = "Start every node of it with RAY_AUTH_MODE=token."  # noqa: S105 - no password
SHARDED_NEEDS = "`sharded` needs one actor per CPU."


class SlowInstance(NamedTuple):
    """An instance that keeps a trial's work from ending, against the mean; times in seconds."""

    took_s: float
    mean_s: float


def profile(trials: Trials) -> Profile | None:
    """Return what the calls took, from the serial loop or else from the actors."""
    for trial in [*trials.get("serial", ()), *(t for of in trials.values() for t in of)]:
        if trial.strategy == "serial":
            return Profile(trial.calls, trial.work_s, trial.cpu_s, trial.switches)
        if trial.calls:
            busy = sum(share.busy_s for share in trial.placement)
            return Profile(trial.calls, busy, trial.cpu_s, trial.switches)
    return None


def computes(trials: Trials) -> bool:
    """Return whether the calls compute rather than wait, as far as is known."""
    found = profile(trials)
    return found is not None and found.waits < WAITING


def threads_in_turns(trial: Trial, trials: Trials) -> int:
    """Return how many threads of a shard only take turns, as the calls compute; 0 for none."""
    return trial.threads if trial.threads > 1 and computes(trials) else 0


def driver_share(trial: Trial) -> float:
    """Return for how much of the work the driver was busy with sending, where that bounds it.

    It does where the driver could not send any faster and actors had time left; else it is 0.
    """
    if not (trial.calls and trial.actors and trial.driver_cpu_s and trial.work_s):
        return 0.0
    share = trial.driver_cpu_s / trial.work_s
    computed = trial.cpu_s / max(trial.cpus, 1) / trial.work_s
    return share if share > DRIVER_BOUND and computed < IDLE_BELOW else 0.0


def slow_instance(trial: Trial) -> SlowInstance | None:
    """Return the slowest instance where the others wait for it."""
    mean = sum(share.busy_s for share in trial.placement) / trial.instances
    slowest = trial.slowest_s or 0.0
    waited_for = mean and slowest > UNEVEN * mean and slowest > trial.work_s / 2
    return SlowInstance(slowest, mean) if waited_for else None


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
