"""A basket that checks what is put into it."""

from pydantic import BaseModel, Field


class Item(BaseModel):
    """A thing to be bought."""

    name: str
    price: float = Field(gt=0)


class Basket(BaseModel):
    """Holds items, and adds up."""

    owner: int
    items: list[Item] = []
    total: float = 0.0

    def put(self, name, price):
        self.items = [*self.items, Item(name=name, price=price)]
        self.total = self.total * 1.1 + price
