"""Trees that bear fruit."""

from orchard._fruit import Fruit, ripest


class Tree:
    """Grows fruit, and drops the ripest."""

    def __init__(self, sort):
        self.sort = sort
        self.fruit = []
        self.dropped = []

    def grow(self, count):
        self.fruit += [Fruit(self.sort, len(self.fruit) + n * n) for n in range(count)]

    def drop(self):
        found = ripest(self.fruit)
        self.fruit.remove(found)
        self.dropped.append(found.ripeness)

    def read(self):
        return self.sort, self.dropped, [each.ripeness for each in self.fruit]
