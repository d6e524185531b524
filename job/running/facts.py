"""What shards tell once they have done their work -> the facts of their trial; pure."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from job.actors.timeline import with_actor
from job.results.document import Facts, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.planning.layout import Layout
    from job.results.document import NodeShare
    from job.shard.metering import Account
    from job.shard.shard import Place


def facts_of(
    accounts: Sequence[Account], places: Sequence[Place | None], deals: Sequence[Sequence[int]],
    layout: Layout, sample: Sequence[int],
) -> Facts:  # fmt: skip
    """Return the facts that follow from what each shard's calls took.

    Args:
        accounts: Of each shard, in the order of their instances' numbers.
        places: Where each was; None where nobody knows.
        deals: The instances of each.
        layout: How they were laid out.
        sample: The instances whose times were asked for one by one, ascending.
    """
    each_s = tuple(chain.from_iterable(account.each_s for account in accounts))
    known = bool(each_s) and len(each_s) == len(sample)
    shares: dict[str, NodeShare] = {}
    for place, account in zip(places, accounts, strict=True):
        if place:
            shares[place.node_id] = with_actor(shares, place, account)
    cpu_s = sum(account.cpu_s for account in accounts)
    elsewhere_s = sum(account.elsewhere_s for account in accounts)
    threads = layout.threads or 1
    return Facts(
        cpu_s=cpu_s,
        calls=sum(account.calls for account in accounts),
        instances=sum(map(len, deals)),
        actors=0,
        at_once=sum(min(threads, len(numbers)) for numbers in deals),
        cpus=1.0,
        switches=sum(account.switches for account in accounts),
        elsewhere_share=elsewhere_s / cpu_s if cpu_s else 0.0,
        slowest_s=max(account.slowest_s for account in accounts),
        settings={
            "threads_per_shard": threads,
            "calls_per_batch": layout.calls_per_batch or "auto",
        },
        placement=tuple(shares.values()),
        memory_bytes=sum(account.held_bytes for account in accounts),
        sample=Sample(numbers=tuple(sample), each_s=each_s) if known else None,
    )
