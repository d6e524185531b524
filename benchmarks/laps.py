"""The clock that a contender carries through its run."""

from __future__ import annotations

import json
import time
from typing import TextIO

from benchmarks import memory


class Laps:
    """Times the phases of one run; the caller says when each is over.

    A contender that cannot tell two phases apart reports only the later one, which then holds
    both.
    """

    def __init__(self, out: TextIO) -> None:
        """Write the events that the parent waits for to `out`."""
        self._out = out
        self._first = self._last = 0.0
        self._idle_mb = 0.0
        self._cpu_s = 0.0
        self.seconds: dict[str, float] = {}
        self.megabytes: dict[str, float | None] = {}

    def connected(self) -> None:
        """Whatever stands before the work (a cluster, a pool) is there: the clock starts."""
        self._idle_mb = memory.forget_peak()
        self.tell({"event": "connected"})
        self._cpu_s = time.process_time()
        self._first = self._last = time.perf_counter()

    def started(self) -> None:
        """Every instance is made."""
        self._lap("startup_s")
        self._cpu_s = time.process_time()

    def worked(self) -> None:
        """Every call is done."""
        self._lap("work_s")
        self.seconds["driver_cpu_s"] = time.process_time() - self._cpu_s

    def finished(self) -> None:
        """The states are here: the clock stops."""
        self._lap("read_s")
        self.seconds["elapsed_s"] = self._last - self._first
        peak = memory.peak_mb()
        self.megabytes["driver_mb"] = None if peak is None else max(0.0, peak - self._idle_mb)
        self.megabytes["all_mb"] = memory.tree_mb()

    def take(self, seconds: dict[str, float]) -> None:
        """Accept phases that the contender timed itself, and stop the clock."""
        self.finished()
        self.seconds = dict(seconds)

    def tell(self, event: dict[str, object]) -> None:
        """Write one event."""
        self._out.write(json.dumps(event) + "\n")
        self._out.flush()

    def _lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.seconds[phase] = now - self._last
        self._last = now
