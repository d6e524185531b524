"""Host: one actor of anything that travels, asked method by method, and not replaced when lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ray

from job.actors.fleet import LOOK_S, SILENT_S
from job.actors.losses import BY_ITSELF, LostError, take_answers
from job.actors.recovery import Recovery
from job.actors.worker import Spawner, Worker, request, which_instances
from job.cluster.reasons import NODE_LOST
from job.errors import ClusterError, TrialError
from job.shard.shard import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from job.cluster.travel import Subject
    from job.errors import JobError
    from job.planning.layout import Layout


class Host:
    """An actor for all instances. Its methods raise a JobError where a trial is to end."""

    def __init__(self, name: str, layout: Layout, subject: Subject) -> None:
        self._name, self._layout, self._recipe = name, layout, subject.recipe
        self._spawner = Spawner(layout, subject)
        numbers, each = range(subject.instances), subject.recipe.calls_per_instance
        self._worker = Worker(0, Recovery(numbers, each, None, 1))

    def begin(self, kind: type, *args: Any, timeout_s: float) -> Place:
        """Request an actor of a class, and wait until it is `ready` and tells where it is."""
        remote: Any = ray.remote(max_restarts=0, max_task_retries=0)(kind)
        self._worker.renew(request(remote, self._layout, None, *args))
        self._worker.place = Place(*self.ask("ready", timeout_s))
        return self._worker.place

    def ask(self, method: str, timeout_s: float) -> Any:
        """Return what a method returns."""
        ref = getattr(self._worker.handle, method).remote()
        for _ in self._until_there(ref, method, timeout_s):
            pass
        return self._take(ref)

    def stream(self, method: str, timeout_s: float) -> Iterator[int]:
        """Yield what a method yields, and 0 now and then while that takes long."""
        until = time.monotonic() + timeout_s
        refs = getattr(self._worker.handle, method).remote()
        while True:
            for _ in self._until_there(refs, method, timeout_s, until):
                yield 0
            try:
                ref = next(refs)
            except StopIteration:
                return
            yield self._take(ref)

    def end(self) -> list[Place]:
        """End the actor; return where it was."""
        if self._worker.handle is None:
            return []
        self._worker.kill()
        place, self._worker.handle = self._worker.place, None
        return [place] if place else []

    def _until_there(
        self, ref: Any, method: str, timeout_s: float, until: float | None = None
    ) -> Iterator[None]:
        """Wait for an answer, and give others a turn now and then."""
        until = until or time.monotonic() + timeout_s
        while not ray.wait([ref], timeout=LOOK_S)[0]:
            now = time.monotonic()
            if now > self._worker.heard_s + SILENT_S and self._spawner.is_lost(self._worker):
                raise self._lost(LostError(NODE_LOST))
            if now > until:
                raise self._late(method, timeout_s)
            yield

    def _take(self, ref: Any) -> Any:
        self._worker.heard_s = time.monotonic()
        try:
            (answer,) = take_answers(self._name, self._worker, [ref])
        except LostError as loss:
            raise self._lost(loss) from None
        return answer

    def _lost(self, loss: LostError) -> TrialError:
        if at := loss.at:  # a call asked for the end of its process
            call = f"call {at.call:,}, {self._recipe.call_at(at.call)}"
            which = which_instances(at.first, at.last)
            return TrialError(f"{self._name}: {which}, {call}: {loss.cause}", BY_ITSELF)
        return TrialError(f"{self._name}: {self._worker} was lost ({loss.cause})", BY_ITSELF)

    def _late(self, method: str, timeout_s: float) -> JobError:
        if self._worker.place is None:
            message = f"{self._name}: {self._worker} was not ready within {timeout_s:g} s"
            advice = "Free some capacity, or allow more with --startup-timeout."
            return ClusterError(message, advice)
        doing, option = (
            ("startup", "--startup-timeout") if method == "start" else (method, "--timeout")
        )
        message = f"{self._name}: {doing} took longer than {timeout_s:g} s in {self._worker}"
        return TrialError(message, f"Allow more with {option}, or ask for less work.")
