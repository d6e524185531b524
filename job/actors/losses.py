"""Losses: how the driver learns of one, what is known of each, and what is said about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.actors.recovery import Point, Spawn
from job.actors.worker import which_instances
from job.cluster.reasons import NODE_LOST, UNREACHABLE, cause_of_death, last_line, missing_module
from job.errors import ClusterError, JobError, TargetRaisedError, TrialError
from job.results.document import Loss
from job.words import count

if TYPE_CHECKING:
    from job.actors.recovery import GiveUp
    from job.actors.worker import Worker
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.shard.shard import Place

MISSING_HINT = "Install it on every node, or name it under `pip` in runtime_env.yaml (make submit)."
MOST_SAID = 5  # losses that are told one by one while a trial lasts
BY_ITSELF = "The target does so by itself, or needs more memory than is there."


class LostError(Exception):
    """An actor's process or node was lost.

    Attributes:
        cause: How, as far as that is known.
        at: The call that ended it, where it could still tell.
        without_call: Whether it was lost in a way that no call of the target's brings about.
    """

    def __init__(self, cause: str, at: Point | None = None) -> None:
        """Take note of both."""
        super().__init__(cause)
        self.cause = cause
        self.at = at
        self.without_call = cause in (NODE_LOST, UNREACHABLE)


def take_answers(strategy: str, worker: Worker, refs: list[Any]) -> list[Any]:
    """Return answers that are there.

    Raises:
        LostError: The actor did not live to give them.
        TrialError: The target raised.
        ClusterError: Something that the actor needs is missing where it is.
    """
    try:
        return ray.get(refs)
    except rex.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, TargetRaisedError):
            if cause.exits:
                number = cause.number
                at = Point("calling", number, number, cause.position, certain=True)
                raise LostError(cause.error, at) from None
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
        raise LostError(cause_of_death(error)) from None


def take_last_words(strategy: str, worker: Worker, refs: list[Any]) -> list[Any]:
    """Return what an actor that may be lost by now has answered, of remote calls in order."""
    heard: list[Any] = []
    for ref in refs:
        if not ray.wait([ref], timeout=0)[0]:
            break
        try:
            heard += take_answers(strategy, worker, [ref])
        except LostError:
            break
    return heard


def late(strategy: str, worker: Worker, limit_s: float) -> JobError:
    """Return what is said of an actor that has not answered within so many seconds."""
    if worker.sent and isinstance(worker.sent[0].order, Spawn):
        message = f"{strategy}: {worker} was not ready within {limit_s:g} s"
        return ClusterError(message, "Free some capacity, or allow more with --startup-timeout.")
    what = "the states are not there" if worker.sent else "a question is not answered"
    if left := worker.recovery.calls - worker.recovery.answered:
        what = f"{left:,} calls are not answered"
    message = f"{strategy}: {what} within {limit_s:g} s by {worker}"
    return TrialError(message, "Allow more with --timeout, or ask for less work.")


class Losses:
    """All losses of one trial."""

    def __init__(self, strategy: str, subject: Subject, site: Site) -> None:
        """Start with nothing."""
        self._ours: dict[tuple[str, int], float] = {}  # when we killed which node's process
        self._strategy = strategy
        self._subject, self._site = subject, site
        self._losses: list[Loss] = []
        self._waiting: dict[int, list[int]] = {}  # those of an actor that has not come back

    @property
    def all(self) -> tuple[Loss, ...]:
        """All of them, in the order they were noticed."""
        return tuple(self._losses)

    def is_ours(self, worker: Worker) -> bool:
        """Return whether we killed an actor ourselves."""
        return self._killed_s(worker.place) is not None

    def _killed_s(self, place: Place | None) -> float | None:
        return self._ours.get((place.node_id, place.pid)) if place else None

    def expect(self, place: Place) -> None:
        """Take note that we kill what runs there."""
        self._ours[place.node_id, place.pid] = time.monotonic()

    def add(self, worker: Worker, cause: str, began_s: float, replayed: int) -> None:
        """Take note of a loss, and tell it.

        Args:
            worker: The shard, as it was when its actor was lost.
            cause: What the actor was lost to.
            began_s: When the work phase began, by the monotonic clock; 0 before.
            replayed: How many answered calls must be made again.
        """
        killed_s, now = self._killed_s(worker.place), time.monotonic()
        cause = "killed by --chaos" if killed_s else cause
        self._waiting.setdefault(worker.index, []).append(len(self._losses))
        self._losses.append(
            Loss(
                actor=worker.index, incarnation=worker.recovery.incarnation,
                address=worker.place.address if worker.place else "", cause=cause,
                since_s=max(0.0, (killed_s or now) - began_s) if began_s else 0.0,
                replayed_calls=replayed, unheard_s=None if killed_s else now - worker.heard_s,
            )
        )  # fmt: skip
        if len(self._losses) <= MOST_SAID:
            self._site.note(
                f"{self._strategy}: {worker} died ({cause}); "
                f"{count(replayed, 'call')} that it had answered must be made again"
            )

    def resume(self, worker: Worker, now_s: float) -> None:
        """Take note that an incarnation of a shard has answered calls."""
        for at in self._waiting.pop(worker.index, ()):
            loss = self._losses[at]
            resumed = {"resumed_s": max(0.0, now_s - loss.since_s)}
            self._losses[at] = loss.model_copy(update=resumed)

    def give_up(self, worker: Worker, order: GiveUp) -> TrialError:
        """Return why no further incarnation is started of a shard that has just lost one."""
        at, loss = order.at, self._losses[-1]
        last = f"the last on {loss.address or 'its node'} ({loss.cause})"
        if at is None:
            message = (
                f"{self._strategy}: {worker} died {order.losses} times without getting any further,"
                f" {last}"
            )
            return TrialError(message, "Its process or node was lost each time; see Ray's logs.")
        which = which_instances(at.first, at.last)
        if at.doing == "calling" and not at.certain:
            what = f"three actors died near call {at.call:,} of {which}, {last}"
            hint = f"--calls-per-batch 1 names the call. {BY_ITSELF}"
            return TrialError(f"{self._strategy}: {what}", hint)
        what = f": {at.doing} {'it' if at.first == at.last else 'them'}"
        if at.doing == "calling":
            what = f", call {at.call:,}, {self._subject.recipe.call_at(at.call)}: it"
        message = f"{self._strategy}: {which}{what} ended the process of three actors, {last}"
        return TrialError(message, BY_ITSELF)
