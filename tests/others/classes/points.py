"""Objects without a __dict__."""


class Vector:
    """A point that is turned and pushed."""

    __slots__ = ("x", "y")

    def __init__(self, x=0, y=1):
        self.x = x
        self.y = y

    def push(self, dx, dy):
        self.x, self.y = self.x + dx, self.y + dy

    def turn(self):
        self.x, self.y = -self.y, self.x
