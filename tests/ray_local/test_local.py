"""What runs without Ray on the driver's machine leaves nothing behind, whatever ends it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.ray_local.running import Command, Running, is_running, poll

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = {"threads": 1, "processes": 2}  # processes that make calls

each = pytest.mark.parametrize("name", HOSTS)
by_signal = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"]
)


def start(command: Command, marks: Path, name: str, *options: str, ends: str = "never") -> Running:
    return command.start(
        "--target", f"lingerers:Lingerer({str(marks)!r}, ends={ends!r})", "--call", "step",
        "--read", "steps", "--instances", "2", "--workers", "2", "--strategies", name, *options,
    )  # fmt: skip


def pids(marks: Path) -> list[int]:
    """Return the processes that made calls, and those that the target started there."""
    return [int(path.stem) for path in marks.glob("*.pid")]


def calling(run: Running, marks: Path, name: str) -> None:
    run.until(lambda: len(pids(marks)) >= 2 * HOSTS[name], "all of its processes are at work")


def check_gone(marks: Path, name: str) -> None:
    assert len(pids(marks)) >= 2 * HOSTS[name]
    poll(lambda: not any(map(is_running, pids(marks))), "nothing of it runs")


@pytest.mark.quick("SIGINT-threads", "SIGTERM-processes")
@each
@by_signal
def test_a_signal_ends_it_with_all_of_its_processes(
    command: Command, marks: Path, name: str, number: signal.Signals
) -> None:
    run = start(command, marks, name)
    calling(run, marks, name)
    ended = run.signal(number)
    assert ended.code == 128 + number, ended
    check_gone(marks, name)


@pytest.mark.quick("processes")
@each
def test_a_driver_that_is_killed_takes_them_along(command: Command, marks: Path, name: str) -> None:
    run = start(command, marks, name, ends="alone")
    run.until(lambda: len(pids(marks)) == HOSTS[name], "all of its processes are at work")
    run.signal(signal.SIGKILL)
    poll(lambda: not any(map(is_running, pids(marks))), "nothing of it runs")


@pytest.mark.release
@each
def test_a_deadline_ends_them(command: Command, marks: Path, name: str) -> None:
    ended = start(command, marks, name, "--timeout", "3").end()
    assert ended.code == 4, ended
    assert f"{name}: work took longer than 3 s in the process of instance" in ended.stderr, ended
    assert "--timeout" in ended.stderr, ended
    check_gone(marks, name)


@pytest.mark.quick(
    "killed-was ended by SIGKILL in work-processes", "by itself-exited with code 3 in work-threads"
)
@each
@pytest.mark.parametrize(
    ("ends", "said"),
    [("killed", "was ended by SIGKILL in work"), ("by itself", "exited with code 3 in work")],
)
def test_a_process_that_dies_ends_the_trial_and_the_others(
    command: Command, marks: Path, name: str, ends: str, said: str
) -> None:
    ended = start(command, marks, name, ends=ends).end()
    assert ended.code == 4, ended
    assert f"{name}: the process of instance" in ended.stderr, ended
    assert said in ended.stderr, ended
    assert pids(marks)
    poll(lambda: not any(map(is_running, pids(marks))), "nothing of it runs")
