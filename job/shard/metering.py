"""What calls take where they run: clock, CPU time, waiting, and how fast a core is."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

Reading: TypeAlias = tuple[float, int]

WORTH_SAMPLING_S, SAMPLED_OF = 0.001, 64
CORE_LOOPS, CORE_TRIES = 50_000, 8  # 2 ms each: long beside a tick, short beside a trial
PACE_S = 0.3  # longer than the turns that processes take on a core
PER_THREAD = getattr(resource, "RUSAGE_THREAD", 0)
PROCESSES = Path("/proc")  # Linux; elsewhere neither threads nor living children can be told
CGROUPS = Path("/sys/fs/cgroup")
QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))  # version 2, version 1
LEAST_S = 0.01  # what Ray's threads may take at once: a tick
NOTABLE = 0.01  # of the time: Ray's own threads take 0.2 %, nearly all of it in those known before


class Account(NamedTuple):
    """What calls took; times in seconds."""

    calls: int
    wall_s: float  # by the clock, added up over all instances
    cpu_s: float
    slowest_s: float  # the slowest instance's wall time
    switches: int  # how often a thread gave up its CPU to wait; not: was made to give it up
    elsewhere_s: float = 0.0  # of `cpu_s`, what `Meter` found
    each_s: tuple[float, ...] = ()  # the wall time of each instance that was asked for
    memory_bytes: float = 0.0  # see `peak_bytes`


def own_cores() -> int:
    """Return how many cores this process may compute on, by its affinity and its container."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, int(min(cores, _quota())))


def _quota() -> float:
    """Return how many cores' time a container may take, by either version of control groups."""
    for names in QUOTAS:
        with contextlib.suppress(OSError, ValueError):
            words = " ".join((CGROUPS / name).read_text() for name in names).split()
            quota, period = map(int, words)  # no number where it may take all
            return quota / period if quota > 0 else math.inf
    return math.inf


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

    def start(self) -> Reading | None:
        """Read what is read before calls; None where it is not worth it."""
        self._turn += 1
        if not self._shared and (self._worth_it or self._turn % SAMPLED_OF == 0):
            return time.thread_time(), voluntary_switches()
        return None

    def stop(self, before: Reading | None, wall_s: float) -> None:
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


class Meter:
    """CPU time that calls take elsewhere than in the threads that make them.

    Native threads (BLAS, zlib), a pool's threads, child processes: whatever the target started. It
    is what the whole process and its children took, without the threads and children that were
    there before the target, which are Ray's and the caller's, and without the home threads. Read
    twice a work phase and outside of it, for that takes some tenths of a millisecond.
    """

    def __init__(self) -> None:
        """Take note of what is here before the target is imported."""
        self._threads = dict.fromkeys(map(int, _entries(PROCESSES / "self" / "task")), 0.0)
        self._children = frozenset(_children(os.getpid()))
        self._began: tuple[float, float, int] | None = None
        # Once it has ended; `preemptions` are those of the thread that began and ended it.
        self.elsewhere_s, self.preemptions = 0.0, 0

    def begin(self, homes: Iterable[int] = ()) -> None:
        """Read before the first call; `homes` are the threads that make calls, as Linux has them.

        None needs to be named that was there before the target.
        """
        self._threads |= dict.fromkeys(homes, 0.0)
        self._began = self._read(), time.perf_counter(), _switches().ru_nivcsw

    def end(self) -> None:
        """Read after the last call, once; what is too little to be the target's is nothing."""
        if self._began:
            cpu_s, clock_s, preemptions = self._began
            clock_s, cpu_s = time.perf_counter() - clock_s, self._read() - cpu_s
            self.preemptions = _switches().ru_nivcsw - preemptions
            self.elsewhere_s = cpu_s if cpu_s > max(NOTABLE * clock_s, LEAST_S) else 0.0
            self._began = None

    def _read(self) -> float:
        children_s = children_cpu_s(self._children)
        if not self._threads:
            return children_s
        for thread in self._threads:
            clock = ~thread << 3 | 6  # as pthread_getcpuclockid makes it
            with contextlib.suppress(OSError):  # one that has ended took what it had taken
                self._threads[thread] = time.clock_gettime(clock)
        return children_s + time.process_time() - sum(self._threads.values())


def children_cpu_s(without: Container[int] = ()) -> float:
    """Return what all children took, those that have ended and, where they can be seen, the living.

    A living child's time is known in ticks of 10 ms, that of one that was waited for is finer.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + _living_s(os.getpid(), without)


def _living_s(parent: int, without: Container[int] = ()) -> float:
    total = 0.0
    for child in _children(parent):
        if child in without:
            continue
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
            # After the name in brackets, from field 3 on; 14 to 17 are user and system time, its
            # own and that of children it has waited for.
            fields = (PROCESSES / str(child) / "stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + _living_s(child)
    return total


def _children(parent: int) -> Iterator[int]:
    """Yield the living children of a process, whichever of its threads has started them."""
    tasks = PROCESSES / str(parent) / "task"
    for thread in _entries(tasks):
        with contextlib.suppress(OSError):
            yield from map(int, (tasks / thread / "children").read_text().split())


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone, five times as fast
    except OSError:
        return []


def peak_bytes() -> float:
    """Return the most this process has held of memory, what it shares with others in part.

    That is its PSS now, and by how much what it had in memory was larger at its peak. Where PSS
    cannot be read it is all that it had in memory at its peak.
    """
    now, status = _sizes("smaps_rollup"), _sizes("status")
    if "Pss" in now:
        return now["Pss"] + max(0.0, status.get("VmHWM", 0.0) - status.get("VmRSS", 0.0))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else 1024 * peak)


def forget_peak() -> None:
    """Let the peak of this process begin anew, where the system does that (see proc(5))."""
    with contextlib.suppress(OSError):
        (PROCESSES / "self" / "clear_refs").write_text("5")


def own_bytes() -> float:
    """Return what this process holds now that no other shares; 0 where that cannot be read."""
    return _sizes("smaps_rollup").get("Anonymous", 0.0)


def _sizes(name: str) -> dict[str, float]:
    """Return what a file of this process in /proc tells in kB, in bytes."""
    try:
        lines = (PROCESSES / "self" / name).read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.endswith(" kB"))
    return {key.rstrip(":"): 1024.0 * int(value) for key, value, _ in fields}


def machine_bytes() -> float:
    """Return how much memory this process may have, by the machine and its container."""
    whole = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return min(whole, float((CGROUPS / name).read_text().replace("max", "inf")))
    return whole


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
    return _switches().ru_nvcsw if PER_THREAD else 0


def _switches() -> resource.struct_rusage:
    return resource.getrusage(PER_THREAD)  # elsewhere those of the process
