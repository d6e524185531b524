"""The fleet: a strategy's actors, driven through their work, and replaced when they are lost.

What each of them does is decided by its `recovery`; the fleet carries out the instructions and
turns answers into events. Ray tells of most losses by itself, of some late or never: so whoever is
silent while their node has left the cluster counts as lost too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ray

from job.actors import recovery
from job.actors.losses import Losses, LostError, late, take_answers, take_last_words
from job.actors.recovery import Goal
from job.actors.timeline import Timeline
from job.actors.worker import Sent, Spawner, Worker
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

MOST_IN_FLIGHT = 10_000  # remote calls that are sent and not yet answered
LOOK_S = 0.2  # how long one wait may last: a signal is seen in between
SILENT_S = 2.0  # after which it is looked whether a silent actor's node is still there
CROWDED_S = 3.0  # after which an actor without a place shares another one's CPU
SAY_S = 10.0  # between two notes that something is waited for


class Fleet:
    """All actors of one trial.

    Attributes:
        workers: One for each shard.
        losses: Those so far.
        spawner: What starts the actors, and knows the nodes.
        timeline: When which calls were answered.
    """

    def __init__(self, name: str, layout: Layout, subject: Subject, site: Site) -> None:
        """Take note of everything; `host` requests the actors."""
        self.workers: list[Worker] = []
        self.losses = Losses(name, subject, site)
        self.timeline = Timeline()
        self.spawner = Spawner(layout, subject)
        self._name = name
        self._layout = layout
        self._subject, self._site = subject, site
        self._goal = Goal.READY
        self._busy: set[int] = set()  # the workers that have not reached it
        self._pending: dict[Any, Worker] = {}  # by the answer that is waited for next
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
        batch, every = self._layout.calls_per_batch, self._subject.plan.snapshot_every
        each = self._subject.recipe.calls_per_instance
        # Of batches that nobody knows the size of, one at a time.
        window = max(2, MOST_IN_FLIGHT // max(1, len(deals))) if batch else 1
        self.workers = [
            Worker(index, recovery.Recovery(numbers, each, batch, window, every * len(numbers)))
            for index, numbers in enumerate(deals)
        ]
        self._drive(Goal.READY, self._subject.plan.startup_timeout_s)

    def work(self, progress: Progress, killer: Killer | None = None) -> None:
        """Have all calls made, with every answer looked at.

        An actor answers in order. So of each stretch of calls only the last answer is waited for,
        and an actor that is slow keeps no other waiting.

        Raises:
            TrialError: A call raised, actors were lost too often, or the time was up.
        """
        self._began_s = time.monotonic()
        if killer:
            killer.begin()
        self._progress = progress
        self._drive(Goal.WORKED, self._subject.plan.timeout_s, killer)

    def read(self) -> list[str]:
        """Return the states, collected in chunks from all actors at once.

        Raises:
            TrialError: A read raised, actors were lost too often, or the time was up.
        """
        self._drive(Goal.READ, self._subject.plan.timeout_s)
        return [state for worker in self.workers for state in worker.states]

    def accounts(self) -> list[Account]:
        """Return what the calls of each actor took; one that ended meanwhile is a loss.

        Raises:
            TrialError: One that lives did not answer in time.
        """
        found = []
        for worker, told in zip(self.workers, self.ask(self.workers, "account"), strict=True):
            if told is None:
                self.losses.add(worker, "it ended after its work", self._began_s, 0)
            found.append(Account(*(told or (worker.recovery.calls, 0.0, 0.0, 0.0, 0))))
        return found

    def ask(self, workers: Sequence[Worker], method: str) -> list[Any]:
        """Return what actors that have done their work answer to a last question.

        An actor that is lost now has nothing to lose any more: its answer is None.

        Raises:
            TrialError: One that lives did not answer in time.
        """
        asked = {getattr(worker.handle, method).remote(): worker for worker in workers}
        until, waiting = time.monotonic() + self._subject.plan.timeout_s, list(asked)
        while waiting and time.monotonic() < until:
            _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=LOOK_S)
            waiting = [ref for ref in waiting if not self.spawner.is_lost(asked[ref])]
        if waiting:
            raise late(self._name, asked[waiting[0]], self._subject.plan.timeout_s)
        found = [take_last_words(self._name, worker, [ref]) for ref, worker in asked.items()]
        return [answer[0] if answer else None for answer in found]

    def end(self) -> list[Place]:
        """End the actors; return where they were."""
        workers, self.workers = self.workers, []
        self._pending.clear()
        for worker in workers:
            worker.kill()
        return [worker.place for worker in workers if worker.place]

    # --- driving

    def _drive(self, goal: Goal, timeout_s: float, killer: Killer | None = None) -> None:
        """Have instructions carried out and take answers until all shards are at the goal."""
        self._goal = goal
        until = time.monotonic() + timeout_s
        self._busy = {worker.index for worker in self.workers}
        more = self.workers
        while more:  # round by round over the actors, as a person would
            more = [worker for worker in more if self._obey(worker)]
        while self._busy:
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
            if self._busy and time.monotonic() > until:
                raise late(self._name, self.workers[min(self._busy)], timeout_s)

    def _go_on(self, worker: Worker) -> None:
        while self._obey(worker):
            pass

    def _obey(self, worker: Worker) -> bool:
        """Carry out a shard's next instruction; return whether there may be one more.

        Raises:
            TrialError: The trial is to end.
        """
        now, order = time.monotonic(), worker.recovery.next(self._goal)
        match order:
            case recovery.Spawn(snapshot=snapshot):
                request = self.spawner.request(worker.recovery.numbers, worker.refuge)
                worker.renew(request, now)
                refs = [worker.handle.ready.remote(*filter(None, [snapshot]))]
            case recovery.Advance(batches=batches):
                advance = worker.handle.advance
                refs = [advance.remote() for _ in range(batches)]
            case recovery.Save():
                refs = [worker.handle.snapshot.remote(ray.cloudpickle.dumps)]
            case recovery.Read(first=first):
                refs = [worker.handle.read.remote(first)]
            case recovery.Wait():
                return False
            case recovery.Done():
                self._busy.discard(worker.index)
                return False
            case recovery.GiveUp():
                raise self.losses.give_up(worker, order)
            case _:
                message = f"{order!r} is not an instruction that a fleet knows"
                raise TypeError(message)
        worker.sent.append(Sent(order, refs, now, worker.recovery.incarnation))
        if len(worker.sent) == 1:
            self._pending[refs[-1]] = worker
        return True

    def _hear(self, worker: Worker) -> None:
        """Take the oldest answers that an actor owes, and let it go on."""
        sent = worker.sent[0]
        try:
            heard = take_answers(self._name, worker, sent.refs)
        except LostError as loss:
            self._lose(worker, loss)
            return
        self._tell(worker, sent, heard)
        worker.sent.popleft()
        if worker.sent:
            self._pending[worker.sent[0].refs[-1]] = worker
        self._go_on(worker)

    def _tell(self, worker: Worker, sent: Sent, heard: list[Any]) -> None:
        """Turn answers into an event for the shard's machine."""
        now = time.monotonic()
        event: recovery.Event
        match sent.order:
            case recovery.Spawn():
                worker.place = Place(*heard[0])
                event = recovery.Ready(sent.incarnation)
            case recovery.Advance():
                event = recovery.Advanced(sent.incarnation, len(heard), sum(heard))
            case recovery.Save():
                event = recovery.Saved(sent.incarnation, heard[0])
            case recovery.Read():
                worker.states += [self._known.setdefault(state, state) for state in heard[0]]
                event = recovery.States(sent.incarnation, len(heard[0]))
            case _:
                message = f"{sent.order!r} has no answer"
                raise TypeError(message)
        worker.recovery.apply(event)
        if isinstance(event, recovery.Advanced):
            self._show(worker, max(sent.since_s, worker.heard_s), now, event.calls)
        worker.heard_s = now

    def _show(self, worker: Worker, since_s: float, until_s: float, calls: int) -> None:
        """Let progress, timeline and losses know of answered calls."""
        if (new := worker.recovery.answered - worker.told) > 0:
            self._progress(new)
            worker.told += new
        since_s, until_s = since_s - self._began_s, until_s - self._began_s
        if worker.place:
            self.timeline.add(worker.index, worker.place.node_id, since_s, until_s, calls)
        self.losses.resume(worker, until_s)

    # --- losing

    def _lose(self, worker: Worker, loss: LostError) -> None:
        """Take an actor's last words, and have it noted that it was lost."""
        for sent in worker.sent:
            if heard := take_last_words(self._name, worker, sent.refs):
                self._tell(worker, sent, heard)
        without_node = loss.without_call or self.spawner.is_lost(worker)
        blamed = not without_node and not self.losses.is_ours(worker)
        self.losses.add(worker, loss.cause, self._began_s, worker.recovery.unsaved)
        node_id = self.spawner.refuge(self.workers) if without_node else None
        self._replace(worker, node_id, loss.at, blamed=blamed)

    def _replace(
        self, worker: Worker, node_id: str | None, at: recovery.Point | None = None, *, blamed: bool
    ) -> None:
        """End an actor, and go on with another one: on that node, or wherever there is room."""
        sent = worker.sent[0]
        self._pending.pop(sent.refs[-1], None)
        worker.kill()
        worker.refuge = node_id
        worker.recovery.apply(recovery.Lost(sent.incarnation, at, blamed))
        self._go_on(worker)

    def _look(self) -> None:
        """See to the silent: whose node is lost, who finds no room, who was not ready in time."""
        now = time.monotonic()
        if now < self._looked_s + SILENT_S / 2:
            return
        self._looked_s = now
        silent = [w for w in self.workers if w.sent and now > w.heard_s + SILENT_S]
        for worker in silent:
            if self.spawner.is_lost(worker):
                self._lose(worker, LostError(NODE_LOST))
        homeless = [w for w in silent if w.place is None]
        for worker in homeless:
            if now > worker.asked_s + self._subject.plan.startup_timeout_s:
                raise late(self._name, worker, self._subject.plan.startup_timeout_s)
            waits = now > worker.asked_s + CROWDED_S and not self.spawner.is_there(worker.refuge)
            if waits and (node_id := self.spawner.refuge(self.workers)):
                self._replace(worker, node_id, blamed=False)
        if homeless and now > self._said_s + SAY_S:
            self._said_s = now
            count, all_ = len(homeless), len(self.workers)
            self._site.note(f"{self._name}: waiting for {count:,} of {all_:,} actors")
