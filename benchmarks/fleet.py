"""Does the driver take longer over an answer the more shards there are? No Ray runs in this.

A fleet is driven through its whole work with actors that answer at once: what is left is the
driver's own time. Ray's own part, `ray.wait` over as many answers, comes on top.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from job.actors import fleet as fleet_module
from job.actors import losses, worker
from job.actors.fleet import Fleet
from job.cluster.travel import Subject
from job.planning.layout import Layout
from job.running.preparation import recipe_of
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FEW, MANY = 1_000, 10_000  # shards
INSTANCES, CALLS, AT_ONCE = (
    10,
    20,
    10,
)  # of a shard, of each, and of those that an answer stands for
RUNS = 5


class Answer:
    """What a remote call returns: a reference, whose answer is there."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        """Hold the answer."""
        self.value = value


class Actor:
    """Answers at once what a shard's actor answers."""

    def __init__(self, numbers: Sequence[int]) -> None:
        """Host these instances."""
        self._left, self._states = CALLS * len(numbers), [str(number) for number in numbers]
        self.ready, self.advance = _method(self._ready), _method(self._advance)
        self.read = _method(self._read)

    def _ready(self, _snapshot: bytes | None) -> tuple[str, str, str, int]:
        return "node", "address", "host", 1

    def _advance(self) -> int:
        made = min(AT_ONCE, self._left)
        self._left -= made
        return made

    def _read(self, first: int) -> list[str]:
        return self._states[first:]


def _method(answer: Callable[..., object]) -> SimpleNamespace:
    return SimpleNamespace(remote=lambda *args: Answer(answer(*args)))


class Answering:
    """What a fleet asks of Ray, answered at once."""

    cloudpickle = SimpleNamespace(dumps=None)

    def __init__(self) -> None:
        """Count the answers."""
        self.answers = 0

    def wait(
        self, refs: list[Answer], num_returns: int, timeout: float
    ) -> tuple[list[Answer], list[Answer]]:
        """Return as many as are asked for, and the rest, as `ray.wait` does."""
        del timeout
        return refs[:num_returns], refs[num_returns:]

    def get(self, refs: list[Answer]) -> list[object]:
        """Return the answers."""
        self.answers += len(refs)
        return [ref.value for ref in refs]

    def kill(self, _actor: Actor) -> None:
        """End nothing."""

    def nodes(self) -> list[dict[str, Any]]:
        """Return the one node there is."""
        return [{"NodeID": "node", "Alive": True, "Resources": {"CPU": 1e6}}]


class Measured(NamedTuple):
    """What one run of a fleet took: CPU seconds for each answer, and the driver's growth in MB."""

    per_answer_s: float
    grown_mb: float


@contextlib.contextmanager
def instead_of_ray() -> Iterator[Answering]:
    """Have the fleet talk to actors of our own."""
    answering, places = Answering(), (fleet_module, losses, worker)
    before = [vars(module)["ray"] for module in places]
    for module in places:
        vars(module)["ray"] = answering
    try:
        yield answering
    finally:
        for module, ray in zip(places, before, strict=True):
            vars(module)["ray"] = ray


def drive(shards: int) -> Measured:
    """Drive a fleet of so many shards from start to states."""
    keys = {"target": "job.targets.idler:Idler", "calls": [f"rest * {CALLS}"]}
    workload, plan = build({**keys, "instances": INSTANCES * shards}, {"strategies": "sharded"})
    subject = Subject(workload, plan, recipe_of(workload))
    site: Any = SimpleNamespace(note=lambda _: None)
    deals = [range(first, first + INSTANCES) for first in range(0, INSTANCES * shards, INSTANCES)]
    import psutil  # comes with ray, from its own folder

    gc.collect()
    process, before = psutil.Process(), psutil.Process().memory_info().rss
    with instead_of_ray() as answering:
        fleet = Fleet("sharded", Layout(shards, threads=1, calls_per_batch=None), subject, site)
        spawner: Any = fleet.spawner
        spawner.request = lambda numbers, _node: Actor(numbers)
        began = time.process_time()  # of all that the machine does, ours
        fleet.host(deals)
        fleet.work(lambda _: None, 3600.0)
        states = fleet.read()
        took_s = time.process_time() - began
        grown = process.memory_info().rss - before
        fleet.end()
    assert states == [str(number) for number in range(INSTANCES * shards)]  # noqa: S101
    return Measured(took_s / answering.answers, grown / 1e6)


def measure() -> tuple[float, str]:
    """Return how many times as long an answer takes of many shards, and what was measured."""
    turns = [(drive(FEW), drive(MANY)) for _ in range(RUNS)]
    told = ", ".join(
        f"{shards:,} shards {1e6 * statistics.median(run.per_answer_s for run in runs):.1f} us an "
        f"answer and {max(run.grown_mb for run in runs):.0f} MB"
        for shards, runs in zip((FEW, MANY), zip(*turns, strict=True), strict=True)
    )
    return statistics.median(many.per_answer_s / few.per_answer_s for few, many in turns), told
