"""actors and sharded: the same remote class at different points of two knobs.

How many instances share an actor, and how many calls share a remote call: `actors` is (1, 1).
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as rex

from job import ray_cluster
from job.errors import ClusterError, JobError, TargetRaisedError, TrialError
from job.estimate import Profile, threads_for
from job.placement import deal, fit
from job.ray_actors import (
    Layout,
    Setting,
    Worker,
    cause_of_death,
    last_line,
    missing_module,
    own_place,
    with_actor,
)
from job.shard import Shard
from job.strategies.base import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.results import NodeShare
    from job.shard import Place
    from job.strategies.base import Progress

MOST_IN_FLIGHT = 10_000  # remote calls that are sent and not yet answered
LOOK_S = 0.2  # how long one wait may last: a signal is seen in between
MISSING_HINT = "Install it on every node, or name it under `pip` in runtime_env.yaml (make submit)."
SCOUTED = 3  # instances whose first calls tell how much calls wait
GONE_S = 30.0  # how long the processes of ended actors may take to be gone


class RayShards:
    """Runs a workload as actors that host a shard each."""

    def __init__(self, name: str, layout: Layout, setting: Setting) -> None:
        """Run what `setting` says at the point `layout` of the two knobs."""
        self.name = name
        self._wanted = layout
        self._layout = replace(layout, threads=layout.threads or 1)
        self._setting = setting
        self._recipe = setting.recipe
        self._workers: list[Worker] = []
        self._ended: list[Place] = []
        self._driver_cpu_s = 0.0
        self._profile: Profile | None = None

    @property
    def calls(self) -> int:
        """How many calls a trial makes."""
        return self._setting.instances * self._recipe.calls_per_instance

    def prepare(self, profile: Profile | None) -> None:
        """Decide how many threads a shard has, and say what the actors will have to wait for."""
        layout = self._layout
        largest = -(-self._setting.instances // layout.shards)
        if self._wanted.threads is None:
            self._profile = profile or self._profile or self._scout()
            layout = replace(layout, threads=threads_for(self._profile, largest))
        self._layout = layout = replace(layout, threads=min(layout.threads or 1, largest))
        capacities = ray_cluster.capacities(self._setting.cluster)
        placed = fit(layout.shards, layout.cpus_per_actor, capacities)
        if placed.when == "later":
            self._setting.note(f"{self.name}: {placed.reason}; waiting for the others to end")

    def start(self) -> None:
        """Request all actors, and wait at a barrier until every one has made its instances.

        Raises:
            ClusterError: They were not ready in time, or died before.
            TrialError: A constructor of the target raised.
        """
        self._host(deal(self._setting.instances, self._layout.shards))

    def work(self, progress: Progress) -> None:
        """Send calls to all actors without awaiting the first, and look at every result.

        An actor answers in order. So of each stretch of calls only the last answer is waited for,
        and an actor that is slow keeps no other waiting.

        Raises:
            TrialError: A call raised, an actor died, or the time was up.
        """
        until, cpu = time.monotonic() + self._setting.timeout_s, time.thread_time()
        pending: dict[Any, Worker] = {}
        self._fill(pending)
        while pending:
            count = max(1, len(pending) // 10)
            ready, _ = ray.wait(list(pending), num_returns=count, timeout=LOOK_S)
            if not ready:
                progress(0)  # so that something is said while calls take long
            for marker in ready:
                worker = pending.pop(marker)
                answered = self._get(worker, worker.segments.popleft())
                worker.done += sum(answered)
                progress(sum(answered))
                self._send(worker, pending)
            if pending and time.monotonic() > until:
                raise self._work_late(next(iter(pending.values())))
        self._driver_cpu_s = time.thread_time() - cpu

    def read(self) -> list[str]:
        """Collect the states, in chunks from all actors at once."""
        states: list[list[str]] = [[] for _ in self._workers]
        known: dict[str, str] = {}  # equal states are held once
        until = time.monotonic() + self._setting.timeout_s
        open_ = {w.handle.read.remote(0): index for index, w in enumerate(self._workers)}
        while open_:
            ready, _ = ray.wait(list(open_), num_returns=max(1, len(open_) // 10), timeout=LOOK_S)
            for ref in ready:
                index = open_.pop(ref)
                worker = self._workers[index]
                (chunk,) = self._get(worker, [ref])
                states[index].extend(known.setdefault(state, state) for state in chunk)
                if len(states[index]) < len(worker.numbers):
                    open_[worker.handle.read.remote(len(states[index]))] = index
            if open_ and time.monotonic() > until:
                raise self._read_late(self._workers[next(iter(open_.values()))])
        return [state for part in states for state in part]

    def facts(self) -> Facts:
        """Ask the actors what their calls took."""
        accounts = self._all([w.handle.account.remote() for w in self._workers], self._read_late)
        shares: dict[str, NodeShare] = {}
        for worker, account in zip(self._workers, accounts, strict=True):
            if worker.place:
                shares[worker.place.node_id] = with_actor(shares, worker.place, account)
        # One actor of each node tells how fast its core is, now that nothing else runs there.
        firsts = {w.place.node_id: w for w in reversed(self._workers) if w.place}
        asked = [worker.handle.core_s.remote() for worker in firsts.values()]
        cores = self._all(asked, self._read_late, list(firsts.values()))
        for node_id, core in zip(firsts, cores, strict=True):
            shares[node_id] = shares[node_id].model_copy(update={"core_s": core})
        layout = self._layout
        at_once = sum(min(layout.threads or 1, len(w.numbers)) for w in self._workers)
        cpus = min(
            sum(node.cpus for node in self._setting.cluster.nodes), float(len(self._workers))
        )
        return Facts(
            cpu_s=sum(account.cpu_s for account in accounts),
            calls=sum(account.calls for account in accounts),
            instances=self._setting.instances,
            actors=len(self._workers),
            at_once=at_once,
            cpus=cpus,
            switches=sum(account.switches for account in accounts),
            slowest_s=max(account.slowest_s for account in accounts),
            driver_cpu_s=self._driver_cpu_s,
            settings={
                "cpus_per_actor": layout.cpus_per_actor,
                "threads_per_shard": layout.threads or 1,
                "calls_per_batch": layout.calls_per_batch or "auto",
            },
            placement=tuple(shares.values()),
        )

    def stop(self) -> None:
        """End the actors."""
        workers, self._workers = self._workers, []
        for worker in workers:
            with contextlib.suppress(rex.RayError, ValueError):  # gone already, with its node
                ray.kill(worker.handle)
            if worker.place:
                self._ended.append(worker.place)

    def settle(self) -> None:
        """Wait until the ended actors' processes are gone and their CPUs are free again."""
        ended, self._ended = self._ended, []
        if ended and not ray_cluster.wait_until_gone(ended, self._setting.cluster, GONE_S):
            self._setting.note(f"{self.name}: its CPUs are not free yet after {GONE_S:g} s")

    def _host(self, deals: Sequence[range]) -> None:
        """Request an actor for each deal of instances, and wait until all are ready."""
        recipe = ray.put(self._setting.packed or self._recipe)
        remote = ray.remote(Shard).options(
            num_cpus=self._layout.cpus_per_actor,
            scheduling_strategy="SPREAD",
            max_restarts=0,
            max_task_retries=0,
        )
        for numbers in deals:
            handle = remote.remote(
                recipe, numbers, self._layout.calls_per_batch, self._layout.threads or 1, own_place
            )
            calls = len(numbers) * self._recipe.calls_per_instance
            self._workers.append(Worker(handle, numbers, calls))
        asked = [worker.handle.ready.remote() for worker in self._workers]
        timeout_s = self._setting.startup_timeout_s
        places = self._all(asked, self._startup_late, timeout_s=timeout_s)
        for worker, place in zip(self._workers, places, strict=True):
            worker.place = place

    def _scout(self) -> Profile:
        """Time the first calls of a few instances on one actor, where no serial loop did."""
        self._layout = replace(self._layout, calls_per_batch=None)
        try:
            self._host([range(min(self._setting.instances, SCOUTED))])
            (worker,) = self._workers
            self._all([worker.handle.advance.remote()], self._work_late)
            (account,) = self._all([worker.handle.account.remote()], self._read_late)
        finally:
            self._layout = replace(self._layout, calls_per_batch=self._wanted.calls_per_batch)
            self.stop()
        self.settle()
        return Profile(account.calls, account.wall_s, account.cpu_s, account.switches)

    def _fill(self, pending: dict[Any, Worker]) -> None:
        """Send the first calls, round by round over the actors, as a person would."""
        window = self._window()
        firsts = {id(w): min(window, self._batches_left(w)) for w in self._workers}
        batches: dict[int, list[Any]] = {id(w): [] for w in self._workers}
        for turn in range(max(firsts.values(), default=0)):
            for worker in self._workers:
                if turn < firsts[id(worker)]:
                    batches[id(worker)].append(worker.handle.advance.remote())
        half = max(1, window // 2)
        for worker in self._workers:
            refs = batches[id(worker)]
            worker.sent = len(refs)
            for start in range(0, len(refs), half):
                self._await(worker, refs[start : start + half], pending)

    def _send(self, worker: Worker, pending: dict[Any, Worker]) -> None:
        """Send the next stretch of calls to an actor that has answered one."""
        count = min(max(1, self._window() // 2), self._batches_left(worker))
        if count <= 0:
            return
        worker.sent += count
        self._await(worker, [worker.handle.advance.remote() for _ in range(count)], pending)

    def _await(self, worker: Worker, refs: list[Any], pending: dict[Any, Worker]) -> None:
        worker.segments.append(refs)
        pending[refs[-1]] = worker

    def _window(self) -> int:
        """Return how many remote calls one actor may have in flight."""
        if self._layout.calls_per_batch is None:
            return 1  # how many there will be is not known
        return max(2, MOST_IN_FLIGHT // max(1, len(self._workers)))

    def _batches_left(self, worker: Worker) -> int:
        if self._layout.calls_per_batch is None:
            return 1 if worker.done < worker.calls else 0
        return -(-worker.calls // self._layout.calls_per_batch) - worker.sent

    def _all(
        self, refs: list[Any], late: Callable[[Worker], JobError],
        workers: Sequence[Worker] | None = None, timeout_s: float | None = None,
    ) -> list[Any]:  # fmt: skip
        """Return the answers of all actors, or of those named, in order."""
        until = time.monotonic() + (timeout_s or self._setting.timeout_s)
        waiting = dict(zip(refs, workers or self._workers, strict=True))
        answers: dict[Any, Any] = {}
        said = time.monotonic()
        while waiting:
            count = max(1, len(waiting) // 10)
            for ref in ray.wait(list(waiting), num_returns=count, timeout=LOOK_S)[0]:
                (answers[ref],) = self._get(waiting.pop(ref), [ref])
            if waiting and time.monotonic() > until:
                raise late(next(iter(waiting.values())))
            if waiting and time.monotonic() > said + 10:
                said = time.monotonic()
                self._setting.note(
                    f"{self.name}: waiting for {len(waiting):,} of {len(refs):,} actors"
                )
        return [answers[ref] for ref in refs]

    def _get(self, worker: Worker, refs: list[Any]) -> list[Any]:
        """Return answers that are there, or raise what went wrong as a sentence."""
        try:
            return ray.get(refs)
        except rex.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, TargetRaisedError):
                raise cause.told(self.name, f"on {worker.host}") from None
            if isinstance(cause, JobError):
                raise cause from None
            message = f"{self.name}: {worker} failed: {last_line(error)}"
            raise TrialError(message) from None
        except rex.RuntimeEnvSetupError as error:
            message = f"{self.name}: the runtime environment cannot be set up: {last_line(error)}"
            raise ClusterError(message) from None
        except (rex.RayError, ImportError) as error:
            if missing := missing_module(error):
                message = f"{self.name}: Python module {missing!r} is missing on {worker.host}"
                raise ClusterError(message, MISSING_HINT) from None
            message = f"{self.name}: {worker} died ({cause_of_death(error)})"
            raise TrialError(
                message,
                "Its process or node was lost; if it recurs at one call, the target ends it.",
            ) from None

    def _startup_late(self, worker: Worker) -> JobError:
        limit = f"{self._setting.startup_timeout_s:g} s"
        message = f"{self.name}: {worker} was not ready within {limit}"
        return ClusterError(message, "Free some capacity, or allow more with --startup-timeout.")

    def _work_late(self, worker: Worker) -> JobError:
        return self._late(worker, f"{worker.calls - worker.done:,} calls are not answered")

    def _read_late(self, worker: Worker) -> JobError:
        return self._late(worker, "the states are not there")

    def _late(self, worker: Worker, what: str) -> JobError:
        message = f"{self.name}: {what} within {self._setting.timeout_s:g} s by {worker}"
        return TrialError(message, "Allow more with --timeout, or ask for less work.")
