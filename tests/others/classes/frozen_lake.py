"""A grid world in the manner of gymnasium."""

import numpy as np


class FrozenLake:
    """Slips on ice with a generator of its own."""

    size = 8

    def __init__(self, seed=None, slippery=0.3):
        self.np_random = np.random.default_rng(seed)
        self.slippery = slippery
        self.position = np.zeros(2, dtype=np.int64)
        self.returned = 0.0

    @property
    def unwrapped(self):
        return self

    @property
    def state(self):
        return self.position.tolist(), self.returned

    def reset(self):
        self.position[:] = self.np_random.integers(0, self.size, size=2)
        return self.position.copy(), {}

    def step(self, action):
        if self.np_random.random() < self.slippery:
            action = int(self.np_random.integers(4))
        move = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)][action])
        self.position = (self.position + move) % self.size
        reward = float(self.position.sum()) - 0.1
        self.returned = 0.9 * self.returned + reward
        return self.position.copy(), reward, False, False, {}
