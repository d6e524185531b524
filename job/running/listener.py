"""Who is told how a comparison gets on: the command line, a notebook, a benchmark, or nobody."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from job.results.document import Results
    from job.results.sweep import Sweep

    Progress: TypeAlias = Callable[[int], None]


class Listener:
    """Told how a comparison or a sweep gets on; this one keeps silent, and others override it."""

    def note(self, text: str) -> None:
        """Hear what a user should know meanwhile."""

    def tell(self, text: str) -> None:
        """Hear what is going on, which nobody needs to know who looks at the end only."""

    def watch(self, strategy: str, turn: int, calls: int) -> AbstractContextManager[Progress]:  # noqa: ARG002 - for others
        """Hear of the `turn`-th trial of a strategy, from 0, and of its calls as they are made.

        Returns:
            For the time of the trial, what is told how many calls were made since it was told last.
        """
        return contextlib.nullcontext(lambda _made: None)

    def keep(self, document: Results | Sweep) -> None:
        """Take what was measured so far: after each trial, or each point of a sweep."""

    def show(self, document: Results | Sweep) -> None:
        """Take all that was measured, also of what failed midway, before anything is cleaned up.

        A signal leaves little time for that.
        """


class Aside(Listener):
    """Passes on what is said, but no results: a comparison within another has none of its own."""

    def __init__(self, listener: Listener) -> None:
        """Speak to that listener."""
        self.note = listener.note  # type: ignore[method-assign]
        self.tell = listener.tell  # type: ignore[method-assign]
        self.watch = listener.watch  # type: ignore[method-assign]
