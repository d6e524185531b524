"""The deaths of a trial's actors: what is known of each, and what is said about it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import ray
import ray.exceptions as rex

from job.actors.answers import AFTERWARDS, DiedError
from job.actors.recovery import MAKING, Point
from job.errors import TrialError
from job.results.document import Loss
from job.words import count

if TYPE_CHECKING:
    from job.actors.recovery import GiveUp
    from job.actors.worker import Worker
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.shard.shard import Place

MOST_SAID = 5  # deaths that are told one by one while a trial lasts


class Losses:
    """All deaths of one trial."""

    def __init__(self, strategy: str, subject: Subject, site: Site) -> None:
        """Start with nothing."""
        self._ours: dict[tuple[str, int], float] = {}  # when we killed which node's process
        self._strategy = strategy
        self._subject, self._site = subject, site
        self._deaths: list[Loss] = []
        self._waiting: dict[int, list[int]] = {}  # an actor's deaths it has not come back from

    @property
    def deaths(self) -> tuple[Loss, ...]:
        """All of them, in the order they were noticed."""
        return tuple(self._deaths)

    def is_ours(self, worker: Worker) -> bool:
        """Return whether we killed an actor ourselves."""
        return self._killed_s(worker.place) is not None

    def _killed_s(self, place: Place | None) -> float | None:
        return self._ours.get((place.node_id, place.pid)) if place else None

    def expect(self, place: Place) -> None:
        """Take note that we kill what runs there."""
        self._ours[place.node_id, place.pid] = time.monotonic()

    def add(
        self, worker: Worker, death: DiedError, incarnation: int, began_s: float, replayed: int
    ) -> None:
        """Take note of a death, and tell it.

        Args:
            worker: The shard, as it was when its actor died or as it is again.
            death: How it died.
            incarnation: Which one.
            began_s: When the work phase began, by the monotonic clock; 0 before.
            replayed: How many answered calls must be made again.
        """
        killed_s, now = self._killed_s(worker.place), time.monotonic()
        cause = "killed by --chaos" if killed_s else death.cause
        self._waiting.setdefault(worker.index, []).append(len(self._deaths))
        self._deaths.append(
            Loss(
                actor=worker.index, incarnation=incarnation,
                address=worker.place.address if worker.place else "", cause=cause,
                since_s=max(0.0, (killed_s or now) - began_s) if began_s else 0.0,
                replayed_calls=replayed, unheard_s=None if killed_s else now - worker.heard_s,
            )
        )  # fmt: skip
        if len(self._deaths) <= MOST_SAID:
            self._site.note(
                f"{self._strategy}: {worker} died ({cause}); "
                f"{count(replayed, 'call')} that it had answered will be made again"
            )

    def add_afterwards(self, worker: Worker, began_s: float) -> None:
        """Take note of an actor that died when its states had been read."""
        self.add(worker, DiedError(AFTERWARDS), worker.recovery.incarnation, began_s, 0)

    def resumed(self, worker: Worker, now_s: float) -> None:
        """Take note that the next incarnation of a shard has answered calls."""
        for at in self._waiting.pop(worker.index, ()):
            death = self._deaths[at]
            resumed = {"resumed_s": max(0.0, now_s - death.since_s)}
            self._deaths[at] = death.model_copy(update=resumed)

    def given_up(self, worker: Worker, told: GiveUp, death: DiedError) -> TrialError:
        """Return why no further incarnation is started."""
        where = f"on {worker.host} ({death.cause})"
        if told.at is None:
            message = (
                f"{self._strategy}: {worker} died {told.losses} times without getting any further: "
                f"the last time {where}"
            )
            return TrialError(message, "Its process or node was lost each time; see Ray's logs.")
        if told.at == MAKING:
            doing = f"instances {worker.numbers[0]:,} and on: making them"
        elif not told.at.call:
            doing = f"instance {told.at.instance:,}: reading its state"
        else:
            call = self._subject.recipe.call_at(told.at.call)
            doing = f"instance {told.at.instance:,}, call {told.at.call:,}, {call}: it"
        message = f"{self._strategy}: {doing} ended the process of three actors, the last {where}"
        return TrialError(
            message, "The target does so by itself, or needs more memory than is there."
        )


def call_in_hand(worker: Worker, calls_per_batch: int | None) -> Point | None:
    """Return the call that an actor was making when it died; None where it may be one of many."""
    if worker.place is None:
        return MAKING
    kind = worker.segments[0].kind if worker.segments else ""
    if kind == "step":
        return worker.point
    if kind == "read":
        return Point(worker.numbers[min(len(worker.states), len(worker.numbers) - 1)], 0)
    if kind == "advance" and calls_per_batch == 1 and len(worker.numbers) == 1:
        return Point(worker.numbers[0], worker.recovery.answered + 1)
    return None


def kill(worker: Worker) -> None:
    """End an actor, wherever it is, and whether it still lives."""
    with contextlib.suppress(rex.RayError, ValueError):  # gone already, with its node
        ray.kill(worker.handle)
