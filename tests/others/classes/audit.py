"""A class that logs."""

import logging


class Audit:
    """Writes to a logger that it keeps, and remembers what it wrote."""

    def __init__(self, level=logging.INFO):
        self.log = logging.getLogger(__name__)
        self.log.setLevel(level)
        self.lines = []

    def record(self, event):
        self.log.debug("recorded %s", event)
        self.lines.append(f"{len(self.lines)}: {event}")
