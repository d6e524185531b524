"""What strategies take, as lines in the number of calls and their cost; where they meet; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Bound:
    """What one resource takes per call: `overhead_s` and `factor` times the call's own cost."""

    name: str
    overhead_s: float
    factor: float

    def per_call_s(self, call_s: float) -> float:
        """Return its time per call, calls being spread over it."""
        return self.overhead_s + self.factor * call_s


@dataclass(frozen=True)
class Cost:
    """What a strategy takes: once, and per call; times in seconds."""

    fixed_s: float
    bounds: tuple[Bound, ...]

    def elapsed_s(self, calls: int, call_s: float) -> float:
        """Return what so many calls of that cost take."""
        return self.fixed_s + calls * self.limit(call_s).per_call_s(call_s)

    def limit(self, call_s: float) -> Bound:
        """Return the resource that bounds the work of calls of that cost."""
        return max(self.bounds, key=lambda bound: bound.per_call_s(call_s))


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
