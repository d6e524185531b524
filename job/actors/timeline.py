"""What the results keep of a trial's shards: when each answered calls, and what ran where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.results.document import NodeShare, Stretch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from job.shard.metering import Account
    from job.shard.shard import Place

MOST_ACTORS = 200  # whose answers are kept: more rows nobody can tell apart
MOST_STRETCHES = 1_200
FIRST_GRAIN_S = 0.0005


class Timeline:
    """Answers of actors, neighbours joined to one stretch where a page could not draw them all."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []  # in the order of the answers
        self._last: dict[int, int] = {}  # where an actor's last stretch is
        self._grain_s = FIRST_GRAIN_S

    def add(self, actor: int, node_id: str, since_s: float, until_s: float, calls: int) -> None:
        """Take note of calls that an actor answered together, in seconds from the work's begin."""
        if actor >= MOST_ACTORS:
            return
        since_s = round(max(0.0, since_s), 5)  # the actor was ready before work began
        self._join(Stretch(
            actor=actor, node_id=node_id, since_s=since_s, until_s=round(until_s, 5), calls=calls
        ))  # fmt: skip
        while len(self.stretches) > MOST_STRETCHES:
            self._grain_s *= 2
            stretches, self.stretches, self._last = self.stretches, [], {}
            for stretch in stretches:
                self._join(stretch)

    def _join(self, new: Stretch) -> None:
        """Add a stretch to the actor's last one while both together are shorter than the grain."""
        at = self._last.get(new.actor, -1)
        last = self.stretches[at] if at >= 0 else None
        if last and new.node_id == last.node_id and new.until_s - last.since_s <= self._grain_s:
            joined = {"until_s": new.until_s, "calls": last.calls + new.calls}
            self.stretches[at] = last.model_copy(update=joined)
        else:
            self._last[new.actor] = len(self.stretches)
            self.stretches.append(new)


def with_shard(shares: Mapping[str, NodeShare], place: Place, account: Account) -> NodeShare:
    """Return a node's share with one more process that made calls."""
    share = shares.get(place.node_id) or NodeShare(
        node_id=place.node_id, address=place.address, host=place.host, actors=0
    )
    return share.model_copy(update={
        "actors": share.actors + 1, "processes": (*share.processes, place.pid),
        "calls": share.calls + account.calls, "busy_s": share.busy_s + account.wall_s,
    })  # fmt: skip
