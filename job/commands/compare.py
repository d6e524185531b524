"""`compare`: what changed between two saved runs, anywhere, without Ray."""

from __future__ import annotations

from typing import Any

import click

from job.commands.console import Console
from job.commands.options import FILE, FORMAT, WIDE


@click.command("compare", params=[FORMAT, WIDE])
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--force", is_flag=True, help="Compare what is not comparable, and say what differs.")
@click.option(
    "--fail-if-slower",
    "slower",
    metavar="5%",
    help="Exit with 7 if a strategy's elapsed is significantly slower, and by more (1% up).",
)
def compare_files(old: str, new: str, slower: str | None, *, force: bool, **options: Any) -> None:  # noqa: ANN401
    """Compare two saved runs of the same workload, files or URIs."""
    from job.analysis.changes import compare_runs
    from job.analysis.figures import figures_of
    from job.analysis.gates import demand, judge_slower, parse_slower
    from job.report.changes import render_comparison
    from job.report.table import labelled
    from job.results.storage import load

    gate, console = parse_slower(slower), Console(options)
    before, after = load(old), load(new)
    comparison = compare_runs(figures_of(before), figures_of(after), force=force)
    sides = ((old, before), (new, after))
    click.echo(render_comparison(comparison, *sides, console.style, wide=console.wide))
    judged = judge_slower(gate, comparison) if gate else ()
    for each in judged:
        click.echo(labelled("Gate", str(each)))
    demand(judged)
