"""Plain classes that hold something until they are closed, and mark in a folder that they were."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from pathlib import Path

_MADE = itertools.count()


class Closer:
    """Marks where it is opened and closed; is closed once, where it was made, and then of no use.

    The marks are files such as `3 opened 71-0`: instance 3, by its process and its number there.
    """

    def __init__(self, folder: str, number: int, breaks: int = -1) -> None:
        self._folder, self._number, self._breaks = Path(folder), number, breaks
        self._name = f"{os.getpid()}-{next(_MADE)}"
        self._thread = threading.get_native_id()
        self._is_open = True
        self.steps = 0
        self._mark("opened")

    def step(self) -> None:
        """Count."""
        self._check()
        self.steps += 1

    def read(self) -> int:
        """Return how often it was called."""
        self._check()
        return self.steps

    def close(self) -> None:
        """Close it."""
        self._check()
        if self._number == self._breaks:
            message = "the disk is full"
            raise OSError(message)
        self._is_open = False
        self._mark("closed")

    def _check(self) -> None:
        assert self._is_open
        assert threading.get_native_id() == self._thread

    def _mark(self, what: str) -> None:
        (self._folder / f"{self._number} {what} {self._name}").open("x").close()


class Leaver(Closer):
    """Ends its process instead."""

    def close(self) -> None:
        """Leave."""
        os._exit(3)


class AsyncCloser(Closer):
    """Awaits its calls and its end on one event loop."""

    async def step(self) -> None:  # type: ignore[override]
        """Count."""
        self._loop = asyncio.get_running_loop()
        super().step()

    async def close(self) -> None:  # type: ignore[override]
        """Close it, on the loop of its calls."""
        assert asyncio.get_running_loop() is self._loop
        super().close()
