"""What `check` found, as text: the nodes, and how each check ended."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from job.analysis.report import describe
from job.report.table import WIDTH, labelled, table
from job.words import figure

if TYPE_CHECKING:
    from job.analysis.checks import Check

_CHECK = 12  # columns
_LEVEL = 10


def render_check(check: Check, workload: str, style: str = "simple") -> str:
    """Return what was found as text of at most 100 columns, but for long names."""
    cluster = check.cluster
    driver = {
        "node": "driver", "CPUs": "", "free": "", "memory GB": "", "GPUs": "",
        "round trip ms": "", "actor start s": "", "core ms": _ms(check.driver.core_s),
    }  # fmt: skip
    rows = [driver]
    for node, answer in zip(cluster.nodes, check.nodes, strict=True):
        gpus = node.resources.get("GPU", 0)
        rows.append(
            {
                "node": node.name + (", head" if node.head else ""),
                "CPUs": f"{node.cpus:g}",
                "free": f"{node.cpus_free:g}",
                "memory GB": f"{node.memory_bytes / 1e9:,.0f}",
                "GPUs": f"{gpus:g}" if gpus else "",
                "round trip ms": _ms(answer.round_trip_s),
                "actor start s": "-" if answer.start_s is None else figure(answer.start_s),
                "core ms": _ms(answer.core_s),
            }
        )
    if not any(row["GPUs"] for row in rows):
        rows = [{key: value for key, value in row.items() if key != "GPUs"} for row in rows]
    lines = [labelled("Cluster", describe(cluster)), labelled("Workload", workload)]
    lines += ["", table(rows, style), ""]
    for finding in check.findings:
        lead = f"{finding.check:<{_CHECK}}{finding.level:<{_LEVEL}}"
        lines += _hanging(lead, finding.text)
        if finding.advice:
            lines += _hanging(" " * len(lead), finding.advice)
    return "\n".join(lines)


def _hanging(lead: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else figure(1000 * seconds)
