"""No test asserts how long something takes: machines are shared, and a newcomer's is busy."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time", "time_ns"}
# What is measured bears these names; in tests/unit records are made up, and models foretell.
MEASURED = ("seconds", "_s", "_ns", " s")
ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def findings(source: str, *, made_up: bool = False) -> list[int]:
    """Return the lines of assertions that order what a clock tells and what none does."""
    tree = ast.parse(source)
    told = read_by(tree, made_up=made_up)
    return [
        compared.lineno
        for each in ast.walk(tree)
        if isinstance(each, ast.Assert)
        for compared in ast.walk(each.test)
        if isinstance(compared, ast.Compare) and is_absolute(compared, told, made_up=made_up)
    ]


def is_absolute(compared: ast.Compare, told: set[str], *, made_up: bool) -> bool:
    """Return whether a time is ordered beside something else than a time or zero."""
    if not any(isinstance(each, ORDERED) for each in compared.ops):
        return False
    sides = [compared.left, *compared.comparators]
    timed = [is_timed(side, told, made_up=made_up) for side in sides]
    others = [side for side, is_time in zip(sides, timed, strict=True) if not is_time]
    return any(timed) and any(map(is_fixed, others))


def is_fixed(side: ast.expr) -> bool:
    """Return whether an expression is a constant other than 0, or named as one."""
    if isinstance(side, ast.Constant):
        return side.value != 0
    kinds = (ast.Attribute, ast.Subscript, ast.Call)
    names = [each.id for each in ast.walk(side) if isinstance(each, ast.Name)]
    return all(map(str.isupper, names)) and not any(isinstance(e, kinds) for e in ast.walk(side))


def is_timed(side: ast.expr, told: set[str], *, made_up: bool) -> bool:
    """Return whether a clock is read somewhere in an expression, now or before."""
    for each in ast.walk(side):
        match each:
            case ast.Call(func=ast.Attribute(value=ast.Name("time"), attr=name)) if name in CLOCKS:
                return True
            case ast.Name(name) if name in told:
                return True
            case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(str(name))):
                if not made_up and name.endswith(MEASURED):
                    return True
    return False


def makes_a_record(value: ast.expr) -> bool:
    """Return whether something else than a number is made, of times among others."""
    return isinstance(value, ast.Call) and not ast.unparse(value.func).startswith("time.")


def read_by(tree: ast.Module, *, made_up: bool) -> set[str]:
    """Return the names that hold what a clock told, or what was reckoned from that."""
    told: set[str] = set()
    while True:
        more = {
            name.id
            for each in ast.walk(tree)
            if isinstance(each, ast.Assign) and not makes_a_record(each.value)
            if is_timed(each.value, told, made_up=made_up)
            for target in each.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        }
        if more <= told:
            return told
        told |= more


def test_no_test_asserts_how_long_something_takes() -> None:
    found = {
        str(path.relative_to(TESTS)): lines
        for path in sorted(TESTS.rglob("*.py"))
        if (lines := findings(path.read_text(), made_up=path.parent.name == "unit"))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "assert ended.seconds < 10",
        "assert ended.seconds < LIMIT_S, ended",
        "before = time.monotonic()\nassert time.monotonic() - before < 30",
        "took = time.perf_counter() - begin\nassert 2 * took <= 0.5",
        "assert row.cpu_s > 1.5",
        "work = found['work_s']\nassert min(work.values()) >= 0.4",
        "assert all(each.work_s < 3 for each in rows)",
        "assert 8 <= float(rows['serial']['work s']) < 10",
    ],
)
def test_an_absolute_time_is_found(source: str) -> None:
    assert findings(source)


@pytest.mark.parametrize(
    "source",
    [
        "assert row.cpu_s < 0.1 * row.work_s",
        "assert ended.seconds > 0",
        "until = time.monotonic() + 30\nassert time.monotonic() < until, 'it hangs'",
        "assert trial.actors == 2",
        "assert len(rows) < 3",
        "assert plain.seconds < other.seconds < 2 * plain.seconds",
    ],
)
def test_what_compares_times_or_none_is_not(source: str) -> None:
    assert findings(source) == []
