"""How many remote calls are on their way to an actor, and are waited for together; pure."""

from __future__ import annotations

from dataclasses import dataclass

MOST_IN_FLIGHT = 10_000  # remote calls that are sent and not yet answered
STRETCHES = 10  # in which an actor's calls are waited for at least: progress and timeline show them


@dataclass(frozen=True)
class Pacing:
    """What follows from how many calls a remote call carries, and how many actors share a driver.

    Attributes:
        calls_per_batch: What one remote call carries; None for about a second's worth.
        actors: How many there are.
    """

    calls_per_batch: int | None
    actors: int

    @property
    def window(self) -> int:
        """How many remote calls one actor may have in flight."""
        if self.calls_per_batch is None:
            return 1
        return max(2, MOST_IN_FLIGHT // max(1, self.actors))

    def stretch(self, calls: int) -> int:
        """Return how many remote calls are sent, and waited for, together, of `calls` calls."""
        batches = -(-calls // (self.calls_per_batch or calls or 1))
        return max(1, min(self.window // 2, -(-batches // STRETCHES)))

    def batches(self, calls: int) -> int:
        """Return how many remote calls carry `calls` more calls; where nobody knows, one."""
        batch = self.calls_per_batch
        return min(1, calls) if batch is None else -(-calls // batch)
