"""Real runs against each other: the same class twice is noise, 30 % slower is an exit code 7."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.ray_local.running import Command, Head, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORK = ("--target", "waiter:Waiter", "--call", "wait * 2", "--read", "waits", "--instances", "3")
PLAN = ("--strategies", "serial", "--trials", "7")  # whose trials cost no actors' start
WAITER = """
import time

class Waiter:
    def __init__(self):
        self.waits = 0

    def wait(self):
        time.sleep({})
        self.waits += 1
"""
# One of like runs of which ranks alone call the second 2 % to 8 % slower.
UNEVEN = """
import itertools, random, time

TRIALS = itertools.count()

class Uneven:
    def __init__(self, seed, noise):
        self.seed, self.noise = seed, noise

    def wait(self):
        rng = random.Random(self.seed)
        *_, delay_s = (0.05 * rng.gauss(1, self.noise) for _ in range(next(TRIALS) + 1))
        time.sleep(delay_s)
"""


@pytest.fixture(scope="module")
def runs(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, Path]]:
    """Measure a class in two sessions, and again after it has become 30 % slower."""
    kept = tmp_path_factory.mktemp("runs")
    with short_folder() as folder:
        command = Command(folder, address=head.address, token=head.token)
        for name, delay_s in (("old", 0.04), ("same", 0.04), ("slow", 0.052)):
            (kept / "waiter.py").write_text(WAITER.format(delay_s))
            ended = command.run(*WORK, *PLAN, "--output", f"{name}.json", cwd=kept)
            assert ended.code == 0, ended
        yield command, kept


@pytest.mark.release
def test_the_same_class_measured_twice_differs_by_nothing_significant(
    runs: tuple[Command, Path],
) -> None:
    command, kept = runs
    ended = command.run("compare", "old.json", "same.json", "--fail-if-slower", "10%", cwd=kept)
    assert ended.code == 0, ended
    assert re.search(r"^serial +elapsed .* not significant$", ended.stdout, re.MULTILINE), ended
    assert "Gate      ✓ --fail-if-slower 10%: serial " in ended.stdout


@pytest.mark.release
def test_a_class_that_became_30_percent_slower_exits_with_7(runs: tuple[Command, Path]) -> None:
    command, kept = runs
    ended = command.run("compare", "old.json", "slow.json", "--fail-if-slower", "10%", cwd=kept)
    assert ended.code == 7, ended
    assert re.search(r"^serial +elapsed .* slower$", ended.stdout, re.MULTILINE), ended
    assert re.search(r"✗ --fail-if-slower 10%: serial \+[23]", ended.stdout), ended
    assert ended.stderr.startswith("Error: "), ended


@pytest.mark.release
def test_thirty_steady_trials_against_seven_noisy_ones_of_the_same_are_no_change(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "uneven.py").write_text(UNEVEN)
    plan = ("--call", "wait", "--instances", "1", "--strategies", "serial")
    for name, trials, init in (("old", "30", "214, 0.02"), ("new", "7", "215, 0.1")):
        target = ("--target", f"uneven:Uneven({init})", "--trials", trials)
        ended = command.run(*target, *plan, "--output", f"{name}.json", cwd=tmp_path)
        assert ended.code == 0, ended
    bound = ("--force", "--fail-if-slower", "3%")  # another seed is another target
    ended = command.run("compare", "old.json", "new.json", *bound, cwd=tmp_path)
    assert ended.code == 0, ended
    assert re.search(r"^serial +elapsed .* not significant$", ended.stdout, re.MULTILINE), ended
    assert re.search(r"✓ --fail-if-slower 3%: serial \+[4-8]", ended.stdout), ended


@pytest.mark.release
def test_gates_of_a_real_comparison_are_judged_after_its_results_are_saved(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "waiter.py").write_text(WAITER.format(0.01))
    ended = command.run(
        *WORK, "--strategies", "serial,sharded", "--output", "kept.json", "--emit-json",
        "--require-speedup", "1000", "--require-efficiency", "0.1%", "--junit", "gates.xml",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.code == 7, ended
    lines = ended.stdout.splitlines()
    verdict = next(n for n, line in enumerate(lines) if line.startswith("Verdict"))
    missed = next(n for n, line in enumerate(lines) if "✗ --require-speedup 1000: sharded" in line)
    emitted = next(n for n, line in enumerate(lines) if "schema_version" in line)
    assert verdict < missed < emitted
    assert "✓ --require-efficiency 0.1%: sharded" in lines[missed + 1]
    assert "Error: 1 of 2 gates missed: --require-speedup 1000: sharded is" in ended.stderr
    assert (tmp_path / "gates.xml").read_text().count("<failure message=") == 1
    again = command.run("report", "kept.json", "--junit", "again.xml", cwd=tmp_path)
    assert again.code == 7, again
    assert (tmp_path / "again.xml").read_text() == (tmp_path / "gates.xml").read_text()
