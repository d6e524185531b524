"""What there is to be bought."""

import enum


class Kind(enum.Enum):
    """Decides the tax."""

    FOOD = "food"
    BOOK = "book"


class Article:
    """Something with a price."""

    def __init__(self, kind, price):
        self.kind = kind
        self.price = price


NOTHING = Article(Kind.FOOD, 0)
