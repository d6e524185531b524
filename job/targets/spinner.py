"""A class that computes in pure Python: each call is a fixed amount of work."""

import time

TRIED, STRETCH_S = 7, 0.02  # the quickest of some stretches: what else ran took part of the others


class Spinner:
    """Turns a number over and over.

    The work is fixed rather than the time: two spinners that share a core take twice as long.
    """

    def __init__(self, seed: int = 0, rounds: int = 50_000) -> None:
        """Start at `seed`; one spin goes through `rounds` rounds of arithmetic."""
        self.rounds = rounds
        self.number = seed
        self.spins = 0

    def spin(self) -> None:
        """Go on from where the last spin ended."""
        number = self.number
        for _ in range(self.rounds):
            number = (number * 69_069 + 1) % 2**32
        self.number = number
        self.spins += 1

    def read(self) -> tuple[int, int]:
        """Return how many spins there were and where they ended."""
        return self.spins, self.number


def rounds_for(seconds: float) -> int:
    """Return how many rounds take so many seconds of CPU time here, at least 1."""
    return max(1, round(seconds / min(_round_s() for _ in range(TRIED))))


def _round_s() -> float:
    spinner = Spinner(rounds=5_000)
    began = time.process_time()
    while time.process_time() < began + STRETCH_S:
        spinner.spin()
    return (time.process_time() - began) / (spinner.spins * spinner.rounds)
