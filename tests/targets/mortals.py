"""Targets that end their process, in an order-sensitive state, as often as they are told to."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

MOST = 2**61 - 1  # a prime


class Mortal:
    """Dies in one call of one instance until it has died so many times.

    How often it has is told by files, which outlive it.
    """

    def __init__(self, number: int, how: str, where: str, graves: str, times: int = 1) -> None:
        """Be told how and where to die: in `init`, in `read`, or in a call such as `call 3`."""
        self.number, self.how, self.where, self.times = number, how, where, times
        self.graves = graves
        self.calls, self.total = 0, number
        self._die_in("init")

    def book(self, amount: int) -> None:
        """Do what gives another total in another order."""
        self.calls += 1
        self._die_in(f"call {self.calls}")
        self.total = (self.total * 31 + amount) % MOST

    def read(self) -> tuple[int, int]:
        """Return the calls made and what they came to."""
        self._die_in("read")
        return self.calls, self.total

    def _die_in(self, where: str) -> None:
        if self.number != 2 or where != self.where:
            return
        for count in range(self.times):
            grave = Path(self.graves) / str(count)
            if not grave.exists():
                grave.touch()
                self._die()

    def _die(self) -> None:
        if self.how == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.how == "os._exit":
            os._exit(3)
        else:
            sys.exit(3)


class Guarded(Mortal):
    """Cannot be pickled."""

    def __init__(self, number: int, how: str, where: str, graves: str) -> None:
        """Hold what only this process can have."""
        super().__init__(number, how, where, graves)
        self.file = sys.stderr
