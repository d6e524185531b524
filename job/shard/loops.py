"""The loops that carry out calls, compiled so that they are the very loops one would write.

Every speedup rests on the serial baseline, so the baseline must cost nothing more than the plain
`for instance in instances: instance.increment()`. A loop that looks the method up by a variable
name is 1.8 to 2.4 times as slow on calls that do nothing (measured, Python 3.11). So the method's
name is put into the source of a small function, and so are numbers that vary, as our own record of
them spells them; all other values are passed in by name and never as text.
The loop counts for free what an error message needs: `locate` reads it off the failed frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from job.errors import UsageError
from job.workload.calls import InstanceNumber, Varying, fill_in, is_name, mentions, spell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from job.workload.calls import Call

NAME = "call_loop"
_IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), type(...))

_ROUNDS = """\
def {name}(instances, numbers, first, times):
    for repetition in range(first, first + times):
        for instance{number} in {source}:
            {call}
"""
_RUN = """\
def {name}(instances, numbers, first, times):
    for instance{number} in {source}:
        for repetition in range(first, first + times):
            {call}
"""
_TAKEN_ROUNDS = """\
def {name}(instances, numbers, first, times):
    for repetition in range(first, first + times):
        for some, theirs in slices(instances, numbers):
            values = []
            keep = values.append
            for instance{number} in {source}:
                {call}
            take(theirs, repetition, values)
"""


class Rounds(NamedTuple):
    """What deals out the instances of a round, and takes what the calls of each part returned."""

    slices: Callable[..., Iterator[tuple[Sequence[object], Sequence[int]]]]
    take: Callable[[Sequence[int], int, list[Any]], None]


class Failure(NamedTuple):
    """Where a loop failed: at which of its repetitions, from 0, of which instance."""

    repetition: int
    instance: object


def rounds(
    call: Call, *, awaited: bool = False, returns: Rounds | None = None
) -> Callable[..., Any]:
    """Return `loop(instances, numbers, first, times)`: each round calls every instance once.

    The first round is the call's repetition number `first`, from 0. What the calls return is
    dropped, or taken by `returns` round by round.
    """
    if returns:
        return _compile(_TAKEN_ROUNDS, call, awaited=awaited, **returns._asdict())
    return _compile(_ROUNDS, call, awaited=awaited)


def run(
    call: Call, *, awaited: bool = False, keep: Callable[[Any], None] | None = None
) -> Callable[..., Any]:
    """Return `loop(instances, numbers, first, times)`: each instance in turn, `times` times.

    What the calls return is dropped, or kept by `keep` one by one.
    """
    return _compile(_RUN, call, awaited=awaited, **({"keep": keep} if keep else {}))


def locate(trace: TracebackType | None) -> Failure | None:
    """Return where in one of these loops an exception arose; None if it arose elsewhere."""
    while trace is not None:
        if trace.tb_frame.f_code.co_name == NAME:
            seen = trace.tb_frame.f_locals
            return Failure(seen.get("repetition", 0) - seen.get("first", 0), seen.get("instance"))
        trace = trace.tb_next
    return None


def index_of(failure: Failure | None, instances: Sequence[object]) -> int:
    """Return which of the loop's instances it was that failed; 0 where that cannot be told."""
    found = (index for index, one in enumerate(instances) if failure and one is failure.instance)
    return next(found, 0)


def _compile(template: str, call: Call, *, awaited: bool, **used: object) -> Callable[..., Any]:
    values: dict[str, object] = {"fill_in": fill_in, **used}
    numbered = mentions((call.args, call.kwargs), InstanceNumber)
    number = "number" if numbered else "0"
    positional = [_argument(value, number, values) for value in call.args]
    named = [f"{_name(k)}={_argument(v, number, values)}" for k, v in call.kwargs.items()]
    method = ".".join(map(_name, call.method.split(".")))
    text = f"instance.{method}({', '.join(positional + named)})"
    text = f"await {text}" if awaited else text
    some, theirs = ("some", "theirs") if template is _TAKEN_ROUNDS else ("instances", "numbers")
    source = template.format(
        name=NAME,
        number=", number" if numbered else "",
        source=f"zip({some}, {theirs})" if numbered else some,
        call=f"keep({text})" if used else text,
    )
    exec(f"async {source}" if awaited else source, values)  # noqa: S102 - names are checked
    loop: Callable[..., Any] = values[NAME]  # type: ignore[assignment]
    return loop


def _argument(value: object, number: str, values: dict[str, object]) -> str:
    """Return the expression that gives an argument afresh at each call, as a literal would."""
    if isinstance(value, Varying):
        return spell(value, number)
    key = f"value_{len(values)}"
    values[key] = value
    return key if _is_constant(value) else f"fill_in({key}, {number}, repetition)"


def _is_constant(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return isinstance(value, _IMMUTABLE)


def _name(text: str) -> str:
    if is_name(text):
        return text
    message = f"{text!r} cannot name a method or an argument: it must be a Python name"
    raise UsageError(message)
