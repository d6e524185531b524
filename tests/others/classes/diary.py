"""A class whose doings outlive it."""

import os


class Diary:
    """Writes a line to a file for everything that is done to it."""

    def __init__(self, number, path):
        self.number = number
        self.path = path
        self.total = number
        self._write("made")

    def _write(self, what):
        with open(self.path, "a") as lines:
            lines.write(f"{os.getpid()} {self.number} {what}\n")

    def step(self, amount):
        self.total = self.total * 3 + amount
        self._write(f"step {amount}")

    def read(self):
        self._write("read")
        return self.total
