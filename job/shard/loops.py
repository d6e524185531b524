"""The loops that carry out calls, compiled so that they are the very loops one would write.

Every speedup rests on the serial baseline, so the baseline must cost nothing more than the plain
`for instance in instances: instance.increment()`. A loop that looks the method up by a variable
name is 1.8 to 2.4 times as slow on calls that do nothing (measured, Python 3.11). So the method's
name is put into the source of a small function; values are passed in by name and never as text.
The loop counts for free what an error message needs: `locate` reads it off the failed frame.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from job.errors import UsageError
from job.workload.calls import InstanceNumber, fill_in, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from job.workload.calls import Call

NAME = "call_loop"
_IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), type(...))

_ROUNDS = """\
def {name}(instances, numbers, times):
    for repetition in range(times):
        for instance{number} in {source}:
            {call}
"""
_RUN = """\
def {name}(instances, numbers, times):
    for instance{number} in {source}:
        for repetition in range(times):
            {call}
"""


class Failure(NamedTuple):
    """Where a loop failed."""

    repetition: int
    instance: object


def rounds(call: Call, *, awaited: bool = False) -> Callable[..., Any]:
    """Return `loop(instances, numbers, times)`: each round calls every instance once."""
    return _compile(_ROUNDS, call, awaited=awaited)


def run(call: Call, *, awaited: bool = False) -> Callable[..., Any]:
    """Return `loop(instances, numbers, times)`: each instance in turn is called `times` times."""
    return _compile(_RUN, call, awaited=awaited)


def locate(trace: TracebackType | None) -> Failure | None:
    """Return where in one of these loops an exception arose; None if it arose elsewhere."""
    while trace is not None:
        if trace.tb_frame.f_code.co_name == NAME:
            seen = trace.tb_frame.f_locals
            return Failure(seen.get("repetition", 0), seen.get("instance"))
        trace = trace.tb_next
    return None


def index_of(failure: Failure | None, instances: Sequence[object]) -> int:
    """Return which of the loop's instances it was that failed; 0 where that cannot be told."""
    found = (index for index, one in enumerate(instances) if failure and one is failure.instance)
    return next(found, 0)


def is_awaited(call: Call, instance: object) -> bool:
    """Return whether a call is to be awaited."""
    return inspect.iscoroutinefunction(getattr(instance, call.method, None))


def _compile(template: str, call: Call, *, awaited: bool) -> Callable[..., Any]:
    values: dict[str, object] = {"fill_in": fill_in}
    positional = [_argument(value, values) for value in call.args]
    named = [f"{_name(k)}={_argument(v, values)}" for k, v in call.kwargs.items()]
    varies = _mentions_instance([*call.args, *call.kwargs.values()])
    text = f"instance.{_name(call.method)}({', '.join(positional + named)})"
    source = template.format(
        name=NAME,
        number=", number" if varies else "",
        source="zip(instances, numbers)" if varies else "instances",
        call=f"await {text}" if awaited else text,
    )
    exec(f"async {source}" if awaited else source, values)  # noqa: S102 - names are checked
    loop: Callable[..., Any] = values[NAME]  # type: ignore[assignment]
    return loop


def _argument(value: object, values: dict[str, object]) -> str:
    """Return the expression that gives an argument afresh at each call, as a literal would."""
    if isinstance(value, InstanceNumber):
        return "number"
    key = f"value_{len(values)}"
    values[key] = value
    if _mentions_instance([value]):
        return f"fill_in({key}, number)"
    return key if _is_constant(value) else f"fill_in({key}, 0)"


def _is_constant(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return isinstance(value, _IMMUTABLE)


def _mentions_instance(values: Iterable[object]) -> bool:
    for value in values:
        if isinstance(value, InstanceNumber):
            return True
        if isinstance(value, dict) and _mentions_instance([*value.keys(), *value.values()]):
            return True
        if isinstance(value, list | tuple | set) and _mentions_instance(value):
            return True
    return False


def _name(text: str) -> str:
    if is_name(text):
        return text
    message = f"{text!r} cannot name a method or an argument: it must be a Python name"
    raise UsageError(message)
