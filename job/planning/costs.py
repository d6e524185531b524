"""The cost model: what a strategy takes, by how many calls there are and what one costs; pure.

With n calls of c seconds each, spread over a layout (docs/measuring.md derives it):

    elapsed(n, c) = startup + read + n max over bounds of (overhead + factor c)

Each bound is one resource that all calls pass. An estimate fills in rough figures, break-even what
was calibrated, and the ideal is the same model without overheads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Start(NamedTuple):
    """What a worker of a strategy takes to start, in seconds."""

    cpu_s: float  # of computing, and to import the target besides
    each_s: float = 0.0  # one after the other
    thread_s: float = 0.0  # for each of its threads, likewise


# Seen with Ray 2.60 on 2 cores: 2 actors took 0.4 s to start, 4 0.8, 16 4, 32 8 to 11 and 48 14:
# each was 0.4 to 0.7 s of computing on its node, and 7 ms in the head, which starts one by one. A
# Python of our own was there after 0.08 s, a thread after 0.1 ms, and each round through all of
# them (to make, to call, to read) took 0.03 ms for one.
ACTOR = Start(0.6, 0.007)
STARTS = {"threads": Start(0.0, thread_s=0.0002), "processes": Start(0.08, thread_s=0.0002)}


@dataclass(frozen=True)
class Bound:
    """What one resource takes per call: `overhead_s` and `factor` times the call's own cost."""

    name: str
    overhead_s: float
    factor: float

    def per_call_s(self, call_s: float) -> float:
        """Return its time per call."""
        return self.overhead_s + self.factor * call_s


@dataclass(frozen=True)
class Cost:
    """What a strategy takes: once, and per call; times in seconds."""

    fixed_s: float
    bounds: tuple[Bound, ...]

    def elapsed_s(self, calls: float, call_s: float) -> float:
        """Return what so many calls of that cost take."""
        return self.fixed_s + calls * self.limit(call_s).per_call_s(call_s)

    def limit(self, call_s: float) -> Bound:
        """Return the resource that bounds the work of calls of that cost; of equals the first."""
        return max(self.bounds, key=lambda bound: bound.per_call_s(call_s))


@dataclass(frozen=True)
class Shape:
    """What of a layout the cost of its work follows from."""

    instances: int  # the calls of one come one after the other
    cpus: float  # that compute
    slot: float  # the largest share of all calls that has to pass one slot, one at a time
    sent_s: float = 0.0  # what the driver spends on a call, sending it and looking at the answer
    inside_s: float = 0.0  # what an actor spends on a call besides the call
    shares_driver: bool = False  # actors compute where the driver does: sending takes their CPUs

    def bounds(self, cpu_share: float, stretch: float = 1.0) -> tuple[Bound, ...]:
        """Return what bounds the work of calls that compute for `cpu_share` of their time.

        That is above 1 where a call computes on several CPUs. A call's CPU time is `stretch` times
        as long in an actor while others compute. Where nothing can be done about a bound it comes
        first.
        """
        computing = min(cpu_share, 1.0)
        beside = self.sent_s * computing if self.shares_driver else 0.0
        slower = 1 + computing * (stretch - 1)
        alone = 1 / self.instances
        return (
            Bound("instance", beside + self.inside_s * alone, slower * alone),
            Bound("CPUs", beside + self.inside_s / self.cpus, stretch * cpu_share / self.cpus),
            Bound("slots", beside + self.inside_s * self.slot, slower * self.slot),
            Bound("driver", self.sent_s, 0.0),
        )


def fullest_slot(instances: int, actors: int, threads: int) -> float:
    """Return the share of all calls that passes one thread of the actor with most instances."""
    hosted = -(-instances // max(1, actors))
    return hosted / min(threads, hosted) / instances


def call_cost(serial: Cost, other: Cost, calls: int) -> float | None:
    """Return from which call cost on `other` beats the loop; None if never.

    Of a maximum of lines each must lie below the loop's, which has one bound; the last to get
    there counts.
    """
    (loop,) = serial.bounds
    ahead = (other.fixed_s - serial.fixed_s) / calls
    return _last(
        (ahead + bound.overhead_s - loop.overhead_s, loop.factor - bound.factor)
        for bound in other.bounds
    )


def paid_back(serial: Cost, other: Cost, call_s: float) -> float | None:
    """Return after how many calls of that cost `other` has overtaken the loop; None if never.

    Few calls are spread over nothing: however few, they take as long as one.
    """
    (loop,) = serial.bounds
    behind = other.fixed_s - serial.fixed_s
    alone = loop.per_call_s(call_s)
    gained = alone - other.limit(call_s).per_call_s(call_s)
    return _last([(behind, gained), (behind + call_s if behind > 0 else behind, alone)])


def _last(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return from where on gain x > lag for all pairs of lag and gain; None if for good nowhere."""
    latest = 0.0
    for lag, gain in pairs:
        if gain < 0 or lag > 0 >= gain:
            return None
        if gain > 0:
            latest = max(latest, lag / gain)
    return latest
