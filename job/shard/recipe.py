"""What must be known of a workload where its instances live, and what is done with one instance.

It travels to the workers by value, so it knows no library that reads workloads.
"""

from __future__ import annotations

import inspect
import operator
import pickle
import sys
import traceback
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.errors import StateError, TargetRaisedError
from job.shard import loops
from job.shard.states import bounded, canonical
from job.signals import OURS
from job.workload.importing import load_target, what_is_missing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from job.workload.calls import Call, Target


@dataclass(frozen=True)
class Recipe:
    """What a shard must know of a workload, without the libraries that read workloads."""

    make: Callable[..., Any] | None  # the target itself; None where it is to be imported
    target: Target  # what is imported, and the arguments each instance is made with
    calls: tuple[Call, ...]  # what every instance gets, in order
    read: str | None  # the method or attribute that tells the state; None for the whole object
    state_limit: int  # from how many characters on a state is replaced by its digest
    exact: bool = True  # states are compared without a tolerance, and so by digests where long
    awaited: frozenset[str] = frozenset()  # the methods that return what is to be awaited
    bring: bool = False  # what calls return is to come to the driver
    close: str | None = None  # the method that is called on every instance at the very end
    paths: tuple[str, ...] = ()  # where the target may be imported from, besides the usual places

    @property
    def calls_per_instance(self) -> int:
        """How many calls each instance gets."""
        return sum(call.times for call in self.calls)

    def call_at(self, position: int) -> Call:
        """Return an instance's how-many-th call, from 1."""
        ends = accumulate(call.times for call in self.calls)
        return next(c for c, end in zip(self.calls, ends, strict=True) if position <= end)

    def resolve(self) -> Recipe:
        """Return the recipe with its target, imported where it has none.

        Raises:
            UsageError: It cannot be imported.
        """
        if self.make is not None:
            return self
        search(self.paths)
        return replace(self, make=load_target(self.target))

    def is_awaited(self, call: Call) -> bool:
        """Return whether what a call returns is to be awaited, as far as its target is known."""
        method = getattr(self.make, call.method, None)
        return call.method in self.awaited or inspect.iscoroutinefunction(method)

    @property
    def is_async(self) -> bool:
        """Whether some calls are awaited, so that all run on an event loop."""
        return any(map(self.is_awaited, self.calls))


def search(paths: tuple[str, ...]) -> None:
    """Have this process import from these folders too, where it has them."""
    sys.path += [path for path in paths if path not in sys.path and Path(path).is_dir()]


def unpack(paths: tuple[str, ...], sent: bytes) -> Recipe:
    """Return a recipe whose arguments may be of modules that lie in these folders."""
    search(paths)
    recipe: Recipe = pickle.loads(sent)  # noqa: S301 - our own driver packed it
    return recipe


def unpacked(sent: Recipe | bytes) -> Recipe:
    """Return a recipe, which comes as bytes where plain pickle cannot write it."""
    made: Recipe = pickle.loads(sent) if isinstance(sent, bytes) else sent  # noqa: S301 - ours
    return made


def make_instance(recipe: Recipe, number: int) -> Any:  # noqa: ANN401 - any class at all
    """Make instance `number` of the target.

    Raises:
        TargetRaisedError: Its constructor raised.
    """
    assert recipe.make  # noqa: S101 - whoever makes instances has resolved it
    try:
        args, kwargs = recipe.target.arguments(number)
        return recipe.make(*args, **kwargs)
    except OURS:
        raise
    except BaseException as error:
        raise target_raised(error, number, str(recipe.target)) from None


def read_state(
    recipe: Recipe,
    instance: Any,  # noqa: ANN401 - any class
    number: int,
    event_loop: asyncio.AbstractEventLoop | None = None,
) -> str:
    """Return the canonical text of an instance's state.

    An async read is awaited on the event loop of the instance's calls, where there is one.

    Raises:
        TargetRaisedError: The read raised.
        StateError: There is no such state, or it cannot be compared.
    """
    try:
        state = operator.attrgetter(recipe.read)(instance) if recipe.read else instance
        if recipe.read and callable(state):
            state = state()
        state = _awaited(state, event_loop)
    except OURS:
        raise
    except BaseException as error:
        if isinstance(error, AttributeError) and _is_missing(error, instance, recipe.read):
            raise _nothing_to_read(error, number, recipe.read) from None
        raise target_raised(error, number, f"read {recipe.read}") from None
    try:
        whole = 0 if recipe.exact else recipe.state_limit
        return bounded(canonical(state, whole=whole), recipe.state_limit)
    except StateError as error:
        message = f"instance {number:,}, read {recipe.read or 'of the object'}: {error.message}"
        raise StateError(message, error.hint) from None


def close_instance(
    recipe: Recipe,
    instance: Any,  # noqa: ANN401 - any class
    number: int,
    event_loop: asyncio.AbstractEventLoop | None = None,
) -> None:
    """Close an instance, where the workload says how; an async method as an async read.

    Raises:
        TargetRaisedError: It raised.
    """
    if recipe.close is None:
        return
    try:
        _awaited(operator.attrgetter(recipe.close)(instance)(), event_loop)
    except OURS:
        raise
    except BaseException as error:
        raise target_raised(error, number, f"close {recipe.close}") from None


def _awaited(value: object, event_loop: asyncio.AbstractEventLoop | None) -> object:
    """Return a value, or what comes of awaiting it."""
    if not inspect.isawaitable(value):
        return value
    import asyncio

    run = event_loop.run_until_complete if event_loop else asyncio.run
    return run(result_of(value))


def _is_missing(error: AttributeError, instance: object, read: str | None) -> bool:
    """Tell an instance without such a state from one whose own code raised the same."""
    owner = instance
    for part in (read or "").split("."):
        if error.obj is owner and error.name == part:
            return True
        owner = getattr(owner, part, None)
    return False


def _nothing_to_read(error: AttributeError, number: int, read: str | None) -> StateError:
    has = sorted(each for each in dir(error.obj) if each[0] != "_")
    lacks = f"{type(error.obj).__name__} has no {error.name!r}"
    message = f"instance {number:,}, read {read}: {lacks}"
    return StateError(message, f"It has: {', '.join(has[:20])}." if has else "")


async def result_of(made: Awaitable[object]) -> object:
    """Return what is awaited, as the coroutine that asyncio.run asks for."""
    return await made


def _is_ours(frame: traceback.FrameSummary) -> bool:
    room = Path(frame.filename).parent
    package = Path(_is_ours.__code__.co_filename).parents[1]  # as workers have it, too
    return frame.name == loops.NAME or (room.parent == package and room.name != "targets")


def target_raised(
    error: BaseException, number: int, doing: str, position: int = 0
) -> TargetRaisedError:
    """Return a target's exception in plain strings."""
    try:
        text = str(error)
    except BaseException as worse:
        text = f"its text cannot be told: {type(worse).__name__}"
    # One line, as part of a sentence, and something that can be saved as UTF-8.
    text = " ".join(text.split()).encode(errors="backslashreplace").decode()
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, StateError):  # of what the call returned, in our own words
        shown = f"{error.message}. {error.hint}"
    # Without a frame that is not this package's the method could not even be called.
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not _is_ours(each)]
    last = frames[-1] if frames else None
    line = f"{last.filename}, line {last.lineno}, in {last.name}" if last else ""
    exits = bool(position) and isinstance(error, SystemExit)
    return TargetRaisedError(number, doing, position, shown, line, what_is_missing(error), exits)
