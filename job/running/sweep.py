"""A sweep: one comparison after the other on one connection, as far as the time budget goes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from job.errors import DisagreementError, JobError
from job.planning.points import OF, at, expected_s, order
from job.results.sweep import Point, Sweep
from job.running.comparison import compare, connect
from job.running.listener import Aside
from job.running.preparation import prepare
from job.running.runner import ending
from job.targets.spinner import rounds_for
from job.words import span

if TYPE_CHECKING:
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.results.document import Results, Trial
    from job.results.sweep import Over
    from job.running.listener import Listener
    from job.signals import Leaving
    from job.workload.model import Plan, Workload


def sweep(  # noqa: PLR0913 - what, where, and who is told
    workload: Workload, plan: Plan, over: Over, address: str,
    *, leaving: Leaving, listener: Listener,
) -> Sweep:  # fmt: skip
    """Run a comparison at each value, ends first, then middles, while there is time.

    The plan's budget is the whole sweep's. The rest is as for `comparison.run`.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    subjects = _prepare(workload, plan, over, listener)
    recipe = subjects[over.values[0]].recipe
    with connect(recipe, address, leaving, listener) as site:
        going = Sweeping(subjects, over, site, listener)
        try:
            going.run(plan.budget_s)
        finally:
            try:
                listener.keep(going.sweep)
            finally:  # what was measured is shown, also where it cannot be saved
                listener.show(going.sweep)
    return going.sweep


class Sweeping:
    """A sweep under way."""

    def __init__(
        self, subjects: dict[float, Subject], over: Over, site: Site, listener: Listener
    ) -> None:
        """Take note of everything."""
        self.sweep = Sweep(over=over.key, weak=over.weak, left_out=over.values)
        self._subjects = subjects
        self._over = over
        self._site = site
        self._listener = listener
        self._serial: tuple[Trial, ...] = ()
        self._known: Trial | None = None  # the states that later points are to have too

    def run(self, budget_s: float) -> None:
        """Compare at point after point.

        Raises:
            JobError: A point failed; those before it are in `sweep`.
        """
        began, took_s = time.monotonic(), dict[int, float]()
        values = self._over.values
        try:
            for index in order(len(values)):
                since, expected = time.monotonic(), expected_s(index, took_s)
                if len(took_s) > 1 and since - began + expected > budget_s:
                    continue  # the ends are measured whatever they take
                self._compare(values[index])
                took_s[index] = time.monotonic() - since
                self._listener.keep(self.sweep)
        except (KeyboardInterrupt, JobError) as error:
            self.sweep = self.sweep.model_copy(update=ending(error))
            raise
        self.sweep = self.sweep.model_copy(update={"status": "complete"})
        if left := [self._over.spelled(value) for value in self.sweep.left_out]:
            self._listener.note(
                f"Left out: {self._over.key}={','.join(left)}; more than the budget, "
                f"{span(budget_s)}, would be needed. --budget allows more."
            )

    def _compare(self, value: float) -> None:
        over, subject = self._over, self._subjects[value]
        serial = next(reversed(self._serial), None)
        name = f"{over.key}={over.spelled(value)}"
        self._listener.tell(f"{name}: point {len(self.sweep.points) + 1} of {len(over.values)}")
        if serial:
            left = {*subject.plan.strategies} - {"serial"}
            subject = replace(subject, plan=subject.plan.only(left))
        try:
            results = compare(subject, self._site, Aside(self._listener), serial)
        except JobError as error:
            raise type(error)(f"{name}: {error.message}", error.hint) from None
        if over.reuses_serial:
            self._check_states(results, name)
            results = results.with_(trials=(*self._serial, *results.trials))
            self._serial = tuple(t for t in results.trials if t.strategy == "serial")
        self.sweep = self.sweep.with_point(Point(value=value, results=results))

    def _check_states(self, results: Results, name: str) -> None:
        """Compare with the states of an earlier point, the serial loop's where all were made."""
        if results.workload.agree != "exact":
            if not self.sweep.points:
                self._listener.note("States are compared within a point: --agree is not exact.")
            return
        whole = [trial for trial in results.trials if not trial.estimated]
        known = self._known = self._known or next(iter(whole), None)
        for what, key in (("states", "digest"), ("what calls returned", "returned")):
            wrong = [t.strategy for t in whole if known and getattr(t, key) != getattr(known, key)]
            if known and wrong:
                first = "the serial loop" if known.strategy == "serial" else "at the first point"
                message = f"{what} disagree: {name}, {wrong[0]} ended in others than {first}"
                hint = "A comparison with this layout names the instance."
                raise DisagreementError(message, hint)


def _prepare(
    workload: Workload, plan: Plan, over: Over, listener: Listener
) -> dict[float, Subject]:
    """Try all points out; one that has the same target shares its recipe, made for the most."""
    plan = plan.only(("serial", *OF.get(over.key, plan.strategies)))
    plan = plan.model_copy(update={"budget_s": plan.budget_s / len(over.values)})
    subjects: dict[float, Subject] = {}
    for value in reversed(over.values):
        rounds = rounds_for(value) if over.key == "call-cost" else 0
        computed, planned = at(workload, plan, over, value, rounds)
        like = next((s for s in subjects.values() if s.workload.target == computed.target), None)
        subjects[value] = (
            replace(like, workload=computed, plan=planned)
            if like
            else prepare(computed, planned, None, listener)
        )
    return subjects
