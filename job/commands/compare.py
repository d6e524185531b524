"""`compare`: what changed between two saved runs, anywhere, without Ray."""

from __future__ import annotations

import click

from job.commands.options import FORMAT, WIDE


@click.command("compare")
@click.argument("old")
@click.argument("new")
@click.option("--force", is_flag=True, help="Compare what is not comparable, and say what differs.")
@click.option(
    "--fail-if-slower",
    "slower",
    metavar="5%",
    help="Exit with 7 if a strategy's elapsed is significantly slower, and by more than this.",
)
@FORMAT
@WIDE
def compare_files(  # noqa: PLR0913 - options
    old: str, new: str, slower: str | None, style: str, *, force: bool, wide: bool
) -> None:
    """Compare two saved runs of the same workload, files or URIs."""
    from job.analysis.changes import compare_runs
    from job.analysis.figures import figures_of
    from job.analysis.gates import demand, judge_slower, parse_slower
    from job.report.changes import render_comparison
    from job.report.table import labelled
    from job.results.storage import load

    gate = parse_slower(slower)
    before, after = load(old), load(new)
    comparison = compare_runs(figures_of(before), figures_of(after), force=force)
    click.echo(render_comparison(comparison, (old, before), (new, after), style, wide=wide))
    judged = judge_slower(gate, comparison) if gate else ()
    for each in judged:
        click.echo(labelled("Gate", str(each)))
    demand(judged)
