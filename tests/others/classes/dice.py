"""Subclasses of what comes with Python."""

import random
from collections import Counter, OrderedDict, defaultdict
from decimal import Decimal


class Dice(random.Random):
    """Remembers what it rolled."""

    def __init__(self, seed):
        super().__init__(seed)
        self.rolled = []

    def roll(self, sides=6):
        self.rolled.append(self.randint(1, sides))


class Tally(Counter):
    """Counts, and counts how often it was asked to."""

    def __init__(self):
        super().__init__()
        self.updates = 0

    def see(self, words):
        self.update(words.split())
        self.updates = self.updates * 2 + len(self)


class Index(defaultdict):
    """Knows on which pages words stand."""

    def __init__(self):
        super().__init__(list)
        self.pages = 0

    def page(self, text):
        self.pages += 1
        for word in text.split():
            self[word].append(self.pages)


class Cache(OrderedDict):
    """Forgets what was used least recently."""

    def __init__(self, maxsize):
        super().__init__()
        self.maxsize = maxsize
        self.misses = 0

    def look_up(self, key):
        if key not in self:
            self.misses += 1
            self[key] = self.misses * 10
        self.move_to_end(key)
        if len(self) > self.maxsize:
            self.popitem(last=False)


class Price(Decimal):
    """A decimal that notes what it was multiplied by."""

    def __init__(self, value="0"):
        self.factors = []

    def times(self, factor):
        self.factors.append(self * factor + len(self.factors))
