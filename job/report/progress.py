"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import click

from job.words import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_S = 5.0  # between two lines where there is no terminal
ERASED = "\033[F\033[K"  # up to the bar that is done, and away with it


@contextlib.contextmanager
def watch(strategy: str, turn: int, calls: int) -> Iterator[Callable[[int], None]]:
    """Show how a trial's calls get on.

    Args:
        strategy: Whose trial it is.
        turn: The how-manieth, from 0.
        calls: How many there will be.

    Yields:
        A function that is told how many calls were made since it was told last.
    """
    title = f"{strategy}, trial {turn + 1}"
    if not sys.stderr.isatty():
        yield _Lines(title, calls).told
        return
    try:
        with click.progressbar(
            length=calls, label=title, file=sys.stderr, show_pos=True, width=0
        ) as bar:
            yield bar.update
    finally:
        sys.stderr.write(ERASED)


class _Lines:
    """Says how far a trial is, every few seconds."""

    def __init__(self, title: str, calls: int) -> None:
        self._title = title
        self._calls = calls
        self._made = 0
        self._since = self._said = time.monotonic()

    def told(self, made: int) -> None:
        """Take note of further calls, and say a line if it is time."""
        self._made += made
        now = time.monotonic()
        if now - self._said < LINE_S:
            return
        self._said = now
        rate = self._made / (now - self._since)
        left = f", {span((self._calls - self._made) / rate)} left" if rate else ""
        sys.stderr.write(
            f"{self._title}: {self._made:,} of {self._calls:,} calls, {rate:,.3g}/s{left}\n"
        )
        sys.stderr.flush()
