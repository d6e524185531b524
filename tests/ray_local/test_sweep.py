"""A sweep for real: one connection, states that agree, and a partial one after a signal."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from job.analysis.figures import figures_of
from job.results.sweep import Sweep

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray_local.running import Command, Head

LEDGER = ("--target", "ledgers:Ledger(start=instance)", "--call", "book(7)*50", "--read", "total")


def load(path: Path) -> Sweep:
    return Sweep.model_validate_json(path.read_bytes())


def test_a_sweep_over_shards_is_measured_saved_and_shown_again(
    command: Command, tmp_path: Path
) -> None:
    saved = tmp_path / "sweep.json"
    words = ("sweep", "--over", "shards=1,2", "--instances", "4", "--output", str(saved))
    ended = command.run(*words, *LEDGER)
    assert ended.code == 0, ended
    sweep = load(saved)
    assert sweep.status == "complete"
    assert [point.value for point in sweep.points] == [1, 2]
    for point in sweep.points:
        assert [trial.strategy for trial in point.results.trials] == ["serial", "sharded"]
        assert len({trial.digest for trial in point.results.trials}) == 1
        assert point.results.trials[-1].actors == point.value
    assert sweep.points[0].results.calibration is not None
    assert "Best      the serial loop" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 100
    assert command.run("report", str(saved)).stdout == ended.stdout


@pytest.mark.release
def test_at_every_point_the_actors_correct_the_loop_that_ran_a_sample_at_the_first(
    command: Command, tmp_path: Path
) -> None:
    saved = tmp_path / "sweep.json"
    words = ("sweep", "--over", "shards=1,2", "--instances", "40", "--output", str(saved))
    unlike = ("--target", "job.targets.counter:Counter(delay=instance % 7 * 0.001)")
    ended = command.run(*words, *unlike, "--call", "increment", "--budget", "0.2")
    assert ended.code == 0, ended
    loops = [figures_of(point.results).loop for point in load(saved).points]
    assert [loop and loop.correction is not None for loop in loops] == [True, True]


@pytest.mark.release
def test_a_budget_that_is_spent_leaves_out_the_middle(command: Command, tmp_path: Path) -> None:
    saved = tmp_path / "sweep.json"
    words = ("sweep", "--over", "call-cost=10us,20us,40us", "--budget", "0.1")
    ended = command.run(*words, "--strategies", "serial,sharded", "--output", str(saved))
    assert ended.code == 0, ended
    assert [point.value for point in load(saved).points] == [1e-5, 4e-5]
    assert "Left out: call-cost=20us" in ended.stderr


@pytest.mark.release
def test_a_signal_leaves_the_points_that_were_measured(
    command: Command, head: Head, tmp_path: Path
) -> None:
    saved = tmp_path / "sweep.json"
    words = ("sweep", "--over", "shards=1,2", "--instances", "2", "--output", str(saved))
    slow = ("--target", "job.targets.counter:Counter(delay=0.25)", "--call", "increment*4")
    run = command.start(*words, *slow)
    run.until(lambda: saved.exists() and len(load(saved).points) == 1, "the first point is saved")
    ended = run.signal(signal.SIGINT)
    assert ended.code == 130, ended
    assert load(saved).status == "interrupted"
    assert "interrupted" in ended.stdout
    assert head.actors() == []
