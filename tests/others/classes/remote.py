"""A class that is a Ray actor already."""

import ray


@ray.remote
class Remote:
    """Counts on a cluster."""

    def __init__(self):
        self.count = 0

    def step(self):
        self.count += 1
