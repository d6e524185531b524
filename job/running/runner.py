"""Runs the trials in turn, checks that the states agree, and keeps what was measured."""

from __future__ import annotations

import contextlib
import time
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from job.analysis.advisories import advise
from job.analysis.figures import figures_of
from job.errors import DisagreementError, JobError, TargetRaisedError
from job.planning.estimate import Profile
from job.results.document import Trial, keepable
from job.running.agreement import States, difference
from job.shard.metering import core_s
from job.shard.states import digest
from job.words import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.cluster.travel import Subject
    from job.results.document import Results
    from job.running.listener import Listener
    from job.running.strategy import Strategy

# With trials=auto: fewer carry no interval, more hardly narrow it.
LEAST_AUTO, MOST_AUTO = 7, 30
UNLIKE = (
    "Is the target deterministic, and does it share nothing between instances (class attributes, "
    "globals, files)? A seed can be given by `instance`; where states must differ, `agree: {none: "
    "why}` in a file compares none."
)


class Runner:
    """One comparison; `results` is everything measured so far."""

    def __init__(
        self, results: Results, subject: Subject, listener: Listener,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:  # fmt: skip
        """Begin with a document; the clock gives seconds that only grow."""
        self.results = results
        self._workload, self._plan = subject.workload, subject.plan
        self._listener = listener
        self._clock = clock
        self._states: dict[str, States] = {}
        self._returned: dict[str, States] = {}
        self._profile: Profile | None = None

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Note how the block ends, and show what there is then, before anything is cleaned up."""
        try:
            yield
        except (KeyboardInterrupt, JobError) as error:
            if self.results.status == "running":
                self.note(**ending(error))
            raise
        finally:
            self._listener.show(self.results)

    def run(self, strategies: Sequence[Strategy], profile: Profile | None = None) -> None:
        """Run warm-ups and trials, the strategies in turn so that drift hits all alike.

        `profile` is what calls take, as far as it is known before the first serial trial.

        Raises:
            JobError: A trial failed, or states disagree; what was measured before is in `results`.
        """
        self._profile = profile
        turn, began = 0, self._clock()
        while self._wants(turn, self._clock() - began):
            for strategy in strategies:
                self._run_trial(strategy, turn)
            turn += 1
        self.note(status="complete")

    def note(self, **changes: object) -> None:
        """Take something into the document, and have it kept."""
        results = self.results.with_(**changes)
        self.results = results.with_(advisories=advise(figures_of(results)))
        self._listener.keep(self.results)

    def _wants(self, turn: int, spent_s: float) -> bool:
        """Return whether there is to be a further turn, of which `turn` are over."""
        analysed = turn - self._plan.warmups
        if self._plan.trials != "auto":
            return analysed < self._plan.trials
        if analysed < LEAST_AUTO:
            return True
        return analysed < MOST_AUTO and spent_s * (turn + 1) / turn <= self._plan.budget_s

    def _run_trial(self, strategy: Strategy, turn: int) -> None:
        try:
            strategy.prepare(self._profile)
            trial, states, returned = self._time(strategy, turn)
            if self._workload.close:
                strategy.close()
        except TargetRaisedError as error:
            raise error.told(strategy.name, "on the driver") from None
        finally:
            strategy.stop()
        known = self.results.environment
        # On a shared machine one look alone may find half the speed of the driver's core.
        environment = known.model_copy(update={"core_s": min(known.core_s or inf, core_s())})
        self.note(trials=(*self.results.trials, trial), environment=environment)
        self._check_states(strategy.name, States(trial.numbers, states))
        self._check_returned(strategy.name, States(trial.numbers, returned))
        strategy.settle()

    def _time(self, strategy: Strategy, turn: int) -> tuple[Trial, list[str], list[str]]:
        with self._listener.watch(strategy.name, turn, strategy.calls) as progress:
            times = [self._clock()]
            strategy.start()
            times.append(self._clock())
            strategy.work(progress)
            times.append(self._clock())
            states = strategy.read()
            times.append(self._clock())
        facts, returned = strategy.facts(), strategy.returned()
        times[2:] = (each - facts.aside_s for each in times[2:])  # the clock stood still
        startup, work, read = (b - a for a, b in pairwise(times))
        instances = self._workload.instances
        scale = instances / facts.instances
        if scale > 1 and facts.sample:  # all take as many times longer as there are more of them
            made = facts.made or facts.instances
            startup = facts.process_s + (startup - facts.process_s) * instances / made
            work = facts.sample.together_s + scale * sum(facts.sample.each_s)
            read *= scale
        warmups = self._plan.warmups
        trial = Trial(
            **dict(facts) | {"cpu_s": scale * facts.cpu_s},
            strategy=strategy.name,
            index=turn - warmups if turn >= warmups else turn,
            warmup=turn < warmups,
            startup_s=startup,
            work_s=work,
            read_s=read,
            elapsed_s=startup + work + read,
            states=keepable(states),
            digest=digest(states),
            returned=digest(returned) if returned else "",
            losses=len(facts.deaths),
            replayed_calls=sum(loss.replayed_calls for loss in facts.deaths),
            estimated=scale > 1,
        )
        if strategy.name == "serial":
            self._profile = Profile.of([trial], self._workload.instances)
        return trial, states, returned

    def _check_states(self, name: str, found: States) -> None:
        """Compare with every strategy's states; a sample only with the instances it ran."""
        for other, known in self._states.items():
            number = self._difference(known, found, "its state")
            if number is not None:
                was, now = (shorten(each.of(number), 200) for each in (known, found))
                message = (
                    f"states disagree: instance {number:,} is {was} after {other} "
                    f"and {now} after {name}"
                )
                raise DisagreementError(message, _why(name, other))
        _keep_more(self._states, name, found)

    def _check_returned(self, name: str, found: States) -> None:
        """Compare what calls returned, likewise; there is nothing where it is dropped."""
        if not found.texts:
            return
        for other, known in self._returned.items():
            number = self._difference(known, found, "what its calls returned")
            if number is not None:
                which = f"those of instance {number:,} returned other values"
                message = f"calls disagree: {which} under {name} than under {other}"
                raise DisagreementError(message, _why(name, other))
        _keep_more(self._returned, name, found)

    def _difference(self, known: States, found: States, what: str) -> int | None:
        """Return the first instance that both have and whose texts disagree."""
        agree = self._workload.agree
        allowed = agree.tolerance.relative, agree.tolerance.absolute
        return None if agree.none else difference(known, found, *allowed, what)


def _why(*names: str) -> str:
    """Return what may be the reason that two strategies disagree."""
    if "threads" not in names:
        return UNLIKE
    return f"{UNLIKE} If not between threads either, leave threads out of --strategies."


def _keep_more(kept: dict[str, States], name: str, found: States) -> None:
    """Keep what was found of a strategy, unless it is known of more instances."""
    if name not in kept or len(found.texts) > len(kept[name].texts):
        kept[name] = found


def ending(error: KeyboardInterrupt | JobError) -> dict[str, str]:
    """Return what a document says of how it was ended."""
    if isinstance(error, KeyboardInterrupt):
        return {"status": "interrupted"}
    status = "disagree" if isinstance(error, DisagreementError) else "failed"
    return {"status": status, "problem": error.message}
