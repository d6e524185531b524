"""Exact amounts."""

import time
from decimal import Decimal, getcontext, localcontext


class Savings:
    """Computes with fifty digits, which it asks for once."""

    def __init__(self, amount):
        getcontext().prec = 50
        self.amount = Decimal(amount)

    def grow(self, days):
        time.sleep(0.01)
        self.amount = self.amount * (1 + Decimal(days) / Decimal(365)) / 7 + 1


class Converter:
    """Computes with as many digits as a rate has, for the time of a call."""

    def __init__(self, digits):
        self.digits = digits
        self.total = Decimal(1)

    def convert(self, rate):
        with localcontext() as context:
            context.prec = self.digits
            self.total = (self.total * Decimal(rate) + 1) / 3
