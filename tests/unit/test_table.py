"""The report as text, against golden files: UPDATE_GOLDEN=1 in the environment rewrites them."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from job.analysis.report import analyse
from job.report.table import FORMATS, WIDTH, render, render_html
from job.results.document import Computed, Results, Trial
from job.results.storage import load

DATA = Path(__file__).parents[1] / "data"
SEED = load(DATA / "results-v1.json")
ACTORS = SEED.trials[-1]


def large() -> Results:
    """Return what a hundred thousand instances on a large cluster may look like."""
    serial, actors = SEED.trials[-2:]
    count = 100_000
    states = tuple(f"{{'total': {n * 7919}}}" for n in range(1_000))
    big = {"instances": count, "states": states, "calls": count * 50}
    sample = {"instances": 312, "calls": 312 * 50, "work_s": 19_800.4, "estimated": True}
    sharded = {
        "strategy": "sharded", "actors": 1_024, "at_once": 100_000, "cpus": 1_024.0,
        "startup_s": 21.3, "work_s": 23.4567, "read_s": 0.00002, "elapsed_s": 44.75672,
        "settings": {"cpus_per_actor": 1.0, "threads_per_shard": 98, "calls_per_batch": "auto"},
        "losses": 2, "replayed_calls": 12_345,
    }  # fmt: skip
    return SEED.with_(
        workload=Computed.model_validate(
            {
                "target": "bank.ledgers.monthly:Ledger(start=instance, currency='EUR')",
                "instances": count,
                "calls": [
                    f"book(amount={n * 1.25}, note='rent of month {n}') * 10" for n in range(5)
                ],
                "read": "summary",
            }
        ),
        trials=(
            serial.model_copy(update=big | sample | {"elapsed_s": 19_800.4002}),
            Trial.model_validate(actors.model_dump() | big | sharded),
        ),
        advisories=(
            (
                "The serial time is estimated from 312 of 100,000 instances, and only their states "
                "were checked against it. --serial full runs all of them."
            ),
        ),
    )


CASES = {
    "seed": SEED,
    "large": large(),
    "interrupted": SEED.with_(trials=SEED.trials[2:3], status="interrupted", advisories=()),
    "disagree": SEED.with_(
        trials=(SEED.trials[2], ACTORS.model_copy(update={"states": ("2", "2", "7", "2")})),
        status="disagree",
        problem="states disagree: instance 2 is 2 after serial and 7 after actors",
        advisories=(),
    ),
    "nothing": SEED.with_(trials=(), status="interrupted", advisories=()),
}


def text_of(case: str, style: str = "simple", *, wide: bool = False) -> str:
    return render(analyse(CASES[case]), style, wide=wide)


@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
@pytest.mark.parametrize("case", CASES)
def test_a_report_reads_as_its_golden_file(case: str, wide: object) -> None:
    path = DATA / "golden" / f"{case}{'-wide' if wide else ''}.txt"
    found = text_of(case, wide=bool(wide)) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


@pytest.mark.parametrize("style", ["simple", "github", "plain", "grid", "rounded_outline", "psql"])
@pytest.mark.parametrize("case", CASES)
def test_a_report_fits_into_100_columns(case: str, style: str) -> None:
    lines = text_of(case, style).splitlines()
    assert max(map(len, lines)) <= WIDTH == 100
    assert [line for line in lines if line != line.rstrip() and style == "simple"] == []


class Tables(HTMLParser):
    """The rows of all tables, cell by cell, as a browser shows them, and the tags there are."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as it is called
        """Begin a row or a cell."""
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        """Take up a text, all of which must be in a cell."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] = f"{self.rows[-1][-1]}{data}".strip()
        else:
            assert not data.strip()


@pytest.mark.parametrize("case", CASES)
def test_a_notebook_has_the_same_as_the_console_in_tables(case: str) -> None:
    read = Tables(render_html(analyse(CASES[case])))
    assert read.tags == {"table", "thead", "tbody", "tr", "th", "td"} - (
        {"thead", "th"} if case == "nothing" else set()
    )
    console = " ".join(text_of(case).split())
    for label, *cells in read.rows:
        told = label.removeprefix("State: ") if label.startswith("State: ") else label
        assert " ".join([told, *cells]) in console or label == "States"
    assert [row[0] for row in read.rows if row[0] in {"Cluster", "Verdict"}] == [
        "Cluster", "Verdict",
    ]  # fmt: skip
    rows = {row[0]: row for row in read.rows if len(row) > 7}
    for row in analyse(CASES[case]).rows:
        assert rows[row.strategy][rows["strategy"].index("elapsed s")] in text_of(case)


def test_in_a_notebook_what_the_target_returned_stays_text() -> None:
    script = "<script>alert('&')</script>"
    hostile = ACTORS.model_copy(update={"states": (script, *ACTORS.states[1:])})
    told = (f"Of {script} nothing is known.",)
    text = render_html(analyse(SEED.with_(trials=(hostile,), advisories=told)))
    read = Tables(text)
    assert "script" not in read.tags
    assert any(script in cell for row in read.rows for cell in row if row[0] == "State: actors")
    assert ["Advisory", told[0]] in read.rows


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_of_tabulate_shows_every_figure(style: str) -> None:
    text = text_of("seed", style)
    for figure in ("serial", "actors", "8.02", "1.25", "2.02", "3.28", "2.45", "99.", "host", "b2"):
        assert figure in text


def test_a_wide_report_only_adds_columns() -> None:
    narrow = text_of("seed").splitlines()
    wide = text_of("seed", wide=True).splitlines()
    assert len(narrow) == len(wide)
    headings = next(line for line in wide if line.startswith("strategy"))
    assert headings.split()[:3] == ["strategy", "workers", "startup"]
    assert "95 % interval" in headings


def test_an_estimate_is_marked_wherever_it_stands() -> None:
    row = next(line for line in text_of("large").splitlines() if line.startswith("serial"))
    assert "~19,800" in row
    other = next(line for line in text_of("large").splitlines() if line.startswith("sharded"))
    assert "~23" not in other


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0"), (1e-9, "<0.0001"), (0.00123, "0.0012"), (0.1, "0.10"), (3661.0, "3,660")],
)
def test_seconds_are_figures(seconds: float, shown: str) -> None:
    trial = ACTORS.model_copy(update={"startup_s": seconds})
    text = render(analyse(SEED.with_(trials=(trial,))))
    row = next(line for line in text.splitlines() if line.startswith("actors "))
    assert row.split()[2] == shown
