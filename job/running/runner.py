"""Runs the trials in turn, checks that the states agree, and keeps what was measured."""

from __future__ import annotations

import time
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from job.analysis.advisories import advise
from job.analysis.figures import figures_of
from job.errors import DisagreementError, JobError, TargetRaisedError
from job.planning.estimate import Profile
from job.results.document import Trial, keepable
from job.running.agreement import difference
from job.shard.metering import core_s
from job.shard.states import digest
from job.words import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from job.results.document import Environment, Results
    from job.running.strategy import Progress, Strategy
    from job.workload.model import Plan, Workload

    Keep = Callable[[Results], None]
    Clock = Callable[[], float]
    Watch = Callable[[str, int, int], AbstractContextManager[Progress]]


# With trials=auto: fewer carry no interval, more hardly narrow it.
LEAST_AUTO, MOST_AUTO = 7, 30


class Runner:
    """One comparison.

    Attributes:
        results: Everything measured so far; complete only when `run` has returned.
    """

    def __init__(  # noqa: PLR0913 - the callbacks are named
        self, results: Results, workload: Workload, plan: Plan, *,
        keep: Keep, watch: Watch, profile: Profile | None = None, clock: Clock = time.perf_counter,
    ) -> None:  # fmt: skip
        """Take note of everything.

        Args:
            results: The document to begin with.
            workload: What is computed.
            plan: How often.
            keep: Called with the document after each trial.
            watch: Called before each trial with its strategy, its turn and its number of calls;
                returns what is told of the calls as they are made.
            profile: What calls take, as far as it is known before the first serial trial.
            clock: Seconds that only grow.
        """
        self.results = results
        self._workload = workload
        self._plan = plan
        self._keep = keep
        self._watch = watch
        self._clock = clock
        self._states: dict[str, list[str]] = {}
        self._profile = profile

    def run(self, strategies: Sequence[Strategy]) -> Results:
        """Run warm-ups and trials, the strategies in turn so that drift hits all alike.

        Raises:
            JobError: A trial failed, or states disagree; what was measured before is in `results`.
        """
        try:
            turn, began = 0, self._clock()
            while self._wants(turn, self._clock() - began):
                for strategy in strategies:
                    self._trial(strategy, turn)
                turn += 1
        except KeyboardInterrupt:
            self._note(status="interrupted")
            raise
        except JobError as error:
            disagree = isinstance(error, DisagreementError)
            self._note(status="disagree" if disagree else "failed", problem=error.message)
            raise
        self._note(status="complete")
        return self.results

    def _wants(self, turn: int, spent_s: float) -> bool:
        """Return whether there is to be a further turn, of which `turn` are over."""
        analysed = turn - self._plan.warmups
        if self._plan.trials != "auto":
            return analysed < self._plan.trials
        if analysed < LEAST_AUTO:
            return True
        return analysed < MOST_AUTO and spent_s * (turn + 1) / turn <= self._plan.budget_s

    def _trial(self, strategy: Strategy, turn: int) -> None:
        try:
            strategy.prepare(self._profile)
            trial, states = self._timed(strategy, turn)
        except TargetRaisedError as error:
            raise error.told(strategy.name, "on the driver") from None
        finally:
            strategy.stop()
        self._note(trials=(*self.results.trials, trial), environment=self._looked_again())
        self._agree(strategy.name, states)
        strategy.settle()

    def _looked_again(self) -> Environment:
        """Return the environment with the driver's core as it was when it was least disturbed.

        On a shared machine one look alone may find half its speed.
        """
        known = self.results.environment
        return known.model_copy(update={"core_s": min(known.core_s or inf, core_s())})

    def _timed(self, strategy: Strategy, turn: int) -> tuple[Trial, list[str]]:
        with self._watch(strategy.name, turn, strategy.calls) as progress:
            times = [self._clock()]
            strategy.start()
            times.append(self._clock())
            strategy.work(progress)
            times.append(self._clock())
            states = strategy.read()
            times.append(self._clock())
        facts = strategy.facts()
        # Of fewer instances than there are, all take as many times longer.
        scale = self._workload.instances / facts.instances
        startup, work, read = (scale * (b - a) for a, b in pairwise(times))
        trial = Trial(
            strategy=strategy.name,
            index=turn - self._plan.warmups if turn >= self._plan.warmups else turn,
            warmup=turn < self._plan.warmups,
            startup_s=startup,
            work_s=work,
            read_s=read,
            elapsed_s=startup + work + read,
            cpu_s=scale * facts.cpu_s,
            calls=facts.calls,
            instances=facts.instances,
            actors=facts.actors,
            at_once=facts.at_once,
            cpus=facts.cpus,
            switches=facts.switches,
            slowest_s=facts.slowest_s,
            driver_cpu_s=facts.driver_cpu_s,
            states=keepable(states),
            digest=digest(states),
            settings=facts.settings,
            placement=facts.placement,
            losses=len(facts.deaths),
            replayed_calls=sum(death.replayed_calls for death in facts.deaths),
            deaths=facts.deaths,
            timeline=facts.timeline,
            estimated=scale > 1,
        )
        if strategy.name == "serial":
            self._profile = Profile.of([trial], self._workload.instances)
        return trial, states

    def _agree(self, name: str, states: list[str]) -> None:
        """Compare with every strategy's states; a sample only with the instances it ran."""
        agree = self._workload.agree
        for other, known in self._states.items():
            shared = min(len(states), len(known))
            pair = known[:shared], states[:shared]
            if agree.kind == "none":
                break
            number = difference(*pair, agree.relative, agree.absolute)
            if number is not None:
                message = (
                    f"states disagree: instance {number:,} is {shorten(known[number], 200)} "
                    f"after {other} and {shorten(states[number], 200)} after {name}"
                )
                hint = (
                    "Is the target deterministic, and does it share nothing between instances "
                    "(class attributes, globals, files)?"
                )
                raise DisagreementError(message, hint)
        if len(states) > len(self._states.get(name, ())):
            self._states[name] = states

    def _note(self, **changes: object) -> None:
        results = self.results.with_(**changes)
        self.results = results.with_(advisories=advise(figures_of(results)))
        self._keep(self.results)
