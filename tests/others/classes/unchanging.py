"""Values, whose methods return another one."""

from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True)
class Money:
    """An amount that stays what it is."""

    cents: int = 0

    def plus(self, cents):
        return replace(self, cents=self.cents + cents)


class Place(NamedTuple):
    """A place that stays where it is."""

    x: int = 0
    y: int = 0

    def moved(self, dx):
        return self._replace(x=self.x + dx)


class Thermostat:
    """Only does something when it gets too cold."""

    def __init__(self):
        self.heating = False

    def measure(self, degrees):
        if degrees < 18:
            self.heating = True
