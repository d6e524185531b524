"""Real runs against each other: the same class twice is noise, 30 % slower is an exit code 7."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from job.storage import load, save
from tests.ray_local.running import Command, Head, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORK = ("--target", "waiter:Waiter", "--call", "wait * 2", "--read", "waits", "--instances", "3")
PLAN = ("--strategies", "serial")  # whose trials cost no actors' start
WAITER = """
import time

class Waiter:
    def __init__(self):
        self.waits = 0

    def wait(self):
        time.sleep({})
        self.waits += 1
"""


@pytest.fixture(scope="module")
def runs(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, Path]]:
    """Measure a class, and again after it has become 30 % slower.

    The trials of the first run are dealt out to two, so that a neighbour who comes or goes hits
    both alike: what is left between them is noise.
    """
    kept = tmp_path_factory.mktemp("runs")
    with short_folder() as folder:
        command = Command(folder, address=head.address, token=head.token)
        for name, delay_s, trials in (("both", 0.1, 14), ("slow", 0.13, 7)):
            (kept / "waiter.py").write_text(WAITER.format(delay_s))
            wanted = ("--trials", str(trials), "--output", f"{name}.json")
            ended = command.run(*WORK, *PLAN, *wanted, cwd=kept)
            assert ended.code == 0, ended
        both = load(kept / "both.json")
        for name, odd in (("old", 0), ("same", 1)):
            half = tuple(trial for trial in both.trials if trial.index % 2 == odd)
            save(both.with_(trials=half), kept / f"{name}.json")
        yield command, kept


def test_the_same_class_measured_twice_differs_by_nothing_significant(
    runs: tuple[Command, Path],
) -> None:
    command, kept = runs
    ended = command.run("compare", "old.json", "same.json", "--fail-if-slower", "10%", cwd=kept)
    assert re.search(r"^serial +elapsed .* not significant$", ended.stdout, re.MULTILINE), ended
    assert "Gate      ✓ --fail-if-slower 10%: serial " in ended.stdout


def test_a_class_that_became_30_percent_slower_exits_with_7(runs: tuple[Command, Path]) -> None:
    command, kept = runs
    # On a busy machine a core may have become another one meanwhile: hence the force.
    ended = command.run(
        "compare", "old.json", "slow.json", "--force", "--fail-if-slower", "10%", cwd=kept
    )
    assert ended.code == 7, ended
    assert re.search(r"^serial +elapsed .* slower$", ended.stdout, re.MULTILINE), ended
    assert re.search(r"✗ --fail-if-slower 10%: serial \+[23]", ended.stdout), ended
    assert ended.stderr.startswith("Error: "), ended


def test_gates_of_a_real_comparison_are_judged_after_its_results_are_saved(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "waiter.py").write_text(WAITER.format(0.01))
    ended = command.run(
        *WORK, "--strategies", "serial,sharded", "--output", "kept.json", "--emit-json",
        "--require-speedup", "1000", "--require-efficiency", "0.1%", cwd=tmp_path,
    )  # fmt: skip
    assert ended.code == 7, ended
    lines = ended.stdout.splitlines()
    verdict = next(n for n, line in enumerate(lines) if line.startswith("Verdict"))
    missed = next(n for n, line in enumerate(lines) if "✗ --require-speedup 1000: sharded" in line)
    emitted = next(n for n, line in enumerate(lines) if "schema_version" in line)
    assert verdict < missed < emitted
    assert "✓ --require-efficiency 0.1%: sharded" in lines[missed + 1]
    assert "Error: 1 of 2 gates missed: --require-speedup 1000: sharded is" in ended.stderr
    again = command.run("report", "kept.json", "--require-speedup", "1000", cwd=tmp_path)
    assert again.code == 7, again
