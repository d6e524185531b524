"""The report as one page: self-contained, for any browser, without a network.

Everything that comes from the target or the cluster is escaped where it is put in: by jinja2 in the
page's text, by `drawing.plain` in the charts. And should something slip through, the page's own
policy lets a browser run the two scripts that were in it when it was made, and no other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING

from job.analysis.sweep import SweepReport
from job.errors import UsageError
from job.page.contents import of_comparison, of_sweep
from job.page.drawing import written
from job.results.storage import check_writable

if TYPE_CHECKING:
    from job.analysis.report import Report

NEEDED = ("jinja2", "plotly")
MOST_ROWS = 100  # of a table that somebody would read


def check_page(place: str) -> None:
    """Find out now whether a page can be made and written there; UsageError or FileError if not."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(
            f"--html {place}: what makes the page is not installed here ({', '.join(missing)})",
            f"pip install {' '.join(missing)} brings it; in a clone of the repository `make local "
            "ARGS='--html …'` does so by itself.\nOr save the results with --output FILE and "
            "make the page elsewhere, without Ray: make page RESULTS=FILE",
        )
    check_writable(place, "--html")


def page(report: Report | SweepReport) -> str:
    """Return a report as HTML; `check_page` tells if it can be made."""
    from jinja2 import Environment, StrictUndefined
    from plotly.offline import get_plotlyjs

    content = of_sweep(report) if isinstance(report, SweepReport) else of_comparison(report)
    figures = {
        chart.key: {"data": chart.traces, "layout": chart.layout | {"height": chart.height_px}}
        for chart in content.charts
    }
    library, script = get_plotlyjs(), _resource("page.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["written"] = written
    return environment.from_string(_resource("page.html.j2")).render(
        content=content,
        policy=_policy(library, script),
        style=_resource("page.css"),
        data=_for_script(figures),
        most_rows=MOST_ROWS,
        library=library,
        script=script,
    )


def _resource(name: str) -> str:
    return resources.files("job.page").joinpath(name).read_text("utf-8")


def _policy(*scripts: str) -> str:
    """Return a policy that lets in nothing from anywhere, and runs these scripts only."""
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()) for each in scripts)
    allowed = " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    )


def _for_script(value: object) -> str:
    """Return JSON that no tag, comment or entity in it can end before its time."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
