"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_S = 5.0  # between two lines where there is no terminal


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
    if sys.stderr.isatty():
        layout = (
            "{desc}: {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} calls, {rate_fmt}, {remaining}"
        )
        with tqdm(
            total=calls, desc=title, unit="", unit_scale=True, leave=False, file=sys.stderr,
            dynamic_ncols=True, bar_format=layout,
        ) as bar:  # fmt: skip

            def told(made: int) -> None:
                bar.update(made)

            yield told
        return
    yield _Lines(title, calls).told


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
        left = f", {tqdm.format_interval((self._calls - self._made) / rate)} left" if rate else ""
        sys.stderr.write(
            f"{self._title}: {self._made:,} of {self._calls:,} calls, {rate:,.3g}/s{left}\n"
        )
        sys.stderr.flush()
