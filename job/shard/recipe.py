"""What must be known of a workload where its instances live, and what is done with one instance.

It travels to the workers by value, so it knows no library that reads workloads.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from job.errors import StateError, TargetRaisedError
from job.shard import loops
from job.shard.states import bounded, canonical

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from job.workload.calls import Call, Target

OWN_FRAMES = (loops.NAME, "make_instance", "read_state")


@dataclass(frozen=True)
class Recipe:
    """What a shard must know of a workload, without the libraries that read workloads.

    Attributes:
        make: The target itself, imported.
        target: What was imported, and the arguments each instance is made with.
        read: The method or attribute that tells the state; None stands for the whole object.
        state_limit: From how many characters on a state is replaced by its digest.
    """

    make: Callable[..., Any]
    target: Target
    calls: tuple[Call, ...]
    read: str | None
    state_limit: int

    @property
    def calls_per_instance(self) -> int:
        """How many calls each instance gets."""
        return sum(call.times for call in self.calls)

    def call_at(self, position: int) -> Call:
        """Return an instance's how-many-th call, from 1."""
        ends = accumulate(call.times for call in self.calls)
        return next(c for c, end in zip(self.calls, ends, strict=True) if position <= end)


def make_instance(recipe: Recipe, number: int) -> Any:  # noqa: ANN401 - any class at all
    """Make instance `number` of the target.

    Raises:
        TargetRaisedError: Its constructor raised.
    """
    args, kwargs = recipe.target.arguments(number)
    try:
        return recipe.make(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise target_raised(error, number, str(recipe.target)) from None


def read_state(recipe: Recipe, instance: Any, number: int) -> str:  # noqa: ANN401 - any class
    """Return the canonical text of an instance's state.

    Raises:
        TargetRaisedError: The read raised.
        StateError: There is no such state, or it cannot be compared.
    """
    try:
        state = getattr(instance, recipe.read) if recipe.read else instance
        if recipe.read and callable(state):
            state = state()
        if inspect.isawaitable(state):
            state = asyncio.run(_awaited(state))
    except (Exception, SystemExit) as error:
        if isinstance(error, AttributeError) and _is_missing(error, instance, recipe.read):
            raise _nothing_to_read(instance, number, error.name) from None
        raise target_raised(error, number, f"read {recipe.read}") from None
    try:
        return bounded(canonical(state), recipe.state_limit)
    except StateError as error:
        message = f"instance {number:,}, read {recipe.read or 'of the object'}: {error.message}"
        raise StateError(message, error.hint) from None


def _is_missing(error: AttributeError, instance: object, read: str | None) -> bool:
    """Tell an instance without such a state from one whose own code raised the same."""
    return error.obj is instance and error.name == read


def _nothing_to_read(instance: object, number: int, name: str | None) -> StateError:
    has = sorted(each for each in dir(instance) if each[0] != "_")
    message = f"instance {number:,}, read {name}: {type(instance).__name__} has no {name!r}"
    return StateError(message, f"It has: {', '.join(has[:20])}." if has else "")


async def _awaited(made: Awaitable[object]) -> object:
    return await made


def target_raised(
    error: BaseException, number: int, doing: str, position: int = 0
) -> TargetRaisedError:
    """Return a target's exception in plain strings."""
    # One line, as part of a sentence, and something that can be saved as UTF-8.
    text = " ".join(str(error).split()).encode(errors="backslashreplace").decode()
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    # The first frames are this package's; without more, the method could not even be called.
    last = frames[-1] if frames and frames[-1].name not in OWN_FRAMES else None
    line = f"{last.filename}, line {last.lineno}, in {last.name}" if last else ""
    exits = bool(position) and isinstance(error, SystemExit)
    return TargetRaisedError(number, doing, position, shown, line, exits)
