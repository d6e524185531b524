"""The class of the well-known example: it waits, then counts."""

import time


class Counter:
    """Counts its increments, each of which waits `delay` seconds first."""

    def __init__(self, delay: float = 1.0) -> None:
        """Start at 0."""
        self.delay = delay
        self.value = 0

    def increment(self) -> None:
        """Wait, then add one."""
        if self.delay:
            time.sleep(self.delay)
        self.value += 1

    def read(self) -> int:
        """Return how often it was incremented."""
        return self.value
