"""SIGINT and SIGTERM end a comparison in any phase, and leave nothing behind.

What is slow sleeps for longer than a command is waited for: a signal that waited for it would show.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.ray_local.running import Command, Ended, Head, Running, is_running, poll

if TYPE_CHECKING:
    from pathlib import Path

by_signal = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"]
)


def start(
    command: Command, marks: Path, slow: str, kind: str = "Marker", on: str = "driver"
) -> Running:
    """Start a comparison that takes its time over one phase."""
    return command.start(
        "--target", f"markers:{kind}({str(marks)!r}, {slow!r})", "--call", "step()",
        "--read", "read", "--instances", "2", "--strategies", "serial,actors",
        "--serial-on", on, "--output", str(marks / "results.json"),
        "--require-speedup", "0.01", "--junit", str(marks / "gates.xml"),
    )  # fmt: skip


def interrupt(
    run: Running, marks: Path, phase: str, number: signal.Signals, *, group: bool = False
) -> Ended:
    """Send the signal once the phase is reached."""
    run.until((marks / phase).exists, phase)
    return run.signal(number, group=group)


def check(ended: Ended, number: signal.Signals) -> None:
    assert ended.code == 128 + number, ended
    assert f"Ended by {number.name}" in ended.stderr, ended
    assert "Traceback" not in ended.stderr, ended


def check_partial(ended: Ended, marks: Path, trials: int) -> None:
    """See that what was measured until then is printed and saved."""
    assert ended.stdout.startswith("Cluster "), ended
    plural = "" if trials == 1 else "s"
    assert f"it was interrupted. {trials} trial{plural} had ended." in ended.stdout, ended
    assert ("States    serial  [1, 1]" in ended.stdout) == bool(trials), ended
    saved: dict[str, Any] = json.loads((marks / "results.json").read_text())
    assert saved["status"] == "interrupted"
    assert [trial["strategy"] for trial in saved["trials"]] == ["serial"] * trials
    cases = (marks / "gates.xml").read_text()
    assert "<failure message=" in cases
    assert "--require-speedup 0.01: cannot be judged: it was interrupted" in cases


CONNECTED = {"driver call": 0, "actor init": 1, "actor call": 1, "actor read": 1}


@pytest.mark.quick("driver call-SIGTERM", "actor call-SIGINT")
@by_signal
@pytest.mark.parametrize("phase", CONNECTED)
def test_a_signal_ends_a_connected_comparison_with_a_partial_report(
    command: Command, head: Head, marks: Path, phase: str, number: signal.Signals
) -> None:
    ended = interrupt(start(command, marks, phase), marks, phase, number)
    check(ended, number)
    check_partial(ended, marks, CONNECTED[phase])
    poll(lambda: head.actors() == [], "no actor is left")


@pytest.mark.release
def test_a_signal_ends_a_serial_loop_in_its_actor(
    command: Command, head: Head, marks: Path
) -> None:
    run = start(command, marks, "actor call", on="actor")
    ended = interrupt(run, marks, "actor call", signal.SIGINT)
    check(ended, signal.SIGINT)
    check_partial(ended, marks, trials=0)
    assert not (marks / "driver call").exists()
    poll(lambda: head.actors() == [], "no actor is left")


def test_a_driver_that_is_killed_leaves_no_actor(command: Command, head: Head, marks: Path) -> None:
    run = start(command, marks, "actor call")
    run.until((marks / "actor call").exists, "actor call")
    ended = run.signal(signal.SIGKILL)
    assert ended.code == -signal.SIGKILL, ended
    poll(lambda: head.actors() == [], "no actor is left")


@pytest.mark.release
def test_a_call_that_swallows_the_interrupt_cannot_hold_it_up(
    command: Command, marks: Path
) -> None:
    phase = "driver call"
    run = start(command, marks, phase, "Stubborn")
    run.until((marks / phase).exists, phase)
    ended = run.signal(signal.SIGTERM)
    assert ended.code == 128 + signal.SIGTERM, ended


@pytest.mark.quick("SIGINT")
@by_signal
def test_a_signal_ends_the_first_calls_before_ray_is_started(
    embedded: Command, marks: Path, number: signal.Signals
) -> None:
    run = start(embedded, marks, "first init")
    check(interrupt(run, marks, "first init", number), number)


@pytest.mark.quick("SIGTERM")
@by_signal
def test_a_signal_while_ray_starts_leaves_nothing_of_it(
    embedded: Command, marks: Path, number: signal.Signals
) -> None:
    run = start(embedded, marks, "nowhere")
    run.until(lambda: bool(embedded.left_behind()), "Ray's first process is there")
    started = run.descendants()
    check(run.signal(number), number)
    assert started
    assert not (marks / "driver call").exists(), "Ray had started before the signal came"
    assert embedded.left_behind() == []
    assert [process for process in started if is_running(process.pid)] == []


@pytest.mark.quick("Ctrl-C on a terminal")
@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGINT, True), (signal.SIGTERM, False)],
    ids=["Ctrl-C on a terminal", "SIGTERM"],
)
def test_a_signal_at_work_leaves_nothing_of_an_embedded_ray(
    embedded: Command, marks: Path, number: signal.Signals, *, group: bool
) -> None:
    phase = "actor call"
    run = start(embedded, marks, phase)
    run.until((marks / phase).exists, phase)
    started = run.descendants()
    ended = run.signal(number, group=group)
    check(ended, number)
    check_partial(ended, marks, trials=1)
    assert len(started) >= 3, "a gcs_server, a raylet and a worker at least"
    assert embedded.left_behind() == []
    assert [process for process in started if is_running(process.pid)] == []
