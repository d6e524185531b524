"""The fleet: a strategy's actors, driven through their work, and replaced when they die.

Whatever dies, `recovery` says what follows. Ray tells of most deaths by itself, of some late or
never: so whoever is silent while their node has left the cluster counts as dead too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ray

from job.actors.answers import NOT_BLAMED, DiedError, answers, last_words, late
from job.actors.losses import Losses, call_in_hand, kill
from job.actors.pacing import Pacing
from job.actors.recovery import Apply, GiveUp, Point, Recovery, Save
from job.actors.spawner import Spawner
from job.actors.timeline import Timeline
from job.actors.worker import Goal, Segment, Worker
from job.cluster.reasons import NODE_LOST
from job.shard.metering import Account
from job.shard.shard import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.actors.killer import Killer
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.planning.layout import Layout

    Progress = Callable[[int], None]

LOOK_S = 0.2  # how long one wait may last: a signal is seen in between
SILENT_S = 2.0  # after which it is looked whether a silent actor's node is still there
CROWDED_S = 3.0  # after which an actor without a place shares another one's CPU
SAY_S = 10.0  # between two notes that something is waited for


class Fleet:
    """All actors of one trial.

    Attributes:
        workers: One for each shard.
        losses: The deaths so far.
        spawner: What starts the actors, and knows the nodes.
        timeline: When which calls were answered.
    """

    def __init__(self, name: str, layout: Layout, subject: Subject, site: Site) -> None:
        """Take note of everything; `host` requests the actors."""
        self.workers: list[Worker] = []
        self.losses = Losses(name, subject, site)
        self.timeline = Timeline()
        self._name = name
        self._layout = layout
        self._subject, self._site = subject, site
        self.spawner = Spawner(layout, subject, site)
        self._pacing = Pacing(layout.calls_per_batch, layout.shards)
        self._pending: dict[Any, Worker] = {}
        self._goal = Goal.READY
        self._progress: Progress = lambda _: None
        self._began_s = 0.0
        self._looked_s = self._said_s = time.monotonic()
        self._known: dict[str, str] = {}  # equal states are held once

    def host(self, deals: Sequence[range]) -> None:
        """Request an actor for each deal of instances, and wait until all are ready.

        Raises:
            ClusterError: They were not ready in time.
            TrialError: A constructor of the target raised, or ended its process.
        """
        each, kept = self._subject.recipe.calls_per_instance, self._subject.plan.snapshot_every
        for index, numbers in enumerate(deals):
            calls, size = len(numbers) * each, len(numbers)
            worker = Worker(index, numbers, calls, Recovery(calls, kept * size))
            worker.recovery.begin()
            self.workers.append(worker)
            self._spawn(worker)
        self._drive(Goal.READY, self._subject.plan.startup_timeout_s)

    def work(self, progress: Progress, killer: Killer | None = None) -> None:
        """Have all calls made, with every answer looked at.

        An actor answers in order. So of each stretch of calls only the last answer is waited for,
        and an actor that is slow keeps no other waiting.

        Raises:
            TrialError: A call raised, actors died too often, or the time was up.
        """
        self._began_s = time.monotonic()
        if killer:
            killer.begin()
        self._progress = progress
        self._fill()
        self._drive(Goal.WORKED, self._subject.plan.timeout_s, killer)

    def read(self) -> list[str]:
        """Return the states, collected in chunks from all actors at once.

        Raises:
            TrialError: A read raised, actors died too often, or the time was up.
        """
        self._drive(Goal.READ, self._subject.plan.timeout_s)
        return [state for worker in self.workers for state in worker.states]

    def accounts(self) -> list[Account]:
        """Return what the calls of each actor took; one that has died meanwhile is a loss.

        Raises:
            TrialError: One that lives did not answer in time.
        """
        found = []
        for worker, told in zip(self.workers, self.asked(self.workers, "account"), strict=True):
            if told is None:
                self.losses.add_afterwards(worker, self._began_s)
            found.append(Account(*(told or (worker.calls, 0.0, 0.0, 0.0, 0))))
        return found

    def asked(self, workers: Sequence[Worker], method: str) -> list[Any]:
        """Return what actors that have done their work answer to a last question.

        An actor that dies now has nothing to lose any more: its answer is None.

        Raises:
            TrialError: One that lives did not answer in time.
        """
        asked = {getattr(worker.handle, method).remote(): worker for worker in workers}
        until, waiting = time.monotonic() + self._subject.plan.timeout_s, list(asked)
        while waiting and time.monotonic() < until:
            _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=LOOK_S)
            waiting = [ref for ref in waiting if not self.spawner.is_gone(asked[ref])]
        if waiting:
            raise late(self._name, asked[waiting[0]], self._subject.plan.timeout_s)
        found = [last_words(self._name, worker, [ref]) for ref, worker in asked.items()]
        return [answer[0] if answer else None for answer in found]

    def end(self) -> list[Place]:
        """End the actors; return where they were."""
        workers, self.workers = self.workers, []
        self._pending.clear()
        for worker in workers:
            kill(worker)
        return [worker.place for worker in workers if worker.place]

    # --- driving

    def _drive(self, goal: Goal, timeout_s: float, killer: Killer | None = None) -> None:
        """Send and hear until all actors are as far as the goal."""
        self._goal = goal
        until = time.monotonic() + timeout_s
        for worker in self.workers:
            if not worker.segments:
                self._go_on(worker)
        while self._pending:
            refs = list(self._pending)
            patience = min(LOOK_S, killer.patience_s()) if killer else LOOK_S
            ready, _ = ray.wait(refs, num_returns=max(1, len(refs) // 10), timeout=patience)
            if not ready:
                self._progress(0)  # so that something is said while calls take long
            for marker in ready:
                if marker in self._pending:  # or it was lost meanwhile
                    self._hear(self._pending.pop(marker))
            if killer:
                killer.strike(self.workers, self.losses)
            self._look()
            if self._pending and time.monotonic() > until:
                raise late(self._name, next(iter(self._pending.values())), timeout_s)

    def _go_on(self, worker: Worker) -> None:
        """Send an actor what it is to do next, unless what was sent must be answered before."""
        ordered = worker.recovery.next()
        if worker.place is None or (ordered and self._goal == Goal.READY):
            return
        if isinstance(ordered, Apply) and not ordered.careful:
            self._send(worker)
        elif worker.segments:
            return
        elif isinstance(ordered, Apply):
            self._await(worker, "step", [worker.handle.step.remote(1 if worker.point else 0)])
        elif isinstance(ordered, Save):
            self._await(worker, "snapshot", [worker.handle.snapshot.remote(ray.cloudpickle.dumps)])
        elif self._goal == Goal.READ and len(worker.states) < len(worker.numbers):
            self._await(worker, "read", [worker.handle.read.remote(len(worker.states))])

    def _hear(self, worker: Worker) -> None:
        """Take the answers to the oldest segment of an actor, and let it go on."""
        segment = worker.segments[0]
        try:
            heard = answers(self._name, worker, segment.refs)
        except DiedError as death:
            self._lost(worker, death)
            return
        self._take(worker, segment, heard)
        worker.segments.popleft()
        if worker.segments:
            self._pending[worker.segments[0].refs[-1]] = worker
        self._go_on(worker)

    def _take(self, worker: Worker, segment: Segment, heard: list[Any]) -> None:
        """Take note of answers."""
        recovery = worker.recovery
        if segment.kind == "advance":
            worker.batch, worker.point = heard[-1], None
            self._advanced(worker, segment, sum(heard))
        elif segment.kind == "step":
            made = 1 if worker.point else 0
            worker.point = Point(*heard[0]) if heard[0] else None
            self._advanced(worker, segment, made)
        elif segment.kind == "ready":
            worker.place = Place(*heard[0])
            recovery.ready(segment.incarnation)
        elif segment.kind == "snapshot":
            recovery.saved_as(segment.incarnation, heard[0])
        else:
            worker.states.extend(self._known.setdefault(state, state) for state in heard[0])
        worker.heard_s = time.monotonic()

    def _advanced(self, worker: Worker, segment: Segment, calls: int) -> None:
        recovery, now = worker.recovery, time.monotonic() - self._began_s
        recovery.advanced(segment.incarnation, calls)
        if recovery.answered > worker.told:
            self._progress(recovery.answered - worker.told)
            worker.told = recovery.answered
        if worker.place:
            since = max(segment.since_s, worker.heard_s) - self._began_s
            self.timeline.add(worker.index, worker.place.node_id, since, now, calls)
        if recovery.losses:
            self.losses.resumed(worker, now)

    # --- sending

    def _fill(self) -> None:
        """Send the first calls, round by round over the actors, as a person would."""
        window, now = self._pacing.window, time.monotonic()
        firsts = [min(window, self._pacing.batches(w.recovery.until)) for w in self.workers]
        sent: list[list[Any]] = [[] for _ in self.workers]
        for turn in range(max(firsts, default=0)):
            for worker, first, refs in zip(self.workers, firsts, sent, strict=True):
                if turn < first:
                    refs.append(worker.handle.advance.remote())
        for worker, refs in zip(self.workers, sent, strict=True):
            worker.sent += len(refs) * (self._layout.calls_per_batch or 0)
            size = self._pacing.stretch(worker.calls)
            for start in range(0, len(refs), size):
                self._await(worker, "advance", refs[start : start + size], now)

    def _send(self, worker: Worker) -> None:
        """Send the next stretch of calls to an actor."""
        if not worker.segments:
            worker.sent = worker.recovery.answered
        elif self._layout.calls_per_batch is None:
            return  # how many calls are on their way is not known
        left = self._pacing.batches(worker.recovery.until - worker.sent)
        count = min(self._pacing.stretch(worker.calls), left)
        if count > 0:
            worker.sent += count * (self._layout.calls_per_batch or 0)
            self._await(worker, "advance", [worker.handle.advance.remote() for _ in range(count)])

    def _await(
        self, worker: Worker, kind: str, refs: list[Any], since_s: float | None = None
    ) -> None:
        incarnation = worker.recovery.incarnation
        worker.segments.append(Segment(kind, refs, since_s or time.monotonic(), incarnation))
        if len(worker.segments) == 1:
            self._pending[refs[-1]] = worker

    # --- losing

    def _spawn(self, worker: Worker, node_id: str | None = None) -> None:
        """Request an actor for a shard's next incarnation."""
        worker.renew(self.spawner.actor(worker.numbers, node_id), time.monotonic(), node_id)
        snapshot = worker.recovery.snapshot
        self._await(worker, "ready", [worker.handle.ready.remote(*filter(None, [snapshot]))])

    def _lost(self, worker: Worker, death: DiedError) -> None:
        """Replace an actor that died, or end the trial."""
        for segment in list(worker.segments):
            if heard := last_words(self._name, worker, segment.refs):
                self._take(worker, segment, heard)
            self._pending.pop(segment.refs[-1], None)
        gone = death.cause in NOT_BLAMED or self.spawner.is_gone(worker)
        at = death.at or call_in_hand(worker, self._layout.calls_per_batch)
        recovery, before = worker.recovery, worker.recovery.replayed
        # How many calls an automatic batch was to hold, nobody knows.
        open_calls = self._layout.calls_per_batch and max(1, worker.sent - recovery.answered)
        kill(worker)
        incarnation = recovery.incarnation
        told = recovery.lost(
            incarnation, 1 if at else open_calls, at,
            blamed=not gone and not self.losses.is_ours(worker),
        )  # fmt: skip
        if isinstance(told, GiveUp):
            raise self.losses.given_up(worker, told, death)
        self.losses.add(worker, death, incarnation, self._began_s, recovery.replayed - before)
        self._spawn(worker, self.spawner.refuge(self.workers) if gone else None)

    def _look(self) -> None:
        """See to the silent: whose node is gone, who finds no room, who was not ready in time."""
        now = time.monotonic()
        if now < self._looked_s + SILENT_S / 2:
            return
        self._looked_s = now
        silent = [w for w in self.workers if w.segments and now > w.heard_s + SILENT_S]
        for worker in silent:
            if self.spawner.is_gone(worker):
                self._lost(worker, DiedError(NODE_LOST))
        homeless = [w for w in silent if w.place is None]
        for worker in homeless:
            if now > worker.asked_s + self._subject.plan.startup_timeout_s:
                raise late(self._name, worker, self._subject.plan.startup_timeout_s)
            waits = now > worker.asked_s + CROWDED_S and not self.spawner.is_there(worker.refuge)
            if waits and (node_id := self.spawner.refuge(self.workers)):
                self._pending.pop(worker.segments[0].refs[-1], None)
                kill(worker)
                self._spawn(worker, node_id)
        if homeless and now > self._said_s + SAY_S:
            self._said_s = now
            count, all_ = len(homeless), len(self.workers)
            self._site.note(f"{self._name}: waiting for {count:,} of {all_:,} actors")
