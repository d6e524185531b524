"""What only a command shows: exit codes, times, what a target leaves behind, where it is found."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from job.analysis.report import analyse
from job.report.table import render
from job.results.storage import load
from tests import samples
from tests.others.plain import PlainLoop
from tests.others.support import CLASSES, HERE, SRC

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.ray_local.running import Command, Ended

ONE = ("--instances", "1", "--strategies", "serial,sharded")


def case(name: str, *values: object) -> object:
    return pytest.param(*values, id=name)


def run(
    command: Command, target: str, *calls: str, read: str = "", more: Sequence[str] = ()
) -> Ended:
    """Run a comparison of one of our classes."""
    asked = [part for call in calls for part in ("--call", call)]
    asked += ["--read", read] if read else []
    return command.run("--target", target, *asked, *more, cwd=CLASSES)


# --- nothing of the target runs on the driver but the serial loop


@pytest.mark.release
@pytest.mark.parametrize(
    "where", [case("diary, connected", "command"), case("diary, embedded", "embedded")]
)
def test_the_driver_does_to_a_class_what_a_plain_loop_does(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    command: Command = request.getfixturevalue(where)
    diary = tmp_path / "diary"
    running = command.start(
        "--target", f"diary:Diary(instance, {str(diary)!r})", "--call", "step(2) * 3",
        "--call", "step(instance)", "--read", "read", "--instances", "2", cwd=CLASSES,
    )  # fmt: skip
    ended = running.end()
    assert ended.code == 0, ended
    lines = [line.split(" ", 1) for line in diary.read_text().splitlines()]
    driver = [rest for pid, rest in lines if int(pid) == running.process.pid]
    steps = ["made", "step 2", "step 2", "step 2", "step", "read"]
    expected = [f"{number} {step}" for step in steps for number in (0, 1)]
    expected[8:10] = ["0 step 0", "1 step 1"]
    assert driver == expected
    others = Counter(rest for pid, rest in lines if int(pid) != running.process.pid)
    assert others["0 step 0"] >= 2


# --- what is wrong is told soon


def test_a_state_that_cannot_be_compared_is_told_long_before_the_calls_are_made(
    embedded: Command,
) -> None:
    ended = run(embedded, "busy:Guarded", "work * 4", more=["--instances", "2"])
    assert ended.code == 2, ended
    assert "lock" in ended.stderr
    assert "Estimate" not in ended.stderr, "no call was estimated, and so none made but one of each"


@pytest.mark.release
def test_a_module_that_starts_ray_by_itself_is_told_of(embedded: Command) -> None:
    ended = run(embedded, "starts_ray:Sensor", "step", read="count", more=ONE)
    assert ended.code in {0, 2}, ended
    assert "ray.init()" in ended.stderr + ended.stdout


@pytest.mark.release
def test_a_call_that_hangs_on_a_worker_is_told_long_before_an_hour(command: Command) -> None:
    ended = run(command, "busy:Stuck", "work(3)", read="total", more=ONE)
    assert ended.code == 4, ended
    assert "work(3)" in ended.stderr
    assert "--timeout" in ended.stderr


# --- children and ways out


@pytest.mark.quick("os.fork")
@pytest.mark.parametrize(
    ("call", "left"),
    [
        case("Process.terminate", "raise_child * 2", [-15, -15]),
        case("os.fork", "fork * 2", [-15, -15]),
        case("Pool", "pool(3)", [[0, 2, 4]]),
    ],
)
def test_a_child_that_a_target_forks_dies_of_a_signal_as_anywhere(
    command: Command, tmp_path: Path, call: str, left: object
) -> None:
    output = tmp_path / "results.json"
    # In an actor a fork may hang beside Ray's threads, whoever made it: only a deadline helps.
    more = [*ONE[:2], "--strategies", "serial", "--timeout", "20", "--output", str(output)]
    ended = run(command, "families:Parent", call, read="codes", more=more)
    assert ended.code == 0, ended
    assert load(output).trials[0].states == (repr(left),)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        case("KeyboardInterrupt, by command", "interrupt", "KeyboardInterrupt"),
        case("BaseException, by command", "abandon", "halfway"),
    ],
)
def test_a_way_out_of_the_target_is_an_error_of_the_call(
    command: Command, call: str, word: str
) -> None:
    ended = run(command, "endings:Job", "work", call, read="count", more=ONE)
    assert ended.code == 4, ended
    assert f"{call}()" in ended.stderr
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.release
@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("leave_after(3) * 5", 2, "its process exited with code 0 in a call after the first ones"),
        ("leave_after(5, 0.4) * 5", 4, "call 5, leave_after(5, 0.4) * 5: SystemExit: 0 (on the"),
    ],
)
def test_a_later_call_that_ends_its_process_does_not_end_the_driver_as_if_all_were_well(
    command: Command, call: str, code: int, words: str
) -> None:
    ended = run(command, "endings:Job", call, read="count", more=ONE)
    assert ended.code == code, ended
    assert words in ended.stderr
    assert "endings.py" in ended.stderr or code == 2


@pytest.mark.release
def test_a_target_has_nothing_to_read(embedded: Command) -> None:
    ended = run(embedded, "endings:Reader", "ask * 2", read="lines", more=ONE)
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout


# --- where a class is found


@pytest.mark.release
def test_a_package_that_the_workers_can_import_is_the_same_there(command: Command) -> None:
    ended = run(command, "shop.cart:Cart", "add(100) * 2", read="read", more=ONE)
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout


def package(folder: Path, name: str) -> None:
    """Write a package whose class asks for one of a sibling module."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    (folder / name / "watch.py").write_text("class Watch:\n    total = 1\n")
    (folder / name / "laps.py").write_text(
        f"""
from {name}.watch import Watch


class Laps:
    def __init__(self):
        self.watch = Watch()

    def lap(self, seconds):
        assert isinstance(self.watch, Watch)
        self.watch.total = self.watch.total * 2 + seconds

    def total(self):
        return self.watch.total
"""
    )


@pytest.mark.quick("named tests")
@pytest.mark.parametrize("name", [case(f"named {n}", n) for n in ("benchmarks", "deploy", "tests")])
def test_a_package_of_ones_own_may_have_the_name_of_one_of_our_folders(
    command: Command, tmp_path: Path, name: str
) -> None:
    package(tmp_path, name)
    output = tmp_path / "results.json"
    ended = command.run(
        "--target", f"{name}.laps:Laps", "--call", "lap(5) * 2", "--read", "total", *ONE,
        "--output", str(output), cwd=tmp_path,
    )  # fmt: skip
    assert ended.code == 0, ended
    assert [trial.states for trial in load(output).trials] == [("19",), ("19",)]


def test_only_our_own_name_is_taken(command: Command, tmp_path: Path) -> None:
    package(tmp_path, "job")
    ended = command.run("--target", "job.laps:Laps", "--call", "lap(5)", *ONE, cwd=tmp_path)
    assert ended.code == 2, ended
    assert "'job'" in ended.stderr
    assert "taken" in ended.stderr


def test_where_a_package_lies_below_src_the_option_that_finds_it_is_named(command: Command) -> None:
    asked = ("--target", "orchard:Tree('plum')", "--call", "grow(3)", *ONE)
    ended = command.run(*asked, cwd=SRC.parent)
    assert ended.code == 2, ended
    assert "--module-path src" in ended.stderr


def test_a_package_in_the_src_layout_is_found_by_that_option(command: Command) -> None:
    asked = ("--target", "orchard:Tree('plum')", "--call", "grow(3)", "--read", "read", *ONE)
    ended = command.run(*asked, "--module-path", "src", cwd=SRC.parent)
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout


@pytest.mark.release
def test_what_importing_a_class_costs_is_part_of_the_startup(
    command: Command, tmp_path: Path
) -> None:
    output = tmp_path / "results.json"
    ended = run(command, "slow_import:Slow", "add(2)", read="total",
                more=[*ONE, "--output", str(output)])  # fmt: skip
    assert ended.code == 0, ended
    slept = float(re.findall(r"sleep\((.*)\)", (CLASSES / "slow_import.py").read_text())[0])
    assert load(output).trials[1].startup_s >= slept


# --- what is read later


def test_a_results_file_of_a_later_version_is_told_as_such(
    command: Command, tmp_path: Path
) -> None:
    kept = json.loads((HERE.parent / "data" / "results-v1.json").read_text())
    written = tmp_path / "results.json"
    written.write_text(json.dumps(kept | {"schema_version": 9, "moons": 3}))
    ended = command.run("report", str(written))
    assert ended.code == 6, ended
    assert "later version" in ended.stderr


def test_a_large_factor_is_written_as_people_write_it() -> None:
    base = samples.comparison(1)
    trials = tuple(
        samples.changed(each, work_s=8_000.0 if each.strategy == "serial" else 2.0, startup_s=0.1)
        for each in base.trials
    )
    said = render(analyse(base.with_(trials=trials)))
    assert " times as fast" in said
    assert "e+0" not in said


def test_the_plain_loop_makes_the_calls_in_the_order_of_the_example() -> None:
    loop = PlainLoop("tests.targets.ledgers:Ledger(instance)")
    loop.call("book(2) * 2", "book(instance)", "reverse")
    assert [each.total for each in loop.instances] == [
        -7 * ((0 * 31 + 2) * 31 + 2) * 31,
        -7 * (((1 * 31 + 2) * 31 + 2) * 31 + 1),
    ]
