"""A module that begins as many examples do."""

import ray

ray.init(include_dashboard=False)


class Sensor:
    """Counts."""

    def __init__(self):
        self.count = 0

    def step(self):
        self.count = self.count * 2 + 1
