"""Which Rays this was tested with, and whether a driver's versions go with its cluster's.

Ray connects like to like only: the same Ray, and the same Python to the last figure. What a driver
elsewhere cannot do a job can, since it runs where the cluster's own Ray and Python are.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass

from job.errors import ClusterError

OLDEST, NEWEST = TESTED = ("2.48", "2.60")  # pyproject.toml asks for the same
RANGE = f"{OLDEST} to {NEWEST}"
API_PORT = 8265  # of a cluster's Jobs API, unless it was given another


@dataclass(frozen=True)
class Versions:
    """What somebody runs on."""

    ray: str
    python: str

    def __str__(self) -> str:
        return f"Ray {self.ray}, Python {self.python}"


def own_versions() -> Versions:
    """Return what this process runs on."""
    import ray

    return Versions(ray.__version__, platform.python_version())


def check_tested(version: str) -> str:
    """Return what is to be noted of a driver's Ray: nothing of one in the tested range.

    Raises:
        ClusterError: It is older than that.
    """
    if _minor(version) < _minor(OLDEST):
        message = f"Ray {version} is older than {OLDEST}, the oldest that this was tested with"
        hint = f"Install Ray {RANGE} where the driver runs, which for a job is on the cluster."
        raise ClusterError(message, hint)
    if _minor(version) > _minor(NEWEST):
        return f"Ray {version} is newer than what this was tested with, {RANGE}."
    return ""


def unlike(address: str, theirs: Versions, ours: Versions) -> ClusterError:
    """Return why a driver cannot connect to a cluster of other versions, and what can be done.

    Args:
        address: The cluster's, HOST:PORT; `job` where the driver is a job on it.
        theirs: What the cluster was started with.
        ours: What the driver runs on.
    """
    if address == "job":
        message = f"the cluster has {theirs}, and this job {ours}: Ray connects like to like only"
        hint = "Take what brings another Ray or Python out of the job's runtime environment."
        return ClusterError(message, hint)
    message = f"{address}: the cluster has {theirs}, and this driver {ours}"
    if _minor(theirs.ray) < _minor(OLDEST):
        hint = f"This was tested with Ray {RANGE}: bring the cluster up to one of these."
        return ClusterError(message, hint)
    api = f"http://{address.rpartition(':')[0] or 'HOST'}:{API_PORT}"
    hint = (
        f"`make submit ADDRESS={api}` runs the comparison there, on the cluster's own Ray and "
        "Python; a driver elsewhere needs the same."
    )
    return ClusterError(message, hint)


def check_alike(address: str, theirs: Versions, ours: Versions) -> None:
    """Find out whether Ray would connect; of Python's last figure it judges itself.

    Raises:
        ClusterError: It would not.
    """
    if theirs.ray != ours.ray or _minor(theirs.python) != _minor(ours.python):
        raise unlike(address, theirs, ours)


def _minor(version: str) -> tuple[int, ...]:
    """Return a version's first two figures, as they compare."""
    return tuple(int(figure) for figure in re.findall(r"\d+", version)[:2])
