"""A file that the main job of the first issue wrote, at commit 1c57d9c: as good as today's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from job.analysis.changes import compare_runs
from job.analysis.figures import figures_of
from job.analysis.report import analyse
from job.page.page import page
from job.report.changes import verdict
from job.report.table import render
from job.results.storage import load
from job.shard.states import digest

PATH = Path(__file__).parents[1] / "data" / "results-v1-first.json"
FIRST = load(PATH)


def common(kept: Any, written: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what is kept of what was written: later versions have more keys."""
    if isinstance(written, dict):
        return {key: common(kept[key], value) for key, value in written.items()}
    if isinstance(written, list) and written and isinstance(written[0], dict):
        return [common(*pair) for pair in zip(kept, written, strict=True)]
    return kept


def test_it_loads_with_all_that_it_holds() -> None:
    written = json.loads(PATH.read_bytes())
    assert written["schema_version"] == 1
    assert common(json.loads(FIRST.model_dump_json()), written) == written


def test_its_states_are_those_of_its_digests() -> None:
    assert {trial.digest for trial in FIRST.trials} == {digest(list(FIRST.trials[0].states))}


def test_it_has_a_report_a_page_and_a_comparison() -> None:
    text = render(analyse(FIRST))
    assert "[2, 2, 2, 2]" in text
    assert "Use actors: 2.76 times as fast as the serial loop" in text
    assert "Use actors: 2.76 times as fast" in page(analyse(FIRST))
    assert verdict(compare_runs(figures_of(FIRST), figures_of(FIRST))).startswith(
        "Not significant: the trials are too few"
    )
