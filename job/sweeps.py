"""What a sweep goes over, in which order, and the document that it leaves; pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from job.calls import Arguments, Call, InstanceNumber, Target
from job.errors import UsageError
from job.results import Results, parse
from job.words import duration
from job.workload import MOST_INSTANCES, Plan, Workload

if TYPE_CHECKING:
    from collections.abc import Mapping

SPINNER = ("job.targets.spinner", "Spinner")
MOST_POINTS = 100
PER_SECOND = {"us": 1_000_000, "ms": 1_000, "s": 1}
_COST = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s)")
_FORM = "It is written KEY=VALUE,VALUE,…, as in --over shards=1,2,4,8 or call-cost=10us,1ms."

Key = Literal["shards", "instances", "threads", "call-cost"]
MOST = {"shards": MOST_INSTANCES, "instances": MOST_INSTANCES, "threads": 1_000}


@dataclass(frozen=True)
class Over:
    """What is varied, and through which values; a call cost in seconds.

    Attributes:
        key: What.
        values: Ascending.
        weak: Whether instances grow along with shards.
    """

    key: Key
    values: tuple[float, ...]
    weak: bool = False

    def spelled(self, value: float) -> str:
        """Return a value as a person writes it."""
        return duration(value).replace(" ", "") if self.key == "call-cost" else f"{value:,.0f}"

    @property
    def reuses_serial(self) -> bool:
        """Whether all points compute the same, so that the loop need run once only."""
        return self.key in ("shards", "threads") and not self.weak


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Point(_Record):
    """One comparison of a sweep; where the serial loop is the same for all, each holds it."""

    value: float
    results: Results


class Sweep(_Record):
    """The document, version 1.

    Attributes:
        over: What was varied.
        weak: Whether instances grew along.
        points: What was measured, by ascending value.
        left_out: The values for which no time was left, or that were not reached.
        status: As that of a comparison.
        problem: What ended it.
    """

    schema_version: Literal[1] = 1
    over: Key
    weak: bool = False
    points: tuple[Point, ...] = ()
    left_out: tuple[float, ...] = ()
    status: Literal["running", "complete", "interrupted", "failed", "disagree"] = "running"
    problem: str = ""

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


def parse_over(text: str, *, weak: bool = False) -> Over:
    """Read `shards=1,2,4,8`.

    Raises:
        UsageError: The key is unknown, a value is not one, or there are too few or too many.
    """
    key, equals, rest = text.partition("=")
    if not equals or key not in (*MOST, "call-cost"):
        message = (
            f"--over {text}: {key!r} cannot be varied; shards, instances, threads, call-cost can"
        )
        raise UsageError(message, _FORM)
    values = [_value(key, part.strip(), text) for part in rest.split(",")]
    if not 2 <= len(set(values)) <= MOST_POINTS or len(set(values)) < len(values):  # noqa: PLR2004
        message = f"--over {text}: 2 to {MOST_POINTS} values are needed, each once"
        raise UsageError(message, _FORM)
    return Over(key, tuple(sorted(values)), weak)  # type: ignore[arg-type]


def order(count: int) -> list[int]:
    """Return the positions of `count` points, ends first, then ever again the middles.

    Wherever it is broken off, what was measured spans the whole range.
    """
    found = [0, count - 1][:count]
    gaps = [(0, count - 1)]
    while gaps:
        low, high = gaps.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            found.append(middle)
            gaps += [(low, middle), (middle, high)]
    return found


def expected_s(index: int, took_s: Mapping[int, float]) -> float:
    """Return what a point will take, by those measured: on the line between its neighbours."""
    below = max((i for i in took_s if i < index), default=None)
    above = min((i for i in took_s if i > index), default=None)
    if below is None or above is None:
        return max(took_s.values(), default=0.0)
    share = (index - below) / (above - below)
    return took_s[below] + share * (took_s[above] - took_s[below])


def at(
    workload: Workload, plan: Plan, over: Over, value: float, rounds: int
) -> tuple[Workload, Plan]:
    """Return what is compared at one value, and how.

    Args:
        workload: What is computed, but for the value; where it is weak, by one shard.
        plan: How, but for the value.
        over: What is varied.
        value: Its value here.
        rounds: Of the spinner, where it is a call's cost.
    """
    whole = math.floor(value)
    if over.key == "instances":
        return workload.model_copy(update={"instances": whole}), plan
    if over.key == "threads":
        return workload, plan.model_copy(update={"threads_per_shard": whole})
    if over.key == "shards":
        instances = workload.instances * (whole if over.weak else 1)
        grown = workload.model_copy(update={"instances": instances})
        return grown, plan.model_copy(update={"shards": whole})
    target = Target(*SPINNER, Arguments((), {"seed": InstanceNumber(), "rounds": rounds}))
    calls = (Call("spin", times=workload.calls_per_instance),)
    return workload.model_copy(update={"target": target, "calls": calls, "read": "read"}), plan


def check(workload: Workload, plan: Plan, over: Over) -> None:
    """Refuse what a sweep cannot go over.

    Raises:
        UsageError: With what to change.
    """
    of_shards = over.key in ("shards", "threads")
    if of_shards and "sharded" not in plan.strategies:
        message = (
            f"--over {over.key}: only `sharded` has {over.key}, and it is not among the others"
        )
        raise UsageError(message, "Add it: --strategies serial,sharded.")
    if over.weak and over.key != "shards":
        message = f"--weak: instances grow with shards, and --over varies {over.key}"
        raise UsageError(message, "Use it with --over shards=1,2,4,8.")
    most = max(over.values)
    if over.weak and workload.instances * most > MOST_INSTANCES:
        message = f"--weak: {workload.instances:,} x {most:,.0f} instances are more than allowed"
        raise UsageError(message, f"At most {MOST_INSTANCES:,}.")
    if over.key == "shards" and not over.weak and most > workload.instances:
        message = (
            f"--over shards: {most:,.0f} shards need as many instances, not {workload.instances:,}"
        )
        raise UsageError(message, "Raise --instances, or let them grow with --weak.")
    if over.key == "call-cost" and (workload.target.module, workload.target.name) != SPINNER:
        message = f"--over call-cost: what a call of {workload.target} costs cannot be chosen"
        raise UsageError(message, "Leave out --target and --workload: the spinner's can.")


def parse_any(text: str | bytes, place: str) -> Results | Sweep:
    """Return the results or the sweep of a text.

    Raises:
        FileError: It is cut short, or something else.
    """
    try:
        return Sweep.model_validate_json(text)
    except ValidationError:
        return parse(text, place)


def _value(key: str, text: str, whole: str) -> float:
    if key == "call-cost":
        found = _COST.fullmatch(text)
        value = float(found[1]) / PER_SECOND[found[2]] if found else 0.0
        if not 1e-7 <= value <= 3600:  # noqa: PLR2004 - an empty call; an hour
            message = f"--over {whole}: {text!r} is no cost of a call"
            raise UsageError(message, "Write 10us, 0.5ms or 2s; 0.1us to 3600s.")
        return value
    if not text.isdecimal() or not 1 <= int(text) <= MOST[key]:
        message = f"--over {whole}: {text!r} is not a whole number, 1 to {MOST[key]:,}"
        raise UsageError(message, _FORM)
    return float(text)
