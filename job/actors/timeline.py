"""What the results keep of a trial's actors: when each answered calls, and what ran where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.results.document import NodeShare, Stretch

if TYPE_CHECKING:
    from job.shard.metering import Account
    from job.shard.shard import Place

MOST_ACTORS = 200  # whose answers are kept: more rows nobody can tell apart
MOST_STRETCHES = 1_200
FIRST_GRAIN_S = 0.0005


class Timeline:
    """Answers of actors, neighbours joined to one stretch where a page could not draw them all."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._stretches: list[Stretch] = []
        self._last: dict[int, int] = {}  # where an actor's last stretch is
        self._grain_s = 0.0

    def add(self, actor: int, node_id: str, since_s: float, until_s: float, calls: int) -> None:
        """Take note of calls that an actor answered together, in seconds from the work's begin."""
        if actor >= MOST_ACTORS:
            return
        since_s, until_s = round(max(0.0, since_s), 5), round(until_s, 5)
        self._join(Stretch(actor=actor, node_id=node_id, since_s=since_s, until_s=until_s,
                           calls=calls))  # fmt: skip
        while len(self._stretches) > MOST_STRETCHES:
            stretches, self._stretches, self._last = self._stretches, [], {}
            self._grain_s = 2 * self._grain_s or FIRST_GRAIN_S
            for stretch in stretches:
                self._join(stretch)

    def stretches(self) -> tuple[Stretch, ...]:
        """Return what there is, in the order of the answers."""
        return tuple(self._stretches)

    def _join(self, new: Stretch) -> None:
        """Add a stretch to the actor's last one while both together are shorter than the grain."""
        at = self._last.get(new.actor, -1)
        last = self._stretches[at] if at >= 0 else new
        if at >= 0 and new.node_id == last.node_id and new.until_s - last.since_s <= self._grain_s:
            joined = {"until_s": new.until_s, "calls": last.calls + new.calls}
            self._stretches[at] = last.model_copy(update=joined)
            return
        self._last[new.actor] = len(self._stretches)
        self._stretches.append(new)


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
