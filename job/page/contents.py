"""What stands on the page, part by part: of a comparison, or of a sweep; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.page.charts import charts, sweep_charts
from job.page.drawing import Chart, Section
from job.report.sweep import cells_of_sweep
from job.report.table import cells_of, cells_of_placement
from job.words import capitalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.report import Report
    from job.analysis.sweep import SweepReport
    from job.page.drawing import Cell, Table
    from job.results.document import Cluster, Results

MOST_STATES_SHOWN = 12


@dataclass(frozen=True)
class Content:
    """All that is on a page."""

    name: str  # in the browser's title
    answer: str  # what to do
    because: str = ""  # what limits it
    facts: tuple[tuple[str, str], ...] = ()  # what was measured and where, each behind its label
    sections: tuple[Section, ...] = ()
    foot: str = ""  # what it was made with

    @property
    def parts(self) -> list[Section]:
        """The sections that have something to show."""
        return [part for part in self.sections if part.table or part.notes]

    @property
    def charts(self) -> list[Chart]:
        """Those of them that are drawn."""
        return [part for part in self.parts if isinstance(part, Chart)]


def of_comparison(report: Report) -> Content:
    """Return the page of a comparison."""
    results = report.results
    known = [
        ("Workload", report.workload),
        ("Cluster", report.cluster),
        ("Begun", results.environment.started_at),
    ]
    if report.chosen:
        known.append(("Shards", report.chosen))
    if report.states:
        known.append(("States", report.agreement))
    sections = (
        *_figures(cells_of(report.rows, memory=True), report.advisories),
        *charts(report),
        Section(key="losses", title="Actors that were lost", said=" ".join(report.losses),
                table=_losses(results)),
        _states(report),
        Section(key="placement", title="Where it ran",
                table=[dict(row) for row in cells_of_placement(report.placement)]),
        _nodes(results.cluster),
    )  # fmt: skip
    name, foot = results.workload.target, _foot(results)
    return Content(name, report.answer, " ".join(report.verdict[1:]), tuple(known), sections, foot)


def of_sweep(report: SweepReport) -> Content:
    """Return the page of a sweep."""
    over = report.over.key
    if not report.points:
        ((label, nothing),) = report.facts
        return Content(f"sweep over {over}", f"{label} {nothing}")
    results = report.points[0][1].results
    said = [("Pays off", text) for text in report.pays_off]
    said += [("", report.checked)] if report.checked else []
    return Content(
        name=f"{results.workload.target} over {over}",
        answer=f"Best: {report.best}",
        because=f"Limit: {report.limit}" if report.limit else "",
        facts=(*report.facts, *said, ("Begun", results.environment.started_at)),
        sections=(
            *sweep_charts(report),
            *_figures(cells_of_sweep(report), report.advisories),
            _nodes(results.cluster),
        ),
        foot=_foot(results),
    )


def _foot(results: Results) -> str:
    environment = results.environment
    version = environment.package_version
    ours = f"ray-actor-comparison {version}, " if version else ""
    return (
        f"{ours}Ray {results.cluster.ray_version}, Python {environment.python_version}, "
        f"{environment.platform}. Times are medians of the trials; “~” marks what was estimated."
    )


def _figures(cells: Sequence[dict[str, str]], advisories: tuple[str, ...]) -> tuple[Section, ...]:
    return (
        Section(key="figures", title="The figures", table=[dict(row) for row in cells]),
        Section(key="advisories", title="What makes them doubtful", notes=advisories),
    )


def _states(report: Report) -> Section:
    """Return the states of the first instances, as each strategy's last trial left them."""
    last = {name: trials[-1].states for name, trials in report.trials.items()}
    shown = min(MOST_STATES_SHOWN, max(map(len, last.values()), default=0))
    instances = report.results.workload.instances
    of = f" Shown are the first {shown} of {instances:,} instances." if instances > shown else ""
    table: list[dict[str, Cell]] = [
        {"instance": number}
        | {name: states[number] if number < len(states) else None for name, states in last.items()}
        for number in range(shown)
    ]
    return Section(key="states", title="The states they ended in", table=table, long=True,
                   said=f"{capitalise(report.agreement)}.{of}")  # fmt: skip


def _losses(results: Results) -> Table:
    return [
        {
            "strategy": trial.strategy, "trial": trial.index + 1, "actor": loss.actor,
            "incarnation": loss.incarnation, "node": loss.address, "cause": loss.cause,
            "at s": loss.since_s, "resumed after s": loss.resumed_s,
            "replayed calls": loss.replayed_calls,
        }
        for trial in results.trials
        for loss in trial.deaths
    ]  # fmt: skip


def _nodes(cluster: Cluster) -> Section:
    table: list[dict[str, Cell]] = [
        {
            "node": node.host, "address": node.address + (", head" if node.head else ""),
            "CPUs": f"{node.cpus:g}", "memory GB": f"{node.memory_bytes / 1e9:,.0f}",
        }
        for node in cluster.nodes
    ]  # fmt: skip
    return Section(key="nodes", title="The cluster", table=table)
