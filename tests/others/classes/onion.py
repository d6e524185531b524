"""A state that is nested deeply."""


class Onion:
    """A list in a list in a list."""

    def __init__(self, layers):
        self.layers = []
        for _ in range(layers):
            self.layers = [self.layers]

    def peel(self):
        self.layers = self.layers[0]
