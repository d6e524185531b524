"""`report`: the report of a saved file, anywhere, without Ray."""

from __future__ import annotations

import click

from job.commands.options import GATES, PAGE, REPORT, check_style, with_options


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
    from job.analysis.report import analyse
    from job.analysis.sweep import analyse_sweep
    from job.errors import UsageError
    from job.page.page import check_page, page
    from job.report.sweep import render_sweep
    from job.report.table import render
    from job.results.storage import read, write
    from job.results.sweep import Sweep, parse_any

    check_style(style)
    gates = parse_gates(speedups, efficiencies)
    if html:
        check_page(html)
    found = parse_any(read(file), file)
    if isinstance(found, Sweep):
        if gates:
            message = f"{gates[0]}: {file} holds a sweep, which no gate judges"
            raise UsageError(message, "Name the results of one comparison.")
        swept = analyse_sweep(found)
        click.echo(render_sweep(swept, style))
        if html:
            write(page(swept), html)
        return
    report = analyse(found, gates)
    click.echo(render(report, style, wide=wide))
    if html:
        write(page(report), html)
    if gates:
        demand(report.gates)
