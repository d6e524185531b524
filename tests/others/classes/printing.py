"""Classes inside classes."""

from dataclasses import dataclass


class Press:
    """Prints jobs on rollers."""

    @dataclass
    class Job:
        """One thing to print."""

        title: str
        copies: int = 1

    class Roller:
        """Turns, and wears off."""

        def __init__(self, width):
            self.width = width
            self.turns = 0

        def turn(self, times):
            self.turns = self.turns * 2 + times

        def itself(self):
            return self

    def __init__(self):
        self.queue = []

    def add(self, title, copies):
        if self.queue and isinstance(self.queue[-1], Press.Job) and self.queue[-1].title == title:
            self.queue[-1].copies += copies
        else:
            self.queue.append(Press.Job(title, copies + len(self.queue)))

    def jobs(self):
        return self.queue
