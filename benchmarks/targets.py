"""The plain classes that the benchmarks compare, beside `job.targets.counter`."""

import time


class Cruncher:
    """Counts its increments, each of which is as much work as a `Spinner`'s spin first."""

    def __init__(self, rounds: int) -> None:
        """Start at 0; one increment goes through `rounds` rounds of arithmetic."""
        self.rounds = rounds
        self.value = 0

    def increment(self) -> None:
        """Work, then add one."""
        number = 1
        for _ in range(self.rounds):
            number = (number * 69_069 + 1) % 2**32
        self.value += 1

    def read(self) -> int:
        """Return how often it was incremented."""
        return self.value


class Ledger:
    """Takes its time, and ends in another total if the order of its bookings is another."""

    def __init__(self, start: int, delay: float = 0.02) -> None:
        """Start with `start`; a booking takes `delay` seconds."""
        self.total = start
        self.delay = delay

    def book(self, amount: int) -> None:
        """Wait, then book."""
        time.sleep(self.delay)
        self.total = (self.total * 31 + amount) % (2**61 - 1)


class Renderer:
    """Returns much in little time."""

    def __init__(self, size: int) -> None:
        """Return `size` bytes a call."""
        self.frame, self.size = 0, size

    def render(self) -> bytes:
        """Return the next frame."""
        self.frame += 1
        return self.frame.to_bytes(8, "big") * (self.size // 8)
