"""What grows on trees."""

from dataclasses import dataclass


@dataclass
class Fruit:
    """So ripe, and of such a sort."""

    sort: str
    ripeness: int


def ripest(fruit):
    assert all(isinstance(each, Fruit) for each in fruit)
    return max(fruit, key=lambda each: each.ripeness)
