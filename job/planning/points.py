"""What a sweep goes over, in which order, and what is compared at each point; pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from job.errors import UsageError
from job.results.sweep import Over
from job.workload.calls import Call, InstanceNumber, Target
from job.workload.model import MOST_INSTANCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from job.workload.model import Plan, Workload

SPINNER = ("job.targets.spinner", "Spinner")
MOST_POINTS = 100
PER_SECOND = {"us": 1_000_000, "ms": 1_000, "s": 1}
MOST = {
    "shards": MOST_INSTANCES, "instances": MOST_INSTANCES, "threads": 1_000, "processes": 1_000,
}  # fmt: skip
# Which strategies have it, where not all of them do.
OF = {
    "shards": ("sharded",), "threads": ("sharded", "threads"), "processes": ("processes",),
    "num_gpus": ("actors", "sharded"),
}  # fmt: skip
GPUS = re.compile(r"\d+|0?\.\d{1,4}")  # whole ones, or a share of one as fine as Ray counts
_COST = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s)")
_FORM = "It is written KEY=VALUE,VALUE,…, as in --over shards=1,2,4,8 or call-cost=10us,1ms."


def parse_over(text: str, *, weak: bool = False) -> Over:
    """Read `shards=1,2,4,8`, or raise a UsageError that says how it is written."""
    key, equals, rest = text.partition("=")
    keys = (*MOST, "num_gpus", "call-cost")
    if key in keys and not equals:
        raise UsageError(f"--over {text}: it names no values", _FORM)
    if key not in keys:
        raise UsageError(f"--over {text}: {key!r} cannot be varied; {', '.join(keys)} can", _FORM)
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
    """Return what is compared at one value, and how; `rounds` are the spinner's for a call cost."""
    whole = math.floor(value)
    if over.key == "instances":
        return workload.model_copy(update={"instances": whole}), plan
    if over.key == "threads":
        return workload, plan.model_copy(update={"threads_per_shard": whole, "workers": whole})
    if over.key == "processes":
        return workload, plan.model_copy(update={"workers": whole})
    if over.key == "shards":
        instances = workload.instances * (whole if over.weak else 1)
        grown = workload.model_copy(update={"instances": instances})
        return grown, plan.model_copy(update={"shards": whole})
    if over.key == "num_gpus":
        options = plan.actor_options.model_copy(update={"num_gpus": value})
        return workload, plan.model_copy(update={"actor_options": options})
    target = Target(*SPINNER, kwargs={"seed": InstanceNumber(), "rounds": rounds})
    calls = (Call("spin", times=workload.calls_per_instance),)
    changed = {"target": target, "calls": calls, "read": "read", "close": None}
    return workload.model_copy(update=changed), plan


def check(workload: Workload, plan: Plan, over: Over) -> None:
    """Raise a UsageError, with what to change, where a sweep cannot go over it."""
    most = max(over.values)
    of = OF.get(over.key, plan.strategies)
    if not {*of} & {*plan.strategies}:
        has = " and ".join(f"`{name}`" for name in of)
        have, is_not = ("has", "it is not") if len(of) == 1 else ("have", "neither is")
        message = f"--over {over.key}: only {has} {have} {over.key}, and {is_not} to be run"
        raise UsageError(message, f"Add one: --strategies serial,{of[0]}.")
    if over.weak and over.key != "shards":
        message = f"--weak: instances grow with shards, and --over varies {over.key}"
        raise UsageError(message, "Use it with --over shards=1,2,4,8.")
    if over.weak and workload.instances * most > MOST_INSTANCES:
        message = f"--weak: {workload.instances:,} x {most:,.0f} instances are more than allowed"
        raise UsageError(message, f"At most {MOST_INSTANCES:,}.")
    if over.key in ("shards", "processes") and not over.weak and most > workload.instances:
        message = (
            f"--over {over.key}: {most:,.0f} need as many instances, not {workload.instances:,}"
        )
        grow = ", or let them grow with --weak" if over.key == "shards" else ""
        raise UsageError(message, f"Raise --instances{grow}.")
    if over.key == "call-cost" and (workload.target.module, workload.target.name) != SPINNER:
        message = f"--over call-cost: what a call of {workload.target} costs cannot be chosen"
        raise UsageError(message, "Leave out --target and --workload: the spinner's can.")


def _value(key: str, text: str, whole: str) -> float:
    if key == "call-cost":
        found = _COST.fullmatch(text)
        value = float(found[1]) / PER_SECOND[found[2]] if found else 0.0
        if not 1e-7 <= value <= 3600:  # noqa: PLR2004 - an empty call; an hour
            message = f"--over {whole}: {text!r} is no cost of a call"
            raise UsageError(message, "Write 10us, 0.5ms or 2s; 0.1us to 3600s.")
        return value
    if key == "num_gpus":
        if not GPUS.fullmatch(text) or not float(text):
            message = f"--over {whole}: {text!r} is no number of GPUs"
            raise UsageError(message, "Write whole ones, or a share of one: num_gpus=2,1,0.5,0.25.")
        return float(text)
    if not text.isdecimal() or not 1 <= int(text) <= MOST[key]:
        message = f"--over {whole}: {text!r} is not a whole number, 1 to {MOST[key]:,}"
        raise UsageError(message, _FORM)
    return float(text)
