"""serial: the plain loop on the driver, the baseline of every speedup."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from job.errors import StateError, TrialError
from job.planning.estimate import LEAST_SAMPLE, Loop
from job.results.document import Facts, Sample
from job.shard import loops
from job.shard.lane import MOST_PACE, Step
from job.shard.metering import Meter, voluntary_switches
from job.shard.recipe import make_instance, read_state
from job.shard.returns import Aside, Returns
from job.signals import OURS, Interrupt, OutOfTime, end_process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from types import FrameType

    from job.planning.estimate import Profile
    from job.running.listener import Progress
    from job.shard.recipe import Recipe

WHOLE = Loop()
CHUNK_S = 0.5  # calls between two looks at the clock


class Reached(NamedTuple):
    """How far a loop over all instances has come."""

    call: int  # which of the list it is at
    rounds: int  # of it, gone over all instances
    instances: int  # that have had one more


class Serial:
    """For each call, for each repetition, over all instances; nothing else runs in the loop.

    A sample runs instance after instance, so that each has a time of its own. A loop over all that
    passes its budget becomes one: some instances are carried to their end, one after the other.
    """

    name = "serial"

    def __init__(
        self, recipe: Recipe, instances: int, timeout_s: float, loop: Loop = WHOLE
    ) -> None:
        """Run so many instances here, on the driver; a phase hangs after `timeout_s` seconds."""
        self._recipe = recipe
        self._loop = loop
        self._numbers: Sequence[int] = sorted(loop.order) if loop.sampled else range(instances)
        self._timeout_s = timeout_s
        self._before = [*accumulate((call.times for call in recipe.calls), initial=0)]
        self._rounds: list[Callable[..., Any]] = []
        self._runs: list[Callable[..., Any]] = []
        self._instances: list[Any] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._each_s: dict[int, float] = {}  # of the instances of a sample
        self._together_s = 0.0  # what all instances took before
        self._cpu_s = self._switches = 0.0
        self._kept_share = 1.0  # of the work, what those took that were carried to their end
        self._meter = Meter()  # before the target is imported
        self._returns: Returns | None = None

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return len(self._numbers) * self._recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:  # noqa: ARG002 - for others
        """Import the target, where nothing has yet, and compile the loops; that is not timed."""
        with on_driver(self._timeout_s, "importing the target"):
            self._recipe = recipe = self._recipe.resolve()
        kinds = [(call, recipe.is_awaited(call)) for call in recipe.calls]
        self._returns = Returns(recipe) if recipe.bring else None
        if self._returns:
            takers = map(self._returns.rounds, self._before)
            self._rounds = self._runs = [
                loops.rounds(call, awaited=awaited, returns=taker)
                for (call, awaited), taker in zip(kinds, takers, strict=False)
            ]
            return
        self._rounds = [loops.rounds(call, awaited=awaited) for call, awaited in kinds]
        self._runs = [loops.run(call, awaited=awaited) for call, awaited in kinds]

    def start(self) -> None:
        """Make the instances."""
        with on_driver(self._timeout_s, "startup"):
            self._instances = [make_instance(self._recipe, n) for n in self._numbers]
            self._meter.begin()

    def work(self, progress: Progress) -> None:
        """Run the loop."""
        self._each_s = {}
        with on_driver(self._timeout_s, "work"):
            cpu_s, switches, began = time.thread_time(), voluntary_switches(), self._now()
            until = began + self._loop.budget_s
            reached: Reached | None = Reached(0, 0, 0)
            if not self._loop.sampled:
                reached = self._run_all(until, progress)
                self._together_s = self._now() - began
            if reached:
                self._run_sample(reached, until, progress)
            took_s = self._now() - began
            self._cpu_s = max(0.0, time.thread_time() - cpu_s - self._aside.cpu_s)
            self._switches = voluntary_switches() - switches
        kept_s = self._together_s * len(self._each_s) / len(self._numbers)
        kept_s += sum(self._each_s.values())
        self._kept_share = kept_s / took_s if self._each_s else 1.0

    def read(self) -> list[str]:
        """Return the states of the instances that were carried to their end."""
        self._meter.end()
        with on_driver(self._timeout_s, "read"):
            known: dict[str, str] = {}  # equal states are held once
            states = (
                read_state(self._recipe, self._instance(number), number, self._event_loop)
                for number in self._kept
            )
            return [known.setdefault(state, state) for state in states]

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return self._returns.texts(self._kept) if self._returns else []

    def facts(self) -> Facts:
        """Return what is known of the trial."""
        self._meter.end()
        kept, made, share = self._kept, len(self._numbers), self._kept_share
        each_s = tuple(self._each_s[number] for number in kept) if self._each_s else ()
        sample = Sample(numbers=tuple(kept), each_s=each_s, together_s=self._together_s)
        cpu_s = self._cpu_s + self._meter.elsewhere_s
        return Facts(
            cpu_s=share * cpu_s, calls=len(kept) * self._recipe.calls_per_instance,
            instances=len(kept), actors=0, at_once=1, cpus=1,
            switches=round(share * self._switches),
            elsewhere_share=self._meter.elsewhere_s / cpu_s if cpu_s else 0.0,
            preemptions=round(share * self._meter.preemptions),
            sample=sample if each_s else None,
            aside_s=self._aside.wall_s,
            made=made if made > len(kept) else None,
        )  # fmt: skip

    def stop(self) -> None:
        """Let go of the instances."""
        self._instances = []
        if self._event_loop:
            self._event_loop.close()
            self._event_loop = None

    def settle(self) -> None:
        """Nothing outlives the loop."""

    @property
    def _aside(self) -> Aside:
        """For how long the clock stood still to digest what calls returned."""
        return self._returns.aside if self._returns else Aside()

    def _now(self) -> float:
        return time.perf_counter() - self._aside.wall_s

    @property
    def _kept(self) -> Sequence[int]:
        """The numbers of the instances that were carried to their end."""
        return sorted(self._each_s) or self._numbers

    def _instance(self, number: int) -> Any:  # noqa: ANN401 - any class at all
        return self._instances[self._numbers.index(number)]

    def _run_all(self, until: float, progress: Progress) -> Reached | None:
        """Run the loop over all instances; return how far it came in its time, None for all of it.

        It is left now and then, after some of the instances where a round takes long.
        """
        made, whole = 0, len(self._numbers)
        for index, call in enumerate(self._recipe.calls):
            done, first, pace = 0, 0, self._first_pace(index, made)
            while done < call.times:
                size, times = min(pace, whole - first), 1
                if size == whole:
                    times = min(pace // whole, call.times - done)
                since = self._now()
                self._make(self._rounds[index], index, done, times, slice(first, first + size))
                now = self._now()
                progress(size * times)
                made += size * times
                done, first = (done, first + size) if first + size < whole else (done + times, 0)
                if made < self.calls and now > until and whole > LEAST_SAMPLE:
                    return Reached(index, done, first)
                pace = _pace((now - since) / (size * times), made)
        return None

    def _first_pace(self, index: int, made: int) -> int:
        """Return how many calls of a kind are made before the clock is looked at."""
        return _pace(self._loop.calls_s[index] if self._loop.calls_s else 0.0, made)

    def _run_sample(self, reached: Reached, until: float, progress: Progress) -> None:
        """Carry instance after instance to its end, as many as there is time for."""
        for number in self._loop.order:
            since = self._now()
            if len(self._each_s) >= LEAST_SAMPLE and since > until:
                return
            at, made = self._numbers.index(number), 0
            for index, call in enumerate(self._recipe.calls[reached.call :], reached.call):
                first = reached.rounds + (at < reached.instances) if index == reached.call else 0
                self._make(self._runs[index], index, first, call.times - first, slice(at, at + 1))
                made += call.times - first
            self._each_s[number] = self._now() - since
            progress(made)

    def _make(
        self, loop: Callable[..., Any], index: int, first: int, times: int, part: slice
    ) -> None:
        """Make a call some times on some instances, from its repetition number `first` on."""
        calls, instances, numbers = self._recipe.calls, self._instances, self._numbers
        if part.stop - part.start < len(instances):
            instances, numbers = instances[part], numbers[part]
        position = self._before[index] + first
        step = Step(loop, calls[index], position, first, instances, numbers, times)
        try:
            made = step.run()
            if made is not None:
                self._await(made)
        except (*OURS, StateError):  # the latter of a value that cannot be compared
            raise
        except BaseException as error:
            raise step.raised(error) from None

    def _await(self, made: Coroutine[Any, Any, None]) -> None:
        """Await a loop of async calls, on the one event loop that all of a trial share."""
        if not self._event_loop:
            self._event_loop = asyncio.new_event_loop()
        self._event_loop.run_until_complete(made)


def _pace(call_s: float, made: int) -> int:
    """Return how many calls take a while: what comes may be dearer than the `made` ones were."""
    return max(1, min(int(CHUNK_S / max(call_s, 1e-9)), 4 * made, MOST_PACE))


@contextlib.contextmanager
def on_driver(timeout_s: float, phase: str) -> Iterator[None]:
    """Run the target here as on a worker: what it prints is no report, and it cannot hang.

    The deadline is the timer signal, which costs the loop nothing; outside the main thread, where
    Python delivers no signals, there is none. Ctrl-C is ours meanwhile, also in a notebook, so that
    a KeyboardInterrupt is one that the target raised.

    Raises:
        TrialError: The deadline passed.
    """

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise Interrupt

    timed = threading.current_thread() is threading.main_thread()
    usual = timed and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    previous = signal.signal(signal.SIGALRM, expire) if timed else None
    try:
        if usual:
            signal.signal(signal.SIGINT, interrupt)
        if timed:
            signal.setitimer(signal.ITIMER_REAL, timeout_s, 1.0)
        with contextlib.redirect_stdout(sys.stderr), outliving():
            yield
    except OutOfTime:
        message = f"on the driver: {phase} took longer than {timeout_s:g} s"
        raise TrialError(message, "Allow more with --timeout, or ask for less work.") from None
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous or signal.SIG_DFL)
        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def outliving() -> Iterator[None]:
    """Have os._exit raise: it would end the driver, no report printed, as if all were well."""
    driver = os.getpid()

    def leave(code: int) -> NoReturn:
        if os.getpid() != driver:  # in a child that the target forked
            end_process(code)
        raise SystemExit(code)

    os._exit = leave  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = end_process
