"""Generators that an object holds or uses."""

import itertools


class Sampler:
    """Draws from a generator that it keeps."""

    def __init__(self, seed):
        self.source = self._numbers(seed)
        self.ids = itertools.count(100)
        self.drawn = []

    def _numbers(self, seed):
        while True:
            seed = (seed * 1103515245 + 12345) % 2**31
            yield seed

    def draw(self, count):
        for number in itertools.islice(self.source, count):
            self.drawn.append((next(self.ids), number))
