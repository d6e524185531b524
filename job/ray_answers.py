"""What actors answer: results, the target's errors as sentences, or that they have died."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.errors import ClusterError, JobError, TargetRaisedError, TrialError
from job.recovery import Point

if TYPE_CHECKING:
    from job.ray_actors import Worker

MISSING_HINT = "Install it on every node, or name it under `pip` in runtime_env.yaml (make submit)."
NODE_LOST = "its node was lost"
UNREACHABLE = "it could not be reached"
NOT_BLAMED = (NODE_LOST, UNREACHABLE)  # no call of the target's brings these about
AFTERWARDS = "it ended after its work"
PLAIN = {
    "Worker unexpectedly exits": "its process ended unexpectedly",
    "node has died": NODE_LOST,
    "node was terminated": NODE_LOST,
    "killed via `ray.kill`": "killed through Ray",
}


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


def last_line(error: BaseException) -> str:
    """Return the part of a long text that says what was wrong in the end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def cause_of_death(error: BaseException) -> str:
    """Return the part of Ray's long text that says how the process ended, in plain words."""
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
