"""Plain classes whose calls return what tells which call it was, and of which instance."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path


class Teller:
    """Returns the list that it goes on writing to: what it is later is not what it was."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.said: list[object] = [number]

    def tell(self, word: object) -> list[object]:
        """Return all that was said so far, in an order that no other calls would give."""
        self.said.insert(len(self.said) // 2, word)
        return self.said

    def count(self) -> int:
        """Return how much was said."""
        return len(self.said)

    async def tell_later(self, word: object) -> list[object]:
        """Return the same, once others had their turn."""
        await asyncio.sleep(0)
        return self.tell(word)


class Mortal(Teller):
    """Dies once on a worker, in a call of instance 2."""

    def __init__(self, number: int, grave: str, at: int) -> None:
        super().__init__(number)
        self.grave, self.at = Path(grave), at

    def tell(self, word: object) -> list[object]:
        """Die, or tell."""
        worker = sys.argv[0].endswith("default_worker.py")
        if self.number == 2 and len(self.said) == self.at and worker and not self.grave.exists():
            self.grave.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().tell(word)


class Predictor:
    """Is what its calls return: nothing in it changes."""

    def __init__(self, weight: float = 2.0, unlike: bool = False) -> None:  # noqa: FBT001, FBT002
        self.weight, self.unlike = weight, unlike

    def predict(self, value: float) -> dict[str, float]:
        """Return what follows from the value; where it is to be unlike, from the process too."""
        return {"value": value * self.weight, "process": os.getpid() if self.unlike else 0}

    def nearly(self, value: float) -> float:
        """Return about the same in any process."""
        return value * self.weight + (1e-12 if "default_worker" in sys.argv[0] else 0.0)


class Loader:
    """Returns much."""

    def __init__(self, size: int = 4 * 2**20) -> None:
        self.size, self.calls = size, 0

    def load(self) -> bytes:
        """Return so many bytes, unlike from call to call."""
        self.calls += 1
        return self.calls.to_bytes(8, "big") * (self.size // 8)

    def guard(self) -> threading.Lock:
        """Return what cannot be pickled."""
        return threading.Lock()

    def guarded(self) -> list[object]:
        """Return it as a part of something."""
        return [self.size, threading.Lock()]


class Turncoat:
    """Returns what cannot be pickled in its third call, if it is number 1."""

    def __init__(self, number: int) -> None:
        self.number, self.calls = number, 0

    def load(self) -> object:
        """Return a number, or a lock."""
        self.calls += 1
        return threading.Lock() if (self.number, self.calls) == (1, 3) else self.calls
