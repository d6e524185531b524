"""Progress as a person sees it: a bar on a terminal, lines elsewhere, nothing on stdout."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from job.commands import console
from job.commands.console import ERASED, LINE_S, watch

if TYPE_CHECKING:
    from collections.abc import Iterator


END = "\x1f"  # a terminal passes on late what it is given; this tells that it was all


class Terminal:
    """A pseudo-terminal of 80 columns in place of stderr."""

    def __init__(self) -> None:
        """Open both ends."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.stderr = os.fdopen(theirs, "w", buffering=1)

    def shown(self) -> str:
        """Return what has been written to it since it was asked last."""
        self.stderr.write(END)
        self.stderr.flush()
        text = ""
        while not text.endswith(END):
            text += os.read(self._ours, 65_536).decode()
        return text.removesuffix(END)

    def close(self) -> None:
        """Close both ends."""
        self.stderr.close()
        os.close(self._ours)


@contextmanager
def on_a_terminal() -> Iterator[Terminal]:
    opened = Terminal()
    try:
        with redirect_stderr(opened.stderr):
            yield opened
    finally:
        opened.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    fake = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: fake.now))
    return fake


# --- on a terminal


def test_on_a_terminal_there_is_a_bar_with_strategy_and_trial(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with on_a_terminal() as terminal, watch("actors", 1, 8) as told:
        first = bars(terminal.shown())[0]
        assert first.startswith("actors, trial 2  [")
        assert "0/8" in first
        assert len(first.strip()) <= 80
        told(8)
    assert capfd.readouterr().out == ""


def test_a_bar_moves_with_the_calls_and_tells_the_remaining_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.time", lambda: now)
    with on_a_terminal() as terminal, watch("actors", 0, 1_000) as told:
        for _ in range(3):
            now += 10.0
            told(100)
        last = bars(terminal.shown())[-1]
    assert "300/1000" in last
    assert "00:01:10" in last


@pytest.mark.parametrize("fails", [False, True])
def test_a_bar_is_erased_when_the_trial_is_over_however_it_ended(fails: bool) -> None:  # noqa: FBT001
    with on_a_terminal() as terminal:
        with contextlib.suppress(ZeroDivisionError), watch("serial", 0, 8) as told:
            told(8 // (0 if fails else 1))
        assert terminal.shown().endswith(ERASED)


def bars(shown: str) -> list[str]:
    """Return what a terminal showed one after the other in the bar's line."""
    return re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", shown).replace("\n", "").split("\r")[1:]


# --- elsewhere


def test_elsewhere_a_line_is_said_every_few_seconds(
    clock: SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    with redirect_stderr(StringIO()) as pipe, watch("actors", 0, 10_000) as told:
        for _ in range(10):
            clock.now += LINE_S / 2
            told(500)
    assert pipe.getvalue().splitlines() == [
        f"actors, trial 1: {made:,} of 10,000 calls, 200/s, about {left} s left"
        for made, left in [(1_000, 45), (2_000, 40), (3_000, 35), (4_000, 30), (5_000, 25)]
    ]
    assert capfd.readouterr().out == ""


def test_of_what_is_left_the_first_answers_tell_nothing(clock: SimpleNamespace) -> None:
    with redirect_stderr(StringIO()) as pipe, watch("actors", 0, 10_000) as told:
        for made in (1, 499, 500):
            clock.now += LINE_S
            told(made)
    assert [", about" in line for line in pipe.getvalue().splitlines()] == [False, True, True]


def test_a_short_trial_says_nothing(clock: SimpleNamespace) -> None:
    with redirect_stderr(StringIO()) as pipe, watch("actors", 0, 10) as told:
        clock.now += LINE_S - 0.001
        told(10)
    assert pipe.getvalue() == ""


def test_what_a_call_has_not_reached_yet_is_not_foretold(
    clock: SimpleNamespace,
) -> None:
    with redirect_stderr(StringIO()) as pipe, watch("actors", 0, 10) as told:
        clock.now += LINE_S
        told(0)
    (line,) = pipe.getvalue().splitlines()
    assert line.startswith("actors, trial 1: 0 of 10 calls, 0/s")


def test_a_pipe_gets_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", buffering=1) as stderr, os.fdopen(reading) as seen:
        monkeypatch.setattr(console, "LINE_S", 0.0)
        with redirect_stderr(stderr), watch("serial", 0, 3) as told:
            told(1)
            told(2)
        stderr.close()
        lines = seen.readlines()
    assert len(lines) == 2
    assert all(line.endswith("left\n") and line[:-1].isprintable() for line in lines)
