"""The try-out, as it runs in a process of its own: an instance, the first calls, one read.

Whatever is wrong with a class for a comparison is found here, before anything is measured, and
leaves no trace in the driver: rows in files, counted-up class attributes, loaded models.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import operator
import os
import sys
import time
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from job.errors import JobError, StateError, TargetRaisedError, UsageError
from job.shard import loops
from job.shard.metering import children_cpu_s, own_bytes, voluntary_switches
from job.shard.recipe import (
    close_instance,
    make_instance,
    read_state,
    result_of,
    target_raised,
    unpacked,
)
from job.shard.returns import check_value, written
from job.shard.serving import answer, dump_by
from job.shard.states import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection

    from job.shard.recipe import Recipe
    from job.workload.calls import Call

ENOUGH_S = 0.7  # of timed calls, for a profile
MOST_PARTS = 1_000  # of a value that instances share, beyond which it is looked at no closer
PLAIN = (type(None), bool, int, float, str, bytes, list, tuple, set, frozenset, dict)
NUMERIC = ("numpy", "scipy", "sklearn", "torch", "pandas")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def serve(pipe: Connection[Any, Any], recipe: Recipe | bytes, instances: int, packer: str) -> None:
    """Try out what was sent; answer with what is done next, what was found, and what was raised."""
    found: dict[str, Any] = {}
    error: Exception | None = None
    try:
        made = unpacked(recipe)
        tell = partial(_tell, pipe, found)
        try_out(made, instances, tell, found, partial(dump_by, packer))
    except (JobError, TargetRaisedError) as raised:
        error = raised
    answer(pipe, None, found, error)


def _tell(pipe: Connection[Any, Any], found: dict[str, Any], doing: str) -> None:
    answer(pipe, doing, found, None)


class Timed(NamedTuple):
    """What some calls of one kind took: how many, by the clock and on CPUs in seconds, switches."""

    calls: int
    wall_s: float
    cpu_s: float
    switches: int


def try_out(
    recipe: Recipe, instances: int, tell: Callable[[str], None], found: dict[str, Any],
    dump: Callable[[object], bytes] | None = None,
) -> None:  # fmt: skip
    """Try a target out, and fill in what was found: the keys of `Tried`, and `awaited`.

    `tell` is told what is done next, so that whoever waits knows what was the last of it; `dump`
    pickles what pickle alone cannot, as the actors will.

    Raises:
        JobError: Why this cannot be compared.
        TargetRaisedError: A constructor, call, read or close raised.
    """
    tell(f"importing {recipe.target.module}")
    began, held = _now(), own_bytes()
    recipe = recipe.resolve()
    _refuse_ray(recipe)
    before = dict(_shared(recipe))
    tell(f"making instance 0, {recipe.target}")
    instance = make_instance(recipe, 0)
    loaded = _since(began, 1)
    _check_methods(recipe, instance)
    event_loop = asyncio.new_event_loop()
    timed: list[Timed] = []
    awaited: set[str] = set()
    returned: list[int] = []
    for position, call in enumerate(recipe.calls, 1):
        tell(str(call))
        took, value = _call(recipe, call, instance, position, event_loop, awaited)
        timed.append(took)
        returned.append(_size(value, dump))
        if recipe.bring:
            _check_value(call, value, dump)
    tell(f"read {recipe.read or 'of the object'}")
    state = read_state(recipe, instance, 0, event_loop)
    learned = {
        "awaited": frozenset(awaited),
        "shared": sorted(n for n, text in dict(_shared(recipe)).items() if before.get(n) != text),
        "returned_bytes": returned,
        "blas_threads": _blas_threads(recipe.target.module),
        "calls": timed,
        "load_s": loaded.cpu_s,
        "held_bytes": max(0.0, own_bytes() - held),
    }
    if recipe.close:
        tell(f"close {recipe.close}")
        close_instance(recipe, instance, 0, event_loop)
    found |= learned
    tell("")  # what comes now is extra, and may fail or take too long
    with contextlib.suppress(BaseException):  # of a later call: its trial will tell
        unchanged = bool(recipe.calls) and state == _untouched(recipe, 0, event_loop)
        if unchanged or sum(each.wall_s for each in timed) < ENOUGH_S:
            number, held = instances // 2, own_bytes()
            other = make_instance(recipe, number)
            found["calls"] = list(_time(recipe, other, number, frozenset(awaited), event_loop))
            found["instance_bytes"] = max(0.0, own_bytes() - held)
            # `add(instance)` leaves instance 0 as it was, and no other.
            state = read_state(recipe, other, number, event_loop)
            found["unchanged"] = unchanged and state == _untouched(recipe, number, event_loop)
            close_instance(recipe, other, number, event_loop)


def _untouched(recipe: Recipe, number: int, event_loop: asyncio.AbstractEventLoop) -> str | None:
    """Return an instance's state before any call; None where it has none yet."""
    try:
        instance = make_instance(recipe, number)
        state = read_state(recipe, instance, number, event_loop)
        close_instance(recipe, instance, number, event_loop)
    except (StateError, TargetRaisedError):
        return None
    return state


def _refuse_ray(recipe: Recipe) -> None:
    ray = sys.modules.get("ray")
    if ray and ray.is_initialized():
        ray.shutdown()
        message = f"target {recipe.target}: importing {recipe.target.module} starts Ray"
        raise UsageError(message, "Put ray.init() below `if __name__ == '__main__':`.")
    if hasattr(recipe.make, "__ray_metadata__"):
        message = f"target {recipe.target}: it is a Ray actor already"
        raise UsageError(
            message, "Name the undecorated class; ray.remote(Class) makes it an actor."
        )


def _check_methods(recipe: Recipe, instance: object) -> None:
    if instance is None:
        raise UsageError(f"target {recipe.target}: it returned None, not an instance")
    methods = [(f"--call {call}", call.method) for call in recipe.calls]
    if recipe.close:
        methods.append((f"--close {recipe.close}", recipe.close))
    for option, method in methods:
        *path, name = method.split(".")
        owner = instance
        for part in path:
            if not hasattr(owner, part):
                has = [each for each in dir(owner) if each[0] != "_"]
                raise _lacks(option, f"{type(owner).__name__} has no {part!r}", has)
            owner = getattr(owner, part)
        if not callable(getattr(owner, name, None)):
            made = type(owner)  # whose properties are not run
            has = [n for n in dir(made) if n[0] != "_" and callable(getattr(made, n, None))]
            raise _lacks(option, f"{made.__name__} has no method {name!r}", has)


def _lacks(option: str, what: str, has: list[str]) -> UsageError:
    hint = f"It has: {', '.join(has[:20])}." if has else ""
    return UsageError(f"{option}: {what}", hint)


def _call(  # noqa: PLR0913, PLR0917 - what a call is made of
    recipe: Recipe, call: Call, instance: object, position: int,
    event_loop: asyncio.AbstractEventLoop, awaited: set[str],
) -> tuple[Timed, object]:  # fmt: skip
    """Make a call once, and return what it took and what it returned."""
    began = _now()
    try:
        args, kwargs = call.arguments(0)
        value = operator.attrgetter(call.method)(instance)(*args, **kwargs)
        if inspect.isawaitable(value):
            awaited.add(call.method)
            value = event_loop.run_until_complete(result_of(value))
    except BaseException as error:
        raise target_raised(error, 0, str(call), position) from None
    took = _since(began, 1)
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        kind = "a generator" if inspect.isgenerator(value) else "an async generator"
        message = f"--call {call}: it returns {kind}, which nobody goes through: it does nothing"
        hint = "Call a method that goes through it, such as one that returns list(...); a small "
        raise UsageError(message, f"{hint}class around {recipe.target.name} can add it.")
    return took, value


def _time(
    recipe: Recipe, instance: object, number: int, awaited: frozenset[str],
    event_loop: asyncio.AbstractEventLoop,
) -> Iterator[Timed]:  # fmt: skip
    """Time each kind of call on a fresh instance, now that the process is warm."""
    share_s = ENOUGH_S / max(1, len(recipe.calls))
    for call in recipe.calls:
        loop = loops.run(call, awaited=call.method in awaited)
        made, chunk, began = 0, 1, _now()
        while made < call.times and time.perf_counter() - began[0] < share_s:
            chunk = min(chunk, call.times - made)
            running = loop([instance], [number], made, chunk)
            if running is not None:
                event_loop.run_until_complete(running)
            made += chunk
            chunk *= 2
        yield _since(began, made)


def _now() -> tuple[float, float, int]:
    """Return the time, what this process and its children have computed, and its switches."""
    cpu_s = children_cpu_s() + time.process_time()
    return time.perf_counter(), cpu_s, voluntary_switches()


def _since(began: tuple[float, float, int], calls: int) -> Timed:
    wall_s = time.perf_counter() - began[0]  # the rest takes longer than many a call
    process_s, switches = time.process_time(), voluntary_switches()
    return Timed(calls, wall_s, process_s + children_cpu_s() - began[1], switches - began[2])


def _size(value: object, dump: Callable[[object], bytes] | None) -> int:
    """Return how many bytes a value takes when it is sent; 0 where it cannot be."""
    try:
        return 0 if value is None else len(written(value, dump))
    except Exception:
        return 0


def _check_value(call: Call, value: object, dump: Callable[[object], bytes] | None) -> None:
    try:
        check_value(value, dump)
    except StateError as error:
        raise StateError(f"--call {call}, {error.message}", error.hint) from None


def _shared(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield what instances share: class attributes, and globals of the module."""
    top = recipe.target.module.partition(".")[0]
    module = sys.modules.get(recipe.target.module)
    kinds = [recipe.make] if isinstance(recipe.make, type) else []
    if isinstance(module, ModuleType):
        held = [each for each in vars(module).values() if isinstance(each, type)]
        kinds += [each for each in held if each.__module__ == module.__name__]
        yield from _held(module.__name__, vars(module), top)
    for kind in {each: None for one in kinds for each in one.__mro__}:
        if kind.__module__.partition(".")[0] == top:
            yield from _held(kind.__qualname__, vars(kind), top)


def _held(of: str, held: Mapping[str, object], top: str) -> Iterator[tuple[str, str]]:
    """Yield the text of plain data, and which object it is of those of the package `top`."""
    for name, value in list(held.items()):
        if name.startswith(("__", "_abc_")):
            continue
        if not isinstance(value, PLAIN):
            if type(value).__module__.partition(".")[0] == top:
                yield f"{of}.{name}", f"{type(value).__qualname__} at {id(value)}"
            continue
        size = len(value) if hasattr(value, "__len__") else 1  # type: ignore[arg-type]
        try:
            yield f"{of}.{name}", canonical(value) if size <= MOST_PARTS else f"{size} parts"
        except StateError:
            continue


def _blas_threads(module: str) -> int | None:
    """Return how many threads numpy may use here; None where the target has not to do with it."""
    globals_ = getattr(sys.modules.get(module), "__dict__", {})  # none of a class sent by value
    held = [v.__name__ for v in globals_.values() if isinstance(v, ModuleType)]
    if not any(name.partition(".")[0] in NUMERIC for name in [module, *held]):
        return None
    set_ = (os.environ.get(variable, "") for variable in THREAD_VARIABLES)
    return next((int(each) for each in set_ if each.isdigit()), os.cpu_count() or 1)
