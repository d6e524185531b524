"""Whatever the calls change in an object shows in the text that is compared of it."""

from __future__ import annotations

import datetime as dt
import functools
import random
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from job.shard.states import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

MADE: dict[type, Any] = {
    Counter: ("aab",),
    OrderedDict: ([("a", 1)],),
    UserDict: ({"a": 1},),
    defaultdict: (list,),
    deque: ([1],),
    random.Random: (7,),
    Decimal: ("1.5",),
    Fraction: (1, 3),
    dt.datetime: (2026, 11, 22),
    dt.date: (2026, 11, 22),
    dt.timedelta: (3,),
    PurePosixPath: ("a/b",),
    ValueError: ("no",),
    functools.partial: (print, 1),
    **dict.fromkeys((list, set, frozenset, tuple), ([1, 2],)),
    int: (5,),
    float: (0.5,),
    str: ("a",),
    bytes: (b"a",),
    dict: ({"a": 1},),
    bytearray: (b"a",),
}


def named(base: type) -> object:
    name = f"a subclass of {base.__name__}"
    return pytest.param(base, id=name)


@pytest.mark.parametrize("base", [named(base) for base in MADE])
def test_an_attribute_of_a_subclass_counts(base: type) -> None:
    kind = type("Kind", (base,), {"__module__": __name__})
    one, same, other = (kind(*MADE[base]) for _ in range(3))
    one.note, same.note, other.note = ["a"], ["a"], ["b"]
    assert canonical(one) == canonical(same)
    assert canonical(one) != canonical(other)
    assert "note" in canonical(one)


def closing_over(value: object) -> Callable[[], object]:
    return lambda: value


def defaulting_to(value: object) -> Callable[..., object]:
    def function(given: object = value, *, also: object = value) -> object:
        return given, also

    return function


def marked_by(value: object) -> Callable[..., object]:
    def function() -> None:
        pass

    function.mark = value  # type: ignore[attr-defined]
    return function


def calling_itself(value: int) -> Callable[[int], int]:
    def down(given: int) -> int:
        return down(given - 1) if given else value

    return down


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=make.__name__)
        for make in (closing_over, defaulting_to, marked_by, calling_itself)
    ],
)
def test_what_a_function_holds_counts(make: Callable[[int], object]) -> None:
    assert canonical([make(1)]) == canonical([make(1)])
    assert canonical([make(1)]) != canonical([make(2)])


@pytest.mark.parametrize("links", [pytest.param(n, id=f"{n} links") for n in (90, 500)])
def test_a_linked_list_can_be_compared(links: int) -> None:
    def chain(last: int) -> object:
        node: dict[str, object] = {"value": last}
        for value in range(links):
            node = {"value": value, "next": node}
        return node

    assert canonical(chain(1)) == canonical(chain(1))
    assert canonical(chain(1)) != canonical(chain(2))
