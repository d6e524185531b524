"""Do the states stay right while actors are killed? `make soak`: 200 runs, about half an hour.

Each run is 8 instances x 20 calls of 20 ms of a target where order matters, and loses two actors
at random moments of its work.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # As in job/main.py: Python put this folder on the import path, the package is found above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import click
from tabulate import tabulate

from benchmarks import ours
from benchmarks.targets import Ledger
from job.cluster.travel import Subject, pack
from job.errors import JobError
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.running.preparation import recipe_of
from job.running.sharded import Sharded
from job.workload.chaos import Chaos
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from job.cluster.connection import Site
    from job.results.document import Loss

_INSTANCES, _CALLS = 8, 20
_LAYOUTS = {
    "actors": Layout(shards=_INSTANCES, demand=Demand(0.25)),
    "sharded": Layout(shards=2, demand=Demand(1.0), threads=4, calls_per_batch=8),
}
_SNAPSHOTS = (0, 5)  # after so many calls an instance; 0: never
_KILLS = 2
# Both in the first half of a work phase of 0.4 s, and in every other run the first one anywhere in
# it and the second, often, when the first one's successor is at work.
_INTERVALS_S = (0.1, 0.35)
_LIMIT_S = 120.0  # for a run that needs 2 s: what takes longer hangs


@dataclass(frozen=True)
class Run:
    """What one run came to; `work_s` and `losses` are empty where it failed."""

    problem: str
    work_s: float = 0.0
    losses: tuple[Loss, ...] = ()

    @property
    def replayed(self) -> int:
        """How many answered calls were made again."""
        return sum(loss.replayed_calls for loss in self.losses)


@click.command()
@click.option("--runs", default=50, show_default=True, help="How many of each kind.")
@click.option("--seed", default=7, show_default=True, help="What moments and victims come from.")
def main(runs: int, seed: int) -> None:
    """Kill actors in many runs, and compare the states of each with a plain loop's."""
    rows, wrong = [], 0
    with ours.begin() as site:
        for name in _LAYOUTS:
            for every in _SNAPSHOTS:
                undisturbed = next(_runs(name, every, site, [None]))
                chaos = [Chaos(_KILLS, 0, seed + n, _INTERVALS_S[n % 2]) for n in range(runs)]
                found = []
                for run in _runs(name, every, site, chaos):
                    found.append(run)
                    told = run.problem or f"{len(run.losses)} losses, {run.replayed} replayed"
                    ours.note(f"{name}, snapshots {every}, run {len(found)} of {runs}: {told}")
                wrong += sum(1 for run in found if run.problem)
                rows.append(_row(name, every, undisturbed, found))
    click.echo(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))
    if wrong:
        click.echo(f"✗ {wrong} of {len(rows) * runs} runs went wrong", err=True)
        sys.exit(1)
    click.echo(f"✓ {len(rows) * runs} of {len(rows) * runs} runs ended in the states of the loop")


def _runs(name: str, every: int, site: Site, chaos: Sequence[Chaos | None]) -> Iterator[Run]:
    """Run one strategy once for each of these disturbances."""
    keys = {
        "target": "benchmarks.targets:Ledger(instance)", "instances": _INSTANCES, "read": "total",
        "calls": (f"book(instance) * {_CALLS}",), "snapshot_every": every, "timeout_s": _LIMIT_S,
        "startup_timeout_s": _LIMIT_S,
    }  # fmt: skip
    workload, plan = build({}, keys)
    recipe = recipe_of(workload)
    quiet = replace(site, note=_unsaid)
    for each in chaos:
        planned = plan.model_copy(update={"chaos": str(each) if each else None})
        subject = Subject(workload, planned, recipe, pack(recipe, site.travel))
        yield _run(Sharded(name, _LAYOUTS[name], subject, quiet), bool(each))


def _run(strategy: Sharded, disturbed: bool) -> Run:  # noqa: FBT001 - one caller, beside it
    try:
        strategy.prepare(None)
        strategy.start()
        since = time.monotonic()
        strategy.work(ours.unseen)
        work_s = time.monotonic() - since
        states, losses = strategy.read(), strategy.facts().deaths
    except JobError as error:
        return Run(f"failed: {error.message}")
    finally:
        strategy.stop()
        strategy.settle()
    if states != _serial():
        return Run(f"wrong states: {states}", work_s, losses)
    run = Run("", work_s, losses)
    if disturbed and not (losses and run.replayed):
        return replace(run, problem=f"{len(losses)} losses, {run.replayed} replayed calls")
    return run


def _serial() -> list[str]:
    """Return the states that a plain loop ends in, without the waiting."""
    states = []
    for number in range(_INSTANCES):
        ledger = Ledger(number, delay=0)
        for _ in range(_CALLS):
            ledger.book(number)
        states.append(str(ledger.total))
    return states


def _row(name: str, every: int, undisturbed: Run, runs: list[Run]) -> dict[str, str]:
    back = [d.resumed_s for run in runs for d in run.losses if d.resumed_s is not None]
    losses = sum(len(run.losses) for run in runs)
    successors = sum(loss.incarnation > 1 for run in runs for loss in run.losses)
    return {
        "strategy": name,
        "snapshot every": str(every or "never"),
        "right states": f"{sum(1 for run in runs if not run.problem)} of {len(runs)}",
        "losses (of successors)": f"{losses:,} ({successors:,})",
        "replayed calls a loss": f"{sum(run.replayed for run in runs) / max(1, losses):.1f}",
        "back after s, median (most)": (
            f"{statistics.median(back):.2f} ({max(back):.2f})" if back else "-"
        ),
        "work s, median": f"{statistics.median(run.work_s for run in runs):.2f}",
        "without losses": f"{undisturbed.work_s:.2f}",
    }


def _unsaid(_: str) -> None:
    """Say nothing of each loss: the line of its run does."""


if __name__ == "__main__":
    main()
