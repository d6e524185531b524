"""A class whose methods are coroutines: they wait without keeping a thread."""

import asyncio

PRIME = 2**31 - 1


class Poller:
    """Asks, waits for the answer, and folds it into what it heard before."""

    def __init__(self, start: int = 0, delay: float = 0.02) -> None:
        """Start with `start` as all that was heard; an answer takes `delay` seconds."""
        self.heard = start
        self.delay = delay
        self.polls = 0

    async def poll(self, answer: int) -> None:
        """Wait for `answer`, which is lost if another poll of this poller ends meanwhile."""
        heard = self.heard
        await asyncio.sleep(self.delay)
        self.heard = (heard * 31 + answer) % PRIME
        self.polls += 1

    async def reset(self) -> None:
        """Forget what was heard, but not how often."""
        await asyncio.sleep(0)
        self.heard = 0

    def read(self) -> tuple[int, int]:
        """Return how many answers came and what they were folded into."""
        return self.polls, self.heard
