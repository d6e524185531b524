"""What `actors` and `sharded` are laid out by, and how the driver sees their actors."""

from __future__ import annotations

import enum
import os
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import ray

from job.results.document import NodeShare
from job.shard.shard import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.actors.recovery import Point, Recovery
    from job.shard.metering import Account


class Goal(enum.IntEnum):
    """How far the actors are driven."""

    READY = 0
    WORKED = 1
    READ = 2


class Segment(NamedTuple):
    """Remote calls of one kind that were sent together; the last one's answer is waited for.

    Attributes:
        kind: The method that was called.
        refs: One for each call.
        since_s: When they were sent, by the monotonic clock.
        incarnation: To which actor of its shard; what an older one says is ignored.
    """

    kind: str
    refs: list[Any]
    since_s: float
    incarnation: int


@dataclass
class Worker:
    """A shard as the driver sees it: its actor, and the remote calls on their way to it.

    Attributes:
        index: Which shard it is, from 0.
        numbers: Its instances.
        calls: How many calls it gets in all.
        recovery: How far it is, and what is to be done when its actor dies.
        handle: Its actor now, as below.
        place: Where that is, once it is ready.
        refuge: The node on which it was requested without a CPU of its own; None: anywhere.
        asked_s: When it was requested, by the monotonic clock.
        heard_s: When it last answered, likewise.
        sent: How many calls are made once all that was sent is answered.
        batch: How many calls its last remote call held.
        point: Which call is made next, where they are made one by one.
        segments: What is not answered, oldest first.
        states: Those that were read so far.
        told: How many calls were told as progress.
    """

    index: int
    numbers: Sequence[int]
    calls: int
    recovery: Recovery
    handle: Any = None
    place: Place | None = None
    refuge: str | None = None
    asked_s: float = 0.0
    heard_s: float = 0.0
    sent: int = 0
    batch: int = 0
    point: Point | None = None
    segments: deque[Segment] = field(default_factory=deque)
    states: list[str] = field(default_factory=list)
    told: int = 0

    def renew(self, handle: Any, now: float, refuge: str | None) -> None:
        """Take note of a new actor, of which nothing is known yet."""
        self.handle, self.place, self.point, self.refuge = handle, None, None, refuge
        self.asked_s = self.heard_s = now
        self.sent = self.recovery.answered
        self.segments.clear()
        self.states.clear()

    @property
    def host(self) -> str:
        """The node it is on, as far as that is known yet."""
        return self.place.address if self.place else "its node"

    def __str__(self) -> str:
        """Name the actor by its instances and its node."""
        first, last = self.numbers[0], self.numbers[-1]
        which = f"instance {first:,}" if first == last else f"instances {first:,} to {last:,}"
        return f"the actor of {which}" + (f" on {self.place.address}" if self.place else "")


def own_place() -> Place:
    """Return where this process runs; called on the workers."""
    context = ray.get_runtime_context()
    address = str(ray.util.get_node_ip_address())
    return Place(context.get_node_id(), address, socket.gethostname(), os.getpid())


def with_actor(shares: dict[str, NodeShare], place: Place, account: Account) -> NodeShare:
    """Return a node's share with one more actor."""
    before = shares.get(place.node_id) or NodeShare(
        node_id=place.node_id, address=place.address, host=place.host, actors=0
    )
    return before.model_copy(
        update={
            "actors": before.actors + 1,
            "processes": (*before.processes, place.pid),
            "calls": before.calls + account.calls,
            "busy_s": before.busy_s + account.wall_s,
        }
    )
