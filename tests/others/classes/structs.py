"""A struct by msgspec."""

import msgspec


class Trade(msgspec.Struct):
    """Is encoded and decoded at every step."""

    symbol: str
    quantity: int = 1
    notes: list[str] = []

    def split(self, factor):
        other = msgspec.json.decode(msgspec.json.encode(self), type=Trade)
        self.quantity = other.quantity * factor + 1
        self.notes = [*other.notes, f"x{factor}"]
