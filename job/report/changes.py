"""What changed between two runs, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.analysis.report import ran_on
from job.analysis.stats import LEAST_FOR_RATIO
from job.report.table import labelled, table
from job.words import decimals

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.analysis.changes import Comparison, PhaseChange
    from job.results.document import Results


def render_comparison(
    comparison: Comparison, old: tuple[str, Results], new: tuple[str, Results],
    style: str = "simple", *, wide: bool = False,
) -> str:  # fmt: skip
    """Return what changed as text of at most 100 columns, but for long names.

    Args:
        comparison: What to show.
        old: Where the first run is kept, and what it measured.
        new: Likewise the second.
        style: One of tabulate's formats.
        wide: Whether to show every column.
    """
    head = [
        labelled(label, f"{place}, begun {of.environment.started_at}; {ran_on(of)}")
        for label, (place, of) in (("Old", old), ("New", new))
    ]
    head += [labelled("Differs", text) for text in comparison.differs]
    head += [labelled("Note", text) for text in comparison.notes]
    columns = _COLUMNS | _MORE if wide else _COLUMNS
    rows = [{title: show(each) for title, show in columns.items()} for each in comparison.changes]
    end = labelled("Verdict", verdict(comparison))
    return "\n\n".join(["\n".join(head), table(rows, style), end])


def verdict(comparison: Comparison) -> str:
    """Return in a sentence or two what changed."""
    said = []
    for name in dict.fromkeys(each.strategy for each in comparison.changes):
        changed = {
            each.phase: f"{abs(each.relative or 0.0):.1%} {each.finding}"
            for each in comparison.changes
            if each.strategy == name and each.finding != "not significant"
        }
        elapsed = changed.pop("elapsed", "")
        phases = ", ".join(f"{phase} {change}" for phase, change in changed.items())
        if elapsed:
            said.append(f"{name} is {elapsed} ({phases})" if phases else f"{name} is {elapsed}")
        elif phases:
            before = "takes as long as before, not significantly more or less"
            said.append(f"{name} {before}, but {phases}")
    if said:
        return f"In NEW {'; '.join(said)}."
    if all(each.enough for each in comparison.changes):
        return "Not significant: the two runs differ by no more than noise."
    return (
        f"Not significant: the trials are too few to tell. {comparison.least} of each strategy in "
        f"either run could; --trials {max(LEAST_FOR_RATIO, comparison.least)} also gives each "
        "speedup an interval."
    )


def _seconds(change: PhaseChange, seconds: float) -> str:
    return f"{'~' if change.estimated else ''}{decimals(seconds)}"


_COLUMNS: dict[str, Callable[[PhaseChange], str]] = {
    "strategy": lambda change: change.strategy,
    "phase": lambda change: change.phase,
    "old s": lambda change: _seconds(change, change.old_s),
    "new s": lambda change: _seconds(change, change.new_s),
    "change": lambda change: "-" if change.relative is None else f"{change.relative:+.1%}",
    "interval": lambda c: "{:+.1%} to {:+.1%}".format(*c.interval) if c.interval else "-",
    "finding": lambda c: c.finding if c.enough else f"{c.finding}, too few trials",
}
_MORE: dict[str, Callable[[PhaseChange], str]] = {
    "old trials": lambda change: f"{change.trials[0]:,}",
    "new trials": lambda change: f"{change.trials[1]:,}",
}
