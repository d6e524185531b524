"""serial: the plain loop on the driver, the baseline of every speedup."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

from job.errors import StateError, TrialError
from job.results.document import Facts
from job.shard import loops
from job.shard.metering import voluntary_switches
from job.shard.recipe import make_instance, read_state, target_raised
from job.shard.returns import Aside, Returns
from job.signals import OURS, Interrupt, OutOfTime, end_process

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from types import FrameType

    from job.planning.estimate import Profile
    from job.running.listener import Progress
    from job.shard.recipe import Recipe
    from job.workload.calls import Call

CHUNK_S = 0.5  # rounds between two words of progress


class Serial:
    """For each call, for each repetition, over all instances; nothing else runs in the loop."""

    name = "serial"

    def __init__(self, recipe: Recipe, instances: int, timeout_s: float) -> None:
        """Run `instances` instances here, on the driver, for at most `timeout_s` seconds."""
        self._recipe = recipe
        self._numbers = range(instances)
        self._timeout_s = timeout_s
        self._instances: list[Any] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._cpu_s = 0.0
        self._switches = 0
        self._returns: Returns | None = None

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return len(self._numbers) * self._recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:  # noqa: ARG002 - for others
        """Import the target, where nothing has yet; what that takes is not timed."""
        with on_driver(self._timeout_s, "importing the target"):
            self._recipe = self._recipe.resolve()

    def start(self) -> None:
        """Make the instances."""
        with on_driver(self._timeout_s, "startup"):
            self._instances = [make_instance(self._recipe, n) for n in self._numbers]

    def work(self, progress: Progress) -> None:
        """Run the loop."""
        self._returns = Returns(self._recipe) if self._recipe.bring else None
        with on_driver(self._timeout_s, "work"):
            cpu, switches, before = time.thread_time(), voluntary_switches(), 0
            for call in self._recipe.calls:
                self._rounds(call, before, progress)
                before += call.times
            self._cpu_s = max(0.0, time.thread_time() - cpu - self._aside.cpu_s)
            self._switches = voluntary_switches() - switches

    def read(self) -> list[str]:
        """Return the states."""
        with on_driver(self._timeout_s, "read"):
            pairs = zip(self._instances, self._numbers, strict=True)
            known: dict[str, str] = {}  # equal states are held once
            loop = self._event_loop
            states = (read_state(self._recipe, one, number, loop) for one, number in pairs)
            return [known.setdefault(state, state) for state in states]

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return self._returns.texts(self._numbers) if self._returns else []

    @property
    def _aside(self) -> Aside:
        return self._returns.aside if self._returns else Aside()

    def facts(self) -> Facts:
        """Return what is known of the trial."""
        return Facts(
            cpu_s=self._cpu_s, calls=self.calls, instances=len(self._numbers), actors=0, at_once=1,
            cpus=1, switches=self._switches, aside_s=self._aside.wall_s,
        )  # fmt: skip

    def stop(self) -> None:
        """Let go of the instances."""
        self._instances = []
        if self._event_loop:
            self._event_loop.close()
            self._event_loop = None

    def settle(self) -> None:
        """Nothing outlives the loop."""

    def _rounds(self, call: Call, before: int, progress: Progress) -> None:
        """Make one call `times` times on all instances, in chunks of rounds that take a while."""
        awaited = self._recipe.is_awaited(call)
        returns = self._returns.rounds(before) if self._returns else None
        loop, done, chunk = loops.rounds(call, awaited=awaited, returns=returns), 0, 1
        try:
            while done < call.times:
                chunk = min(chunk, call.times - done)
                since = time.perf_counter()
                made = loop(self._instances, self._numbers, done, chunk)
                if awaited:
                    self._await(made)
                done += chunk
                progress(chunk * len(self._instances))
                if time.perf_counter() - since < CHUNK_S:
                    chunk *= 2
        except (*OURS, StateError):  # the latter of a value that cannot be compared
            raise
        except BaseException as error:
            where = loops.locate(error.__traceback__)
            if where is None:
                raise
            number = self._numbers[loops.index_of(where, self._instances)]
            position = before + done + where.repetition + 1
            raise target_raised(error, number, str(call), position) from None

    def _await(self, made: Coroutine[Any, Any, None]) -> None:
        """Await a loop of async calls, on the one event loop that all of a trial share."""
        if not self._event_loop:
            self._event_loop = asyncio.new_event_loop()
        self._event_loop.run_until_complete(made)


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
