"""`workloads` and `schema`: what there is to run, and how one's own is written."""

from __future__ import annotations

import click


@click.command("workloads")
def list_workloads() -> None:
    """List the bundled workloads."""
    from job.workload.reading import list_bundled

    listed = click.HelpFormatter(width=100)
    listed.write_dl(list(list_bundled().items()))
    click.echo(listed.getvalue(), nl=False)


@click.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of workload files, for editors."""
    import json

    from job.workload.reading import schema

    click.echo(json.dumps(schema(), indent=2))
