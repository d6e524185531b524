"""What shards tell once they have done their work -> the facts of their trial; pure."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from job.actors.timeline import with_shard
from job.results.document import Facts, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from job.planning.layout import Layout
    from job.results.document import NodeShare
    from job.shard.metering import Account
    from job.shard.shard import Place


def facts_of(  # noqa: PLR0913, PLR0917 - what is known of all shards
    accounts: Sequence[Account], places: Sequence[Place | None], deals: Sequence[Sequence[int]],
    layout: Layout, sample: Sequence[int], cores_s: Mapping[str, float],
    *settings: Mapping[str, Any], **own: Any,  # noqa: ANN401 - as the fields have them
) -> Facts:  # fmt: skip
    """Return the facts that follow from what each shard's calls took.

    Args:
        accounts: Of each shard, in the order of their instances' numbers.
        places: Where each was; None where nobody knows.
        deals: The instances of each.
        layout: How they were laid out.
        sample: The instances whose times were asked for one by one, ascending.
        cores_s: What a fixed piece of Python took on each node, where it was asked.
        settings: The knobs besides threads and batches.
        own: What the strategy itself knows.
    """
    each_s = tuple(chain.from_iterable(account.each_s for account in accounts))
    known = bool(each_s) and len(each_s) == len(sample)
    shares: dict[str, NodeShare] = {}
    for place, account in zip(places, accounts, strict=True):
        if place:
            shares[place.node_id] = with_shard(shares, place, account)
    cpu_s = sum(account.cpu_s for account in accounts)
    elsewhere_s = sum(account.elsewhere_s for account in accounts)
    threads = layout.threads or 1
    knobs: dict[str, int | float | str] = {"threads_per_shard": threads}
    knobs["calls_per_batch"] = layout.calls_per_batch or "auto"
    for more in settings:
        knobs |= more
    return Facts(
        cpu_s=cpu_s,
        calls=sum(account.calls for account in accounts),
        instances=sum(map(len, deals)),
        at_once=sum(min(threads, len(numbers)) for numbers in deals),
        switches=sum(account.switches for account in accounts),
        elsewhere_share=elsewhere_s / cpu_s if cpu_s else 0.0,
        slowest_s=max(account.slowest_s for account in accounts),
        settings=knobs,
        placement=tuple(
            share.model_copy(update={"core_s": cores_s.get(share.node_id)})
            for share in shares.values()
        ),
        memory_bytes=sum(account.memory_bytes for account in accounts),
        sample=Sample(numbers=tuple(sample), each_s=each_s) if known else None,
        **own,
    )
