"""The report as text: what it is about, the table, where the actors ran, and the verdict."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import tabulate as tabulate_module
from tabulate import tabulate, tabulate_formats

from job.analysis.report import describe
from job.planning.layout import LOCAL
from job.words import duration, figure, percent, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.analysis.figures import Row
    from job.analysis.report import Report
    from job.planning.estimate import Rehearsal
    from job.results.document import Judged, NodeShare, Trial

FORMATS = tuple(tabulate_formats)
WIDTH = 100
_LABEL = 10
_NO_XML = re.compile("[^\\t\\n\\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FITS = {"now": "fits now", "scaling": "fits after scaling: "}


def render(report: Report, style: str = "simple", *, wide: bool = False) -> str:
    """Return the report as text, at most 100 columns but for `wide` tables and long names."""
    widest = max((len(name) for name, _ in report.states), default=0)
    head = [labelled(label, text) for label, text in _facts(report)]
    for index, (name, states) in enumerate(report.states):
        head.append(f"{'' if index else 'States':<{_LABEL}}{name:<{widest}}  {states}")
    if report.states:
        head.append(labelled("", report.agreement))
    tables = [table(rows, style) for rows in _tables(report, wide=wide)]
    said = ["\n".join(labelled(*line) for line in lines) for lines in _said(report)]
    return "\n\n".join(["\n".join(head), *tables, *said])


def render_html(report: Report) -> str:
    """Return the same as tables of HTML, for a notebook, in whose colours they are.

    Whatever comes from the target or the cluster is escaped: by tabulate, as every cell is.
    """
    head = [[label, text] for label, text in _facts(report)]
    head += [[f"State: {name}", states] for name, states in report.states]
    head += [["States", report.agreement]] if report.states else []
    lines = [[label, text] for lines in _said(report) for label, text in lines]
    shown = [tabulate(head, tablefmt="html", disable_numparse=True)]
    shown += [table(rows, "html") for rows in _tables(report)]
    shown.append(tabulate(lines, tablefmt="html", disable_numparse=True))
    # Notebooks align cells to the right where nothing else is said.
    return re.sub("<(t[dh])>", r'<\1 style="text-align: left;">', "\n".join(shown))


def _facts(report: Report) -> list[tuple[str, str]]:
    """Return what was compared and where, each behind its label."""
    known = (("Cluster", report.cluster), ("Workload", report.workload), ("Shards", report.chosen))
    return [(label, text) for label, text in known if text]


def _tables(report: Report, *, wide: bool = False) -> list[list[dict[str, str]]]:
    """Return the figures of the strategies, and where they ran, as far as there are any."""
    made = (cells_of(report.rows, wide=wide), cells_of_placement(report.placement))
    return [rows for rows in made if rows]


def _said(report: Report) -> list[list[tuple[str, str]]]:
    """Return all sentences behind their labels, in groups; the verdict and the gates are last."""
    texts = {"Losses": report.losses, "Advisory": report.advisories, "Pays off": report.pays_off}
    groups = [[(label, text) for text in each] for label, each in texts.items() if each]
    gates = [("Gate", str(each)) for each in report.gates]
    return [*groups, [("Verdict", " ".join(report.verdict)), *gates]]


def render_rehearsal(rehearsal: Rehearsal, workload: str, style: str = "simple") -> str:
    """Return what a comparison would do, as text."""
    rows = []
    for name in rehearsal.strategies:
        row = {"strategy": name, "processes": "-", "CPUs": "-", "threads": "-", "batch": "-"}
        if layout := rehearsal.layouts.get(name):
            row["processes"] = f"{layout.shards:,}"
            row["CPUs"] = "-" if name in LOCAL else f"{layout.demand.cpus:g}"
            row["threads"] = str(layout.threads or "auto")
            row["batch"] = str(layout.calls_per_batch or "auto")
        for call_s, estimate in rehearsal.estimates.items():
            whole = estimate.serial_s if name == "serial" else estimate.others_s[name]
            sampled = " (sampled)" if name == "serial" and estimate.sample else ""
            row[f"at {duration(call_s)} a call"] = span(whole) + sampled
        rows.append(row)
    fits = rehearsal.fits.items()
    placed = [f"{name}: {FITS.get(found.when, '')}{found.reason}" for name, found in fits]
    placed += [f"{name}: left out, {reason}" for name, reason in rehearsal.omitted.items()]
    head = [labelled("Cluster", describe(rehearsal.cluster)), labelled("Workload", workload)]
    head += [labelled("" if index else "Placement", text) for index, text in enumerate(placed)]
    end = "The target was neither imported nor tried; the run begins with that, and may take fewer "
    end += "shards."
    return "\n".join([*head, "", table(rows, style), "", end])


def render_junit(judged: Sequence[Judged]) -> str:
    """Return judged gates as JUnit's XML, each a test case, as CI systems show them."""
    missed = sum(not each.met for each in judged)
    counts = {"tests": str(len(judged)), "failures": str(missed), "errors": "0", "skipped": "0"}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": "ray-actor-comparison", **counts})
    for each in judged:
        name, text = (_NO_XML.sub("", said) for said in (each.name or each.text, each.text))
        case = ET.SubElement(suite, "testcase", classname="gates", name=name)
        if each.met:
            ET.SubElement(case, "system-out").text = text
        else:
            ET.SubElement(case, "failure", message=text).text = text
    ET.indent(suites)
    written: bytes = ET.tostring(suites, "utf-8", xml_declaration=True)
    return written.decode() + "\n"


def labelled(label: str, text: str) -> str:
    """Return a text behind its label, wrapped."""
    wrapped = textwrap.wrap(text, WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False)
    lines = [f"{label:<{_LABEL}}{wrapped[0] if wrapped else ''}".rstrip()]
    return "\n".join(lines + [" " * _LABEL + line for line in wrapped[1:]])


def table(rows: list[dict[str, str]], style: str) -> str:
    """Return rows as a table, the first column, names and bars to the left."""
    first = next(iter(rows[0]))
    align = ["left" if key in (first, "node", "address", "") else "right" for key in rows[0]]
    tabulate_module.MIN_PADDING = 0  # or headings are padded beyond what their column needs
    return tabulate(rows, headers="keys", tablefmt=style, colalign=align, disable_numparse=True)


def cells_of(
    rows: Sequence[Row], *, wide: bool = False, memory: bool = False
) -> list[dict[str, str]]:
    """Return each strategy's figures as text, by the headings of their columns."""
    columns = _COLUMNS | (_MEMORY if memory else {}) | (_MORE | _LOSSES if wide else {})
    if wide and any("actor_options" in row.last.settings for row in rows):
        columns |= _OPTIONS
    if not wide and any(row.losses for row in rows):  # which efficiency says nothing beside
        columns |= _LOSSES
        del columns["read s"], columns["efficiency"]
    return [{title: show(row) for title, show in columns.items()} for row in rows]


def cells_of_placement(placement: Sequence[tuple[str, NodeShare]]) -> list[dict[str, str]]:
    """Return where each strategy ran as text, likewise."""
    return [
        {
            "strategy": strategy, "node": share.host, "address": share.address,
            "processes": f"{share.actors:,}", "calls": f"{share.calls:,}",
            "busy s": figure(share.busy_s),
        }
        for strategy, share in placement
    ]  # fmt: skip


def seconds(row: Row, value: float) -> str:
    """Return a time of a row; ~ marks an estimate."""
    return f"{'~' if row.estimated else ''}{figure(value)}"


def times(row: Row, value: float | None) -> str:
    """Return a speedup of a row; likewise."""
    if value is None:
        return "-"
    about = "~" if row.speedup_estimated else ""
    return f"{about}{figure(value)}x"


def _workers(trial: Trial) -> str:
    """Return how many there are, and of what has processes how many threads each of them has."""
    each = f" x {trial.threads:,}" if trial.threads > 1 and trial.strategy != "threads" else ""
    return f"{trial.workers:,}{each}" if trial.workers else "-"


def _megabytes(held: float | None) -> str:
    return "-" if held is None else figure(held / 1e6, 0)


def _percent(value: float | None) -> str:
    return "-" if value is None else percent(value)


_COLUMNS: dict[str, Callable[[Row], str]] = {
    "strategy": lambda row: row.strategy,
    "workers": lambda row: _workers(row.last),
    "startup s": lambda row: seconds(row, row.startup_s),
    "work s": lambda row: seconds(row, row.work_s),
    "read s": lambda row: seconds(row, row.read_s),
    "elapsed s": lambda row: seconds(row, row.elapsed_s),
    "speedup": lambda row: times(row, row.speedup),
    "efficiency": lambda row: _percent(row.efficiency),
}
_MEMORY: dict[str, Callable[[Row], str]] = {
    "memory MB": lambda row: _megabytes(row.last.memory_bytes),
}
_MORE: dict[str, Callable[[Row], str]] = {
    "speedup of work": lambda row: times(row, row.speedup_of_work),
    "95 % interval": lambda row: (
        "{}x to {}x".format(*map(figure, row.interval)) if row.interval else "-"
    ),
    "ideal s": lambda row: seconds(row, row.ideal_s),
    "cpu s": lambda row: seconds(row, row.cpu_s),
    "calls/s": lambda row: "-" if row.calls_per_s is None else figure(row.calls_per_s),
    **_MEMORY,
    "trials": lambda row: f"{row.trials:,}",
    "spread": lambda row: _percent(row.spread),
    "CPUs/actor": lambda row: str(row.last.settings.get("cpus_per_actor", "-")),
    "threads/shard": lambda row: str(row.last.settings.get("threads_per_shard", "-")),
    "calls/batch": lambda row: str(row.last.settings.get("calls_per_batch", "-")),
}
_OPTIONS: dict[str, Callable[[Row], str]] = {
    "actor options": lambda row: str(row.last.settings.get("actor_options", "-")),
}
_LOSSES: dict[str, Callable[[Row], str]] = {
    "losses": lambda row: f"{row.losses:,}",
    "replayed": lambda row: f"{row.replayed_calls:,}",
}
