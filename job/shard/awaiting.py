"""How async methods are called: on an event loop, many instances at a time, each one's in order.

Functions and not methods of Shard: Ray takes a class with async methods for an actor of another
kind.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Protocol

from job.errors import TargetRaisedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from job.shard.batch import Batch, Block, Step


class Dealer(Protocol):
    """What of a shard is needed here."""

    def deal(self, batch: Batch) -> tuple[Block, int]:
        """Return a block of the batch, and how many calls its instances get; 0 when it is done."""

    def steps(self, block: Block, calls: int) -> Iterator[Step]:
        """Return what gives each instance of a block its next `calls` calls."""

    def note(self, block: Block, calls: int, wall_s: float, batch: Batch) -> None:
        """Take note of a block's calls, and open it again if it is to get more."""

    def fail(self, error: TargetRaisedError, batch: Batch) -> None:
        """Remember the first error, and end the batch."""


async def work_awaiting(shard: Dealer, batch: Batch, at_once: int) -> None:
    """Apply the blocks of a batch on an event loop, `at_once` instances at a time."""
    await asyncio.gather(*(_await_blocks(shard, batch) for _ in range(at_once)))


async def _await_blocks(shard: Dealer, batch: Batch) -> None:
    try:
        while True:
            block, calls = shard.deal(batch)
            if not calls:
                return
            since = time.perf_counter()
            for step in shard.steps(block, calls):
                try:
                    made = step.run()
                    if inspect.isawaitable(made):
                        await made
                except (Exception, SystemExit) as error:
                    raise step.raised(error) from None
            shard.note(block, calls, time.perf_counter() - since, batch)
    except TargetRaisedError as error:
        shard.fail(error, batch)
