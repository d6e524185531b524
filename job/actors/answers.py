"""What actors answer: results, the target's errors as sentences, or that they have died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.actors.recovery import Point
from job.cluster.reasons import NODE_LOST, UNREACHABLE, cause_of_death, last_line, missing_module
from job.errors import ClusterError, JobError, TargetRaisedError, TrialError

if TYPE_CHECKING:
    from job.actors.worker import Worker

MISSING_HINT = "Install it on every node, or name it under `pip` in runtime_env.yaml (make submit)."
NOT_BLAMED = (NODE_LOST, UNREACHABLE)  # no call of the target's brings these about
AFTERWARDS = "it ended after its work"


class DiedError(Exception):
    """An actor's process or node was lost.

    Attributes:
        cause: How, as far as that is known.
        at: The call that ended it, where it could still tell.
    """

    def __init__(self, cause: str, at: Point | None = None) -> None:
        """Take note of both."""
        super().__init__(cause)
        self.cause = cause
        self.at = at


def answers(strategy: str, worker: Worker, refs: list[Any]) -> list[Any]:
    """Return answers that are there.

    Raises:
        DiedError: The actor did not live to give them.
        TrialError: The target raised.
        ClusterError: Something that the actor needs is missing where it is.
    """
    try:
        return ray.get(refs)
    except rex.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, TargetRaisedError):
            if cause.exits:
                raise DiedError(cause.error, Point(cause.number, cause.position)) from None
            raise cause.told(strategy, f"on {worker.host}") from None
        if isinstance(cause, JobError):
            raise cause from None
        raise TrialError(f"{strategy}: {worker} failed: {last_line(error)}") from None
    except rex.RuntimeEnvSetupError as error:
        message = f"{strategy}: the runtime environment cannot be set up: {last_line(error)}"
        raise ClusterError(message) from None
    except (rex.RayError, ImportError) as error:
        if missing := missing_module(error):
            message = f"{strategy}: Python module {missing!r} is missing on {worker.host}"
            raise ClusterError(message, MISSING_HINT) from None
        raise DiedError(cause_of_death(error)) from None


def last_words(strategy: str, worker: Worker, refs: list[Any]) -> list[Any]:
    """Return what an actor that may be dead by now has answered, of remote calls in order."""
    heard: list[Any] = []
    for ref in refs:
        if not ray.wait([ref], timeout=0)[0]:
            break
        try:
            heard += answers(strategy, worker, [ref])
        except DiedError:
            break
    return heard


def late(strategy: str, worker: Worker, limit_s: float) -> JobError:
    """Return what is said of an actor that has not answered within so many seconds."""
    kind = worker.segments[0].kind if worker.segments else ""
    if kind == "ready":
        message = f"{strategy}: {worker} was not ready within {limit_s:g} s"
        return ClusterError(message, "Free some capacity, or allow more with --startup-timeout.")
    left = worker.calls - worker.recovery.answered
    what = f"{left:,} calls are not answered"
    if not left:
        what = "the states are not there" if kind == "read" else "a question is not answered"
    message = f"{strategy}: {what} within {limit_s:g} s by {worker}"
    return TrialError(message, "Allow more with --timeout, or ask for less work.")
