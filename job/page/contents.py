"""What stands on the page, part by part: of a comparison, or of a sweep; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from job.page.charts import charts
from job.page.drawing import Chart, Table
from job.page.sweep import sweep_charts
from job.report.sweep import cells_of_sweep
from job.report.table import cells_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.report import Report
    from job.analysis.sweep import SweepReport
    from job.results.document import Cluster, Results, Trial

MOST_STATES_SHOWN = 12


@dataclass(frozen=True)
class Grid:
    """A table with a heading; `long` if its cells hold more than figures."""

    key: str
    title: str
    table: Table
    said: str = ""
    long: bool = False


@dataclass(frozen=True)
class Notes:
    """Sentences, each of its own, with a heading."""

    key: str
    title: str
    sentences: tuple[str, ...]


Part: TypeAlias = Grid | Notes | Chart


@dataclass(frozen=True)
class Content:
    """All that is on a page.

    Attributes:
        name: Of the page, in the browser's title.
        answer: What to do.
        because: What limits it.
        facts: What was measured and where, each behind its label.
        parts: What follows, in order.
        foot: What it was made with.
    """

    name: str
    answer: str
    because: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    foot: str


def of_comparison(report: Report) -> Content:
    """Return the page of a comparison."""
    results = report.results
    known = [
        ("Workload", report.workload),
        ("Cluster", report.cluster),
        ("Begun", results.environment.started_at),
    ]
    if report.states:
        known.append(("States", report.agreement))
    parts: tuple[Part, ...] = (
        Grid("figures", "The figures", _table(cells_of(report.rows))),
        Notes("advisories", "What makes them doubtful", report.advisories),
        *charts(report),
        Grid("deaths", "Actors that died", _deaths(results), " ".join(report.losses)),
        _states(report),
        Grid("nodes", "The cluster", _nodes(results.cluster, report.trials)),
    )
    return Content(
        name=results.workload.target,
        answer=report.answer,
        because=report.because,
        facts=tuple(known),
        parts=_filled(parts),
        foot=_foot(results),
    )


def of_sweep(report: SweepReport) -> Content:
    """Return the page of a sweep."""
    over = report.over.key
    if not report.points:
        ((label, nothing),) = report.facts
        return Content(f"sweep over {over}", f"{label} {nothing}", "", (), (), "")
    results = report.points[0][1].results
    said = [("Pays off", text) for text in (*report.pays_off, report.checked) if text]
    parts: tuple[Part, ...] = (
        *sweep_charts(report),
        Grid("figures", "The figures", _table(cells_of_sweep(report), left_out=("",))),
        Notes("advisories", "What makes them doubtful", report.advisories),
        Grid("nodes", "The cluster", _nodes(results.cluster, {})),
    )
    return Content(
        name=f"{results.workload.target} over {over}",
        answer=f"Best: {report.best}",
        because=f"Limit: {report.limit}" if report.limit else "",
        facts=(*report.facts, *said, ("Begun", results.environment.started_at)),
        parts=_filled(parts),
        foot=_foot(results),
    )


def _filled(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts that have something to show."""
    return tuple(
        part for part in parts if (part.sentences if isinstance(part, Notes) else part.table.rows)
    )


def _foot(results: Results) -> str:
    environment = results.environment
    return (
        f"Ray {results.cluster.ray_version}, Python {environment.python_version}, "
        f"{environment.platform}. Times are medians of the trials; “~” marks what was estimated."
    )


def _table(cells: Sequence[dict[str, str]], left_out: tuple[str, ...] = ()) -> Table:
    headings = tuple(key for key in (cells[0] if cells else ()) if key not in left_out)
    return Table(headings, tuple(tuple(row[key] for key in headings) for row in cells))


def _states(report: Report) -> Grid:
    """Return the states of the first instances, as each strategy's last trial left them."""
    results, agreement = report.results, report.agreement
    last = {name: trials[-1].states for name, trials in report.trials.items()}
    shown = min(MOST_STATES_SHOWN, max(map(len, last.values()), default=0))
    columns = [(*states[:shown], *["-"] * (shown - len(states))) for states in last.values()]
    numbers = [f"{number:,}" for number in range(shown)]
    said = f"{agreement[:1].upper()}{agreement[1:]}."
    if results.workload.instances > shown:
        said += f" Shown are the first {shown} of {results.workload.instances:,} instances."
    table = Table(("instance", *last), tuple(zip(numbers, *columns, strict=True)))
    return Grid("states", "The states they ended in", table, said, long=True)


def _deaths(results: Results) -> Table:
    rows = [
        (
            trial.strategy, f"{trial.index + 1}", f"{loss.actor:,}", f"{loss.incarnation}",
            loss.address, loss.cause, f"{loss.since_s:,.2f}",
            "-" if loss.resumed_s is None else f"{loss.resumed_s:,.2f}", f"{loss.replayed_calls:,}",
        )
        for trial in results.trials
        for loss in trial.deaths
    ]  # fmt: skip
    headings = (
        "strategy", "trial", "actor", "incarnation", "node", "cause", "at s", "resumed after s",
        "replayed calls",
    )  # fmt: skip
    return Table(headings, tuple(rows)).cut()


def _nodes(cluster: Cluster, trials: dict[str, list[Trial]]) -> Table:
    """Return the nodes, and what of each strategy's last trial ran there."""
    last = {name: of_one[-1] for name, of_one in trials.items() if of_one[-1].placement}
    rows = []
    for node in cluster.nodes:
        cells = [node.host, node.address + (", head" if node.head else ""), f"{node.cpus:g}",
                 f"{node.memory_bytes / 1e9:,.0f}"]  # fmt: skip
        for trial in last.values():
            mine = [share for share in trial.placement if share.node_id == node.node_id]
            actors = sum(share.actors for share in mine)
            calls = sum(share.calls for share in mine)
            busy = sum(share.busy_s for share in mine)
            cells.append(f"{actors:,} · {calls:,} · {busy:,.2f} s" if mine else "-")
        rows.append(tuple(cells))
    headings = ["node", "address", "CPUs", "memory GB"]
    headings += [f"{name}: actors · calls · busy" for name in last]
    return Table(tuple(headings), tuple(rows)).cut()
