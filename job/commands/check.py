"""`check`: whether a cluster is fit for a comparison, without running one."""

from __future__ import annotations

from typing import Any

import click

from job.commands.console import Console
from job.commands.options import FORMAT, WORKLOAD, Command, read_request, until_signalled
from job.errors import ClusterError


@click.command("check", cls=Command, params=[*WORKLOAD, FORMAT])
def check_cluster(**options: Any) -> None:  # noqa: ANN401
    """Check whether the cluster is fit for the comparison."""
    from job.workload.importing import load_target

    workload, plan, where = read_request(options)
    console = Console(options)
    with until_signalled() as leaving:
        load_target(workload.target)
        from job.report.checks import render_check
        from job.running.comparison import check

        found = check(workload, plan, where, leaving, console)
        click.echo(render_check(found, str(workload), console.style))
        failed = [finding.check for finding in found.findings if finding.level == "failure"]
        if failed:
            checks = ", ".join(dict.fromkeys(failed))
            raise ClusterError(f"check: the cluster is not fit for this comparison: {checks}")
