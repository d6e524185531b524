"""serial: the plain loop on the driver, the baseline of every speedup."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from job.errors import TrialError
from job.planning.estimate import Loop
from job.results.document import Facts, Sample
from job.running.plain import PlainLoop
from job.signals import Interrupt, OutOfTime, end_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from job.planning.estimate import Profile
    from job.running.listener import Progress
    from job.running.plain import Ran
    from job.shard.recipe import Recipe

WHOLE = Loop()


class Serial:
    """Runs the loop here, on the driver."""

    name = "serial"

    def __init__(
        self, recipe: Recipe, instances: int, timeout_s: float, loop: Loop = WHOLE
    ) -> None:
        """Run so many instances; a phase hangs after `timeout_s` seconds."""
        self._loop = PlainLoop(recipe, instances, loop)
        self._timeout_s = timeout_s
        self._made = len(loop.order) if loop.sampled else instances
        self._recipe = recipe

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return self._made * self._recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:  # noqa: ARG002 - for others
        """Import the target, where nothing has yet, and compile the loops; that is not timed."""
        with on_driver(self._timeout_s, "importing the target"):
            self._loop.prepare()

    def start(self) -> None:
        """Make the instances."""
        with on_driver(self._timeout_s, "startup"):
            self._loop.start()

    def work(self, progress: Progress) -> None:
        """Run the loop."""
        with on_driver(self._timeout_s, "work"):
            for made in self._loop.work():
                progress(made)

    def read(self) -> list[str]:
        """Return the states of the instances that were carried to their end."""
        with on_driver(self._timeout_s, "read"):
            return self._loop.read()

    def returned(self) -> list[str]:
        """Return what stands for what each instance's calls returned."""
        return self._loop.returned()

    def facts(self) -> Facts:
        """Return what is known of the trial."""
        return self._facts(self._loop.account())

    def close(self) -> None:
        """Close the instances."""
        with on_driver(self._timeout_s, "close"):
            self._loop.close()

    def stop(self) -> None:
        """Let go of the instances."""
        self._loop.stop()

    def settle(self) -> None:
        """Nothing outlives the loop."""

    def _facts(self, ran: Ran) -> Facts:
        made, share = self._made, ran.kept_share
        sample = Sample(numbers=tuple(ran.kept), each_s=ran.each_s, together_s=ran.together_s)
        return Facts(
            cpu_s=share * ran.cpu_s, calls=len(ran.kept) * self._recipe.calls_per_instance,
            instances=len(ran.kept), actors=0, at_once=1, cpus=1,
            switches=round(share * ran.switches),
            elsewhere_share=ran.elsewhere_s / ran.cpu_s if ran.cpu_s else 0.0,
            preemptions=round(share * ran.preemptions),
            sample=sample if ran.each_s else None,
            aside_s=ran.aside_s, memory_bytes=ran.memory_bytes,
            made=made if made > len(ran.kept) else None,
        )  # fmt: skip


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
