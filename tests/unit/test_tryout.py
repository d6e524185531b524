"""What the try-out finds: what calls take, and whether they change anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from job.errors import StateError, UsageError
from job.running.preparation import recipe_of
from job.workload.reading import build
from tests.subjects import tried

if TYPE_CHECKING:
    from pathlib import Path

TICK_S = 0.01  # of what the system counts the CPU time of a process's children in


def found_out(target: str, call: str, read: str, returns: str = "drop") -> dict[str, Any]:
    keys = {"target": target, "calls": [call], "read": read, "instances": 4, "returns": returns}
    workload, _ = build(keys, {})
    return tried(recipe_of(workload), 4)


def test_the_cpu_time_of_calls_that_wait_is_finer_than_the_systems_ticks() -> None:
    found = found_out("job.targets.counter:Counter(delay=0.005)", "increment * 20", "read")
    (timed,) = found["calls"]
    assert timed.calls == 20
    assert not round(timed.cpu_s / TICK_S, 4).is_integer()


@pytest.mark.parametrize("name", ["Threads", "Children", "Pool"])
def test_calls_that_have_others_compute_are_not_taken_for_waiting(
    name: str, tmp_path: Path
) -> None:
    found = found_out(f"tests.targets.crunchers:{name}({str(tmp_path)!r})", "crunch * 3", "made")
    (timed,) = found["calls"]
    assert timed.cpu_s > 0.1 * timed.wall_s  # on however busy a machine


def test_calls_that_wait_for_nothing_that_computes_are(tmp_path: Path) -> None:
    found = found_out(f"tests.targets.crunchers:Waiter({str(tmp_path)!r})", "crunch * 3", "made")
    (timed,) = found["calls"]
    assert timed.cpu_s < 0.1 * timed.wall_s


@pytest.mark.parametrize(
    ("target", "call", "read", "unchanged"),
    [
        ("collections:Counter", "copy", "total", True),
        ("collections:Counter", "update({'a': instance})", "total", False),
        ("collections:Counter", "update({'a': repetition}) * 3", "total", False),
        ("collections:deque", "append(0)", "copy", False),
    ],
)
def test_calls_change_nothing_only_where_they_leave_another_instance_as_it_was_too(
    target: str, call: str, read: str, *, unchanged: bool
) -> None:
    assert found_out(target, call, read)["unchanged"] == unchanged


def test_all_that_is_opened_is_closed(tmp_path: Path) -> None:
    keys = {
        "target": f"tests.targets.closers:Closer({str(tmp_path)!r}, instance)", "instances": 4,
        "calls": ["step * 3"], "read": "read", "close": "close",
    }  # fmt: skip
    found = tried(recipe_of(build(keys, {})[0]), 4)
    assert not found["unchanged"]
    opened, closed = (
        sorted(path.name.replace(f" {what} ", " ") for path in tmp_path.glob(f"* {what} *"))
        for what in ("opened", "closed")
    )
    assert closed == opened != []


@pytest.mark.parametrize(
    ("close", "says"),
    [("shut", "Counter has no method 'shut'"), ("part.close", "Counter has no 'part'")],
)
def test_what_cannot_be_closed_so_is_told(close: str, says: str) -> None:
    keys = {"target": "collections:Counter", "calls": [], "instances": 4, "close": close}
    with pytest.raises(UsageError, match=says) as raised:
        tried(recipe_of(build(keys, {})[0]), 4)
    assert raised.value.message.startswith(f"--close {close}: ")
    assert "clear" in raised.value.hint


LOADER = "tests.targets.returning:Loader"


def test_how_much_a_call_returns_is_known() -> None:
    (size,) = found_out(LOADER, "load", "size")["returned_bytes"]
    assert 4 * 2**20 <= size <= 4 * 2**20 + 100


@pytest.mark.parametrize("call", ["guard", "guarded"])
def test_what_a_call_returns_must_bear_to_be_brought_only_where_it_is(call: str) -> None:
    assert found_out(LOADER, call, "size")["returned_bytes"] == [0]
    with pytest.raises(StateError, match=rf"--call {call}\(\), what it returns.*lock") as raised:
        found_out(LOADER, call, "size", "bring")
    assert "--returns bring" in raised.value.hint
