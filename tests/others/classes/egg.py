"""The other one."""

import hen


class Egg:
    """Becomes a hen."""

    def __init__(self, colour):
        self.colour = colour

    def hatch(self, generation):
        return hen.Hen(generation)
