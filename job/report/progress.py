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
    """Show how a trial's calls get on, its turn being counted from 0.

    Yields:
        A function that is told how many calls were made since it was told last.
    """
    title = f"{strategy}, trial {turn + 1}"
    if not sys.stderr.isatty():
        yield _say_lines(title, calls)
        return
    bar = click.progressbar(length=calls, label=title, file=sys.stderr, show_pos=True, width=0)
    try:
        with bar as shown:
            yield shown.update
    finally:
        sys.stderr.write(ERASED)


def _say_lines(title: str, calls: int) -> Callable[[int], None]:
    made, began = 0, time.monotonic()
    said = began

    def told(more: int) -> None:
        nonlocal made, said
        made += more
        now = time.monotonic()
        if now - said < LINE_S:
            return
        said = now
        rate = made / (now - began)
        left = f", {span((calls - made) / rate)} left" if rate else ""
        sys.stderr.write(f"{title}: {made:,} of {calls:,} calls, {rate:,.3g}/s{left}\n")
        sys.stderr.flush()

    return told
