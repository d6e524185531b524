"""Calls that are given something else each time."""

from dataclasses import dataclass, field


class Mixer:
    """Mixes what it is given."""

    def __init__(self, seed=0):
        self.value = seed

    def work(self, number, *more, factor=1):
        self.value = (self.value * 31 + number * factor + sum(more)) % 1_000_003


class Motor:
    """Turns."""

    def __init__(self):
        self.angle = 0

    def step(self, degrees):
        self.angle = (self.angle * 2 + degrees) % 360


@dataclass
class Robot:
    """Has a motor, which has a method."""

    motor: Motor = field(default_factory=Motor)

    @property
    def unwrapped(self):
        return self

    @property
    def state(self):
        return self.motor.angle

    def angle(self):
        return self.motor.angle
