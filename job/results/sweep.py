"""The document that a sweep leaves: a comparison's results at each point; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from job.results.document import Record, Results, Status, parse
from job.words import duration

Key = Literal["shards", "instances", "threads", "processes", "num_gpus", "call-cost"]
KNOBS = ("shards", "threads", "processes")


@dataclass(frozen=True)
class Over:
    """What is varied, and through which values."""

    key: Key
    values: tuple[float, ...]  # ascending; a call cost in seconds
    weak: bool = False  # instances grow along with shards

    def spelled(self, value: float) -> str:
        """Return a value as a person writes it."""
        if self.key == "call-cost":
            return duration(value).replace(" ", "")
        return f"{value:g}" if self.key == "num_gpus" else f"{value:,.0f}"

    @property
    def reuses_serial(self) -> bool:
        """Whether all points compute the same, so that the loop need run once only."""
        return self.key in (*KNOBS, "num_gpus") and not self.weak


class Point(Record):
    """One comparison of a sweep; where the serial loop is the same for all, each holds it."""

    value: float
    results: Results


class Sweep(Record):
    """The document, version 1."""

    schema_version: Literal[1] = 1
    over: Key
    weak: bool = False  # instances grew along
    points: tuple[Point, ...] = ()  # by ascending value
    left_out: tuple[float, ...] = ()  # for which no time was left, or that were not reached
    status: Status = "running"
    problem: str = ""  # what ended it

    @property
    def varied(self) -> Over:
        """What was varied, through the values that were measured."""
        return Over(self.over, tuple(point.value for point in self.points), self.weak)

    def with_point(self, point: Point) -> Sweep:
        """Return the sweep with one more point, and none left out for it."""
        others = [other for other in self.points if other.value != point.value]
        points = sorted([*others, point], key=lambda each: each.value)
        left = tuple(value for value in self.left_out if value != point.value)
        return self.model_copy(update={"points": tuple(points), "left_out": left})


def parse_any(text: str | bytes, place: str) -> Results | Sweep:
    """Return the results or the sweep of a text; FileError where it is neither."""
    try:
        return Sweep.model_validate_json(text)
    except ValidationError:
        return parse(text, place)
