"""Losses: how the driver learns of one, what is known of each, and what is said about it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job.actors.recovery import MOST_WITHOUT_PROGRESS, Point, Spawn
from job.actors.worker import which_instances
from job.cluster.reasons import cause_of_death, last_line, missing_module
from job.errors import ClusterError, JobError, TargetRaisedError, TrialError
from job.results.document import Loss
from job.words import count
from job.workload.importing import HOW_TO_BRING

if TYPE_CHECKING:
    from job.actors.recovery import GiveUp
    from job.actors.worker import Worker
    from job.cluster.connection import Site
    from job.cluster.travel import Subject

MOST_SAID = 5  # losses that are told one by one while a trial lasts
BY_ITSELF = "The target does so by itself, or needs more memory than is there."


class LostError(Exception):
    """An actor's process or node was lost: to what, and at which call if it could still tell."""

    def __init__(self, cause: str, at: Point | None = None) -> None:
        super().__init__(cause)
        self.cause, self.at = cause, at


def take_answers(strategy: str, worker: Worker, refs: list[Any]) -> list[Any]:
    """Return answers that are there.

    Raises:
        LostError: The actor did not live to give them.
        JobError: The target raised, or something that the actor needs is missing where it is.
    """
    where = f"on {worker.address or 'its node'}"
    try:
        return ray.get(refs)
    except rex.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, TargetRaisedError):
            if cause.exits:
                at = Point("calling", cause.number, cause.number, cause.position, certain=True)
                raise LostError(cause.error, at) from None
            raise cause.told(strategy, where, worker.threads) from None
        if isinstance(cause, JobError):
            raise cause from None
        raise TrialError(f"{strategy}: {worker} failed: {last_line(error)}") from None
    except rex.RuntimeEnvSetupError as error:
        raise ClusterError(f"{strategy}: its runtime environment: {last_line(error)}") from None
    except (rex.RayError, ImportError) as error:
        if missing := missing_module(error):
            message = f"{strategy}: Python module {missing!r} is missing {where}"
            raise ClusterError(message, HOW_TO_BRING) from None
        raise LostError(cause_of_death(error)) from None


def take_last_words(strategy: str, worker: Worker, refs: list[Any]) -> list[Any]:
    """Return what an actor that may be lost by now has answered, of remote calls in order."""
    heard: list[Any] = []
    with contextlib.suppress(LostError):
        for ref in refs:
            if ray.wait([ref], timeout=0)[1]:
                break
            heard += take_answers(strategy, worker, [ref])
    return heard


class Losses:
    """All losses of one trial, in the order they were noticed."""

    def __init__(self, strategy: str, subject: Subject, site: Site) -> None:
        self._strategy, self._subject, self._site = strategy, subject, site
        self.all: list[Loss] = []
        self._open: dict[int, list[int]] = {}  # which of them wait to be resumed, by actor

    def add(self, worker: Worker, cause: str, began_s: float, replayed: int) -> None:
        """Take note of a loss before its shard does, and tell it.

        `began_s` is when the work phase began, by the monotonic clock, or 0; `replayed` is how many
        answered calls must be made again.
        """
        killed_s, now = worker.killed_s, time.monotonic()
        cause = "killed by --chaos" if killed_s else cause
        self._open.setdefault(worker.index, []).append(len(self.all))
        self.all.append(Loss(
            actor=worker.index, incarnation=worker.recovery.incarnation,
            address=worker.address, cause=cause,
            since_s=max(0.0, (killed_s or now) - began_s) if began_s else 0.0,
            replayed_calls=replayed, unheard_s=None if killed_s else now - worker.heard_s,
        ))  # fmt: skip
        if len(self.all) <= MOST_SAID:
            self._site.note(
                f"{self._strategy}: {worker} died ({cause}); "
                f"{count(replayed, 'call')} that it had answered must be made again"
            )

    def resume(self, worker: Worker, now_s: float) -> None:
        """Take note that a shard's actor has answered calls."""
        for at in self._open.pop(worker.index, ()):
            resumed = {"resumed_s": max(0.0, now_s - self.all[at].since_s)}
            self.all[at] = self.all[at].model_copy(update=resumed)

    def late(self, worker: Worker, limit_s: float) -> JobError:
        """Return what is said of an actor that has not answered within so many seconds."""
        if worker.sent and isinstance(worker.sent[0][0], Spawn):
            message = f"{self._strategy}: {worker} was not ready within {round(limit_s, 1):g} s"
            advice = "Free some capacity, or allow more with --startup-timeout."
            return ClusterError(message, advice)
        recipe, made = self._subject.recipe, worker.recovery
        what, near = "what was asked last is", ""
        if left := made.calls - made.answered:
            what = f"{left:,} calls are" if left > 1 else "1 call is"
            position = made.answered // len(made.numbers) + 1
            if len(made.numbers) == 1 or len(recipe.calls) == 1:
                near = f": it is near call {position:,}, {recipe.call_at(position)}"
        within = f"{what} not answered within {round(limit_s, 1):g} s"
        message = f"{self._strategy}: {within} by {worker}{near}"
        return TrialError(message, "Does a call hang? Else allow more with --timeout.")

    def give_up(self, worker: Worker, order: GiveUp) -> TrialError:
        """Return why no further incarnation is started of a shard that has just lost one."""
        at, loss, hint = order.at, self.all[-1], BY_ITSELF
        which = which_instances(at.first, at.last) if at else ""
        if at is None:
            what = f"{worker} died {MOST_WITHOUT_PROGRESS} times without getting any further"
        elif at.doing != "calling":
            what = f"{at.doing} {which} ended the process of three actors"
        elif at.certain:
            call = f"call {at.call:,}, {self._subject.recipe.call_at(at.call)}"
            what = f"{which}, {call}: it ended the process of three actors"
        else:
            what = f"three actors died near call {at.call:,} of {which}"
            hint = f"--calls-per-batch 1 names the call. {BY_ITSELF}"
        last = f"the last on {loss.address or 'its node'} ({loss.cause})"
        return TrialError(f"{self._strategy}: {what}, {last}", hint)
