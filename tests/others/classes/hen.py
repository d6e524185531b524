"""One of two modules that import each other."""

import egg


class Hen:
    """Lays eggs that hatch into hens."""

    def __init__(self, generation=0):
        self.generation = generation
        self.eggs = []

    def lay(self, colour):
        self.eggs.append(egg.Egg(colour))

    def hatch(self):
        young = self.eggs.pop().hatch(self.generation + 1)
        assert isinstance(young, Hen)
        self.generation = young.generation * 2

    def read(self):
        return self.generation, [each.colour for each in self.eggs]
