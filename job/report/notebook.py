"""The report as a notebook shows it."""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from job.analysis import Report, analyse
from job.report.table import render

if TYPE_CHECKING:
    from job.results import Results


@dataclass(frozen=True, repr=False)
class Shown(Report):
    """A report that shows itself, and the results it was made from."""

    results: Results

    def __repr__(self) -> str:
        """Return what the command line prints."""
        return render(self)

    def _repr_html_(self) -> str:
        """Return the same for a notebook; everything from the target or the cluster is escaped."""
        return f"<pre>{html.escape(render(self))}</pre>"


def shown(results: Results) -> Shown:
    """Return the report of a results document, ready to be shown."""
    report = analyse(results)
    parts = {field.name: getattr(report, field.name) for field in fields(Report)}
    return Shown(**parts, results=results)
