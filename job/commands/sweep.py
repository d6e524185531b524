"""`sweep`: how the comparison changes with shards, instances, threads or the cost of a call."""

from __future__ import annotations

from typing import Any

import click

from job.commands.console import Console
from job.commands.options import (
    FORMAT,
    OUTPUT,
    PAGE,
    WORKLOAD,
    Command,
    Option,
    read_request,
    until_signalled,
)

_SWEEP = [
    Option(
        ["--over"], required=True, metavar="KEY=VALUES", section="Sweep",
        help="shards=1,2,4,8, instances=…, threads=… (of a shard, and of `threads`), "
        "processes=… (of `processes`), num_gpus=1,0.5 (of an actor) or call-cost=10us,1ms (a "
        "spinner's).",
    ),
    Option(
        ["--weak"], is_flag=True, section="Sweep",
        help="With shards: --instances for each of them.",
    ),
]  # fmt: skip


@click.command("sweep", cls=Command, params=[*_SWEEP, *WORKLOAD, OUTPUT, FORMAT, PAGE])
def run_sweep(over: str, *, weak: bool, **options: Any) -> None:  # noqa: ANN401
    """Compare at several values, ends first, while --budget (60 s for all) lasts.

    One table with a bar for each speedup, the best layout, and what limits it.
    """
    from job.planning.points import check, parse_over

    varied = parse_over(over, weak=weak)
    if varied.key == "call-cost" and options["workload"] == "counter":
        options["workload"] = "spinner"
    workload, plan, where = read_request(options)
    check(workload, plan, varied)
    console = Console(options)
    with until_signalled() as leaving:
        from job.running.sweep import sweep

        sweep(workload, plan, varied, where, leaving=leaving, listener=console)
