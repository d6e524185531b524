"""Workload and Plan: what is computed, and how it is to be run; validated before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from job.workload.calls import MOST_TIMES
from job.workload.chaos import parse_chaos
from job.workload.document import Document
from job.workload.fields import Auto, Between, Model, Name, Seconds, or_auto
from job.workload.forms import Agree, WrittenAgree, WrittenCall, WrittenTarget
from job.workload.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLED = Path(__file__).with_name("bundled")
MOST_INSTANCES = 10**7
MOST_TRIALS = 1_000
STRATEGIES = ("serial", "actors", "sharded")
OF_THE_TARGET = ("calls", "read", "agree")  # what says nothing about another target


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


def _chaos(text: str) -> str:
    return str(parse_chaos(text))


Strategies = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    AfterValidator(_all_known),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"enum": [*STRATEGIES]},
                    "minItems": 1,
                    "uniqueItems": True,
                },
                {"type": "string"},
            ]
        }
    ),
]


class Workload(Model):
    """What is computed, wherever it runs.

    Attributes:
        target: The class under comparison, with what each instance is made with.
        instances: How many objects of it, 1 to 10^7.
        calls: What is called on every instance, in order.
        read: The method or attribute that tells an instance's state; without it the whole object.
        agree: When states count as equal: exact, within a tolerance for floats, or not compared.
    """

    target: WrittenTarget
    instances: Annotated[int, Between(1, MOST_INSTANCES)]
    calls: tuple[WrittenCall, ...]
    read: Name | None = None
    agree: WrittenAgree = Agree()

    @property
    def calls_per_instance(self) -> int:
        """How many calls each instance gets."""
        return sum(call.times for call in self.calls)

    def __str__(self) -> str:
        """Return the workload in one line."""
        done = ", ".join(map(str, self.calls)) or "no calls"
        end = f", then {self.read}" if self.read else ""
        return f"{self.instances:,} x {self.target}: {done}{end}"


class Plan(Model):
    """How a workload is to be run. Times are in seconds.

    Attributes:
        strategies: Which strategies, in the order they take turns.
        trials: How many analysed trials of each; auto for as many as fit into the budget.
        warmups: How many trials before those are not analysed.
        shards: How many actors `sharded` has; auto for one per free CPU.
        calls_per_batch: How many calls one remote call of `sharded` carries; auto for a second's.
        threads_per_shard: How many instances of a shard are called at once; auto follows from
            how much of the calls' time is waiting.
        cpus_per_actor: The num_cpus of each actor; auto shares the CPUs evenly.
        serial: full runs the whole loop, sample some instances, auto the whole if it fits budget_s.
        budget_s: What the serial loop may take before it is sampled; what trials auto may take.
        startup_timeout_s: How long actors may take until all are ready.
        timeout_s: How long the work and the read of one trial may take.
        wait_for_cpus: How many CPUs the cluster must have before anything is laid out.
        scale_timeout_s: How long nodes may take to come.
        snapshot_every: After how many calls an instance, on average, a shard's instances are kept,
            so that a loss repeats no more than those; 0 for never.
        chaos: What is killed while actors work, such as kill=2,seed=7; nothing by default.
    """

    strategies: Strategies = STRATEGIES
    trials: Annotated[int | Auto, or_auto(int, Between(1, MOST_TRIALS))] = 1
    warmups: Annotated[int, Between(0, MOST_TRIALS)] = 0
    shards: Annotated[int | Auto, or_auto(int, Between(1, MOST_INSTANCES))] = "auto"
    calls_per_batch: Annotated[int | Auto, or_auto(int, Between(1, MOST_TIMES))] = "auto"
    threads_per_shard: Annotated[int | Auto, or_auto(int, Between(1, 1_000))] = "auto"
    cpus_per_actor: Annotated[float | Auto, or_auto(float, Between(0.0001, 100_000))] = "auto"
    serial: Literal["full", "sample", "auto"] = "auto"
    budget_s: Seconds = 60.0
    startup_timeout_s: Seconds = 300.0
    timeout_s: Seconds = 3600.0
    wait_for_cpus: Annotated[int, Between(0, 1_000_000)] = 0
    scale_timeout_s: Seconds = 600.0
    snapshot_every: Annotated[int, Between(0, MOST_TIMES)] = 0
    chaos: Annotated[str, AfterValidator(_chaos)] | None = None


def build(given: Mapping[str, Any] | Document, options: Mapping[str, Any]) -> tuple[Workload, Plan]:
    """Return the workload and plan of a file's keys, overridden key by key by options.

    A new target drops the file's calls, read and agree: they were the old target's.

    Args:
        given: The keys of a file, or of none.
        options: What replaces them; None and () stand for options that were not given.

    Raises:
        UsageError: All that is wrong, one line each.
    """
    document = given if isinstance(given, Document) else Document(dict(given))
    override = {key: value for key, value in options.items() if value not in (None, ())}
    kept = dict(document.keys)
    if "target" in override:
        for key in OF_THE_TARGET:
            kept.pop(key, None)
        override.setdefault("calls", ())
    merged = kept | override
    of_plan = {key: merged.pop(key) for key in list(merged) if key in Plan.model_fields}
    problems = Problems(document, override, [*Workload.model_fields, *Plan.model_fields])
    workload = problems.validated(Workload, merged)
    plan = problems.validated(Plan, of_plan)
    if workload and workload.calls_per_instance > MOST_TIMES:
        made = f"{workload.calls_per_instance:,} calls on each instance"
        problems.add(("calls",), f"{made} are more than the {MOST_TIMES:,} that are allowed")
    if plan and plan.chaos and set(plan.strategies) == {"serial"}:
        problems.add(("chaos",), f"{of_plan['chaos']} finds nothing to kill: serial has no actors")
    if workload is None or plan is None or problems:
        raise problems.error()
    return workload, plan
