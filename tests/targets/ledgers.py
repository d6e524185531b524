"""Plain classes whose states tell in which order, where and how their calls were made."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path


class Ledger:
    """Keeps a total that no other order of the same bookings reaches."""

    def __init__(self, start: int = 0) -> None:
        self.total = start

    def book(self, amount: int, note: str = "") -> None:
        """Add an amount, after the total has grown by what came before."""
        self.total = self.total * 31 + amount + len(note)

    def reverse(self) -> None:
        """Change the sign, among other things."""
        self.total = -7 * self.total


class Sleepy(Ledger):
    """Takes its time for every booking."""

    def book(self, amount: int, note: str = "") -> None:
        """Sleep, then book."""
        time.sleep(0.02)
        super().book(amount, note)


class Hog(Ledger):
    """Takes much memory once in its third call, and waits for what comes of it."""

    def __init__(self, start: int, grave: str, size: int) -> None:
        super().__init__(start)
        self.grave, self.size, self.calls = Path(grave), size, 0

    def book(self, amount: int, note: str = "") -> None:
        """Book, and perhaps take the memory."""
        super().book(amount, note)
        self.calls += 1
        worker = sys.argv[0].endswith("default_worker.py")  # not where it is tried out
        if self.calls == 3 and worker and not self.grave.exists():
            self.grave.touch()
            held = []
            for _ in range(100):  # bit by bit, or the kernel may be faster than Ray
                held.append(b"x" * (self.size // 100))
                time.sleep(0.05)
            time.sleep(60)


class Trace:
    """Writes down in which processes and threads it lives, and whether two calls ever met."""

    def __init__(self) -> None:
        self.made_in = os.getpid()
        self.steps: list[int] = []
        self.processes: set[int] = set()
        self.threads: set[int] = set()
        self.spans: list[tuple[float, float]] = []
        self.calls_met = False
        self.free = threading.Lock()

    def step(self, number: int) -> None:
        """Take a while and write down the number."""
        alone = self.free.acquire(blocking=False)
        begin = time.monotonic()
        time.sleep(0.01)  # what a second call would have to meet this one
        self.spans.append((begin, time.monotonic()))
        self.calls_met = self.calls_met or not alone
        self.steps.append(number)
        self.processes.add(os.getpid())
        self.threads.add(threading.get_ident())
        if alone:
            self.free.release()

    def found(self) -> dict[str, object]:
        """Return all that was written down."""
        return {
            "made_in": self.made_in,
            "steps": self.steps,
            "processes": sorted(self.processes),
            "threads": sorted(self.threads),
            "spans": self.spans,
            "calls_met": self.calls_met,
        }


class Fragile:
    """Fails where it is told to, in one of the instances only."""

    def __init__(self, number: int, breaks: int, where: str) -> None:
        self.where = where if number == breaks else ""
        self.calls = 0
        self.total = number
        if self.where == "init":
            message = "made of glass"
            raise ValueError(message)
        if self.where == "slow init":
            time.sleep(600)

    def step(self) -> None:
        """Count, or fail."""
        self.calls += 1
        if self.where == f"call {self.calls}":
            message = "made of glass"
            raise ValueError(message)
        if self.where == "death":
            os._exit(7)
        if self.where == "slow call":
            time.sleep(600)

    def read(self) -> object:
        """Return the state, or something worse."""
        if self.where == "read":
            message = "made of glass"
            raise ValueError(message)
        if self.where == "lock":
            return {"total": self.total, "guard": threading.Lock()}
        if self.where == "pid":
            return os.getpid()
        if self.where == "slow read":
            time.sleep(600)
        return self.total


class Bulky:
    """Has a state of about a megabyte."""

    def __init__(self, number: int) -> None:
        self.text = chr(ord("a") + number) * 2**20


class Unmarried:
    """Cannot be made."""

    def __init__(self) -> None:
        message = "not today"
        raise RuntimeError(message)
