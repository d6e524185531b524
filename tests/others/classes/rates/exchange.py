"""Rates from the file."""

import csv
from importlib import resources
from pathlib import Path


class Exchange:
    """Changes money by the table that lies beside it."""

    def __init__(self, amount):
        self.amount = amount

    def change(self, currency):
        with (Path(__file__).parent / "rates.csv").open() as lines:
            rates = {row["currency"]: float(row["rate"]) for row in csv.DictReader(lines)}
        self.amount = self.amount * rates[currency] + 1

    def tip(self):
        text = resources.files(__package__).joinpath("tip.txt").read_text()
        self.amount = self.amount * 2 + int(text)

    def read(self):
        return self.amount
