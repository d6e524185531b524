"""A process of our own: what it says is heard, and how it ended is told."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from job.running.child import Child, EndedError, heard_from
from tests.targets import errands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WITHIN_S = 30.0


@contextlib.contextmanager
def child(act: Callable[..., None], *args: object, **more: Any) -> Iterator[Child]:  # noqa: ANN401
    made = Child(**more)
    try:
        made.begin(act, *args)
        yield made
    finally:
        made.end()


@pytest.mark.parametrize(("given", "told"), [(0, None), (3, "3")])
def test_libraries_have_as_many_threads_as_it_is_given(
    given: int, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with child(errands.tell_threads, native_threads=given) as made:
        assert made.hear(WITHIN_S) == told
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with child(errands.tell_threads, native_threads=given) as made:
        assert made.hear(WITHIN_S) == "5"


def test_silence_is_told_from_an_end() -> None:
    with child(errands.sleep) as made:
        with pytest.raises(TimeoutError):
            made.hear(0.05)
        assert heard_from([made], 0.05) == []
        assert not made.has_ended
    assert made.has_ended


def test_what_was_said_before_the_end_is_heard() -> None:
    with child(errands.say_and_leave, 3) as made:
        assert made.hear(WITHIN_S) == "last words"
        with pytest.raises(EndedError, match="exited with code 3"):
            made.hear(WITHIN_S)


def test_an_end_shows_although_a_fork_holds_the_pipe() -> None:
    with child(errands.leave_a_heir) as made:
        while not made.has_ended:
            heard_from([made], 0.05)
        with pytest.raises(EndedError, match="with code 7"):
            made.hear(0.05)


def test_what_nobody_reckoned_with_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    with child(errands.fail) as made, pytest.raises(EndedError, match="exited with code 1"):
        made.hear(WITHIN_S)
    assert "ZeroDivisionError" in capfd.readouterr().err
