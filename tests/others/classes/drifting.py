"""States that are not the same in every process."""

import os
import random
from decimal import Decimal


class Dice(random.Random):
    """Knows where it was rolled."""

    def __init__(self, seed):
        super().__init__(seed)
        self.where = 0

    def roll(self):
        self.random()
        self.where = os.getpid()


class Noise:
    """Ends in almost the same numbers everywhere."""

    def __init__(self, kind):
        self.kind = kind
        self.value = 0.0

    def take(self):
        kind = self.kind
        near = 1.0 + os.getpid() * 1e-15
        if kind == "complex":
            self.value = complex(near, -near)
        elif kind == "decimal":
            self.value = Decimal(near)
        elif kind == "set":
            self.value = {near, 2 * near}
        elif kind == "array":
            import numpy as np

            self.value = np.full(1000, near)
        elif kind == "list":
            self.value = [n * near for n in range(5000)]
