"""Enums, sentinels and records in one module."""

import enum
from functools import singledispatchmethod
from typing import NamedTuple

MISSING = object()


class Colour(enum.Enum):
    """What a light shows."""

    RED = 1
    GREEN = 2
    AMBER = 3


class Light:
    """Goes from colour to colour."""

    after = {Colour.RED: Colour.GREEN, Colour.GREEN: Colour.AMBER, Colour.AMBER: Colour.RED}

    def __init__(self):
        self.colour = Colour.RED
        self.waited = 0

    def tick(self, cars=MISSING):
        if cars is MISSING:
            self.waited += 1
        elif self.colour is Colour.RED:
            self.waited = self.waited * 3 + cars
        self.colour = self.after[self.colour]


class Reading(NamedTuple):
    """What a station measured."""

    hour: int
    degrees: float


class Station:
    """Keeps readings of several kinds."""

    def __init__(self):
        self.readings = []

    @singledispatchmethod
    def measure(self, value):
        self.readings.append(Reading(len(self.readings), float(value)))

    @measure.register
    def _(self, value: str):
        self.readings.append(Reading(-len(self.readings), float(value) / 2))

    @measure.register
    def _(self, value: list):
        for each in value:
            self.measure(each)
