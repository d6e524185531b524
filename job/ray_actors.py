"""What `actors` and `sharded` are laid out by, and how the driver sees their actors."""

from __future__ import annotations

import os
import re
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ray

from job.results import NodeShare
from job.shard import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.metering import Account
    from job.recipe import Recipe
    from job.results import Cluster


@dataclass(frozen=True)
class Layout:
    """The knobs, turned.

    Attributes:
        shards: How many actors.
        cpus_per_actor: The num_cpus of each.
        threads: How many instances of one actor may be called at once; None: to be found out.
        calls_per_batch: How many calls one remote call carries; None: about a second's worth.
    """

    shards: int
    cpus_per_actor: float
    threads: int | None = 1
    calls_per_batch: int | None = 1


@dataclass(frozen=True)
class Setting:
    """What all strategies of a comparison share.

    Attributes:
        recipe: What is computed.
        instances: How many instances.
        cluster: Where.
        startup_timeout_s: How long actors may take until all are ready.
        timeout_s: How long the work, and the read, may take.
        note: Told what a user should know while it waits.
        packed: The recipe as it is sent to the actors; as it stands where there is none.
    """

    recipe: Recipe
    instances: int
    cluster: Cluster
    startup_timeout_s: float
    timeout_s: float
    note: Callable[[str], None]
    packed: bytes | None = None


@dataclass
class Worker:
    """One actor as the driver sees it: its shard, and the remote calls on their way to it."""

    handle: Any
    numbers: Sequence[int]
    calls: int
    place: Place | None = None
    done: int = 0
    sent: int = 0
    segments: deque[list[Any]] = field(default_factory=deque)

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


def last_line(error: BaseException) -> str:
    """Return the part of a long text that says what was wrong in the end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def cause_of_death(error: BaseException) -> str:
    """Return the part of Ray's long text that says how the process ended."""
    text = " ".join(str(error).split())
    for mark in ("Worker exit detail: ", "because "):
        if mark in text:
            return text.partition(mark)[2].partition(". ")[0].rstrip(".")
    return text[:200] or type(error).__name__


def missing_module(error: BaseException) -> str:
    """Return the module whose absence on a worker a long text tells of, or nothing."""
    found = re.search(r"ModuleNotFoundError: No module named '([^']+)'", str(error))
    return found[1] if found else ""
