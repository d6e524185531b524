"""What objects are made of: nothing that tells two states apart is left out of their texts."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import logging
import math
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import threading
import types
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import StateError
from job.shard.states import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = Any  # numpy's, which may not be installed

ROOT = pathlib.Path(__file__).parents[2]
OF = f"{__name__}."
quick = settings(max_examples=50, deadline=None)  # no deadline, since machines are busy at times


class Pair(NamedTuple):
    """A tuple with names."""

    first: int
    second: int


class Told(Exception):  # noqa: N818 - a name of the domain
    """An exception."""


class Own:
    """Reduces itself to what it was made with."""

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def __reduce__(self) -> Any:  # noqa: ANN401 - what pickle accepts
        return Own, (self.start,)


class Rebuilt:
    """Is made again by a function that does not know subclasses."""

    def __reduce__(self) -> Any:  # noqa: ANN401 - what pickle accepts
        return rebuilt, ()


def rebuilt() -> Rebuilt:
    return Rebuilt()


class Inner(collections.Counter[str]):
    """A subclass that has a subclass."""


MAKERS: list[tuple[type, tuple[Any, ...]]] = [
    (collections.Counter, ("ab",)),
    (Inner, ("ab",)),
    (collections.defaultdict, (int, {"a": 1})),
    (collections.OrderedDict, ({"a": 1},)),
    (collections.deque, ([1, 2],)),
    (collections.UserDict, ({"a": 1},)),
    (random.Random, (7,)),
    (decimal.Decimal, ("1.5",)),
    (fractions.Fraction, (1, 3)),
    (dt.datetime, (2024, 1, 1)),
    (dt.date, (2024, 1, 1)),
    (dt.timedelta, (1,)),
    (pathlib.PurePosixPath, ("/a",)),
    (functools.partial, (int, "7")),
    (Told, ("why",)),
    (OSError, (2, "why")),
    (Own, (1,)),
    (Rebuilt, ()),
    (array.array, ("d", [1.0, 2.0])),
    (Pair, (1, 2)),
    *((kind, (1,)) for kind in (int, float, complex, str)),
    *((kind, ([1],)) for kind in (bytes, bytearray, list, tuple, set, frozenset)),
    (dict, ({"a": 1},)),
]
KINDS = [
    pytest.param(kind, args, id=f"{number}-{kind.__name__}")
    for number, (kind, args) in enumerate(MAKERS)
]


def named(base: type, **more: object) -> type:
    """Return a subclass with attributes in a dict."""
    return type("Named", (base,), {"__module__": __name__, **more})


@pytest.mark.parametrize(("base", "args"), KINDS)
def test_attributes_of_a_subclass_count_whatever_its_base_is(
    base: type, args: tuple[Any, ...]
) -> None:
    kind = named(base)
    one, same, other, plain = (kind(*args) for _ in range(4))
    one.pid, same.pid, other.pid = 41, 41, 42
    assert canonical(one) == canonical(same)
    assert len(set(map(canonical, (one, other, plain, base(*args))))) == 4
    assert canonical(one).count("41") == 1  # no attribute is written twice
    other.pid, other.more = 41, {"deep": [1]}
    assert canonical(one) != canonical(other)
    other.more = threading.Lock()
    with pytest.raises(StateError, match=r"\.(more|__getstate__\(\)\[\d\]\['more'\]): cannot"):
        canonical(other)


@pytest.mark.parametrize(
    ("base", "args"),
    [each for each in MAKERS if each[0] not in {int, bytes, tuple, Pair}],  # Python gives no slots
)
def test_attributes_in_slots_of_a_subclass_count_whatever_its_base_is(
    base: type, args: tuple[Any, ...]
) -> None:
    name = "_Named__pid"  # what __pid is called from outside
    kind = named(base, __slots__=(name, "never"))
    one, same, other, plain = (kind(*args) for _ in range(4))
    for each, value in ((one, 41), (same, 41), (other, 42)):
        setattr(each, name, value)
    assert canonical(one) == canonical(same)
    assert len(set(map(canonical, (one, other, plain)))) == 3
    assert canonical(one).count("41") == 1


@pytest.mark.parametrize(("base", "args"), KINDS)
def test_two_subclasses_of_one_base_differ(base: type, args: tuple[Any, ...]) -> None:
    other = type("Other", (base,), {"__module__": __name__})
    assert canonical(named(base)(*args)) != canonical(other(*args))


@quick
@given(st.sampled_from(MAKERS), st.dictionaries(st.sampled_from("abcd"), st.integers()), st.data())
def test_different_attributes_have_different_texts(
    maker: tuple[type, tuple[Any, ...]], one: dict[str, int], data: st.DataObject
) -> None:
    base, args = maker
    kind = named(base)
    other = data.draw(st.just(one) | st.dictionaries(st.sampled_from("abcd"), st.integers()))
    left, right = kind(*args), kind(*args)
    for name, value in one.items():
        setattr(left, f"of_{name}", value)
    for name, value in reversed(other.items()):
        setattr(right, f"of_{name}", value)
    assert (canonical(left) == canonical(right)) == (one == other)


def test_a_text_of_attributes_reads_like_the_call_that_would_make_it() -> None:
    class Money(decimal.Decimal):
        currency = ""

    Money.__module__, Money.__qualname__ = "bank", "Money"
    value = Money("1.50")
    value.currency = "EUR"
    assert canonical(value) == "bank.Money(decimal.Decimal('1.50'), currency='EUR')"
    assert canonical(dt.date(2024, 1, 1)) == "datetime.date(b'\\x07\\xe8\\x01\\x01')"


def test_attributes_of_other_bases_count_as_well() -> None:
    class Marked:
        __slots__ = ("mark",)

    class Both(Own, Marked):
        """Two bases, the second with slots."""

    one, other = Both(7), Both(7)
    one.mark, other.mark = 1, 2  # type: ignore[attr-defined]
    assert canonical(one) != canonical(other)


def test_a_reduce_of_a_subclass_is_not_mistaken_for_its_bases() -> None:
    class Ordered(set[int]):
        def __init__(self, values: list[int]) -> None:
            super().__init__(values)
            self.order = values

        def __reduce__(self) -> Any:  # noqa: ANN401 - what pickle accepts
            return Ordered, (self.order,)

    class Money(decimal.Decimal):
        def __reduce__(self) -> Any:  # noqa: ANN401 - what pickle accepts
            return Money, (str(self), self.currency)

        currency = "EUR"

    assert canonical(Ordered([1, 2])) != canonical(Ordered([2, 1]))
    assert canonical(Money(1)).endswith("Money('1', 'EUR')")


def test_attributes_of_a_class_made_by_a_call_count() -> None:
    kind = types.new_class("Kind", (fractions.Fraction,))
    kind.__module__ = "abc"  # as type() has it
    one, other = kind(1, 3), kind(1, 3)
    one.pid, other.pid = 1, 2
    assert canonical(one) != canonical(other)


def test_what_a_class_says_of_its_own_state_stands() -> None:
    own = Own(1)
    own.cache = threading.Lock()  # type: ignore[attr-defined]
    assert canonical(own) == f"{OF}Own(1)"

    class Chooses(Own):
        def __getstate__(self) -> dict[str, object]:
            return {"total": self.total}

        def __init__(self, total: int) -> None:
            super().__init__()
            self.total = total
            self.lock = threading.Lock()

    assert canonical(Chooses(3)) == canonical(Chooses(3))
    assert canonical(Chooses(3)) != canonical(Chooses(4))


def test_a_logger_goes_by_its_name() -> None:
    assert canonical(logging.getLogger("a.b")) == "logging.getLogger('a.b')"

    class Loud(logging.Logger):
        """A class for loggers."""

    logging.setLoggerClass(Loud)
    try:
        logger = logging.getLogger("of.a.class.of.its.own")
    finally:
        logging.setLoggerClass(logging.Logger)
    assert canonical(logger) == "logging.getLogger('of.a.class.of.its.own')"


def test_caches_of_the_standard_library_do_not_count() -> None:
    path = pathlib.PosixPath("/a/b")
    before = canonical(path)
    assert str(path) == "/a/b"
    assert hash(path) == hash(pathlib.PosixPath("/a/b"))
    assert canonical(path) == before


def test_a_cached_property_is_an_attribute_like_any_other() -> None:
    class Lazy:
        @functools.cached_property
        def table(self) -> list[int]:
            return [1]

    fresh, used = Lazy(), Lazy()
    assert used.table == [1]
    assert canonical(fresh) != canonical(used)
    assert canonical(used).endswith("(table=[1])")


class Shape(enum.Enum):
    """An enumeration whose members carry more."""

    ROUND = 1
    FLAT = 2

    def __init__(self, _: int) -> None:
        self.uses = 0


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    """Flags."""

    READ = 1
    WRITE = 2


def test_what_a_member_of_an_enumeration_carries_counts() -> None:
    before = canonical(Shape.ROUND)  # by value or by name, as this Python reduces members
    assert f"{OF}Shape" in before
    assert before.endswith(", uses=0)")
    Shape.ROUND.uses += 1
    assert canonical(Shape.ROUND) == before.replace("uses=0", "uses=1")
    Shape.ROUND.uses -= 1
    assert before == canonical(Shape.ROUND) != canonical(Shape.FLAT)
    assert f"{OF}Level" in canonical(Level.LOW) != canonical(Level.HIGH)
    both = Access.READ | Access.WRITE
    assert canonical(both) == canonical(pickle.loads(pickle.dumps(both)))  # noqa: S301 - our own
    assert len(set(map(canonical, (both, Access.READ, Access.WRITE, Access(0))))) == 4


def test_a_partial_function_has_one_text_before_and_after_its_attributes_are_looked_at() -> None:
    plain, seen = functools.partial(int, base=2), functools.partial(int, base=2)
    assert vars(seen) == {}
    assert canonical(plain) == canonical(seen)
    seen.note = 1  # type: ignore[attr-defined]
    assert canonical(plain) != canonical(seen)


# --- functions


def adder(more: object) -> Callable[[int], object]:
    def add(number: int) -> object:
        return number, more

    return add


def tagged(function: Any, **tags: object) -> Any:  # noqa: ANN401 - the same function
    vars(function).update(tags)
    return function


class Worker:
    """Has methods."""

    def __init__(self, speed: int) -> None:
        self.speed = speed

    def run(self) -> None:
        """Run."""

    def rest(self) -> None:
        """Rest."""


def later(state: object) -> Callable[[], object]:
    """Return a function with a variable that is not set yet."""

    def get() -> object:
        return (state, unset)

    if state is Ellipsis:
        unset = 1
    return get


@pytest.mark.parametrize(
    "make",
    [
        adder,
        lambda n: lambda: n,
        lambda n: lambda x=n: x,
        lambda n: lambda *, x=n: x,
        lambda n: tagged(lambda: 0, calls=n),
        lambda n: tagged(adder(0), calls=n),
        lambda n: adder(adder(n)),
        lambda n: functools.partial(adder(n), 1),
        lambda n: functools.partial(adder, n),
        lambda n: functools.partial(lambda x: x, x=n),
        lambda n: functools.wraps(adder(n))(lambda: 0),
        lambda n: functools.lru_cache(adder(n)),
        lambda n: types.MethodType(adder(n), 5),
        lambda n: types.MethodType(len, [n]),
        lambda n: Worker(n).run,
        lambda n: [n].append,
        lambda n: (lambda: 1, lambda: 2, lambda: 2.5)[n],
        lambda n: (lambda x: x.a, lambda x: x.b, lambda x: x.a.b)[n],
        lambda n: (lambda x: x + 1, lambda x: x - 1, lambda x: x * 1)[n],
        lambda n: (lambda: lambda: 1, lambda: lambda: 2, lambda: lambda: 3)[n],
        lambda n: (lambda x: x in {"a", "b"}, lambda x: x in {"a", "c"}, lambda x: x in "ab")[n],
        lambda n: (adder(0).__code__, later(0).__code__, tagged.__code__)[n],
        later,
    ],
)
def test_functions_differ_by_what_they_carry(make: Callable[[int], object]) -> None:
    for wrap in (lambda it: it, lambda it: [it], lambda it: {"of": it}):
        texts = [canonical(wrap(make(number))) for number in (0, 1, 2)]
        assert len(set(texts)) == 3
        assert texts == [canonical(wrap(make(number))) for number in (0, 1, 2)]
        assert "0x" not in "".join(texts)


def test_a_function_of_a_module_goes_by_its_name() -> None:
    assert canonical(adder) == f"{OF}adder"
    assert canonical(tagged(rebuilt, calls=1)) == f"{OF}rebuilt"
    assert canonical(Worker.run) == f"{OF}Worker.run"
    vars(rebuilt).clear()


def test_a_function_that_is_made_shows_what_it_carries() -> None:
    assert canonical(adder(7)).startswith(f"{OF}adder.<locals>.add(__closure__={{'more': 7}}, __c")
    assert canonical(lambda x=1: x).endswith(", __defaults__=(1,))")


def test_bound_methods_differ_by_name_and_by_object() -> None:
    one = Worker(1)
    assert len({canonical(it) for it in (one.run, one.rest, Worker(2).run, Worker.run)}) == 4
    one.hook = one.run  # type: ignore[attr-defined]
    assert "<cycle 2>" in canonical(one)


def test_a_function_that_calls_itself_leads_in_a_circle() -> None:
    def count(number: int) -> int:
        return count(number - 1) if number else 0

    assert "<cycle 2>" in canonical(count)


def test_a_part_of_a_function_that_cannot_be_written_is_named() -> None:
    worker = Worker(1)
    worker.hook = adder(threading.Lock())  # type: ignore[attr-defined]
    with pytest.raises(StateError, match=r"^\.hook\.__closure__\['more'\]: cannot be compared"):
        canonical(worker)


# --- arrays


def test_arrays_of_the_standard_library_are_told_apart_by_type_and_values() -> None:
    assert canonical(array.array("i", [1, 2])) == "array.array('i', (2,), [1, 2])"
    assert canonical(memoryview(b"ab")) == "memoryview('B', (2,), [97, 98])"
    square = memoryview(bytes(range(100))).cast("B", (10, 10))
    different = [
        *(array.array(code, [1, 2]) for code in "bBhHiIlLqQfd"),
        array.array("d", [1, 2, 3]),
        array.array("d"),
        array.array("d", range(1_000)),
        array.array("d", range(1, 1_001)),
        array.array("q", range(1_000)),
        array.array("q", range(1, 1_001)),
        memoryview(b"ab"),
        memoryview(bytearray(b"ac")),
        square,
        square.cast("B"),
        memoryview(bytes(1_000)),
        memoryview(bytes(1_001)),
        memoryview(array.array("d", [1, 2])),
    ]
    assert len(set(map(canonical, different))) == len(different)
    assert canonical(memoryview(bytearray(b"ab"))) == canonical(memoryview(b"ab"))


@pytest.mark.parametrize("size", [1, 10_000])
def test_what_is_not_a_number_is_equal_in_any_array_whatever_its_payload(size: int) -> None:
    plain, odd = (
        array.array("d", struct.pack("<Q", bits) * size)
        for bits in (0x7FF8000000000000, 0xFFF8000000000123)
    )
    assert plain.tobytes() != odd.tobytes()
    assert canonical(plain) == canonical(odd)
    assert canonical(plain) != canonical(array.array("d", [math.inf] * size))


def test_subclasses_of_numpy_arrays_keep_their_attributes() -> None:
    np = pytest.importorskip("numpy")

    class Signal(np.ndarray):  # type: ignore[misc, name-defined]
        """Samples with a rate."""

    def signal(values: object, rate: int) -> Array:
        made = np.asarray(values).view(Signal)
        made.rate = rate
        return made

    for values in ([1.0, 2.0], np.arange(1_000.0)):
        texts = {canonical(signal(values, rate)) for rate in (1, 2)}
        assert len(texts | {canonical(np.asarray(values))}) == 3
        assert canonical(signal(values, 1)) == canonical(signal(np.asarray(values).copy(), 1))
    masked = [np.ma.array([1, 2], mask=mask) for mask in ([0, 0], [0, 1])]
    assert len(set(map(canonical, masked))) == 2


class Tensor:
    """Behaves as torch's: a reduce with an address, and ways to its numbers."""

    __slots__ = ("dtype", "requires_grad", "shape", "values")

    def __init__(self, values: Array, dtype: str = "float64", *, gradient: bool = False) -> None:
        self.values = values
        self.shape = values.shape
        self.dtype = f"torch.{dtype}"
        self.requires_grad = gradient

    def detach(self) -> Tensor:
        """Return it without a gradient."""
        return Tensor(self.values, self.dtype[6:])

    def cpu(self) -> Tensor:
        """Return it, or a copy of it in this machine's memory."""
        return self

    resolve_conj = resolve_neg = cpu

    def float(self) -> Tensor:
        """Return it as float32."""
        return Tensor(self.values, "float32", gradient=self.requires_grad)

    def numpy(self) -> Array:
        """Return it as an array, which numpy may not have."""
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values

    def __reduce_ex__(self, _: object) -> Any:  # noqa: ANN401 - as torch's storage
        return rebuilt, (id(self.values), self.values.tobytes())


Tensor.__module__, Tensor.__qualname__ = "torch", "Tensor"


def test_tensors_are_compared_by_type_shape_and_values() -> None:
    np = pytest.importorskip("numpy")

    class Parameter(Tensor):
        """A subclass, as torch has."""

    pair, ramp = np.array([1.0, 2.0]), np.arange(1_000.0)
    different = [
        *(Tensor(pair), Tensor(pair.reshape(1, 2)), Tensor(pair + 1), Tensor(pair, gradient=True)),
        *(Tensor(pair, "bfloat16"), Tensor(pair, "bfloat16", gradient=True)),
        *(Tensor(ramp), Tensor(ramp + 1), Tensor(ramp, "bfloat16"), Parameter(ramp)),
        *(Tensor(np.array(1.0)), Tensor(np.zeros((0, 3)))),
    ]
    assert len(set(map(canonical, different))) == len(different)
    for value in different:
        gradient = value.requires_grad
        again = type(value)(value.values.copy(), value.dtype[6:], gradient=gradient)
        assert canonical(again) == canonical(value)
        assert canonical([again]) == canonical([value])
    assert canonical(different[0]).startswith("torch.Tensor('torch.float64', (2,), [1.0, 2.0]")
    assert canonical(Tensor(ramp), whole=10**6).count(", ") > 1_000


def test_frames_and_series_of_pandas_are_compared_by_their_values() -> None:
    pd = pytest.importorskip("pandas")
    makers: tuple[Callable[[int], object], ...] = (
        lambda n: pd.Series([1.5, n]),
        lambda n: pd.Series([1.5, 2], index=["a", str(n)]),
        lambda n: pd.DataFrame({"a": [1, n], "b": ["x", "y"]}),
        lambda n: pd.DataFrame({"a": range(1_000), "b": [n] * 1_000}),
        lambda n: pd.DataFrame({str(n): [1]}),
        lambda n: pd.Index([1, n]),
        lambda n: pd.CategoricalIndex(["a", str(n)]),
        lambda n: pd.MultiIndex.from_tuples([(1, n)]),
        lambda n: pd.date_range("2024", periods=n + 1),
        lambda n: pd.Timestamp(2024, 1, n + 1),
        lambda n: pd.Categorical(["a", str(n)]),
        lambda n: pd.Interval(0, n + 1),
    )
    for make in makers:
        assert canonical(make(1)) == canonical(make(1))
        assert canonical(make(1)) != canonical(make(2))
    frame = pd.DataFrame({"a": [1.0], "b": ["x"]})
    before = canonical(frame)
    assert frame["a"].is_unique
    assert frame.index.is_unique
    assert canonical(frame) == before


# --- from one process to another

ELSEWHERE = """
import collections, datetime, decimal, enum, functools, pathlib, random
from job.shard.states import canonical
words = ["w%d" % n for n in range(200)]
def add(kind, *args):
    it = type("Kind", (kind,), {})(*args)
    it.tags, it.by = set(words), {word: {word} for word in words}
    return it
class Shape(enum.Enum):
    ROUND = frozenset(words)
    def __init__(self, value): self.uses = set(value)
def carry(more):
    return lambda word, default=frozenset(words): word in {"a", "b", "c", more}
state = [
    add(collections.Counter, words), add(collections.defaultdict, set, {1: set(words)}),
    add(random.Random, 7), add(decimal.Decimal, 1), add(datetime.datetime, 2024, 1, 1),
    add(pathlib.PurePosixPath, "/a"), add(functools.partial, carry(set(words)), set(words)),
    add(set, words), add(KeyError, 1), Shape.ROUND, carry(set(words)),
]
print(canonical(state)); print(canonical(state, whole=10**7))
"""


def test_texts_do_not_depend_on_the_hash_seed_with_or_without_a_tolerance() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    one, other = [process.communicate(timeout=60)[0] for process in running]
    assert b"w199" in one
    assert one == other
    assert b"0x" not in one
