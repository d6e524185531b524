"""`run`: the comparison, which is what runs without a command."""

from __future__ import annotations

from typing import Any

import click

from job import __version__
from job.commands.console import Console
from job.commands.options import (
    FORMAT,
    GATES,
    JUNIT,
    OUTPUT,
    PAGE,
    WIDE,
    WORKLOAD,
    Command,
    Option,
    read_request,
    until_signalled,
)

_DRY_RUN = Option(
    ["--dry-run"], is_flag=True, section="Measuring",
    help="Show what would be done on this cluster, and do nothing.",
)  # fmt: skip
_EMIT_JSON = Option(
    ["--emit-json"], is_flag=True, section="Report",
    help="Put it into the log as well, from where `fetch` brings it.",
)  # fmt: skip


@click.command(
    "run", cls=Command,
    params=[*WORKLOAD, _DRY_RUN, OUTPUT, _EMIT_JSON, FORMAT, WIDE, PAGE, *GATES, JUNIT],
)  # fmt: skip
@click.version_option(__version__, prog_name="ray-actor-comparison", message="%(prog)s %(version)s")
def run_comparison(*, dry_run: bool, **options: Any) -> None:  # noqa: ANN401
    """Run the comparison (the default command)."""
    from job.analysis.gates import demand

    workload, plan, where = read_request(options)
    console = Console(options, plan.strategies)
    with until_signalled() as leaving:
        if dry_run:
            from job.report.table import render_rehearsal
            from job.running.comparison import rehearse

            rehearsal = rehearse(workload, plan, where, leaving, console)
            click.echo(render_rehearsal(rehearsal, str(workload), console.style))
            return
        from job.running.preparation import prepare

        subject = prepare(workload, plan, None, console)
        from job.running.comparison import run  # takes a second: what is wrong is told before it

        run(subject, where, leaving=leaving, listener=console)
    demand(console.judged)
