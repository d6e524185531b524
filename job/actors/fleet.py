"""The fleet: a strategy's actors, driven through their work, and replaced when they are lost.

What each of them does is decided by its `recovery`; the fleet carries out the instructions and
turns answers into events. Ray tells of most losses by itself, of some late or never: so whoever is
silent while their node has left the cluster counts as lost too.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from typing import TYPE_CHECKING, Any

import ray

from job.actors import recovery
from job.actors.losses import Losses, LostError, take_answers, take_last_words
from job.actors.recovery import Goal
from job.actors.timeline import Timeline
from job.actors.worker import Spawner, Worker
from job.cluster.reasons import NODE_LOST, UNREACHABLE
from job.shard.metering import Account
from job.shard.returns import HELD_BYTES, Aside, Returns
from job.shard.shard import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.actors.killer import Killer
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.planning.layout import Layout

MOST_IN_FLIGHT = 10_000  # remote calls that are sent and not yet answered
LOOK_S = 0.2  # how long one wait may last: signals are seen in between, and kills carried out
LAST_WORDS_S = 0.5  # how long answers of ended actors may be under way
SILENT_S = 2.0  # after which it is looked whether a silent actor's node is still there
CROWDED_S = 3.0  # after which an actor without a place shares another one's CPU
SAY_S = 10.0  # between two notes that something is waited for


class Fleet:
    """All actors of one trial. Its methods raise a JobError where a trial is to end."""

    def __init__(self, name: str, layout: Layout, subject: Subject, site: Site) -> None:
        self.workers: list[Worker] = []  # one for each shard
        self.losses = Losses(name, subject, site)
        self.timeline = Timeline()
        self.spawner = Spawner(layout, subject)
        self._name, self._layout = name, layout
        self._subject, self._site = subject, site
        bring = subject.recipe.bring
        self.returns = Returns(subject.recipe, subject.value_bytes) if bring else None
        self._goal = Goal.READY
        self._pending: dict[Any, Worker] = {}  # those that are not there, by the next answer
        self._progress: Callable[[int], None] = lambda _: None
        self._began_s = self._until_s = 0.0
        self._looked_s = self._said_s = time.monotonic()

    def host(self, deals: Sequence[range]) -> None:
        """Request an actor for each deal of instances, and wait until all are ready."""
        batch, every = self._layout.calls_per_batch, self._subject.plan.snapshot_every
        each = self._subject.recipe.calls_per_instance
        window = max(2, MOST_IN_FLIGHT // max(1, len(deals)))
        if self.returns:  # or what is under way would fill the memory
            round_bytes = max(1, len(deals)) * (batch or 1) * self._subject.value_bytes
            window = max(1, min(window, HELD_BYTES // round_bytes)) if batch else 1
        self.workers = [
            Worker(
                index, recovery.Recovery(numbers, each, batch, window, every * len(numbers)),
                min(self._layout.threads or 1, len(numbers)),
            )
            for index, numbers in enumerate(deals)
        ]  # fmt: skip
        self._drive(Goal.READY, self._subject.plan.startup_timeout_s)

    def work(
        self, progress: Callable[[int], None], timeout_s: float, killer: Killer | None = None
    ) -> None:
        """Have all calls made, with every answer looked at."""
        self._began_s = time.monotonic()
        self._progress = progress
        self._drive(Goal.WORKED, timeout_s, killer)
        self._stand_still()

    @property
    def aside(self) -> Aside:
        """For how long the clock stood still to digest what calls returned."""
        return self.returns.aside if self.returns else Aside()

    def read(self) -> list[str]:
        """Return the states, collected in chunks from all actors at once."""
        self._drive(Goal.READ, self._subject.plan.most_s)
        return [state for worker in self.workers for state in worker.states]

    def accounts(self, numbers: Sequence[int]) -> list[Account]:
        """Return what the calls of each actor took, and those of its instances of these numbers.

        One that ended meanwhile is a loss.
        """
        found, told_by = [], self.ask(self.workers, "account", numbers)
        for worker, told in zip(self.workers, told_by, strict=True):
            if told is None:
                self.losses.add(worker, self._last_cause(worker), self._began_s, 0)
            found.append(Account(*(told or (worker.recovery.calls, 0.0, 0.0, 0.0, 0))))
        return found

    def _last_cause(self, worker: Worker) -> str:
        """Return what an actor died of that had done its work, where Ray can tell at once."""
        ref = worker.handle.account.remote()
        if ray.wait([ref], timeout=LOOK_S)[0]:
            try:
                take_answers(self._name, worker, [ref])
            except LostError as loss:
                return loss.cause
        return "it ended after its work"

    def ask(self, workers: Sequence[Worker], method: str, *args: object) -> list[Any]:
        """Return what actors that have done their work answer to a last question.

        An actor that is lost now has nothing to lose any more: its answer is None.
        """
        asked = {getattr(worker.handle, method).remote(*args): worker for worker in workers}
        until, waiting = time.monotonic() + self._subject.plan.most_s, list(asked)
        while waiting and time.monotonic() < until:
            _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=LOOK_S)
            waiting = [ref for ref in waiting if not self.spawner.is_lost(asked[ref])]
        if waiting:
            raise self.losses.late(asked[waiting[0]], self._subject.plan.most_s)
        found = [take_last_words(self._name, worker, [ref]) for ref, worker in asked.items()]
        return [answer[0] if answer else None for answer in found]

    def end(self) -> list[Place]:
        """End the actors; return where they were."""
        workers, self.workers = self.workers, []
        self._pending.clear()
        refs = [ref for worker in workers for _, sent in worker.sent for ref in sent]
        for worker in workers:
            worker.kill()
        if refs:  # of errors that nobody looked at Ray tells one by one, a traceback each
            done, _ = ray.wait(refs, num_returns=len(refs), timeout=LAST_WORDS_S)
            with contextlib.suppress(Exception):
                ray.get(done)
        return [worker.place for worker in workers if worker.place]

    def _drive(self, goal: Goal, timeout_s: float, killer: Killer | None = None) -> None:
        """Have instructions carried out and take answers until all shards are at the goal."""
        self._goal, began = goal, time.monotonic()
        self._until_s = began + timeout_s
        with spared_by_the_collector():
            self._drive_on(began, killer)

    def _drive_on(self, began: float, killer: Killer | None) -> None:
        self._obey_all()
        while self._pending:
            refs = list(self._pending)
            ready, _ = ray.wait(refs, num_returns=max(1, len(refs) // 10), timeout=LOOK_S)
            if not ready:
                self._progress(0)  # so that something is said while calls take long
            for marker in ready:
                if marker in self._pending:  # or it was lost meanwhile
                    self._hear(self._pending.pop(marker))
            if killer:
                killer.strike(self.workers, time.monotonic() - self._began_s)
            self._look()
            if self._pending and time.monotonic() > self._until_s:
                worker = next(iter(self._pending.values()))
                raise self.losses.late(worker, self._until_s - began)
            if self._holds_enough and not self._pending:
                self._stand_still()
                self._obey_all()

    def _obey_all(self) -> None:
        more = self.workers
        while more:  # round by round over the actors, as a person would
            more = [worker for worker in more if self._obey(worker)]

    @property
    def _holds_enough(self) -> bool:
        """Whether what is under way is to come to its end, so that values can be digested."""
        return self.returns is not None and self.returns.is_full

    def _stand_still(self) -> None:
        """Digest what calls returned while nothing is under way, and take it out of all times."""
        if not self.returns:
            return
        since = time.monotonic()
        self.returns.digest()
        took_s = time.monotonic() - since
        self._began_s += took_s
        self._until_s += took_s
        for worker in self.workers:
            worker.heard_s += took_s
            worker.killed_s = worker.killed_s and worker.killed_s + took_s

    def _obey(self, worker: Worker) -> bool:
        """Carry out a shard's next instruction; return whether there may be one more."""
        if self._holds_enough:
            return False
        order = worker.recovery.next(self._goal)
        match order:
            case recovery.Spawn(snapshot=snapshot):
                worker.renew(self.spawner.request(worker.recovery.numbers, worker.refuge))
                refs = [worker.handle.ready.remote(snapshot)]
            case recovery.Advance(batches=batches):
                refs = [worker.handle.advance.remote() for _ in range(batches)]
            case recovery.Plain.SAVE:
                refs = [worker.handle.snapshot.remote(ray.cloudpickle.dumps)]
            case recovery.Read(first=first):
                refs = [worker.handle.read.remote(first)]
            case recovery.Plain.WAIT | recovery.Plain.DONE:
                return False
            case recovery.GiveUp():
                raise self.losses.give_up(worker, order)
            case _:
                raise TypeError(f"{order!r} is not an instruction that a fleet knows")
        worker.sent.append((order, refs))
        if len(worker.sent) == 1:
            self._pending[refs[-1]] = worker
        return True

    def _hear(self, worker: Worker) -> None:
        """Take the oldest answers that an actor owes, and let it go on."""
        order, refs = worker.sent[0]
        try:
            heard = take_answers(self._name, worker, refs)
        except LostError as loss:
            self._lose(worker, loss)
            return
        self._tell(worker, order, heard)
        worker.sent.popleft()
        if worker.sent:
            self._pending[worker.sent[0][1][-1]] = worker
        while self._obey(worker):
            pass

    def _tell(self, worker: Worker, order: recovery.Instruction, heard: list[Any]) -> None:
        """Turn answers into an event for the shard's machine."""
        event: recovery.Event
        match order:
            case recovery.Spawn():
                worker.place = Place(*heard[0])
                event = recovery.Ready()
            case recovery.Advance():
                event = recovery.Advanced(len(heard), self._take(worker, heard))
            case recovery.Plain.SAVE:
                event = recovery.Saved(heard[0])
            case recovery.Read():
                worker.states += map(sys.intern, heard[0])  # equal ones are held once
                event = recovery.States(len(heard[0]))
            case _:
                raise TypeError(f"{order!r} has no answer")
        worker.recovery.apply(event)
        since_s, worker.heard_s = worker.heard_s - self._began_s, time.monotonic()
        if isinstance(event, recovery.Advanced) and event.calls and worker.place:
            if (new := worker.recovery.answered - worker.told) > 0:
                self._progress(new)
                worker.told += new
            now_s = worker.heard_s - self._began_s
            self.timeline.add(worker.index, worker.place.node_id, since_s, now_s, event.calls)
            self.losses.resume(worker, now_s)

    def _take(self, worker: Worker, heard: list[Any]) -> int:
        """Return how many calls were answered, and hold what they returned, if that is brought."""
        returns, numbers = self.returns, worker.recovery.numbers
        if returns is None:
            return sum(heard)
        if self._layout.calls_per_batch == 1 and len(numbers) == 1:
            position = worker.recovery.answered
            return sum(returns.hold_value(numbers[0], n, v) for n, v in enumerate(heard, position))
        return sum(map(returns.hold_batch, heard))

    def _lose(self, worker: Worker, loss: LostError) -> None:
        for order, refs in worker.sent:
            if heard := take_last_words(self._name, worker, refs):
                self._tell(worker, order, heard)
        without_node = loss.cause in {NODE_LOST, UNREACHABLE} or self.spawner.is_lost(worker)
        blamed = not without_node and worker.killed_s is None
        self.losses.add(worker, loss.cause, self._began_s, worker.recovery.unsaved)
        refuge = self.spawner.refuge(self.workers) if without_node else None
        self._replace(worker, refuge, recovery.Lost(loss.at, blamed))

    def _replace(self, worker: Worker, refuge: str | None, lost: recovery.Lost) -> None:
        """End an actor, and go on with another one: on that node, or wherever there is room."""
        plan = self._subject.plan
        if plan.timeout_s == "auto" and self._goal > Goal.READY:  # which nobody reckoned with
            self._until_s += plan.startup_timeout_s
        self._pending.pop(worker.sent[0][1][-1], None)
        worker.kill()
        worker.refuge = refuge
        worker.recovery.apply(lost)
        while self._obey(worker):
            pass

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
            if now > worker.heard_s + self._subject.plan.startup_timeout_s:
                raise self.losses.late(worker, self._subject.plan.startup_timeout_s)
            crowded = now > worker.heard_s + CROWDED_S and not worker.refuge
            if crowded and (refuge := self.spawner.refuge(self.workers)):
                self._replace(worker, refuge, recovery.Lost(blamed=False))
        if homeless and now > self._said_s + SAY_S:
            self._said_s = now
            waiting = f"waiting for {len(homeless):,} of {len(self.workers):,} actors"
            self._site.note(f"{self._name}: {waiting}")


@contextlib.contextmanager
def spared_by_the_collector() -> Iterator[None]:
    """Have Python's garbage collector pass over what there is already, and look at what is new.

    It would go over all workers again and again: an answer of 10,000 shards took 1.5 times as long
    as one of 1,000, and takes 1.2 times as long.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
