"""Ray's errors in plain words."""

from __future__ import annotations

import re

from job.cluster.versions import Versions

NODE_LOST = "its node was lost"
UNREACHABLE = "it could not be reached"
PLAIN = {
    "Worker unexpectedly exits": "its process ended unexpectedly",
    "node has died": NODE_LOST,
    "node was terminated": NODE_LOST,
    "killed via `ray.kill`": "killed through Ray",
}


def last_line(error: BaseException) -> str:
    """Return the part of a long text that says what was wrong in the end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def cause_of_death(error: BaseException) -> str:
    """Return the part of Ray's long text that says how the process ended, in plain words."""
    import ray.exceptions as rex

    if isinstance(error, rex.OutOfMemoryError):
        return "killed for lack of memory"
    if isinstance(error, (rex.ActorUnavailableError, rex.ActorUnschedulableError)):
        return UNREACHABLE
    text = " ".join(str(error).split())
    for sign, meaning in PLAIN.items():
        if sign in text:
            return meaning
    for mark in ("Worker exit detail: ", "because "):
        if mark in text:
            return text.partition(mark)[2].partition(". ")[0].rstrip(".")
    return text[:200] or type(error).__name__


def missing_module(error: BaseException) -> str:
    """Return the module whose absence on a worker a long text tells of, or nothing."""
    found = re.search(r"ModuleNotFoundError: No module named '([^']+)'", str(error))
    return found[1] if found else ""


def mismatch(error: BaseException) -> Versions | None:
    """Return the cluster's versions where Ray does not connect since they are not the driver's."""
    found = re.search(r"cluster was started with:\s+Ray: (\S+)\s+Python: (\S+)", str(error))
    return Versions(*found.groups()) if found else None
