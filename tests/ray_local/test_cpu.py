"""CPU time that is really used: by threads, by child processes, and by calls that only wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from job.analysis.report import Report, analyse
from job.results.storage import load
from tests.ray_local.running import CPUS, Command

if TYPE_CHECKING:
    from pathlib import Path

WAIT = "The calls wait"
ELSEWHERE = "is that of threads or child processes they start"
PLAN = ("--instances", "4", "--call", "crunch() * 6", "--read", "tell", "--trials", "1")
SINGLE = ("--strategies", "serial,sharded")


@dataclass(frozen=True)
class Run:
    """What a comparison found, and what the target's own clocks showed, by process."""

    report: Report
    noted_s: dict[int, float]
    driver: int

    def shares(self) -> dict[str, float]:
        """Return what each strategy's CPU time is of what the target itself has noted."""
        (sharded,) = [row.last for row in self.report.rows if row.strategy == "sharded"]
        pids = {pid for share in sharded.placement for pid in share.processes}
        there = sum(seconds for pid, seconds in self.noted_s.items() if pid in pids)
        noted = {"serial": self.noted_s[self.driver], "sharded": there}
        return {row.strategy: row.cpu_s / noted[row.strategy] for row in self.report.rows}

    def advises(self, words: str) -> bool:
        """Return whether an advisory says so."""
        return any(words in advisory for advisory in self.report.advisories)


def run(command: Command, name: str, marks: Path, *more: str) -> Run:
    target = f"crunchers:{name}({str(marks)!r})"
    kept = marks.parent / "kept.json"
    running = command.start("--target", target, *PLAN, *SINGLE, *more, "--output", str(kept))
    ended = running.end()
    assert ended.code == 0, ended
    noted = {int(file.name): sum(map(float, file.read_text().split())) for file in marks.iterdir()}
    return Run(analyse(load(kept)), noted, running.process.pid)


@pytest.mark.quick("Threads")
@pytest.mark.parametrize("name", ["Threads", "Children", "Pool"])
def test_what_threads_and_children_compute_is_counted_and_not_taken_for_waiting(
    command: Command, marks: Path, name: str
) -> None:
    found = run(command, name, marks)
    assert not found.advises(WAIT)
    assert found.advises(ELSEWHERE)
    for row in found.report.rows:
        assert (row.last.elsewhere_share or 0.0) > 0.8
    shares = found.shares()
    assert all(0.7 < share < 1.6 for share in shares.values()), shares


@pytest.mark.release
def test_calls_that_only_wait_are_still_said_to(command: Command, marks: Path) -> None:
    found = run(command, "Waiter", marks)
    assert found.advises(WAIT)
    assert not found.advises(ELSEWHERE)
    for row in found.report.rows:
        assert row.last.elsewhere_share == 0.0
        assert row.cpu_s < 0.1 * row.work_s


@pytest.mark.release
def test_threads_that_release_the_interpreter_are_held_against_all_cpus_of_their_node(
    command: Command, marks: Path
) -> None:
    found = run(command, "Hasher", marks, "--shards", "1", "--threads-per-shard", "2")
    assert not found.advises(WAIT)
    assert not found.advises(ELSEWHERE)
    row = found.report.row("sharded")
    assert row
    assert row.cpus == CPUS
    shares = found.shares()
    assert all(0.7 < share < 1.6 for share in shares.values()), shares


@pytest.mark.release
def test_what_ray_computes_to_carry_calls_is_not_the_targets(command: Command, marks: Path) -> None:
    kept = marks.parent / "kept.json"
    work = ("--instances", "2", "--call", "increment() * 1500", "--read", "read", "--trials", "1")
    ended = command.run(
        "--target", "job.targets.counter:Counter(delay=0)", *work,
        "--strategies", "serial,actors", "--output", str(kept),
    )  # fmt: skip
    assert ended.code == 0, ended
    assert [row.last.elsewhere_share for row in analyse(load(kept)).rows] == [0.0, 0.0]
