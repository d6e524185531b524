"""What objects are made of: what pickle takes them apart into, and what it leaves out.

An object is reduced to the call that makes it again and to what is then put into it. A base class
with a `__reduce__` of its own knows nothing of what subclasses add, the name of a function nothing
of its closure, and a tensor reduces to an address: what they hold is found here as well. By value
this travels to workers that cannot import `job`, as `job.shard.states` does.
"""

from __future__ import annotations

import copyreg
import hashlib
import math
import sys
from array import array as Array  # noqa: N812 - a class like any other
from decimal import Decimal
from enum import Enum
from types import FunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeGuard

_STATE = "__getstate__()"  # the name of a state that is not made of attributes
_REDUCERS = {"__reduce__", "__reduce_ex__"}
_OF_SETS = (set.__reduce__, frozenset.__reduce__)
_ARRAYS = {("numpy", "ndarray"), ("numpy", "void"), ("torch", "Tensor")}
# Whose classes reduce themselves rightly, and keep caches and weak references beside.
_LIBRARIES = sys.stdlib_module_names | {"numpy", "pandas"}
_BUFFERS = (Array, memoryview)
_PADDED = "gG"  # numpy's codes for long doubles, whose bytes have gaps that hold anything


class Reduced(NamedTuple):
    """How an object is made again: by a call, or found by its name, and what is put into it."""

    attributes: dict[str, object]
    name: str = ""
    function: object = None
    args: Sequence[object] = ()
    items: Iterable[object] | None = None
    pairs: Iterable[tuple[object, object]] | None = None


class Elements(NamedTuple):
    """What an array holds."""

    dtype: str
    shape: tuple[int, ...]
    size: int  # how many there are
    inexact: bool  # they are floats, which a tolerance may compare
    digestible: bool  # their bytes say all, and nothing else
    array: Any  # lists them, or gives their bytes


def qualified(value: object, name: str) -> str:
    """Return a name with the module it is found in."""
    module = getattr(value, "__module__", None) or type(value).__module__
    return name if module == "builtins" else f"{module}.{name}"


def reduce(value: object) -> Reduced:
    """Take an object apart, without leaving out what subclasses added to it.

    Raises:
        TypeError: It cannot be taken apart; a class's own methods may raise anything else.
    """
    kind = type(value)
    by_default = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
    if not by_default:
        getattr(value, "__dict__", None)  # is made when first looked at, and seen by some reduces
    registered = copyreg.dispatch_table.get(kind)
    reduced: Any = registered(value) if registered else value.__reduce_ex__(4)
    if isinstance(reduced, str):
        local = "<" in reduced or isinstance(value, Enum)
        return Reduced(_own(value) if local else {}, qualified(value, reduced))
    if not isinstance(reduced, tuple):
        raise TypeError(f"its __reduce__ returned {type(reduced).__name__}")
    function, args, state, items, pairs = (*reduced, None, None, None)[:5]
    if getattr(function, "__name__", "") == "__newobj__":
        function, *args = args
    if kind.__reduce__ in _OF_SETS:
        args = [set(args[0])]  # which is a list, in the order of hashes
    elif kind.__reduce__ is Decimal.__reduce__ and kind is not Decimal:
        args = [Decimal(*args)]
    attributes = {} if state is None else _attributes(kind, state)
    if not (by_default or registered):
        attributes |= _forgotten(value, function, reduced)
    return Reduced(attributes, "", function, args, items, pairs)


def _attributes(kind: type, state: object) -> dict[str, object]:
    """Return the attributes that a state consists of, or the state as a single one."""
    halves = (state, None)
    if isinstance(state, tuple) and len(state) == len(halves):
        # As pickle takes it: the attributes in the instance's dict and those in slots.
        halves = halves if hasattr(kind, "__setstate__") else state
    named: dict[str, object] = {}
    for half in halves:
        if _is_namespace(half):
            named |= half
        elif half is not None:
            return {_STATE: state}
    return named


def _is_namespace(state: object) -> TypeGuard[dict[str, object]]:
    return isinstance(state, dict) and all(
        isinstance(name, str) and name.isidentifier() for name in state
    )


def _forgotten(value: Any, function: object, reduced: object) -> dict[str, object]:  # noqa: ANN401
    """Return what subclasses of the class that reduced the object have added to it."""
    kind = type(value)
    if isinstance(value, Enum):
        return _own(value)
    base = next(each for each in kind.__mro__ if not _REDUCERS.isdisjoint(vars(each)))
    more = [each for each in kind.__mro__ if each not in base.__mro__]
    added = [each for each in more if not _in_library(each)]
    if not added or base.__module__ == "logging":  # whose loggers go by their name
        return {}
    chooser = next((each for each in kind.__mro__ if "__getstate__" in vars(each)), object)
    if chooser in added:
        return _attributes(kind, value.__getstate__())
    named: dict[str, object] = {} if function is kind else {"__class__": kind}
    if not _holds(reduced, getattr(value, "__dict__", None)):
        named |= _own(value)
    return named | _in_slots(value, added)


def _in_library(kind: type) -> bool:
    if kind.__module__.partition(".")[0] not in _LIBRARIES:
        return False
    # A class made by a call may name the module that made it, such as abc.
    return getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind


def _own(value: object) -> dict[str, object]:
    """Return the attributes in an object's dict, but for those that every member of an enum has."""
    own = getattr(value, "__dict__", {})
    if isinstance(value, Enum):
        return {name: own[name] for name in own if not name[0] == name[-1] == "_"}
    return dict(own)


def _in_slots(value: object, kinds: Iterable[type]) -> dict[str, object]:
    named: dict[str, object] = {}
    for kind in kinds:
        for name, member in vars(kind).items():
            if isinstance(member, MemberDescriptorType):
                try:
                    named[name] = member.__get__(value)
                except AttributeError:  # never set
                    continue
    return named


def _holds(reduced: object, part: object, levels: int = 3) -> bool:
    """Tell whether a reduction has the very object among its parts."""
    if reduced is part or not levels or not isinstance(reduced, tuple):
        return reduced is part
    return any(_holds(each, part, levels - 1) for each in reduced)


def carried(function: FunctionType) -> dict[str, object]:
    """Return what a function has beside its name, if no module has it under that name.

    What can be imported is the same for all instances of a process, caches in it included.
    """
    if "<" not in function.__qualname__:
        return {}
    closure = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            closure[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    parts = {
        "__closure__": closure,
        "__defaults__": function.__defaults__,
        "__kwdefaults__": function.__kwdefaults__,
    }
    own = {name: part for name, part in parts.items() if part}
    return {"__code__": function.__code__, **own, **vars(function)}


def is_numpy_scalar(value: Any) -> bool:  # noqa: ANN401 - numpy may not be installed
    """Tell a single number of numpy's; a record is an array."""
    if type(value).__module__ != "numpy":
        return False
    dtype: Any = getattr(value, "dtype", None)
    return getattr(dtype, "type", None) is type(value) and not dtype.names


def array_base(value: object) -> type | None:
    """Return the class that makes an object an array, numpy's say; None for others."""
    kind = type(value)
    if not hasattr(kind, "dtype"):
        return next((each for each in _BUFFERS if isinstance(value, each)), None)
    for base in kind.__mro__:
        if base.__module__.startswith("numpy.ma"):
            return None  # has a mask beside its elements, and reduces itself
        if (base.__module__, base.__name__) in _ARRAYS:
            return base
    return None


def elements(value: Any, base: type) -> Elements:  # noqa: ANN401 - known by its attributes
    """Return what an array holds, wherever it lives.

    Raises:
        TypeError: It is a tensor whose elements cannot be had as an array, such as a sparse one.
    """
    if base in _BUFFERS:
        code, shape = (
            (value.typecode, (len(value),)) if base is Array else (value.format, value.shape)
        )
        inexact = code[-1] in "efd"
        return Elements(code, shape, math.prod(shape), inexact, not inexact, value)
    array = value if base.__module__ == "numpy" else _without_torch(value)
    inexact = array.dtype.kind in "fc"
    digestible = not array.dtype.hasobject and array.dtype.char not in _PADDED
    return Elements(str(value.dtype), tuple(array.shape), array.size, inexact, digestible, array)


def additions(value: object, base: type) -> dict[str, object]:
    """Return the attributes that an array has beside its elements."""
    if type(value).__module__.partition(".")[0] == "numpy":
        return {}  # such as the file behind a memmap
    above = type(value).__mro__[: type(value).__mro__.index(base)]
    gradient = {"requires_grad": True} if getattr(value, "requires_grad", False) else {}
    return gradient | _own(value) | _in_slots(value, above)


def digest_bytes(held: Elements) -> str:
    """Return what stands for the elements of an array; the same for any two NaNs."""
    array = held.array
    if held.inexact:
        array = array.flatten()
        array = array.view(array.real.dtype)
        array[array != array] = math.nan  # noqa: PLR0124 - NaN, whatever its payload and sign
    data = array.tobytes()  # in C order
    of = "" if held.inexact else f" of {type(array).__name__}"
    return f"<blake2b {hashlib.blake2b(data, digest_size=16).hexdigest()}, {len(data)} bytes{of}>"


def _without_torch(tensor: Any) -> Any:  # noqa: ANN401 - a numpy array
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        return plain.numpy()
    except TypeError:  # bfloat16 and the like, which numpy does not know, and float32 can hold
        return plain.float().numpy()
