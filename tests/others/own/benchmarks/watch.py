"""Watches."""


class Watch:
    """Has seen so much."""

    def __init__(self):
        self.total = 1
