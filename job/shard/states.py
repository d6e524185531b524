"""The states instances end in: written as text wherever they live, compared as text on the driver.

Pickles of equal objects differ from process to process, so a state is written in a notation close
to Python's: `[1, 2]`, `{'a': 1}`, `ledger.Ledger(total=7)`. Objects are taken apart as by pickle:
`Class(arguments, *[list items], **{dict items}, attribute=value)`. Equal states have equal texts
whatever the hash seed, and whether equal parts are one object or copies; no memory address gets in.
A part with a long text is replaced by its digest, so that the whole grows with the objects there
are, not with the ways that lead to them. By value it travels to workers that cannot import `job`.
"""

from __future__ import annotations

import copyreg
import hashlib
import math
from collections import OrderedDict
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from job.errors import StateError
from job.words import shorten
from job.workload.calls import LONG_INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeGuard

_TRAVELLING = 64 * 2**20  # characters that the states of all instances together may have
_INLINE = 4_096  # characters of one part of a state, beyond which its digest stands for it
_DEEPEST = 100  # levels; each takes up to six of Python's 1,000 frames
_CIRCLES = 200_000  # parts that lead back and so cannot be remembered: seconds
_SMALL_ARRAY = 64  # elements that are written out
_PADDED = "gG"  # numpy's codes for long doubles, whose bytes have gaps that hold anything
_REMEDY = (
    "Choose a `read` that returns plain data, such as numbers, strings, lists and dicts, "
    "or give the class a `__getstate__` that leaves this part out."
)


def canonical(value: object) -> str:
    """Return the text of a state: the same for equal states in any process, else different.

    Equal means equal in type as well, so 1, True and 1.0 differ, as do 0.0 and -0.0, but NaN
    equals NaN. The order of sets and dicts does not count, that of an OrderedDict does. Functions
    and classes go by name, so lambdas made in the same place are not told apart.

    Raises:
        StateError: A part of the state cannot be written; the message says where it is.
    """
    scalar = _SCALARS.get(type(value))
    if scalar:
        return scalar(value)
    try:
        return _Writer().compound(value)
    except _UnwritableError as error:
        where, why = error.where or "the state", error.why
    except RecursionError:
        where, why = "the state", "it is nested too deeply"
    raise StateError(f"{shorten(where, 80)}: cannot be compared: {why}", _REMEDY)


def digest(texts: Iterable[str]) -> str:
    """Return 32 hexadecimal digits that stand for these texts in this order."""
    blake = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode(errors="surrogatepass")
        blake.update(len(data).to_bytes(8, "big"))
        blake.update(data)
    return blake.hexdigest()


def bounded(text: str, limit: int) -> str:
    """Return the text if it has at most `limit` characters, else its digest and length."""
    if len(text) <= limit:
        return text
    return f"<blake2b {digest([text])}, {len(text)} characters>"


def state_limit(instances: int) -> int:
    """Return how long each state may be for all to travel; at least what a digest takes."""
    return max(64, _TRAVELLING // instances)


def first_difference(reference: Sequence[str], other: Sequence[str]) -> int | None:
    """Return the first position at which two sequences differ or only one goes on."""
    for position, (one, another) in enumerate(zip(reference, other, strict=False)):
        if one != another:
            return position
    return None if len(reference) == len(other) else min(len(reference), len(other))


class _UnwritableError(Exception):
    """A part that has no text, with the way to it, which grows while the error rises."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.where = ""


class _Writer:
    """Writes one state.

    The text of a part that leads back to a container around it depends on the way taken, so only
    other parts are remembered: `_outermost` is the outermost level that the current part leads to.
    """

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}  # of what is being written, by id
        self._outermost = 0
        self._circles = 0
        self._long: dict[int, tuple[object, str]] = {}  # by id, unique while the object is kept

    def part(self, value: object) -> str:
        scalar = _SCALARS.get(type(value))
        return bounded(scalar(value) if scalar else self.compound(value), _INLINE)

    def compound(self, value: object) -> str:
        identity, level = id(value), len(self._levels)
        if identity in self._long:
            return self._long[identity][1]
        if identity in self._levels:
            self._outermost = min(self._outermost, self._levels[identity])
            return f"<cycle {level - self._levels[identity]}>"
        if level == _DEEPEST:
            raise _UnwritableError(f"it is nested more than {_DEEPEST} levels deep")
        before, self._outermost = self._outermost, level
        self._levels[identity] = level
        text = self._whole(value)
        del self._levels[identity]
        if self._outermost < level:
            self._circles += 1
        elif len(text) > _INLINE and level:
            self._long[identity] = value, bounded(text, _INLINE)
        if self._circles > _CIRCLES:
            raise _UnwritableError(f"more than {_CIRCLES:,} of its parts lead in circles")
        self._outermost = min(self._outermost, before)
        return text

    def _whole(self, value: object) -> str:
        kind = type(value)
        write = _CONTAINERS.get(kind)
        if write:
            return write(self, value)
        if isinstance(value, (type, FunctionType)):
            return _qualified(value, value.__qualname__)
        if isinstance(value, ModuleType):
            return f"<module {value.__name__}>"
        if kind.__module__ == "numpy":
            dtype = getattr(value, "dtype", None)
            if kind.__name__ == "ndarray" or getattr(dtype, "type", None) is kind:
                return self._numpy(value)
        return self._object(value)

    def list_(self, value: list[object]) -> str:
        return f"[{', '.join(self._items(value))}]"

    def tuple_(self, value: tuple[object, ...]) -> str:
        return f"({', '.join(self._items(value))}{',' if len(value) == 1 else ''})"

    def dict_(self, value: dict[object, object]) -> str:
        return _braced(sorted(self._pairs(value.items())))

    def set_(self, value: set[object] | frozenset[object]) -> str:
        return f"{{{', '.join(sorted(self._items(value, '{…}')))}}}" if value else "set()"

    def frozenset_(self, value: frozenset[object]) -> str:
        return f"frozenset({self.set_(value) if value else ''})"

    def _object(self, value: object) -> str:
        reduced = _reduced(value)
        if isinstance(reduced, str):
            return _qualified(value, reduced)
        function, args, state, items, pairs = (*reduced, None, None, None)[:5]
        if getattr(function, "__name__", "") == "__newobj__":
            function, *args = args
        if type(value).__reduce__ in {set.__reduce__, frozenset.__reduce__}:
            args = [set(args[0])]  # which is a list, in the order of hashes
        texts = self._items(args, "")
        if items is not None:
            texts.append(f"*[{', '.join(self._items(items))}]")
        if pairs is not None:
            entries = self._pairs(pairs)
            unordered = isinstance(value, dict) and not isinstance(value, OrderedDict)
            texts.append(f"**{_braced(sorted(entries) if unordered else entries)}")
        texts += self._attributes(value, state)
        return f"{self.part(function)}({', '.join(texts)})"

    def _attributes(self, value: object, state: object) -> list[str]:
        halves = (state, None)
        if isinstance(state, tuple) and len(state) == len(halves):
            # As pickle takes it: the attributes in the instance's dict and those in slots.
            halves = halves if hasattr(type(value), "__setstate__") else state
        named: dict[str, object] = {}
        for half in halves:
            if _is_namespace(half):
                named |= half
            elif half is not None:
                return [f"__setstate__={self._items([state], '.__getstate__()')[0]}"]
        return [f"{name}={self._items([named[name]], f'.{name}')[0]}" for name in sorted(named)]

    def _items(self, values: Iterable[object], step: str = "[#]") -> list[str]:
        texts: list[str] = []
        try:
            for value in values:
                texts.append(self.part(value))  # noqa: PERF401 - the handler needs their number
        except _UnwritableError as error:
            error.where = step.replace("#", str(len(texts))) + error.where
            raise
        return texts

    def _pairs(self, pairs: Iterable[tuple[object, object]]) -> list[tuple[str, str]]:
        texts: list[tuple[str, str]] = []
        name = ""
        try:
            for key, value in pairs:
                name = "…"
                name = self.part(key)
                texts.append((name, self.part(value)))
        except _UnwritableError as error:
            error.where = f"[{shorten(name, 40)}]{error.where}"
            raise
        return texts

    def _numpy(self, value: object) -> str:
        array: Any = value  # known by its attributes only, since numpy may not be installed
        dtype = array.dtype
        if dtype.names:  # field by field, since the gaps between them hold anything
            text = _braced(self._pairs((name, array[name]) for name in dtype.names))
        elif type(array) is dtype.type:
            item = array.item()
            text = self.part(item) if type(item) in _SCALARS else repr(str(array))
            return f"numpy.{dtype.name}({text})"
        elif array.size <= _SMALL_ARRAY or dtype.hasobject or dtype.char in _PADDED:
            text = self.part(array.tolist())
        else:
            text = _array_digest(array)
        return f"numpy.{type(array).__name__}({str(dtype)!r}, {array.shape}, {text})"


_CONTAINERS: dict[type, Callable[[_Writer, Any], str]] = {
    list: _Writer.list_,
    tuple: _Writer.tuple_,
    dict: _Writer.dict_,
    set: _Writer.set_,
    frozenset: _Writer.frozenset_,
}


def _integer(value: int) -> str:
    return repr(value) if value.bit_length() <= LONG_INTEGER else hex(value)


_SCALARS: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((type(None), bool, float, complex, str, bytes), repr),
    int: _integer,
}


def _reduced(value: object) -> str | tuple[Any, ...]:
    """Return what pickle would take the object apart into."""
    try:
        reduce = copyreg.dispatch_table.get(type(value))
        reduced = reduce(value) if reduce else value.__reduce_ex__(4)
    except Exception as error:  # whatever a class's own __getstate__ raises
        raise _UnwritableError(f"{type(error).__name__}: {error}") from error
    if not isinstance(reduced, (str, tuple)):
        raise _UnwritableError(f"its __reduce__ returned {type(reduced).__name__}")
    return reduced


def _qualified(value: object, name: str) -> str:
    module = getattr(value, "__module__", None) or type(value).__module__
    return name if module == "builtins" else f"{module}.{name}"


def _is_namespace(state: object) -> TypeGuard[dict[str, object]]:
    names = list(state) if isinstance(state, dict) else [None]
    return all(isinstance(name, str) and name.isidentifier() for name in names)


def _braced(pairs: Iterable[tuple[str, str]]) -> str:
    return f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"


def _array_digest(array: Any) -> str:  # noqa: ANN401 - a numpy array
    flat = array.flatten()  # a copy in C order
    if flat.dtype.kind in "fc":
        flat = flat.view(flat.real.dtype)
        flat[flat != flat] = math.nan  # noqa: PLR0124 - NaN, whatever its payload and sign
    data = flat.tobytes()
    return f"<blake2b {hashlib.blake2b(data, digest_size=16).hexdigest()}, {len(data)} bytes>"
