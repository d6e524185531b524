"""The page: self-contained, escaped, and refused in time where it cannot be made."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from job.analysis.report import analyse
from job.analysis.sweep import analyse_sweep
from job.cli import commands
from job.errors import FileError, UsageError
from job.page import page as page_module
from job.page.page import check_page, page
from job.results.storage import save
from job.results.sweep import Sweep
from tests.samples import SCRIPT, SEED, comparison, cost_sweep, hostile, large, scaling_sweep

if TYPE_CHECKING:
    from pathlib import Path


class Reader(HTMLParser):
    """Takes a page apart: its tags with their attributes, its scripts, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag."""
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """Be outside of it."""
        del tag
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Take note of text."""
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def plain_page() -> str:
    return page(analyse(comparison()))


def test_it_begins_with_the_verdict_and_holds_the_table(plain_page: str) -> None:
    text = Reader(plain_page).text
    assert text.index("times as fast") < text.index("elapsed s") < text.index("host-a1")
    assert SEED.advisories[0] in text
    assert "the process was killed (SIGKILL)" in text


def test_its_foot_names_the_version_that_measured_where_that_is_known(plain_page: str) -> None:
    seed = comparison()
    measured = seed.environment.model_copy(update={"package_version": "7.8.9"})
    versioned = page(analyse(seed.with_(environment=measured)))
    assert "ray-actor-comparison 7.8.9, Ray 2.60.0, Python" in Reader(versioned).text
    assert "ray-actor-comparison" not in Reader(plain_page).text


def test_it_loads_nothing_from_anywhere(plain_page: str) -> None:
    tags = Reader(plain_page).tags
    assert [attrs for _, attrs in tags if "src" in attrs or "href" in attrs] == []
    assert {"link", "iframe", "object", "img"}.isdisjoint(tag for tag, _ in tags)


def test_its_policy_allows_its_own_two_scripts_and_no_other(plain_page: str) -> None:
    read = Reader(plain_page)
    policy = next(a["content"] for t, a in read.tags if t == "meta" and "http-equiv" in a) or ""
    digests = [hashlib.sha256(script.encode()).digest() for script in read.scripts[1:]]
    named = re.findall(r"'sha256-([^']+)'", policy)
    assert named == [base64.b64encode(digest).decode() for digest in digests]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_every_chart_has_a_name_a_description_and_a_table(plain_page: str) -> None:
    tags = Reader(plain_page).tags
    figures = json.loads(Reader(plain_page).scripts[0])
    images = {a["id"]: a["aria-label"] for _, a in tags if a.get("role") == "img"}
    assert set(images) == set(figures)
    assert all(len(label or "") > 60 for label in images.values())
    assert sum(tag == "details" for tag, _ in tags) == len(figures)


def test_what_an_enemy_puts_in_stays_text() -> None:
    made = page(analyse(hostile()))
    read = Reader(made)
    assert len(read.scripts) == 3
    assert "img" not in {tag for tag, _ in read.tags}
    assert read.text.count(SCRIPT) >= 5  # the target, a call, an advisory, states, nodes, a death
    assert "{{ 7 * 7 }}" in read.text
    assert json.loads(read.scripts[0])


def test_a_thousand_instances_times_twenty_calls_are_under_8_mb() -> None:
    assert len(page(analyse(large())).encode()) < 8_000_000


def test_a_comparison_without_trials_is_a_page_too() -> None:
    read = Reader(page(analyse(SEED.with_(trials=(), status="interrupted", advisories=()))))
    assert "No verdict, it was interrupted" in read.text
    assert json.loads(read.scripts[0]) == {}


def test_a_sweep_is_a_page_that_begins_with_the_best_layout(tmp_path: Path) -> None:
    saved, made = tmp_path / "sweep.json", tmp_path / "sweep.html"
    saved.write_text(scaling_sweep().model_dump_json())
    ran = CliRunner().invoke(commands, ["report", str(saved), "--html", str(made)])
    assert ran.exit_code == 0
    read = Reader(made.read_text("utf-8"))
    assert "Best: shards=8: " in read.text
    assert set(json.loads(read.scripts[0])) == {"speedups"}
    empty = Reader(page(analyse_sweep(Sweep(over="shards", status="interrupted"))))
    assert "nothing was measured" in empty.text


def test_a_sweep_over_call_costs_says_of_each_strategy_from_where_on_it_pays() -> None:
    sweep = cost_sweep()
    points = tuple(
        point.model_copy(update={"results": point.results.with_(trials=tuple(
            trial.model_copy(update={"losses": 0, "deaths": ()}) for trial in point.results.trials
        ))})
        for point in sweep.points
    )  # fmt: skip
    text = Reader(page(analyse_sweep(sweep.model_copy(update={"points": points})))).text
    head = text[: text.index("From which call cost on it pays")]
    assert head.count("Pays off") == 2
    assert "actors from 210 ms a call" in head
    assert "sharded from 120 ms a call" in head
    assert "by call-cost=100ms alone, the winner is predicted right at 3 of 3 points" in head


def test_report_writes_the_page_of_a_saved_file(tmp_path: Path) -> None:
    saved, made = tmp_path / "results.json", tmp_path / "report.html"
    save(comparison(), saved)
    ran = CliRunner().invoke(commands, ["report", str(saved), "--html", str(made)])
    assert ran.exit_code == 0
    assert "Verdict" in ran.stdout
    assert made.read_text("utf-8").startswith("<!doctype html>")


def test_what_is_missing_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "NEEDED", ("jinja2", "plotly_that_nobody_has"))
    with pytest.raises(UsageError, match="plotly_that_nobody_has") as caught:
        check_page("report.html")
    assert caught.value.hint.startswith("pip install plotly_that_nobody_has ")
    assert "make page" in caught.value.hint


def test_a_page_that_could_not_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    place = str(tmp_path / "no folder" / "report.html")
    with pytest.raises(FileError, match="--html"):
        check_page(place)
    ran = CliRunner().invoke(commands, ["--html", place, "--target", "no_such_module:Class"])
    assert isinstance(ran.exception, FileError)
