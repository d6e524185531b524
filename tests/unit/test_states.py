"""Canonical texts of states, and how lists of them are bounded, compared and shown."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import math
import os
import pathlib
import pickle
import random
import re
import string
import subprocess
import sys
import threading
import timeit
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import StateError
from job.shard.states import bounded, canonical, digest, state_limit

ROOT = pathlib.Path(__file__).parents[2]

quick = settings(max_examples=50, deadline=None)  # no deadline, since machines are busy at times

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
)
hashables = st.recursive(
    scalars,
    lambda parts: st.tuples(parts, parts) | st.tuples(parts) | st.frozensets(parts, max_size=3),
    max_leaves=5,
)
values = st.recursive(
    hashables | st.sets(hashables, max_size=3),
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.tuples(parts)
        | st.dictionaries(hashables, parts, max_size=4)
    ),
    max_leaves=12,
)


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: float
    y: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    """A dataclass that lives in slots and gives its state as a list."""

    x: float
    y: float = 0.0


class Plain:
    """Any attributes."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Slotted:
    """Attributes in slots."""

    __slots__ = ("left", "right")

    def __init__(self, left: object, right: object) -> None:
        self.left = left
        self.right = right


class SlottedWithDict(Slotted):
    """Attributes in slots and in a dict."""


class Selective:
    """Leaves out of its state what cannot be copied."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.lock = threading.Lock()

    def __getstate__(self) -> dict[str, int]:
        return {"total": self.total}


class Opaque:
    """Fails to give its state."""

    def __getstate__(self) -> object:
        message = "no state today"
        raise ValueError(message)


class Broken:
    """Cannot be taken apart."""

    def __reduce__(self) -> Any:  # noqa: ANN401 - what pickle does not accept
        return None


class Node:
    """Knows others of its kind."""

    def __init__(self) -> None:
        self.peers: set[Node] = set()


class Color(enum.Enum):
    """An enumeration."""

    RED = 1
    BLUE = 2


class Pair(NamedTuple):
    """A tuple with names."""

    first: int
    second: int


class Tags(set[str]):
    """A subclass of set."""


class FrozenTags(frozenset[str]):
    """A subclass of frozenset."""


class Table(dict[str, int]):
    """A subclass of dict."""


class Row(list[int]):
    """A subclass of list."""


class Metres(int):
    """A subclass of int."""


def literal(text: str) -> object:
    return eval(text, {"nan": math.nan, "inf": math.inf})  # noqa: S307 - our own text


def copied(value: object) -> Any:  # noqa: ANN401 - the same type again
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own pickle


def doubled(depth: int, *, shared: bool) -> list[Any]:
    if not depth:
        return [1]
    if shared:
        part = doubled(depth - 1, shared=True)
        return [part, part]
    return [doubled(depth - 1, shared=False), doubled(depth - 1, shared=False)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (2, "2"),
        (True, "True"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (-math.nan, "nan"),
        (-0j, "(-0-0j)"),
        ("a'b\n", '"a\'b\\n"'),
        (b"\0", "b'\\x00'"),
        ([1, 2], "[1, 2]"),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, "x"), "(1, 'x')"),
        ({}, "{}"),
        ({"b": 1, "a": [2]}, "{'a': [2], 'b': 1}"),
        (set(), "set()"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset(), "frozenset()"),
        (frozenset({"b", "a"}), "frozenset({'a', 'b'})"),
        (..., "Ellipsis"),
        (range(3), "range(0, 3, 1)"),
        (bytearray(b"ab"), "bytearray(b'ab')"),
        (int, "int"),
        (len, "len"),
        (os.path.join, "posixpath.join"),
        (re, "<module re>"),
        ([].append, "getattr([], 'append')"),
        (collections.OrderedDict(b=1, a=2), "collections.OrderedDict(**{'b': 1, 'a': 2})"),
        (collections.defaultdict(int, b=1), "collections.defaultdict(int, **{'b': 1})"),
        (collections.Counter("bba"), "collections.Counter({'a': 1, 'b': 2})"),
        (collections.deque([1, 2]), "collections.deque(*[1, 2])"),
        (collections.deque([1], 3), "collections.deque((), 3, *[1])"),
        (decimal.Decimal("1.50"), "decimal.Decimal('1.50')"),
        (slice(1, 2), "slice(1, 2, None)"),
        (object(), "object()"),
    ],
)
def test_a_state_of_the_standard_library_reads_like_python(value: object, text: str) -> None:
    assert canonical(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Point(1, 2), "Point(x=1, y=2)"),
        (Plain(), "Plain()"),
        (Plain(b=1, a=[2]), "Plain(a=[2], b=1)"),
        (Slotted(1, "x"), "Slotted(left=1, right='x')"),
        (Selective(3), "Selective(total=3)"),
        (Pair(1, 2), "Pair(1, 2)"),
        (Tags("ba"), "Tags({'a', 'b'})"),
        (Tags(), "Tags(set())"),
        (FrozenTags("ba"), "FrozenTags({'a', 'b'})"),
        (Table(b=1, a=2), "Table(**{'a': 2, 'b': 1})"),
        (Row([1, 2]), "Row(*[1, 2])"),
        (Metres(5), "Metres(5)"),
        (Point, "Point"),
    ],
)
def test_an_object_reads_like_the_call_that_would_make_it(value: object, text: str) -> None:
    assert canonical(value) == f"{__name__}.{text}"


@quick
@given(values)
def test_a_state_of_builtins_can_be_read_back_from_its_text(value: object) -> None:
    # Nothing is lost, so different states have different texts.
    assert canonical(literal(canonical(value))) == canonical(value)
    assert repr(sorted_by_text(literal(canonical(value)))) == repr(sorted_by_text(value))


def sorted_by_text(value: object) -> object:
    """Return the value with sets and dicts as sorted lists: a second, independent opinion."""
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(sorted_by_text, value)]
    if isinstance(value, (set, frozenset)):
        return [type(value).__name__, *sorted(map(sorted_by_text, value), key=repr)]
    if isinstance(value, dict):
        pairs = (list(map(sorted_by_text, item)) for item in value.items())
        return ["dict", *sorted(pairs, key=repr)]
    return value


@quick
@given(values)
def test_a_pickled_copy_of_a_state_has_the_same_text(value: object) -> None:
    assert canonical(copied(value)) == canonical(value)


@quick
@given(values, values)
def test_two_states_have_one_text_only_if_they_are_alike(one: object, other: object) -> None:
    alike = repr(sorted_by_text(one)) == repr(sorted_by_text(other))
    assert (canonical(one) == canonical(other)) == alike


@quick
@given(st.dictionaries(hashables, hashables, max_size=5), st.randoms(use_true_random=False))
def test_the_order_in_which_a_dict_was_filled_does_not_count(
    value: dict[object, object], chance: random.Random
) -> None:
    items = list(value.items())
    chance.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


def test_the_text_does_not_depend_on_the_hash_seed() -> None:
    script = (
        "from job.shard.states import canonical, digest\n"
        "from collections import Counter\n"
        "class Tags(set): pass\n"
        "words = ['w%d' % n for n in range(200)]\n"
        "state = [set(words), frozenset(words), Tags(words), Counter(words),"
        " {frozenset(words[n:n + 9]): {str, words[n]} for n in range(99)}]\n"
        "print(canonical([*map(canonical, state), state]))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    one, other = [process.communicate(timeout=60)[0] for process in running]
    assert b"w199" in one
    assert one == other


@pytest.mark.parametrize(
    "different",
    [
        [1, True, 1.0, "1", b"1", 1 + 0j, Metres(1), decimal.Decimal(1), fractions.Fraction(1)],
        [0.0, -0.0, 0, False, None, math.nan],
        [0j, -0j, complex(-0.0, 0), complex(0, -0.0), complex(math.nan, 0), complex(0, math.nan)],
        [[], (), set(), frozenset(), {}, Row(), Tags(), FrozenTags(), Table(), collections.deque()],
        [[1, 2], [[1, 2]], [[1], 2], ["1, 2"], ["1", "2"], (1, 2), Pair(1, 2)],
        [{"a": 1}, {"a": "1"}, Table(a=1), collections.Counter(a=1), collections.OrderedDict(a=1)],
        [collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)],
        [collections.deque([1]), collections.deque([1], 1), collections.deque([1], 2)],
        [collections.defaultdict(int), collections.defaultdict(float), collections.defaultdict()],
        [Plain(a=1), Plain(a=2), Plain(b=1), Plain(a=1, b=1), Plain(**{"a=1, b": 1}), Plain()],
        [Slotted(1, 2), Slotted(2, 1), SlottedWithDict(1, 2)],
        [Point(1), Point(1.0), Point(1, 1), Fixed(1), Fixed(1, 1)],
        [Color.RED, Color.BLUE, Color, 1],
        [dt.datetime(2024, 1, 1), dt.date(2024, 1, 1)],  # noqa: DTZ001 - naive on purpose
        [dt.timezone.utc, dt.timezone(dt.timedelta(hours=1))],
        [re.compile("a"), re.compile("a", re.IGNORECASE), re.compile("b")],
        [functools.partial(int, base=2), functools.partial(int, base=8), functools.partial(int)],
        [ValueError("a"), ValueError("b"), TypeError("a"), ValueError()],
        [random.Random(1), random.Random(2), random],  # noqa: S311 - a state, not a secret
        ["\udc80", "\\udc80", "?"],
        ["a" * 10_000, "a" * 10_001, ["a" * 10_000], ["a" * 10_001]],
        [iter([1, 2]), iter([1, 2, 3]), iter((1, 2))],
    ],
)
def test_states_that_differ_have_texts_that_differ(different: list[object]) -> None:
    assert len(set(map(canonical, different))) == len(different)
    assert len({canonical([value]) for value in different}) == len(different)


@pytest.mark.parametrize(
    "value",
    [
        Point(1, math.nan),
        Fixed(1, 2),
        SlottedWithDict(1, [2]),
        Color.RED,
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc),
        random.Random(7),  # noqa: S311 - a state, not a secret
        collections.ChainMap({"a": 1}, {"b": 2}),
        collections.UserDict(a=1),
        string.Template("$x"),
        pathlib.PurePosixPath("/a/b"),
        functools.partial(Plain, a={1, 2}),
        KeyError("a"),
    ],
)
def test_an_object_and_its_pickled_copy_have_one_text_without_addresses(value: object) -> None:
    text = canonical(value)
    assert canonical(copied(value)) == text
    assert "0x" not in text


def test_an_integer_of_more_digits_than_python_prints_has_a_text() -> None:
    huge = [10**5_000, 10**5_000 + 1, -(10**5_000)]
    assert [literal(canonical(value)) for value in huge] == huge


def test_an_attribute_in_a_slot_and_one_in_the_dict_are_both_seen() -> None:
    value = SlottedWithDict(1, 2)
    value.more = 3  # type: ignore[attr-defined]
    assert canonical(value) == f"{__name__}.SlottedWithDict(left=1, more=3, right=2)"


def test_a_sorted_list_of_a_third_party_is_seen_by_its_values() -> None:
    containers = pytest.importorskip("sortedcontainers")
    value = containers.SortedList([3, 1, 2])
    assert "[1, 2, 3]" in canonical(value)
    assert canonical(value) == canonical(containers.SortedList([2, 3, 1]))
    assert canonical(value) != canonical(containers.SortedList([1, 2]))
    assert canonical(containers.SortedSet("ab")) == canonical(containers.SortedSet("ba"))


def test_sharing_a_part_gives_the_same_text_as_equal_copies() -> None:
    row = [1, (2, "x" * 6_000)]
    assert canonical([row, row]) == canonical([row, [1, (2, "x" * 6_000)]])
    assert canonical(doubled(12, shared=True)) == canonical(doubled(12, shared=False))


def test_a_graph_with_many_ways_to_each_part_is_written_at_once() -> None:
    text = canonical(doubled(90, shared=True))
    assert len(text) < 10_000
    assert text != canonical(doubled(89, shared=True))


def test_a_state_that_contains_itself_says_how_far_back() -> None:
    loop: list[object] = [1]
    loop.append(loop)
    assert canonical(loop) == "[1, <cycle 1>]"
    mapping: dict[str, object] = {}
    mapping["parts"] = [mapping]
    assert canonical(mapping) == "{'parts': [<cycle 2>]}"
    assert canonical([mapping, mapping]) == f"[{canonical(mapping)}, {canonical(mapping)}]"
    assert canonical(copied(mapping)) == canonical(mapping)
    owner = Plain()
    owner.part = Plain(owner=owner)  # type: ignore[attr-defined]
    name = f"{__name__}.Plain"
    assert canonical(owner) == f"{name}(part={name}(owner=<cycle 2>))"


def test_a_long_part_in_a_circle_is_not_mistaken_for_one_that_stands_alone() -> None:
    inner: list[object] = ["x" * 3_000, "y" * 3_000]
    outer = [inner, "z"]
    inner.append(outer)
    assert canonical([outer, inner]) == canonical([copied(outer), copied(inner)])
    assert canonical([outer, inner]) != canonical([inner, outer])


def test_a_set_of_objects_that_know_each_other_has_one_text() -> None:
    nodes = [Node() for _ in range(5)]
    for node in nodes:
        node.peers.update(nodes)
    assert len({canonical(copied(nodes[0])) for _ in range(5)}) == 1


def test_a_tangle_without_end_is_refused_instead_of_hanging(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("job.shard.states._CIRCLES", 1_000)
    nodes = [Node() for _ in range(30)]
    for node in nodes:
        node.peers.update(nodes)
    with pytest.raises(StateError, match="more than 1,000 of its parts lead in circles"):
        canonical(nodes)


def test_a_deep_state_is_refused_with_a_message() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(StateError, match=r"^\[0\].*….*: cannot be compared: .*levels") as caught:
        canonical(deep)
    assert "plain data" in caught.value.hint


@pytest.mark.parametrize("nodes", [90, 500, 20_000])
def test_a_long_linked_list_is_compared_to_its_end(nodes: int) -> None:
    texts = {canonical(linked(nodes, last)) for last in (1, 2, 1)}
    assert len(texts) == 2
    assert len(max(texts, key=len)) < 10_000


def test_a_long_list_that_is_linked_both_ways_is_compared_to_its_end() -> None:
    assert canonical(linked(500, 1, both=True)) == canonical(linked(500, 1, both=True))
    assert canonical(linked(500, 1, both=True)) != canonical(linked(500, 2, both=True))


def linked(nodes: int, last: int, *, both: bool = False) -> Plain:
    """Return the first of many objects, each of which knows the next one."""
    first = Plain(value=last)
    for number in range(nodes - 1):
        after, first = first, Plain(value=number)
        vars(first)["next"] = after
        if both:
            vars(after)["before"] = first
    return first


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (threading.Lock(), "the state"),
        (Plain(cache={"x": Plain(_lock=threading.Lock())}), ".cache['x']._lock"),
        ([1, (2, {3: (n for n in "ab")})], "[1][1][3]"),
        (Slotted(1, {threading.Lock()}), ".right{…}"),
        ({Fixed(1): threading.Lock()}, f"[{__name__}."[:10]),
        (collections.deque([1, threading.Lock()]), "[1]"),
        (collections.defaultdict(threading.Lock, a=threading.Lock()), "['a']"),
        (functools.partial(int, threading.Lock()), ".__getstate__()[1][0]"),
    ],
)
def test_a_part_that_cannot_be_written_is_named_with_the_way_to_it(
    value: object, where: str
) -> None:
    with pytest.raises(StateError) as caught:
        canonical(value)
    assert caught.value.message.startswith(where)
    assert ": cannot be compared: TypeError: cannot pickle" in caught.value.message
    assert "`read` that returns plain data" in caught.value.hint


def test_an_open_file_cannot_be_written() -> None:
    with pathlib.Path(__file__).open() as file, pytest.raises(StateError, match=r"^\.log: "):
        canonical(Plain(log=file))


def test_what_a_class_raises_about_its_own_state_is_reported() -> None:
    with pytest.raises(StateError, match=r"\.it: cannot be compared: ValueError: no state today"):
        canonical(Plain(it=Opaque()))


def test_a_class_that_cannot_be_taken_apart_is_refused() -> None:
    with pytest.raises(StateError, match="its __reduce__ returned NoneType"):
        canonical([Broken()])


def test_a_state_read_at_the_end_of_the_stack_is_refused_with_a_message() -> None:
    def descend(value: object) -> str:
        try:
            return descend(value)
        except RecursionError:
            return canonical(value)

    with pytest.raises(StateError, match="cannot be compared"):
        descend(doubled(50, shared=True))


# --- with a tolerance, for which floats must be seen


def test_with_a_tolerance_long_parts_are_written_out_as_far_as_they_may_travel() -> None:
    parts = [[number / 7 for number in range(1_000)], [1.5] * 900]
    text = canonical(parts, whole=10**6)
    assert literal(text) == parts
    assert "<blake2b " in canonical(parts)
    for limit in (len(text), len(text) - 1, 100):
        assert (canonical(parts, whole=limit) == canonical(parts)) == (limit < len(text))


def test_with_a_tolerance_what_holds_no_float_stays_a_digest() -> None:
    text = canonical(["x" * 10**5, b"y" * 10**5, 10**5_000, 1.5], whole=1_000)
    assert text.count(" of str>") == text.count(" of bytes>") == text.count(" of int>") == 1
    assert text.endswith(", 1.5]")


def test_with_a_tolerance_a_graph_with_many_ways_to_each_part_is_given_up_in_time() -> None:
    tangle = doubled(90, shared=True)
    assert canonical(tangle, whole=64 * 2**20) == canonical(tangle)
    wide = [[1.5] * 10**6] * 10_000
    assert canonical(wide, whole=64 * 2**20) == canonical(wide)


def test_with_a_tolerance_a_linked_list_is_written_out() -> None:
    text = canonical(linked(1_000, 1), whole=10**6)
    assert text.count("value=") == 1_000
    deep = linked(20_000, 1)
    assert canonical(deep, whole=64 * 2**20) == canonical(deep)


def test_numpy_arrays_are_written_out_only_where_they_hold_floats_and_a_tolerance_asks() -> None:
    np = pytest.importorskip("numpy")
    for dtype in ("float16", "float32", "float64", "complex64"):
        ramp = np.arange(100).astype(dtype)
        assert "<blake2b " in canonical(ramp)
        assert "<blake2b " not in canonical(ramp, whole=10**6)
        assert canonical(ramp, whole=200) == canonical(ramp)
    assert canonical(np.arange(100), whole=10**6) == canonical(np.arange(100))
    assert " bytes of ndarray>" in canonical(np.arange(100))
    pair = np.zeros(100, dtype=[("a", "i8"), ("b", "f8")])
    assert canonical(pair, whole=10**6).count("0.0") == 100


@quick
@given(values)
def test_a_state_with_few_parts_has_the_same_text_with_and_without_a_tolerance(
    value: object,
) -> None:
    # But for the order of sets and dicts, which is that of numbers.
    text = canonical(value, whole=10**6)
    assert canonical(literal(text)) == canonical(value)
    assert sorted(text) == sorted(canonical(value))
    assert canonical(literal(text), whole=10**6) == text


def test_a_number_is_written_about_as_fast_as_python_writes_it() -> None:
    # A ratio, since machines differ; the absolute figure is about 0.2 µs.
    for value in (2, "two", None, True, 0.5):
        ours, plain = (
            min(timeit.repeat(functools.partial(write, value), number=2_000, repeat=20))
            for write in (canonical, repr)
        )
        assert ours < 12 * plain


def test_numpy_arrays_are_told_apart_by_type_shape_and_values() -> None:
    np = pytest.importorskip("numpy")
    small = np.array([[1, 2], [3, 4]], dtype="int64")
    assert canonical(small) == "numpy.ndarray('int64', (2, 2), [[1, 2], [3, 4]])"
    assert canonical(small.T.copy().T) == canonical(small)
    ramp = np.arange(100_000.0).reshape(1_000, 100)
    different = [
        *(small, small.astype("int32"), small.ravel(), small.T, small * 1.0, small.tolist()),
        *(ramp, ramp.T, ramp[::-1], ramp.ravel(), ramp.astype("float32"), ramp.astype(complex)),
        *(np.zeros((0, 3)), np.zeros((3, 0)), np.array(1), np.int64(1), np.float64(1), np.bool_(1)),
        *(np.array(["a"]), np.array(["a"], "U9"), np.array([b"a"]), np.array(["a"], object)),
        *(
            np.datetime64("2024-01-01"),
            np.datetime64("2024-01-01", "ns"),
            np.datetime64("NaT", "s"),
        ),
        *(np.longdouble(1), np.longdouble(1) + np.finfo(np.longdouble).eps, np.arange(9).dtype),
        *(np.array([[1], [2]], object), np.array([np.array([1]), [2, 3]], object)),
    ]
    assert len(set(map(canonical, different))) == len(different)
    for value in different:
        assert canonical(copied(value)) == canonical(value)
        assert canonical([value]) == canonical([copied(value)])


def test_numpy_values_that_are_not_a_number_are_equal_whatever_their_payload() -> None:
    np = pytest.importorskip("numpy")
    for size in (1, 1_000):
        for kind in ("float32", "float64", "longdouble"):
            plain = np.full(size, np.nan, kind)
            assert canonical(-plain) == canonical(plain)
            assert canonical(plain) != canonical(np.zeros(size, kind))
        one, other = (np.full(size, complex(part, 1)) for part in (np.nan, -np.nan))
        assert canonical(one) == canonical(other)
        assert canonical(one) != canonical(one + 1j)
    assert canonical(np.float64(-np.nan)) == "numpy.float64(nan)"


def test_numpy_arrays_of_objects_and_records_are_written_by_element() -> None:
    np = pytest.importorskip("numpy")
    objects = np.array([Plain(a=n) for n in range(100)], dtype=object)
    assert canonical(objects) == canonical(copied(objects))
    records = np.zeros(1_000, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True))
    records.view("u1")[3::16] = 7  # in the gap behind each a
    again = np.zeros_like(records)
    assert records.tobytes() != again.tobytes()
    assert canonical(records) == canonical(again)
    again["b"][5] = 1
    assert canonical(records) != canonical(again)
    assert canonical(records[0]) != canonical(again[5])
    assert canonical(np.random.default_rng(1)) == canonical(np.random.default_rng(1))
    assert canonical(np.random.default_rng(1)) != canonical(np.random.default_rng(2))
    with pytest.raises(StateError, match=r"\.table\[0\]: cannot"):
        canonical(Plain(table=np.array([threading.Lock()])))


def test_a_digest_depends_on_texts_order_and_boundaries() -> None:
    sequences = [[], [""], ["", ""], ["ab"], ["a", "b"], ["b", "a"], ["ab", ""], ["\udc80"]]
    assert len(set(map(digest, sequences))) == len(sequences)
    assert digest(["2", "2"]) == digest(iter(["2", "2"])) == "37caa08ac97530c2fc78a6bdc536bc69"


def test_a_text_longer_than_allowed_travels_as_its_digest() -> None:
    assert bounded("x" * 100, 100) == "x" * 100
    assert bounded("x" * 101, 100) == f"<blake2b {digest(['x' * 101])}, 101 characters>"
    assert bounded("x" * 101, 100) != bounded("y" * 101, 100)


def test_the_states_of_all_instances_stay_within_64_mib_and_a_digest_always_fits() -> None:
    assert state_limit(1) == 64 * 2**20
    assert state_limit(1_000) == 67_108
    assert state_limit(10**7) == 64
    assert len(bounded("x" * 10**6, state_limit(10**7))) <= 64
