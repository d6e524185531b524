"""Workload and Plan: what is computed, and how it is to be run; validated before anything runs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationError,
)

from job.calls import MOST_TIMES, Call, Target, parse_call, parse_target
from job.errors import JobError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_INSTANCES = 10**7
MOST_TRIALS = 1_000
MOST_SECONDS = 10**7
BUNDLED = Path(__file__).with_name("workloads")
STRATEGIES = ("serial", "actors", "sharded")


def _between(low: float, high: float) -> AfterValidator:
    def check(value: float) -> float:
        if not low <= value <= high:
            message = f"{value:,} is out of range: {low:,} to {high:,} is allowed"
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _parsed(parse: Callable[[str], Any]) -> BeforeValidator:
    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except JobError as error:
            raise ValueError(". ".join(filter(None, (error.message, error.hint)))) from None

    return BeforeValidator(read)


def _listed(value: object) -> object:
    """Let one value, or several with commas between them, stand for a list."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return value


def _all_known(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown or not names:
        message = f"{', '.join(unknown) or 'nothing'!r} is no strategy: {', '.join(STRATEGIES)} are"
        raise ValueError(message)
    if len(set(names)) != len(names):
        message = f"{', '.join(names)!r} names a strategy twice"
        raise ValueError(message)
    return names


def _name_or_none(value: str | None) -> str | None:
    if value is not None and not value.isidentifier():
        message = f"{value!r} is not the name of a method or an attribute"
        raise ValueError(message)
    return value


Text = PlainSerializer(str, return_type=str)
Seconds = Annotated[float, _between(0.001, MOST_SECONDS)]
Auto = Literal["auto"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


M = TypeVar("M", bound=_Model)


class Workload(_Model):
    """What is computed, wherever it runs.

    Attributes:
        target: The class under comparison, with what each instance is made with.
        instances: How many objects of it, 1 to 10^7.
        calls: What is called on every instance, in order.
        read: The method or attribute that tells an instance's state; without it the whole object.
    """

    target: Annotated[Target, _parsed(parse_target), Text]
    instances: Annotated[int, _between(1, MOST_INSTANCES)]
    calls: tuple[Annotated[Call, _parsed(parse_call), Text], ...]
    read: Annotated[str | None, AfterValidator(_name_or_none)] = None

    @property
    def calls_per_instance(self) -> int:
        """How many calls each instance gets."""
        return sum(call.times for call in self.calls)

    def __str__(self) -> str:
        """Return the workload in one line."""
        done = ", ".join(map(str, self.calls)) or "no calls"
        end = f", then {self.read}" if self.read else ""
        return f"{self.instances:,} x {self.target}: {done}{end}"


class Plan(_Model):
    """How a workload is to be run. Times are in seconds.

    Attributes:
        strategies: Which strategies, in the order they take turns.
        trials: How many analysed trials of each; auto for as many as fit into the budget.
        warmups: How many trials before those are not analysed.
        shards: How many actors `sharded` has; auto for one per schedulable CPU.
        calls_per_batch: How many calls one remote call of `sharded` carries; auto for a second's.
        threads_per_shard: How many instances of a shard are called at once; auto follows from
            how much of the calls' time is waiting.
        cpus_per_actor: The num_cpus of each actor; auto shares the CPUs evenly.
        serial: full runs the whole loop, sample some instances, auto the whole if it fits budget_s.
        budget_s: What the serial loop may take before it is sampled; what trials auto may take.
        startup_timeout_s: How long actors may take until all are ready.
        timeout_s: How long the work and the read of one trial may take.
    """

    strategies: Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_all_known)] = (
        STRATEGIES
    )
    trials: Annotated[int, _between(1, MOST_TRIALS)] | Auto = 1
    warmups: Annotated[int, _between(0, MOST_TRIALS)] = 0
    shards: Annotated[int, _between(1, MOST_INSTANCES)] | Auto = "auto"
    calls_per_batch: Annotated[int, _between(1, MOST_TIMES)] | Auto = "auto"
    threads_per_shard: Annotated[int, _between(1, 1_000)] | Auto = "auto"
    cpus_per_actor: Annotated[float, _between(0.0001, 100_000)] | Auto = "auto"
    serial: Literal["full", "sample", "auto"] = "auto"
    budget_s: Seconds = 60.0
    startup_timeout_s: Seconds = 300.0
    timeout_s: Seconds = 3600.0


def read_bundled(name: str) -> dict[str, Any]:
    """Return the keys of a bundled workload as they stand in its file."""
    loaded: dict[str, Any] = yaml.safe_load((BUNDLED / f"{name}.yaml").read_text("utf-8"))
    return loaded


def build(keys: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Workload, Plan]:
    """Return the workload and plan of a file's keys, overridden key by key by options.

    A new target drops the file's calls and read: they were the old target's.

    Raises:
        UsageError: All that is wrong, one line each.
    """
    given = {key: value for key, value in options.items() if value not in (None, ())}
    kept = dict(keys)
    if "target" in given:
        kept.pop("calls", None)
        kept.pop("read", None)
        given.setdefault("calls", ())
    merged = kept | given
    of_plan = {key: merged.pop(key) for key in list(merged) if key in Plan.model_fields}
    problems: list[str] = []
    workload = _validated(Workload, merged, problems)
    plan = _validated(Plan, of_plan, problems)
    if workload is None or plan is None:
        raise UsageError("\n".join(problems), "`--help` lists the options and what they take.")
    if workload.calls_per_instance > MOST_TIMES:
        message = f"--call: {workload.calls_per_instance:,} calls on each instance are more than"
        raise UsageError(f"{message} the {MOST_TIMES:,} that are allowed")
    return workload, plan


def load_target(target: Target) -> Callable[..., Any]:
    """Import what a target names.

    Raises:
        UsageError: The module cannot be imported, lacks the name, or it cannot be called.
    """
    try:
        found: Any = importlib.import_module(target.module)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"target {target}: module {target.module!r} cannot be imported ({reason})"
        hint = f"It was looked for in {_search_path()} and in the installed packages."
        raise UsageError(message, hint) from None
    for part in target.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            held = getattr(found, "__dict__", {})
            names = [n for n, v in held.items() if isinstance(v, type) and n[0] != "_"]
            has = f"Classes there: {', '.join(sorted(names)[:10])}." if names else ""
            message = f"target {target}: {target.module!r} has no {part!r}"
            raise UsageError(message, has) from None
    if not callable(found):
        message = f"target {target}: {target.name!r} is not a class or a function that makes one"
        raise UsageError(message)
    callable_: Callable[..., Any] = found
    return callable_


def _search_path() -> str:
    return ", ".join(path or "." for path in sys.path if "site-packages" not in path)


def _validated(model: type[M], keys: Mapping[str, Any], problems: list[str]) -> M | None:
    try:
        return model(**keys)
    except ValidationError as error:
        for detail in error.errors():
            key, *branch = detail["loc"] or ("?",)
            if branch and detail["type"] == "literal_error":
                continue  # the other branch, a number, says more
            reason = detail["msg"].removeprefix("Value error, ")
            if detail["type"] not in ("value_error", "extra_forbidden"):
                wanted = _WANTED.get(detail["type"].partition("_")[0], reason)
                wanted = f"{wanted}, or auto" if branch and "number" in wanted else wanted
                reason = f"{detail['input']!r} is not allowed: {wanted}"
            problems.append(f"{_option(str(key))}: {reason}")
        return None


_WANTED = {"int": "it takes a whole number", "float": "it takes a number"}


def _option(key: str) -> str:
    words = key.removesuffix("_s").replace("_", "-")
    return f"--{ {'calls': 'call'}.get(words, words) }".replace(" ", "")
