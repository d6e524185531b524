"""`report`: the report of a saved file, anywhere, without Ray."""

from __future__ import annotations

import click

from job.commands.console import Console
from job.commands.options import GATES, PAGE, REPORT, with_options


@click.command("report")
@click.argument("file")
@with_options(REPORT)
@with_options(PAGE)
@with_options(GATES)
def show_report(  # noqa: PLR0913 - options
    file: str, style: str, html: str | None,
    *, speedups: tuple[str, ...], efficiencies: tuple[str, ...], wide: bool,
) -> None:  # fmt: skip
    """Print the report of a saved FILE, or of a URI, again; or make a page of it."""
    from job.analysis.gates import demand, parse_gates
    from job.errors import UsageError
    from job.results.storage import read
    from job.results.sweep import Sweep, parse_any

    console = Console(style, wide, html, gates=parse_gates(speedups, efficiencies))
    console.check()
    found = parse_any(read(file), file)
    if not isinstance(found, Sweep):
        console.print_results(found)
        if console.gates:
            demand(console.judged)
        return
    if console.gates:
        message = f"{console.gates[0]}: {file} holds a sweep, which no gate judges"
        raise UsageError(message, "Name the results of one comparison.")
    console.print_sweep(found)
