"""`sweep`: how the comparison changes with shards, instances, threads or the cost of a call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from job.commands.options import (
    FORMAT,
    PAGE,
    WHERE,
    WORKLOAD,
    check_style,
    find_modules_in,
    named,
    say,
    until_signalled,
    with_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from job.results.sweep import Sweep


@click.command("sweep")
@click.option(
    "--over",
    required=True,
    metavar="KEY=VALUES",
    help="shards=1,2,4,8, instances=…, threads=… (of a shard) or call-cost=10us,1ms (a spinner's).",
)
@click.option("--weak", is_flag=True, help="With shards: --instances for each of them.")
@with_options(WORKLOAD)
@with_options(WHERE)
@click.option(
    "--output",
    metavar="FILE",
    callback=named,
    help="Where to save the sweep after each point, as JSON; or a URI.",
)
@with_options(FORMAT)
@with_options(PAGE)
def run_sweep(  # noqa: PLR0913 - options that several commands do not share
    over: str, workload: str, address: str | None, output: str | None,
    *, module_path: Path | None, style: str, html: str | None, weak: bool, **options: object,
) -> None:  # fmt: skip
    """Compare at several values, ends first, while --budget (60 s for all) lasts.

    One table with a bar for each speedup, the best layout, and what limits it.
    """
    from job.cluster.address import choose
    from job.planning.points import check, parse_over
    from job.results.storage import check_writable, write
    from job.workload.importing import load_target
    from job.workload.reading import build, read_workload

    check_style(style)
    varied = parse_over(over, weak=weak)
    if varied.key == "call-cost" and workload == "counter":
        workload = "spinner"
    computed, plan = build(read_workload(workload), options)
    check(computed, plan, varied)
    way = choose(address, os.environ)
    if output:
        check_writable(output)
    if html:
        from job.page.page import check_page

        check_page(html)
    find_modules_in(module_path)

    def keep(measured: Sweep) -> None:
        if output:
            write(f"{measured.model_dump_json(indent=1)}\n", output)

    def show(measured: Sweep) -> None:
        from job.report.sweep import render_sweep

        if measured.points or measured.status == "interrupted":
            click.echo(render_sweep(measured, style))
            if html:
                from job.page.page import page

                write(page(measured), html)

    with until_signalled() as leaving:
        make = load_target(computed.target)
        from job.report.progress import watch
        from job.running.sweep import sweep

        sweep(
            computed, plan, varied, make, way,
            leaving=leaving, keep=keep, watch=watch, show=show, note=say,
        )  # fmt: skip
