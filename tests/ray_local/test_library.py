"""The comparison for people in a notebook or a test: in their process, with their own classes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import ray

from job import run_comparison
from job.analysis.report import Report
from job.errors import DisagreementError, TrialError, UsageError
from job.report.table import render
from tests.ray_local.running import ROOT, Head, poll
from tests.targets.ledgers import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from job.commands.notebook import Shown

pytestmark = pytest.mark.usefixtures("site")
SCRIPT = "<script>alert(1)</script>"


class Till:
    """A class of this module, which no worker can import."""

    def __init__(self, start: int = 0, *, step: int = 1) -> None:
        """Begin at `start`."""
        self.total = start
        self.step = step

    def ring(self, amount: int = 1) -> None:
        """Add up so that another order would show."""
        self.total = self.total * 3 + amount * self.step

    def label(self) -> str:
        """Return what would be a program if a page took it for one."""
        return f"{SCRIPT} & {self.total}"

    def where(self) -> int:
        """Return what no two strategies agree on."""
        return os.getpid()

    def jam(self) -> None:
        """Fail."""
        message = "the drawer is stuck"
        raise RuntimeError(message)


@pytest.fixture(scope="module")
def report() -> Shown:
    """Run all strategies once, on a class of this module, for all the sentences below."""
    return run_comparison(
        Till, ["ring * 3", "ring(5)"], instances=2, read="label", args=[2], kwargs={"step": 4}
    )


# --- the report


def test_a_class_of_the_callers_own_module_runs_under_all_strategies(report: Shown) -> None:
    trials = {trial.strategy: trial for trial in report.results.trials}
    till = Till(2, step=4)
    for amount in (1, 1, 1, 5):
        till.ring(amount)
    assert list(trials) == ["serial", "processes", "actors", "sharded"]  # its calls compute
    assert {trial.states for trial in trials.values()} == {(repr(till.label()),) * 2}
    assert report.results.status == "complete"
    assert report.agreement == "they agree"


def test_it_ran_in_actors_and_not_in_this_process(report: Shown) -> None:
    actors = next(trial for trial in report.results.trials if trial.strategy == "actors")
    processes = [pid for share in actors.placement for pid in share.processes]
    assert len(set(processes)) == 2
    assert os.getpid() not in processes


def test_what_is_returned_is_the_report(report: Shown) -> None:
    assert isinstance(report, Report)
    assert [row.strategy for row in report.rows] == ["serial", "processes", "actors", "sharded"]
    assert all(row.elapsed_s > 0 for row in report.rows)


def test_the_report_shows_itself_as_the_command_line_prints_it(report: Shown) -> None:
    assert repr(report) == render(report)
    assert repr(report).count(SCRIPT) >= 3  # once per strategy, as it is


def test_in_a_page_what_the_target_returned_stays_text(report: Shown) -> None:
    page = report._repr_html_()
    assert page.startswith("<table>")
    assert page.endswith("</table>")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; ") >= 3


def test_the_connection_stays_the_callers_and_no_actor_is_left(report: Shown, head: Head) -> None:
    assert report.results.cluster.kind == "connected"
    assert ray.is_initialized()
    poll(lambda: head.actors() == [], "all actors are gone")


# --- other ways to say it


@pytest.mark.release
def test_a_target_may_be_written_as_on_the_command_line() -> None:
    report = run_comparison(
        "tests.targets.ledgers:Ledger(start=instance)",
        ["book(instance) * 2", "reverse()"],
        instances=2,
        read="total",
        strategies="serial,sharded",
        shards=1,
    )
    # -7 x ((1 x 31 + 1) x 31 + 1)
    assert [trial.states for trial in report.results.trials] == [("0", "-6951")] * 2
    assert report.results.trials[1].actors == 1


def test_a_class_that_a_function_made_runs_too() -> None:
    class Inner(Ledger):
        """A class without a module-level name."""

    report = run_comparison(Inner, ["book(3) * 2"], 1, read="total", strategies=["sharded"])
    assert report.results.trials[0].states == ("96",)


def test_the_keys_of_a_plan_are_obeyed() -> None:
    report = run_comparison(Till, ["ring"], 1, read="total", strategies=["serial"], trials=3)
    assert [(trial.strategy, trial.index) for trial in report.results.trials] == [
        ("serial", 0), ("serial", 1), ("serial", 2),
    ]  # fmt: skip
    assert report.rows[0].trials == 3


# --- what goes wrong


def test_a_key_that_there_is_not_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="strategy") as raised:
        run_comparison(Till, ["ring"], strategy=["serial"])
    assert "strategies" in str(raised.value)


def test_a_method_that_there_is_not_is_refused_before_anything_starts() -> None:
    with pytest.raises(UsageError, match="Till has no method 'rung'") as raised:
        run_comparison(Till, ["rung"])
    assert "ring" in raised.value.hint


def test_an_instance_in_place_of_its_class_is_refused() -> None:
    with pytest.raises(UsageError, match="Till is given as an instance") as raised:
        run_comparison(Till(), ["step"])  # type: ignore[arg-type]
    assert "the class itself" in raised.value.hint


def test_an_exception_of_the_target_names_instance_and_call() -> None:
    with pytest.raises(TrialError, match=r"instance 0, call 2, jam\(\): RuntimeError: the drawer"):
        run_comparison(Till, ["ring", "jam"], 1, strategies=["sharded"])


def test_states_that_disagree_are_an_error_with_both_values(head: Head) -> None:
    with pytest.raises(DisagreementError, match=rf"instance 0 is {os.getpid()} after serial and"):
        run_comparison(Till, ["ring"], 1, read="where", strategies=["serial", "sharded"])
    assert ray.is_initialized()
    poll(lambda: head.actors() == [], "all actors are gone")


# --- processes of their own

IMPORTS = """
import job, sys, json
before = sorted({name.partition(".")[0] for name in sys.modules})
try:
    job.run
except AttributeError as error:
    print(json.dumps([before, str(error)]))
"""
NOTEBOOK = """
from job import run_comparison

class Cell:
    def __init__(self):
        self.total = 1
    def grow(self, by):
        self.total = self.total * 3 + by

for strategy in ("sharded", "actors"):  # once more in the same process
    plan = {"strategies": ["serial", strategy]}
    report = run_comparison(Cell, ["grow(instance + 2) * 3"], 2, read="total", **plan)
    timed = [each.calls for each in report.results.tried.calls]
    print(timed, [trial.states for trial in report.results.trials])
"""


def python(text: str, **environment: str) -> str:
    """Run a text as a notebook's kernel does: in a `__main__` without a file."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
    ended = subprocess.run(
        [sys.executable, "-c", text], env=kept | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_importing_the_package_loads_neither_ray_nor_click() -> None:
    loaded, said = json.loads(python(IMPORTS))
    assert "job" in loaded
    assert not {"ray", "click", "pydantic", "yaml"} & set(loaded)
    assert said == "module 'job' has no attribute 'run'"


@pytest.mark.release
def test_a_class_of_the_notebook_itself_travels_by_value(head: Head) -> None:
    printed = python(NOTEBOOK, RAY_ADDRESS=head.address, RAY_AUTH_TOKEN=head.token)
    assert printed.splitlines()[-2:] == ["[3] [('53', '66'), ('53', '66')]"] * 2


@pytest.mark.release
def test_the_notebook_in_the_docs_runs_with_its_array(head: Head, tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    text = (ROOT / "docs" / "workloads.md").read_text("utf-8")
    blocks = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    (tmp_path / "nets.py").write_text(blocks["nets.py"], "utf-8")
    cell = blocks["notebook.py"].replace("run_comparison(Net", "report = run_comparison(Net")
    folders = f"{ROOT}{os.pathsep}{tmp_path}"
    printed = python(
        f"{cell}\nprint(report)",
        RAY_ADDRESS=head.address, RAY_AUTH_TOKEN=head.token, PYTHONPATH=folders,
    )  # fmt: skip
    lines = " ".join(printed.split())
    assert "they agree" in lines
    assert "4 x nets:Net(Config(size=8, rate=0.1)): fit(array([[" in lines
    assert "]])) * 10, then weights" in lines


class Leaky:
    """Counts in its class, which is out of contract."""

    seen = 0

    def __init__(self) -> None:
        """Have seen nothing."""
        self.mine = 0

    def add(self) -> None:
        """Count one more."""
        Leaky.seen += 1
        self.mine = Leaky.seen


@pytest.mark.release
def test_what_the_serial_loop_left_in_a_class_is_not_sent_to_the_actors(head: Head) -> None:
    assert head
    report = run_comparison(Leaky, ["add * 3"], 1, read="mine", strategies=["serial", "actors"])
    assert dict(report.states) == {"serial": "[3]", "actors": "[3]"}
