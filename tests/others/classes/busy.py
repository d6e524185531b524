"""Calls that take long."""

import sys
import threading
import time


class Guarded:
    """Holds a lock, and works a second at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.total = 0

    def work(self):
        time.sleep(1)
        self.total += 1


class Stuck:
    """Waits for ever where Ray runs it."""

    def __init__(self):
        self.total = 0

    def work(self, amount):
        while "default_worker.py" in sys.argv[0]:
            time.sleep(1)
        self.total = self.total * 3 + amount
