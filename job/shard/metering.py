"""What calls take where they run: clock, CPU time, waiting, and how fast a core is."""

from __future__ import annotations

import contextlib
import resource
import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Sample: TypeAlias = tuple[float, int]

WORTH_SAMPLING_S, SAMPLED_OF = 0.001, 64
CORE_LOOPS, CORE_TRIES = 50_000, 8  # 2 ms each: long beside a tick, short beside a trial
PACE_S = 0.3  # longer than the turns that processes take on a core
PER_THREAD = getattr(resource, "RUSAGE_THREAD", 0)


class Account(NamedTuple):
    """What calls took; times in seconds."""

    calls: int
    wall_s: float  # by the clock, added up over all instances
    cpu_s: float
    slowest_s: float  # the slowest instance's wall time
    switches: int  # how often a thread gave up its CPU to wait; not: was made to give it up
    each_s: tuple[float, ...] = ()  # the wall time of each instance that was asked for


class Sampler:
    """Adds up what calls took. CPU time and switches are read for some, and taken for all.

    The wall clock is read in 0.1 us, the thread's CPU time and switches in 3 to 20 us (measured on
    a virtual machine): for calls of no length that would be most of the work.
    """

    def __init__(self, *, shared: bool = False) -> None:
        """Start with nothing; one that lanes of one thread share reads them in `whole` only."""
        self._shared = shared
        self._wall_s = self._sampled_s = self._cpu_s = 0.0
        self._switches = self._turn = 0
        self._worth_it = True

    def start(self) -> Sample | None:
        """Read what is read before calls; None where it is not worth it."""
        self._turn += 1
        if not self._shared and (self._worth_it or self._turn % SAMPLED_OF == 0):
            return time.thread_time(), voluntary_switches()
        return None

    def stop(self, before: Sample | None, wall_s: float) -> None:
        """Add up what calls took by the clock, and since `start`."""
        self._wall_s += wall_s
        self._worth_it = wall_s > WORTH_SAMPLING_S
        if before:
            self._sampled_s += wall_s
            self._cpu_s += time.thread_time() - before[0]
            self._switches += voluntary_switches() - before[1]

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Read CPU time and switches around a batch whose calls take turns on an event loop."""
        wall_s, cpu_s, switches = self._wall_s, time.thread_time(), voluntary_switches()
        yield
        self._sampled_s += self._wall_s - wall_s
        self._cpu_s += time.thread_time() - cpu_s
        self._switches += voluntary_switches() - switches

    def totals(self) -> tuple[float, float, int]:
        """Return what all calls took: by the clock and on a CPU, in seconds; and switches."""
        scale = self._wall_s / self._sampled_s if self._sampled_s else 0.0
        return self._wall_s, scale * self._cpu_s, round(scale * self._switches)


def core_s() -> float:
    """Return what a fixed piece of Python takes on this core: the best of some, in seconds."""
    return min(_fixed_piece_s() for _ in range(CORE_TRIES))


def pace_s() -> float:
    """Return what the same piece takes on average, in seconds: others on the core count too."""
    since, pieces = time.perf_counter(), 0
    while time.perf_counter() - since < PACE_S:
        _fixed_piece_s()
        pieces += 1
    return (time.perf_counter() - since) / pieces


def _fixed_piece_s() -> float:
    since, total = time.perf_counter(), 0
    for number in range(CORE_LOOPS):
        total += number & 3
    return time.perf_counter() - since


def voluntary_switches() -> int:
    """Return how often this thread has waited for something.

    It tells calls that wait from calls that are kept waiting by a busy machine, which wall and CPU
    time do not. Where the system does not say, as on macOS, it is 0.
    """
    if not PER_THREAD:
        return 0
    return resource.getrusage(PER_THREAD).ru_nvcsw
