"""Targets that end their process, in an order-sensitive state, as often as they are told to."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from job.targets.bank import Account

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
                die(self.how)


def die(how: str) -> None:
    """End this process; `ray.kill` lets Ray do it."""
    if how == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "os._exit":
        os._exit(3)
    elif how == "ray.kill":
        import ray  # no target of ours needs it but to die

        ray.kill(ray.get_runtime_context().current_actor)
        signal.pause()
    else:
        sys.exit(3)


class Diarist(Mortal):
    """Writes every call down in a file, which no new start of its process makes undone."""

    def book(self, amount: int) -> None:
        """Note the call, then make it."""
        with (Path(self.graves) / f"diary {self.number}").open("a") as diary:
            diary.write(f"{amount}\n")
        super().book(amount)


class Heir(Account):
    """A bank account whose process ends once, in the last withdrawal, in a way of its own."""

    WAYS = ("SIGKILL", "os._exit", "sys.exit", "ray.kill")

    def __init__(self, number: int, withdrawals: int, graves: str) -> None:
        """Open it with as many cents as its number says."""
        super().__init__(number)
        self.left, self.how = withdrawals, self.WAYS[number % len(self.WAYS)]
        self.grave = Path(graves) / f"account {number}"

    def withdraw(self, amount: int) -> None:
        """Take something off, or die."""
        self.left -= 1
        worker = sys.argv[0].endswith("default_worker.py")  # not where it is tried out
        if not self.left and worker and not self.grave.exists():
            self.grave.touch()
            die(self.how)
        super().withdraw(amount)


class Guarded(Mortal):
    """Cannot be pickled."""

    def __init__(self, number: int, how: str, where: str, graves: str) -> None:
        """Hold what only this process can have."""
        super().__init__(number, how, where, graves)
        self.file = sys.stderr
