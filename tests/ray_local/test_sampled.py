"""A serial loop of a few instances says what all would have taken, however unlike they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.analysis.figures import figures_of
from job.results.storage import load

if TYPE_CHECKING:
    from pathlib import Path

    from job.analysis.figures import Figures
    from tests.ray_local.running import Command

MODULE = """\
import time


class Growing:
    def __init__(self, number):
        self.wait_s, self.done = 0.0004 * (number + 1), number

    def work(self):
        time.sleep(self.wait_s)
        self.done = self.done * 31 + 1


class Tricky(Growing):
    # The try-out makes its first calls on those that take no time.
    def __init__(self, number):
        super().__init__(number)
        self.wait_s = 0.0 if number in (0, 20) else 0.02
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "unlike.py").write_text(MODULE)
    return tmp_path


def compared(command: Command, module: Path, target: str, *options: str, code: int = 0) -> Figures:
    file = module / "results.json"
    ended = command.run(
        "--module-path", str(module), "--target", f"unlike:{target}(instance)", "--read", "done",
        "--strategies", "serial,sharded", "--shards", "2", "--output", str(file), *options,
    )  # fmt: skip
    assert ended.code == code, ended
    return figures_of(load(file))


@pytest.mark.release
def test_what_unlike_instances_take_is_estimated_from_a_few_of_them(
    command: Command, module: Path
) -> None:
    what = ("Growing", "--call", "work * 2", "--instances", "60")
    whole = compared(command, module, *what, "--serial", "full").rows[0]
    found = compared(command, module, *what, "--serial", "sample", "--budget", "0.3")
    serial, _ = found.rows
    assert serial.estimated
    assert serial.last.instances < 30
    assert serial.work_s == pytest.approx(whole.work_s, rel=0.25)  # the first ones say a tenth
    assert found.loop
    assert found.loop.interval
    assert found.loop.interval[1] / found.loop.interval[0] < 2


def test_a_gate_is_missed_where_the_estimate_does_not_carry_it(
    command: Command, module: Path
) -> None:
    what = ("Growing", "--call", "work", "--instances", "60", "--serial", "sample")
    figures = compared(
        command, module, *what, "--budget", "0.001", "--require-speedup", "1000", code=7
    )
    (gate,) = figures.results.gates
    assert "the serial time being estimated" in gate.text


@pytest.mark.release
def test_a_loop_that_takes_longer_than_was_expected_keeps_its_budget(
    command: Command, module: Path
) -> None:
    what = ("Tricky", "--call", "work * 4", "--instances", "40")
    found = compared(command, module, *what, "--budget", "0.5")
    serial, sharded = found.rows
    assert (serial.last.instances, serial.last.made) == (5, 40)
    assert serial.work_s == pytest.approx(38 * 4 * 0.02, rel=0.3)
    assert len(serial.last.states) == 5
    assert len(sharded.last.states) == 40
