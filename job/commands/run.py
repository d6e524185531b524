"""`run`: the comparison, which is what runs without a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from job.commands.console import Console
from job.commands.options import (
    GATES,
    PAGE,
    REPORT,
    WHERE,
    WORKLOAD,
    check_named,
    read_request,
    until_signalled,
    with_options,
)

if TYPE_CHECKING:
    from pathlib import Path


@click.command("run")
@with_options(WORKLOAD)
@with_options(WHERE)
@click.option(
    "--output",
    metavar="FILE",
    callback=check_named,
    help="Where to save all that is measured, as JSON; or a URI, such as s3://bucket/key.",
)
@click.option(
    "--emit-json", is_flag=True, help="Put it into the log as well, from where `fetch` brings it."
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would be done on this cluster, and do nothing."
)
@with_options(REPORT)
@with_options(PAGE)
@with_options(GATES)
def run_comparison(  # noqa: PLR0913 - options that several commands do not share
    workload: str, address: str | None, output: str | None, module_path: Path | None, style: str,
    *, html: str | None, speedups: tuple[str, ...], efficiencies: tuple[str, ...],
    emit_json: bool, dry_run: bool, wide: bool, **options: object,
) -> None:  # fmt: skip
    """Run the comparison (the default command)."""
    from job.analysis.gates import demand, parse_gates

    computed, plan, where = read_request(workload, address, module_path, options)
    gates = parse_gates(speedups, efficiencies, plan.strategies)
    console = Console(style, wide, html, output, emit_json, gates)
    console.check()
    with until_signalled() as leaving:
        if dry_run:
            from job.report.table import render_rehearsal
            from job.running.comparison import rehearse

            rehearsal = rehearse(computed, plan, where, leaving, console)
            click.echo(render_rehearsal(rehearsal, str(computed), style))
            return
        from job.running.comparison import run

        run(computed, plan, None, where, leaving=leaving, listener=console)
    demand(console.judged)
