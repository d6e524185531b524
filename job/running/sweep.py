"""A sweep: one comparison after the other on one connection, as far as the time budget goes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from job.cluster import connection
from job.cluster.guard import asking
from job.cluster.waiting import Site
from job.errors import DisagreementError, JobError
from job.planning.estimate import Profile
from job.planning.points import at, expected_s, order
from job.results.sweep import Point, Sweep
from job.running.comparison import measured
from job.running.preparation import first_calls, prepared
from job.targets.spinner import rounds_for
from job.words import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from job.cluster.address import Way
    from job.results.document import Results, Trial
    from job.results.sweep import Over
    from job.running.preparation import Subject
    from job.running.runner import Watch
    from job.signals import Leaving
    from job.workload.model import Plan, Workload

    Keep = Callable[[Sweep], None]
    Note = Callable[[str], None]


def sweep(  # noqa: PLR0913 - the callbacks are named
    workload: Workload, plan: Plan, over: Over, make: Callable[..., Any], way: Way,
    *, leaving: Leaving, keep: Keep, watch: Watch, show: Keep, note: Note,
) -> Sweep:  # fmt: skip
    """Measure a comparison at each value, ends first, then middles, while there is time.

    Args:
        workload: What is computed, but for what is varied.
        plan: How it is run; its budget is the whole sweep's.
        over: What is varied.
        make: The workload's target, imported.
        way: Where Ray is.
        leaving: The signals that end it before its time.
        keep: Called with the sweep after each point.
        watch: Told of the calls as they are made; see `Runner`.
        show: Called with the sweep at the end, also of one that failed midway.
        note: Told what a user should know meanwhile.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    subjects = _subjects(workload, plan, over, make)
    first = subjects[over.values[0]]
    profile = first_calls(first) if way.kind == "embedded" else None
    with (
        connection.connected(way, leaving, note, first.workload.target.module) as found,
        asking(found.address) as request,
    ):
        site = Site(way, found, request, note)
        going = Sweeping(subjects, over, site, watch, profile)
        try:
            for _ in going.points(plan.budget_s):
                keep(going.sweep)
        finally:
            try:
                keep(going.sweep)
            finally:  # what was measured is shown, also where it cannot be saved
                show(going.sweep)
    return going.sweep


class Sweeping:
    """A sweep under way.

    Attributes:
        sweep: What was measured so far.
    """

    def __init__(
        self, subjects: dict[float, Subject], over: Over, site: Site, watch: Watch,
        profile: Profile | None,
    ) -> None:  # fmt: skip
        """Take note of everything; `profile` is what calls of the first point take, if known."""
        self.sweep = Sweep(over=over.key, weak=over.weak, left_out=over.values)
        self._subjects = subjects
        self._over = over
        self._site = site
        self._watch = watch
        self._profile = profile
        self._serial: tuple[Trial, ...] = ()
        self._known: Trial | None = None  # the states that later points are to have too

    def points(self, budget_s: float) -> Iterator[None]:
        """Measure point after point; yield after each.

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
                self._measure(values[index])
                took_s[index] = time.monotonic() - since
                yield
        except KeyboardInterrupt:
            self._end(status="interrupted")
            raise
        except JobError as error:
            disagree = isinstance(error, DisagreementError)
            self._end(status="disagree" if disagree else "failed", problem=error.message)
            raise
        self._end(status="complete")
        self._say_left_out(budget_s)

    def _measure(self, value: float) -> None:
        over, subject = self._over, self._subjects[value]
        name = f"{over.key}={over.spelled(value)}"
        self._site.note(f"{name}: point {len(self.sweep.points) + 1} of {len(over.values)}")
        plan, profile = subject.plan, self._profile
        if self._serial:
            left = tuple(strategy for strategy in plan.strategies if strategy != "serial")
            plan = plan.model_copy(update={"strategies": left})
            profile = Profile.of(self._serial[-1:], subject.workload.instances)
        try:
            results = measured(
                replace(subject, plan=plan), self._site, profile,
                keep=_unkept, watch=self._watch, show=_unkept,
            )  # fmt: skip
        except JobError as error:
            raise type(error)(f"{name}: {error.message}", error.hint) from None
        self._profile = None
        if over.reuses_serial:
            self._agree(results, name)
            results = results.with_(trials=(*self._serial, *results.trials))
            self._serial = tuple(t for t in results.trials if t.strategy == "serial")
        self.sweep = self.sweep.with_point(Point(value=value, results=results))

    def _agree(self, results: Results, name: str) -> None:
        """Compare with the states of an earlier point, the serial loop's where all were made."""
        if results.workload.agree != "exact":
            if not self.sweep.points:
                self._site.note("States are compared within a point only: --agree is not exact.")
            return
        whole = [trial for trial in results.trials if not trial.estimated]
        known = self._known = self._known or next(iter(whole), None)
        wrong = [t.strategy for t in whole if known and t.digest != known.digest]
        if known and wrong:
            first = "the serial loop" if known.strategy == "serial" else "at the first point"
            message = f"states disagree: {name}, {wrong[0]} ended in others than {first}"
            raise DisagreementError(message, "A comparison with this layout names the instance.")

    def _end(self, **changes: str) -> None:
        self.sweep = self.sweep.model_copy(update=changes)

    def _say_left_out(self, budget_s: float) -> None:
        if left := [self._over.spelled(value) for value in self.sweep.left_out]:
            what = f"{self._over.key}={','.join(left)}"
            self._site.note(
                f"Left out: {what}; more than the budget, {span(budget_s)}, would be needed. "
                "--budget allows more."
            )


def _subjects(
    workload: Workload, plan: Plan, over: Over, make: Callable[..., Any]
) -> dict[float, Subject]:
    """Prepare all points before anything of the target is called.

    One that has the same target shares its recipe, made for the most instances.
    """
    own = tuple(
        name
        for name in plan.strategies
        if name != "actors" or over.key not in ("shards", "threads")
    )
    plan = plan.model_copy(update={"strategies": own, "budget_s": plan.budget_s / len(over.values)})
    subjects: dict[float, Subject] = {}
    for value in reversed(over.values):
        rounds = rounds_for(value) if over.key == "call-cost" else 0
        computed, planned = at(workload, plan, over, value, rounds)
        like = next((s for s in subjects.values() if s.workload.target == computed.target), None)
        subjects[value] = (
            replace(like, workload=computed, plan=planned)
            if like
            else prepared(computed, planned, make)
        )
    return subjects


def _unkept(_results: Results) -> None:
    pass
