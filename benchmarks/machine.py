"""What this machine has, and what it is called in a report."""

from __future__ import annotations

import os
import platform
import resource
from importlib import metadata
from pathlib import Path

import psutil

_KERNEL_LIMITS = ("/proc/sys/kernel/threads-max", "/proc/sys/kernel/pid_max")


def cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_mb() -> float:
    """Return how much memory is free for new processes."""
    return float(psutil.virtual_memory().available) / 1_000_000


def most_threads() -> int:
    """Return how many threads and processes a user may have here, as far as it is told."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    known = [int(Path(file).read_text()) for file in _KERNEL_LIMITS if Path(file).exists()]
    return min([*known, soft] if soft >= 0 else known, default=10_000)


def describe() -> dict[str, str | int]:
    """Return what figures depend on."""
    return {
        "cpus": cpus(),
        "cpu": _cpu_model(),
        "memory_mb": round(psutil.virtual_memory().total / 1_000_000),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def version(package: str) -> str:
    """Return the installed version of a distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
