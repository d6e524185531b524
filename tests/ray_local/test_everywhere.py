"""The comparison works however, from wherever and against whatever Ray it is started."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from job import __version__
from job.cluster.check import tell
from job.cluster.private import UV_RUN
from job.cluster.travel import digest_of, pack
from job.results.storage import load
from tests.ray_local.running import MODULE, ROOT, SCRIPT, TARGETS, Command, Ended, Head
from tests.subjects import subject_of

LEDGER = (
    "--target", "ledgers:Ledger(start=instance)", "--call", "book(instance) * 2",
    "--call", "reverse()", "--read", "total", "--instances", "2",
)  # fmt: skip
STATES = "[0, -6951]"  # -7 x ((1 x 31 + 1) x 31 + 1)
ALL = ("serial", "processes", "actors", "sharded")  # calls that compute take turns in threads
TWO = ("serial", "actors")


@pytest.fixture
def spaced(tmp_path: Path) -> Path:
    """Return a folder with a space in its name and a target in it."""
    folder = tmp_path / "my classes"
    folder.mkdir()
    shutil.copy(TARGETS / "ledgers.py", folder)
    return folder


def check(ended: Ended, cluster: str, strategies: tuple[str, ...]) -> None:
    """See the report, whole and alone, on stdout."""
    assert ended.code == 0, ended
    lines = ended.stdout.splitlines()
    assert re.match(rf"Cluster   {cluster}: 1 node, \d+ CPUs; Ray 2\.", lines[0]), ended
    for strategy in strategies:
        assert len([x for x in lines if f" {strategy} " in x and STATES in x]) == 1, ended
    assert f"{'':10}they agree" in lines, ended
    assert sum(line.startswith("Verdict") for line in lines) == 1, ended
    assert max(map(len, lines)) <= 100, ended
    assert "Traceback" not in ended.stderr, ended


def at(head: Head) -> str:
    return rf"[\d.]+:{head.address.rpartition(':')[2]}"


@pytest.mark.release
def test_the_script_runs_from_the_root_with_an_address(command: Command, head: Head) -> None:
    target = ("--target", "tests.targets." + LEDGER[1], *LEDGER[2:])
    ended = command.run(*target, "--strategies", ",".join(TWO), by=("job/main.py",), cwd=ROOT)
    check(ended, at(head), TWO)


# A process like that of `uv run`, by which Ray knows it; and a `uv` that would start a worker.
RUN = """
import subprocess, sys
sys.exit(subprocess.call(sys.argv[1:]))
"""
UV = """#!/bin/sh
echo "$@" >> "{used}"
while [ "$1" != python ]; do shift; done
shift
exec "{python}" "$@"
"""


@pytest.mark.release
@pytest.mark.parametrize("own", ["", "1"])
def test_below_uv_run_an_embedded_ray_starts_plain_workers_unless_it_was_told_not_to(
    embedded: Command, tmp_path: Path, own: str
) -> None:
    used, uv = tmp_path / "used", tmp_path / "uv"
    uv.write_text(UV.format(used=used, python=sys.executable))
    uv.chmod(0o755)
    (tmp_path / "run").write_text(RUN)
    shutil.copy(TARGETS / "ledgers.py", tmp_path)
    extra = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | ({UV_RUN: own} if own else {})
    command = (sys.executable, *SCRIPT, *LEDGER, "--strategies", "serial,actors")
    ended = embedded.run(
        *command, "--output", "kept.json", by=("run",), argv0="uv", cwd=tmp_path, **extra
    )
    check(ended, "embedded Ray", TWO)
    assert used.exists() == bool(own), ended
    kinds = load(tmp_path / "kept.json").environment.runtime_env
    assert kinds == (("uv run", "working_dir") if own else ())
    assert ("Startup has the runtime environment in it" in ended.stdout) == bool(own), ended
    assert ("each node must have uv" in ended.stderr) == bool(own), ended


@pytest.mark.release
def test_the_module_runs_from_the_root_with_ray_address(head: Head, folder: Path) -> None:
    command = Command(folder, token=head.token)
    target = ("--target", "tests.targets." + LEDGER[1], *LEDGER[2:])
    ended = command.run(*target, by=MODULE, cwd=ROOT, RAY_ADDRESS=head.address)
    check(ended, at(head), ALL)


def test_the_script_runs_from_anywhere_with_the_token_of_the_home(head: Head, folder: Path) -> None:
    (folder / ".ray").mkdir()
    (folder / ".ray" / "auth_token").write_text(head.token)
    command = Command(folder, address=head.address)
    ended = command.run(
        *LEDGER, "--strategies", ",".join(TWO), cwd=Path("/"), PYTHONPATH=str(TARGETS)
    )
    check(ended, at(head), TWO)


def test_the_module_finds_a_target_in_a_folder_with_a_space(
    command: Command, head: Head, spaced: Path
) -> None:
    # Away from the root a module is found where it is installed, or on PYTHONPATH.
    ended = command.run(*LEDGER, by=MODULE, cwd=spaced, PYTHONPATH=str(ROOT))
    check(ended, at(head), ALL)


@pytest.mark.release
def test_the_script_starts_an_embedded_ray_in_a_folder_with_a_space(
    embedded: Command, spaced: Path
) -> None:
    check(embedded.run(*LEDGER, cwd=spaced), "embedded Ray", ALL)


def test_the_module_starts_an_embedded_ray_anywhere(embedded: Command) -> None:
    paths = f"{ROOT}:{TARGETS}"
    ended = embedded.run(
        *LEDGER, "--strategies", ",".join(TWO), by=MODULE, cwd=Path("/"), PYTHONPATH=paths
    )
    check(ended, "embedded Ray", TWO)


# --- the report


@pytest.fixture(scope="module")
def saved(head: Head, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path, Path]:
    """Run once, with a target that prints, and save."""
    folder = tmp_path_factory.mktemp("saved")
    marks, output = folder / "marks", folder / "results.json"
    marks.mkdir()
    command = Command(folder, address=head.address, token=head.token)
    ended = command.run(
        "--target", f"markers:Noisy({str(marks)!r})", "--call", "step()", "--read", "read",
        "--instances", "2", "--trials", "2", "--output", str(output),
    )  # fmt: skip
    return ended, marks, output


Saved = tuple[Ended, Path, Path]


def test_stdout_holds_the_report_only_even_if_the_target_prints(saved: Saved) -> None:
    ended, marks, _ = saved
    assert (marks / "actor call").exists()
    assert "NOISE in a call" in ended.stderr
    assert "NOISE in a read" in ended.stderr
    assert "NOISE" not in ended.stdout
    assert ended.stdout.startswith("Cluster ")


def test_the_results_are_saved_whole(saved: Saved) -> None:
    ended, _, output = saved
    assert ended.code == 0, ended
    results = load(output)
    assert results.status == "complete"
    assert results.environment.package_version == __version__
    names = [*ALL, *ALL]
    assert [trial.strategy for trial in results.trials] == names
    assert {trial.states for trial in results.trials} == {("1", "1")}
    assert len({trial.digest for trial in results.trials}) == 1


POISON = "raise ImportError('ray is not to be loaded')\n"


def test_a_saved_file_yields_the_same_report_without_ray(
    saved: Saved, folder: Path, tmp_path: Path
) -> None:
    ended, _, output = saved
    (tmp_path / "ray.py").write_text(POISON)
    command = Command(folder)
    again = command.run("report", str(output), cwd=Path("/"), PYTHONPATH=str(tmp_path))
    assert again.code == 0, again
    assert again.stdout == ended.stdout
    assert again.stderr == ""


def test_a_ray_that_must_not_be_loaded_would_have_shown(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text(POISON)
    ended = Command(folder).run(*LEDGER, PYTHONPATH=str(tmp_path))
    assert ended.code != 0
    assert "ray is not to be loaded" in ended.stderr


@pytest.mark.release
def test_a_package_that_imports_from_itself_later_reaches_the_workers(
    command: Command, tmp_path: Path
) -> None:
    package = tmp_path / "elsewhere" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "prices.py").write_text("def price(number):\n    return 7 * number + 1\n")
    (package / "till.py").write_text(
        "class Till:\n"
        "    def __init__(self):\n"
        "        self.total = 0\n\n"
        "    def sell(self, number):\n"
        "        from shop.prices import price\n\n"
        "        self.total = self.total * 31 + price(number)\n"
    )
    ended = command.run(
        "--module-path", str(package.parent), "--target", "shop.till:Till",
        "--call", "sell(2) * 2", "--read", "total", "--instances", "2",
    )  # fmt: skip
    assert ended.code == 0, ended
    assert ended.stdout.count("[480, 480]") == len(ALL), ended


def test_a_rehearsal_neither_imports_nor_runs_the_target(command: Command) -> None:
    ended = command.run("--target", "no_such_module:Nothing", "--call", "x * 9", "--dry-run")
    assert ended.code == 0, ended
    assert "sharded: fits now" in ended.stdout, ended
    assert max(map(len, ended.stdout.splitlines())) <= 100, ended


@pytest.mark.release
def test_a_module_that_cannot_travel_by_value_is_imported_by_the_workers(
    embedded: Command, tmp_path: Path
) -> None:
    (tmp_path / "guarded.py").write_text(
        "import threading\n\n"
        "LOCK = threading.Lock()\n\n\n"
        "class Guarded:\n"
        "    def __init__(self):\n"
        "        self.total = 0\n\n"
        "    def add(self, amount):\n"
        "        with LOCK:\n"
        "            self.total = self.total * 31 + amount\n"
    )
    ended = embedded.run(
        "--target", "guarded:Guarded", "--call", "add(3) * 2", "--read", "total",
        "--instances", "2", cwd=tmp_path,
    )  # fmt: skip
    assert ended.code == 0, ended
    assert ended.stdout.count("[96, 96]") == len(ALL), ended


def test_a_node_that_came_later_with_another_source_of_the_target_is_told() -> None:
    recipe = subject_of("ledgers:Ledger", ["book(1)"]).recipe
    packed, module = pack(recipe, "by reference"), recipe.target.module
    assert tell(packed, digest_of(module, recipe.paths))[2] == ""
    assert tell(packed, "of another day")[2] == f"its {module} is another than the driver's"
