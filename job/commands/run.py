"""`run`: the comparison, which is what runs without a command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from job.commands.options import (
    GATES,
    PAGE,
    REPORT,
    WHERE,
    WORKLOAD,
    check_style,
    find_modules_in,
    named,
    say,
    show_gates,
    until_signalled,
    with_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from job.cluster.address import Way
    from job.results.document import Results
    from job.signals import Leaving
    from job.workload.model import Plan, Workload


@click.command("run")
@with_options(WORKLOAD)
@with_options(WHERE)
@click.option(
    "--output",
    metavar="FILE",
    callback=named,
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
    from job.analysis.gates import demand, judge, parse_gates
    from job.cluster.address import choose
    from job.results.storage import check_writable, save
    from job.workload.importing import load_target
    from job.workload.reading import build, read_workload

    check_style(style)
    computed, plan = build(read_workload(workload), options)
    gates = parse_gates(speedups, efficiencies, plan.strategies)
    way = choose(address, os.environ)
    if output:
        check_writable(output)
    if html:
        from job.page.page import check_page

        check_page(html)
    if way.kind == "job" and address:
        say(f"--address {address} is passed over: a submitted job runs on its own cluster")
    find_modules_in(module_path)

    def keep(results: Results) -> None:
        if output:
            save(results, output)

    def show(results: Results) -> None:
        _show_end(results, style, html, wide=wide)
        show_gates(judge(gates, results))
        if emit_json:
            _emit(results)

    with until_signalled() as leaving:
        if dry_run:
            _rehearse(computed, plan, way, leaving, style)
            return
        make = load_target(computed.target)
        from job.report.progress import watch
        from job.running.comparison import compare

        results = compare(
            computed, plan, make, way, leaving,
            keep=keep, watch=watch, note=say, show=show,
        )  # fmt: skip
    demand(judge(gates, results))


def _rehearse(computed: Workload, plan: Plan, way: Way, leaving: Leaving, style: str) -> None:
    from job.report.table import render_rehearsal
    from job.running.comparison import rehearse

    rehearsal = rehearse(computed, plan, way, leaving, say)
    click.echo(render_rehearsal(rehearsal, str(computed), style))


def _show_end(results: Results, style: str, html: str | None, *, wide: bool) -> None:
    """Show what there is; of a comparison that failed at once the error says all."""
    from job.analysis.report import analyse
    from job.page.page import page
    from job.report.table import render
    from job.results.storage import write

    if results.trials or results.status == "interrupted":
        click.echo(render(analyse(results), style, wide=wide))
        if html:
            write(page(results), html)


def _emit(results: Results) -> None:
    from job.results.log import marked

    click.echo("\n".join(marked(results.as_line())))
    sys.stdout.flush()
