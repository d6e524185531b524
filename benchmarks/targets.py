"""The plain classes that the benchmarks compare, beside `job.targets.counter`."""

import time

_TRIALS = 7
_STRETCH_S = 0.05


class Cruncher:
    """Counts its increments, each of which is a fixed amount of Python work first.

    The work is fixed rather than the time, so that two instances that share a core take twice as
    long, as real work does.
    """

    def __init__(self, rounds: int) -> None:
        """Start at 0; one increment goes through `rounds` rounds of arithmetic."""
        self.rounds = rounds
        self.value = 0

    def increment(self) -> None:
        """Work, then add one."""
        number = 1
        for _ in range(self.rounds):
            number = number * 69_069 % 65_537
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


def rounds_for(seconds: float) -> int:
    """Return how many rounds take that long here, on an idle core: the quickest of some trials."""
    return max(1, round(seconds / min(_seconds_per_round() for _ in range(_TRIALS))))


def _seconds_per_round() -> float:
    cruncher = Cruncher(10_000)
    started = time.process_time()
    while time.process_time() - started < _STRETCH_S:
        cruncher.increment()
    return (time.process_time() - started) / (cruncher.value * cruncher.rounds)
