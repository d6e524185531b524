"""The states instances end in: written as text wherever they live, compared as text on the driver.

Pickles of equal objects differ from process to process, so a state is written in a notation close
to Python's: `[1, 2]`, `{'a': 1}`, `ledger.Ledger(total=7)`. Objects are taken apart as by pickle:
`Class(arguments, *[list items], **{dict items}, attribute=value)`. Equal states have equal texts
whatever the hash seed, and whether equal parts are one object or copies; no memory address gets in.
A part with a long text is replaced by its digest, so that the whole grows with the objects there
are, not with the ways that lead to them. By value it travels to workers that cannot import `job`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from job.errors import StateError
from job.shard.floats import by_floats
from job.shard.reduction import (
    additions,
    array_base,
    carried,
    digest_bytes,
    elements,
    is_numpy_scalar,
    qualified,
    reduce,
)
from job.words import shorten
from job.workload.calls import LONG_INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    # Of a part: yields each of its own parts with the step that leads there, is sent their texts.
    Writing = Generator[tuple[object, str], str, str]
    WritingAll = Generator[tuple[object, str], str, list[str]]
    WritingPairs = Generator[tuple[object, str], str, list[tuple[str, str]]]

_TRAVELLING = 64 * 2**20  # characters that the states of all instances together may have
_JOINED = 16 * _TRAVELLING  # characters of the texts of all parts of a state: a second
_INLINE = 4_096  # characters of one part of a state, beyond which its digest stands for it
_DEEPEST = 100_000  # levels
_CIRCLES = 200_000  # parts that lead back and so cannot be remembered: seconds
_SMALL_ARRAY = 64  # elements that are written out
_REMEDY = (
    "Choose a `read` that returns plain data, such as numbers, strings, lists and dicts, "
    "or give the class a `__getstate__` that leaves this part out."
)


def canonical(value: object, whole: int = 0) -> str:
    """Return the text of a state: the same for equal states in any process, else different.

    Equal means equal in type as well, so 1, True and 1.0 differ, as do 0.0 and -0.0, but NaN
    equals NaN. The order of sets and dicts does not count, that of an OrderedDict does. Classes go
    by name, and so do functions that a module has under theirs.

    With at most `whole` characters it is written out whole, floats in order, so that it can be
    compared with a tolerance; its long parts are digests where it has more.

    Raises:
        StateError: A part of the state cannot be written; the message says where it is.
    """
    scalar = _SCALARS.get(type(value))
    if scalar:
        return scalar(value)
    steps: list[str] = []
    try:
        writer = _Writer(whole)
        steps = writer.steps
        return writer.state(value)
    except _TooLongError:
        return canonical(value)
    except _UnwritableError as error:
        why = str(error)
    except RecursionError:
        why = "it is nested too deeply"
    except Exception as error:  # whatever a class's own __getstate__ raises
        why = f"{type(error).__name__}: {error}"
    where = shorten("".join(steps) or "the state", 80)
    raise StateError(f"{where}: cannot be compared: {why}", _REMEDY)


def digest(texts: Iterable[str]) -> str:
    """Return 32 hexadecimal digits that stand for these texts in this order."""
    blake = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode(errors="surrogatepass")
        blake.update(len(data).to_bytes(8, "big"))
        blake.update(data)
    return blake.hexdigest()


def bounded(text: str, limit: int, kind: str = "") -> str:
    """Return the text if it has at most `limit` characters, else its digest, length and kind.

    What is of a kind holds no floats, so a tolerance does not make different digests equal.
    """
    if len(text) <= limit:
        return text
    return f"<blake2b {digest([text])}, {len(text)} characters{kind and f' of {kind}'}>"


def state_limit(instances: int) -> int:
    """Return how long each state may be for all to travel; at least what a digest takes."""
    return max(64, _TRAVELLING // instances)


class _UnwritableError(Exception):
    """A part has no text."""


class _TooLongError(Exception):
    """A state has more characters than are to be written out."""


class _Writer:
    """Writes one state.

    Parts are nested deeper than Python calls functions, so each has a generator, on a stack.
    The text of a part that leads back to a container around it depends on the way taken, so only
    other parts are remembered: `_outermost` is the outermost level that the current part leads to.
    """

    _outermost = 0
    _circles = 0
    _joined = 0  # characters of all texts

    def __init__(self, whole: int) -> None:
        self.steps: list[str] = []  # the way to the current part
        self._whole = whole
        self._stack: list[tuple[Writing, object, int]] = []
        self._levels: dict[int, int] = {}  # of what is being written, by id
        self._long: dict[int, tuple[object, str]] = {}  # by id, unique while the object is kept

    def state(self, value: object) -> str:
        part = value
        while True:
            text = self._known(part)
            if text is None:
                writing = _COMPOUNDS.get(type(part), _Writer._object)(self, part)
                try:
                    inner, step = next(writing)
                except StopIteration as end:  # has nothing but scalars
                    text = self._remembered(part, end.value)
                else:
                    self._begin(part, writing, step)
                    part = inner
                    continue
            while self._stack:
                try:
                    part, self.steps[-1] = self._stack[-1][0].send(text)
                    break
                except StopIteration as end:
                    text = self._end(end.value)
            else:
                return text

    def _known(self, value: object) -> str | None:
        """Return the text of what has no parts, was written before or is being written."""
        if type(value) not in _COMPOUNDS:
            text = _scalar(value)
            if text is not None:
                return text
            if isinstance(value, type):
                return qualified(value, value.__qualname__)
            if isinstance(value, ModuleType):
                return f"<module {value.__name__}>"
        identity = id(value)
        if identity in self._long:
            return self._bounded(self._long[identity][1])
        if identity in self._levels:
            level = self._levels[identity]
            self._outermost = min(self._outermost, level)
            return f"<cycle {len(self._stack) - level}>"
        return None

    def _begin(self, value: object, writing: Writing, step: str) -> None:
        level = len(self._stack)
        if level + 1 == _DEEPEST:  # the part within would be one level deeper
            raise _UnwritableError(f"it is nested more than {_DEEPEST:,} levels deep")
        self._stack.append((writing, value, self._outermost))
        self.steps.append(step)
        self._levels[id(value)] = self._outermost = level

    def _end(self, text: str) -> str:
        _, value, before = self._stack.pop()
        self.steps.pop()
        del self._levels[id(value)]
        circular = self._outermost < len(self._stack)
        self._outermost = min(self._outermost, before)
        if not circular:
            return self._remembered(value, text)
        self._circles += 1
        if self._circles > _CIRCLES:
            raise _UnwritableError(f"more than {_CIRCLES:,} of its parts lead in circles")
        return self._bounded(text)

    def _remembered(self, value: object, text: str) -> str:
        if not self._stack and not self._whole:
            return text
        short = self._bounded(text)
        if len(text) > _INLINE:
            self._long[id(value)] = value, short
        return short

    def _bounded(self, text: str) -> str:
        if not self._whole:
            return bounded(text, _INLINE)
        self._joined += len(text)
        if len(text) > self._whole or self._joined > _JOINED:
            raise _TooLongError
        return text

    def _items(self, values: Iterable[object], step: str | None = None) -> WritingAll:
        texts: list[str] = []
        for value in values:
            text = _scalar(value)
            if text is None:
                text = yield value, f"[{len(texts)}]" if step is None else step
            texts.append(text)
        return texts

    def _pairs(self, pairs: Iterable[tuple[object, object]]) -> WritingPairs:
        texts: list[tuple[str, str]] = []
        for key, value in pairs:
            name = _scalar(key)
            if name is None:
                name = yield key, "[…]"
            text = _scalar(value)
            if text is None:
                text = yield value, f"[{shorten(name, 40)}]"
            texts.append((name, text))
        return texts

    def _attributes(self, named: dict[str, object]) -> WritingAll:
        texts: list[str] = []
        for name in sorted(named):
            text = _scalar(named[name])
            if text is None:
                text = yield named[name], f".{name}"
            texts.append(f"{name}={text}")
        return texts

    def _by_key(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if not self._whole:
            return sorted(pairs)
        return sorted(pairs, key=lambda pair: (by_floats(pair[0]), pair[1]))

    def list_(self, value: list[object]) -> Writing:
        return f"[{', '.join((yield from self._items(value)))}]"

    def tuple_(self, value: tuple[object, ...]) -> Writing:
        texts = yield from self._items(value)
        return f"({', '.join(texts)}{',' if len(value) == 1 else ''})"

    def dict_(self, value: dict[object, object]) -> Writing:
        return _braced(self._by_key((yield from self._pairs(value.items()))))

    def set_(self, value: set[object] | frozenset[object]) -> Writing:
        if not value:
            return "set()"
        texts = yield from self._items(value, "{…}")
        texts.sort(key=by_floats if self._whole else None)
        return f"{{{', '.join(texts)}}}"

    def frozenset_(self, value: frozenset[object]) -> Writing:
        return f"frozenset({(yield from self.set_(value)) if value else ''})"

    def function_(self, value: FunctionType) -> Writing:
        texts = yield from self._attributes(carried(value))
        name = qualified(value, value.__qualname__)
        return f"{name}({', '.join(texts)})" if texts else name

    def method_(self, value: MethodType) -> Writing:
        texts = yield from self._items([value.__func__, value.__self__], "")
        return f"method({', '.join(texts)})"

    def code_(self, value: CodeType) -> Writing:
        """Write what the code does, and not where its file lies."""
        parts = value.co_code, value.co_consts, value.co_names, value.co_varnames
        return f"<code {digest((yield from self._items(parts)))}>"

    def _object(self, value: Any) -> Writing:  # noqa: ANN401 - any object at all
        if is_numpy_scalar(value):
            return f"numpy.{value.dtype.name}({_scalar(value.item()) or repr(str(value))})"
        base = array_base(value)
        if base is not None:
            return (yield from self._array(value, base))
        made = reduce(value)
        texts = yield from self._items(made.args, "")
        if made.items is not None:
            texts.append(f"*[{', '.join((yield from self._items(made.items)))}]")
        if made.pairs is not None:
            entries = yield from self._pairs(made.pairs)
            unordered = isinstance(value, dict) and not isinstance(value, OrderedDict)
            texts.append(f"**{_braced(self._by_key(entries) if unordered else entries)}")
        if made.attributes:
            texts += yield from self._attributes(made.attributes)
        if made.name and not texts:
            return made.name
        name = made.name or self._known(made.function)
        if name is None:
            name = yield made.function, ""
        return f"{name}({', '.join(texts)})"

    def _array(self, value: Any, base: type) -> Writing:  # noqa: ANN401 - any library's
        held = elements(value, base)
        names = getattr(held.array, "dtype", None) and held.array.dtype.names
        few = held.size <= _SMALL_ARRAY
        if names:  # field by field, since the gaps between them hold anything
            text = _braced((yield from self._pairs((name, held.array[name]) for name in names)))
        elif few or not held.digestible or (self._whole and held.inexact):
            if self._whole and self._whole < 3 * held.size:  # digit, comma, space
                raise _TooLongError
            text = yield held.array.tolist(), ""
        else:
            text = digest_bytes(held)
        texts = [repr(held.dtype), str(held.shape), text]
        texts += yield from self._attributes(additions(value, base))
        return f"{qualified(type(value), type(value).__qualname__)}({', '.join(texts)})"


_COMPOUNDS: dict[type, Callable[[_Writer, Any], Writing]] = {
    list: _Writer.list_,
    tuple: _Writer.tuple_,
    dict: _Writer.dict_,
    set: _Writer.set_,
    frozenset: _Writer.frozenset_,
    FunctionType: _Writer.function_,
    MethodType: _Writer.method_,
    CodeType: _Writer.code_,
}


def _integer(value: int) -> str:
    return repr(value) if value.bit_length() <= LONG_INTEGER else hex(value)


_SCALARS: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((type(None), bool, float, complex, str, bytes), repr),
    int: _integer,
}


def _scalar(value: object) -> str | None:
    """Return the text of a value that has no parts, None for others."""
    write = _SCALARS.get(type(value))
    if write is None:
        return None
    text = write(value)
    return text if len(text) <= _INLINE else bounded(text, _INLINE, type(value).__name__)


def _braced(pairs: Iterable[tuple[str, str]]) -> str:
    return f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
