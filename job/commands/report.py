"""`report`: the report of a saved file, anywhere, without Ray."""

from __future__ import annotations

from typing import Any

import click

from job.commands.console import Console
from job.commands.options import FILE, FORMAT, GATES, JUNIT, PAGE, WIDE
from job.errors import UsageError


@click.command("report", params=[FORMAT, WIDE, PAGE, *GATES, JUNIT])
@click.argument("file", type=FILE)
def show_report(file: str, **options: Any) -> None:  # noqa: ANN401
    """Print the report of a saved FILE, or of a URI, again; or make a page of it."""
    from job.analysis.gates import demand
    from job.results.storage import read
    from job.results.sweep import Sweep, parse_any

    console = Console(options, saved=True)
    found = parse_any(read(file), file)
    if not isinstance(found, Sweep):
        console.print(found)
        demand(console.judged)
        return
    if console.gates or options["junit"]:
        held = console.gates[0] if console.gates else "--junit"
        message = f"{held}: {file} holds a sweep, which no gate judges"
        raise UsageError(message, "Name the results of one comparison.")
    console.print(found)
