"""`compare`: what changed from one saved run to others, anywhere, without Ray."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import click

from job.commands.console import Console
from job.commands.options import FILE, FORMAT, JUNIT, WIDE


@click.command("compare", params=[FORMAT, WIDE, JUNIT])
@click.argument("old", type=FILE)
@click.argument("new", type=FILE, nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Compare what is not comparable, and say what differs.")
@click.option(
    "--fail-if-slower",
    "slower",
    metavar="5%",
    help="Exit with 7 if a strategy's elapsed is significantly slower, and by more (1% up).",
)
def compare_files(
    old: str, new: tuple[str, ...], *, force: bool, **options: Any  # noqa: ANN401
) -> None:  # fmt: skip
    """Compare saved runs of the same workload, files or URIs, each with the first."""
    from job.analysis.changes import compare_runs
    from job.analysis.figures import figures_of
    from job.analysis.gates import demand, judge_slower
    from job.report.changes import render_comparisons
    from job.report.table import labelled
    from job.results.storage import load

    console = Console(options)
    before = load(old)
    files = [PurePath(place).name for place in new]
    files = files if len(set(files)) == len(new) else list(new)
    compared = []
    for place, file in zip(new, files if len(new) > 1 else [""], strict=True):
        after = load(place)
        comparison = compare_runs(figures_of(before), figures_of(after), force=force, file=file)
        compared.append((place, after, comparison))
    click.echo(render_comparisons((old, before), compared, console.style, wide=console.wide))
    if console.gates:
        (gate,) = console.gates
        console.take(tuple(each for _, _, c in compared for each in judge_slower(gate, c)))
    for each in console.judged:
        click.echo(labelled("Gate", str(each)))
    demand(console.judged)
