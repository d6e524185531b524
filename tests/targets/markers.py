"""A plain class that marks in a folder what is done to it, so that a test sees how far a run is."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path


class Marker:
    """Makes a file such as `actor call` whenever that happens, and is slow where told so.

    The places are `first` (where it is tried out), `driver` and `actor`.
    """

    def __init__(self, folder: str, slow: str = "") -> None:
        self.folder = Path(folder)
        self.slow = slow
        self.steps = 0
        self._mark("init")

    def step(self) -> None:
        """Count."""
        self.steps += 1
        self._mark("call")

    def read(self) -> int:
        """Return how often it was called."""
        self._mark("read")
        return self.steps

    def _mark(self, what: str) -> None:
        phase = f"{self._place()} {what}"
        (self.folder / phase).touch()
        if self.slow == phase:
            time.sleep(600)

    def _place(self) -> str:
        """Tell where this is: where the target is tried out, no Ray is connected."""
        ray = sys.modules.get("ray")
        if not ray or not ray.is_initialized():
            return "first"
        script = str(getattr(sys.modules["__main__"], "__file__", ""))
        return "actor" if script.endswith("default_worker.py") else "driver"


class Stubborn(Marker):
    """Catches whatever would end its slow call."""

    def _mark(self, what: str) -> None:
        before = time.monotonic()
        while True:
            with contextlib.suppress(BaseException):
                super()._mark(what)
                return
            self.slow = self.slow if time.monotonic() < before + 600 else ""


class Noisy(Marker):
    """Prints all the time."""

    def step(self) -> None:
        """Print, and count."""
        print("NOISE in a call")  # noqa: T201 - on purpose
        super().step()

    def read(self) -> int:
        """Print, and return how often it was called."""
        print("NOISE in a read")  # noqa: T201
        return super().read()
