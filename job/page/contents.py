"""What stands on the page, part by part: of a comparison, or of a sweep; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.page.charts import charts
from job.page.drawing import Cell, Chart, Table
from job.page.sweep import sweep_charts
from job.report.sweep import cells_of_sweep
from job.report.table import cells_of
from job.words import capitalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.report import Report
    from job.analysis.sweep import SweepReport
    from job.results.document import Cluster, NodeShare, Results

MOST_STATES_SHOWN = 12
NOTHING = Table((), ())


@dataclass(frozen=True)
class Section:
    """A table or sentences with a heading; `long` if cells hold more than figures."""

    key: str
    title: str
    said: str = ""
    table: Table = NOTHING
    notes: tuple[str, ...] = ()
    long: bool = False


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
    parts: tuple[Chart | Section, ...]
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
    parts: tuple[Chart | Section, ...] = (
        Section("figures", "The figures", table=_table(cells_of(report.rows))),
        Section("advisories", "What makes them doubtful", notes=report.advisories),
        *charts(report),
        Section("losses", "Actors that were lost", " ".join(report.losses), _losses(results)),
        _states(report),
        Section("nodes", "The cluster", table=_nodes(results.cluster, report.placement)),
    )
    name = results.workload.target
    return Content(
        name, report.answer, report.because, tuple(known), _filled(parts), _foot(results)
    )


def of_sweep(report: SweepReport) -> Content:
    """Return the page of a sweep."""
    over = report.over.key
    if not report.points:
        ((label, nothing),) = report.facts
        return Content(f"sweep over {over}", f"{label} {nothing}", "", (), (), "")
    results = report.points[0][1].results
    said = [("Pays off", text) for text in report.pays_off]
    said += [("", report.checked)] if report.checked else []
    parts: tuple[Chart | Section, ...] = (
        *sweep_charts(report),
        Section("figures", "The figures", table=_table(cells_of_sweep(report))),
        Section("advisories", "What makes them doubtful", notes=report.advisories),
        Section("nodes", "The cluster", table=_nodes(results.cluster, ())),
    )
    return Content(
        name=f"{results.workload.target} over {over}",
        answer=f"Best: {report.best}",
        because=f"Limit: {report.limit}" if report.limit else "",
        facts=(*report.facts, *said, ("Begun", results.environment.started_at)),
        parts=_filled(parts),
        foot=_foot(results),
    )


def _filled(parts: Sequence[Chart | Section]) -> tuple[Chart | Section, ...]:
    """Return the parts that have something to show."""
    return tuple(part for part in parts if isinstance(part, Chart) or part.table.rows or part.notes)


def _foot(results: Results) -> str:
    environment = results.environment
    return (
        f"Ray {results.cluster.ray_version}, Python {environment.python_version}, "
        f"{environment.platform}. Times are medians of the trials; “~” marks what was estimated."
    )


def _table(cells: Sequence[dict[str, str]]) -> Table:
    headings = tuple(filter(None, cells[0] if cells else ()))  # bars of text have none
    return Table(headings, tuple(tuple(row[key] for key in headings) for row in cells))


def _states(report: Report) -> Section:
    """Return the states of the first instances, as each strategy's last trial left them."""
    last = {name: trials[-1].states for name, trials in report.trials.items()}
    shown = min(MOST_STATES_SHOWN, max(map(len, last.values()), default=0))
    columns = [(*states[:shown], *["-"] * (shown - len(states))) for states in last.values()]
    said = f"{capitalise(report.agreement)}."
    instances = report.results.workload.instances
    if instances > shown:
        said += f" Shown are the first {shown} of {instances:,} instances."
    table = Table(("instance", *last), tuple(zip(range(shown), *columns, strict=True)))
    return Section("states", "The states they ended in", said, table, long=True)


def _losses(results: Results) -> Table:
    rows = [
        (trial.strategy, trial.index + 1, loss.actor, loss.incarnation, loss.address, loss.cause,
         loss.since_s, loss.resumed_s, loss.replayed_calls)
        for trial in results.trials
        for loss in trial.deaths
    ]  # fmt: skip
    headings = (
        "strategy", "trial", "actor", "incarnation", "node", "cause", "at s", "resumed after s",
        "replayed calls",
    )  # fmt: skip
    return Table(headings, tuple(rows)).cut()


def _nodes(cluster: Cluster, placement: Sequence[tuple[str, NodeShare]]) -> Table:
    """Return the nodes, and what of each strategy's last trial ran there."""
    shares = {(name, share.node_id): share for name, share in placement}
    strategies = dict.fromkeys(name for name, _ in placement)
    rows: list[tuple[Cell, ...]] = []
    for node in cluster.nodes:
        found = [shares.get((name, node.node_id)) for name in strategies]
        rows.append(
            (
                node.host, node.address + (", head" if node.head else ""), node.cpus,
                f"{node.memory_bytes / 1e9:,.0f}",
                *(f"{on.actors:,} · {on.calls:,} · {on.busy_s:,.2f} s" if on else "-"
                  for on in found),
            )
        )  # fmt: skip
    there = (f"{name}: actors · calls · busy" for name in strategies)
    return Table(("node", "address", "CPUs", "memory GB", *there), tuple(rows)).cut()
