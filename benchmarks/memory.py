"""How much memory a contender holds: its driver, and its processes together."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil

MB = 1_000_000
_RESET_PEAK = "5"  # what /proc/[pid]/clear_refs takes to forget the peak so far, see proc(5)


def forget_peak() -> float:
    """Let the peak of this process start anew, and return what it holds now, in MB."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
    return float(psutil.Process().memory_info().rss) / MB


def peak_mb() -> float | None:
    """Return the most this process has held since then; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MB
    return None


def tree_mb() -> float:
    """Return what this process and all below it hold, pages that they share counted once."""
    this = psutil.Process()
    return sum(_held(process) for process in [this, *this.children(recursive=True)]) / MB


def _held(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.Error:  # it has ended meanwhile
        return 0
    return int(getattr(info, "pss", info.uss))
