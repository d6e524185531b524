"""`sweep`: how the comparison changes with shards, instances, threads or the cost of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from job.commands.console import Console
from job.commands.options import (
    FORMAT,
    PAGE,
    WHERE,
    WORKLOAD,
    check_named,
    read_request,
    until_signalled,
    with_options,
)

if TYPE_CHECKING:
    from pathlib import Path


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
    callback=check_named,
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
    from job.planning.points import check, parse_over

    varied = parse_over(over, weak=weak)
    if varied.key == "call-cost" and workload == "counter":
        workload = "spinner"
    computed, plan, where = read_request(workload, address, module_path, options)
    check(computed, plan, varied)
    console = Console(style, html=html, output=output)
    console.check()
    with until_signalled() as leaving:
        from job.running.sweep import sweep

        sweep(computed, plan, varied, where, leaving=leaving, listener=console)
