"""A module that takes its time to be imported."""

import time

time.sleep(1.5)


class Slow:
    """Is fast, once it is there."""

    def __init__(self):
        self.total = 1

    def add(self, amount):
        self.total = self.total * 3 + amount
