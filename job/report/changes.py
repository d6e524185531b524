"""What changed from one run to another, or to several, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.analysis.report import ran_on
from job.analysis.stats import LEAST_FOR_RATIO
from job.report.table import labelled, table
from job.words import figure, percent, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.analysis.changes import Comparison, PhaseChange
    from job.results.document import Results


def render_comparisons(
    old: tuple[str, Results], new: Sequence[tuple[str, Results, Comparison]],
    style: str = "simple", *, wide: bool = False,
) -> str:  # fmt: skip
    """Return what changed as text of at most 100 columns, but for `wide` tables and long names.

    Of several runs the table holds elapsed alone, unless it is wide.

    Args:
        old: Where the first run is kept, and what it measured.
        new: Likewise each that was compared with it, and the comparison.
        style: One of tabulate's formats.
        wide: Whether to show every column, and of several runs every phase.
    """
    comparisons = [comparison for _, _, comparison in new]
    several = len(new) > 1
    head = [_run("Old", *old)]
    head += [_run("New", place, results) for place, results, _ in new]
    head += [labelled("Differs", _said(c, text)) for c in comparisons for text in c.differs]
    head += [labelled("Note", _said(c, text)) for c in comparisons for text in c.notes]
    columns = _COLUMNS | (_OF_SEVERAL if several else {}) | (_MORE if wide else {})
    if several and not wide:
        del columns["phase"]
    rows = [
        {
            "strategy": change.strategy,
            **({"file": comparison.file} if several else {}),
            **{title: show(change) for title, show in columns.items()},
        }
        for comparison, change in _in_turn(comparisons)
        if "phase" in columns or change.phase == "elapsed"
    ]
    ends = [labelled("Verdict", _said(each, verdict(each))) for each in comparisons]
    return "\n\n".join(["\n".join(head), table(rows, style), "\n".join(ends)])


def _run(label: str, place: str, results: Results) -> str:
    return labelled(label, f"{place}, begun {results.environment.started_at}; {ran_on(results)}")


def _said(comparison: Comparison, text: str) -> str:
    return f"{comparison.file}: {text}" if comparison.file else text


def _in_turn(comparisons: Sequence[Comparison]) -> Iterator[tuple[Comparison, PhaseChange]]:
    """Yield all changes, those of one strategy and phase side by side."""
    found = [(each, change) for each in comparisons for change in each.changes]
    order = list(dict.fromkeys((change.strategy, change.phase) for _, change in found))
    yield from sorted(found, key=lambda pair: order.index((pair[1].strategy, pair[1].phase)))


def verdict(comparison: Comparison) -> str:
    """Return in a sentence or two what changed."""
    said = []
    for name in dict.fromkeys(each.strategy for each in comparison.changes):
        changed = {
            each.phase: f"{percent(abs(each.relative or 0.0))} {each.finding}"
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
    return f"{'~' if change.estimated else ''}{figure(seconds)}"


_COLUMNS: dict[str, Callable[[PhaseChange], str]] = {
    "phase": lambda change: change.phase,
    "old s": lambda change: _seconds(change, change.old_s),
    "new s": lambda change: _seconds(change, change.new_s),
    "change": lambda change: "-" if change.relative is None else signed(change.relative),
    "interval": lambda c: " to ".join(map(signed, c.interval)) if c.interval else "-",
    "finding": lambda c: c.finding if c.enough else f"{c.finding}, too few trials",
}
_OF_SEVERAL: dict[str, Callable[[PhaseChange], str]] = {  # their names take the room
    "finding": lambda c: c.finding if c.enough else "too few trials",
}
_MORE: dict[str, Callable[[PhaseChange], str]] = {
    "old trials": lambda change: f"{change.trials[0]:,}",
    "new trials": lambda change: f"{change.trials[1]:,}",
}
