"""Subclasses that say again what their parents say."""


class Tariff:
    """Costs so much a day."""

    name = "day"
    rate = 2

    def __init__(self):
        self.bill = []

    def charge(self, days):
        own = [kind.__name__ for kind in type(self).__mro__ if "rate" in vars(kind)]
        self.bill.append((days * vars(type(self))["rate"] + len(self.bill), own))

    def read(self):
        return self.bill


class Weekend(Tariff):
    """Costs the same, and says so."""

    name = "weekend"
    rate = 2
