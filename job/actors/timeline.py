"""Timeline: when which actor answered how many calls, in no more pieces than a page can draw."""

from __future__ import annotations

from typing import NamedTuple

from job.results.document import Stretch

MOST_ACTORS = 200  # whose answers are kept: more rows nobody can tell apart
MOST_STRETCHES = 2_000
FIRST_GRAIN_S = 0.0005


class _Piece(NamedTuple):
    actor: int
    node_id: str
    since_s: float
    until_s: float
    calls: int


class Timeline:
    """Answers of actors, neighbours joined to one stretch where there are too many."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._pieces: list[_Piece] = []
        self._last: dict[int, int] = {}  # where an actor's last piece is
        self._grain_s = 0.0

    def add(self, actor: int, node_id: str, since_s: float, until_s: float, calls: int) -> None:
        """Take note of calls that an actor answered together, in seconds from the work's begin."""
        if actor >= MOST_ACTORS:
            return
        self._join(_Piece(actor, node_id, max(0.0, since_s), until_s, calls))
        while len(self._pieces) > MOST_STRETCHES:
            pieces, self._pieces, self._last = self._pieces, [], {}
            self._grain_s = 2 * self._grain_s or FIRST_GRAIN_S
            for piece in pieces:
                self._join(piece)

    def stretches(self) -> tuple[Stretch, ...]:
        """Return what there is, in the order of the answers."""
        return tuple(
            Stretch(
                actor=piece.actor, node_id=piece.node_id, since_s=round(piece.since_s, 5),
                until_s=round(piece.until_s, 5), calls=piece.calls,
            )
            for piece in self._pieces
        )  # fmt: skip

    def _join(self, piece: _Piece) -> None:
        """Add a piece to the actor's last one while both together are shorter than the grain."""
        at = self._last.get(piece.actor)
        last = self._pieces[at] if at is not None else None
        near = last and piece.node_id == last.node_id
        if at is not None and last and near and piece.until_s - last.since_s <= self._grain_s:
            calls = last.calls + piece.calls
            self._pieces[at] = last._replace(until_s=piece.until_s, calls=calls)
            return
        self._last[piece.actor] = len(self._pieces)
        self._pieces.append(piece)
