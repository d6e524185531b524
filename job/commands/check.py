"""`check`: whether a cluster is fit for a comparison, without running one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from job.commands.console import Console
from job.commands.options import (
    FORMAT,
    WHERE,
    WORKLOAD,
    read_request,
    until_signalled,
    with_options,
)

if TYPE_CHECKING:
    from pathlib import Path


@click.command("check")
@with_options(WORKLOAD)
@with_options(WHERE)
@with_options(FORMAT)
def check_cluster(
    workload: str, address: str | None, module_path: Path | None, style: str, **options: object
) -> None:
    """Check whether the cluster is fit for the comparison."""
    from job.workload.importing import load_target

    computed, plan, where = read_request(workload, address, module_path, options)
    with until_signalled() as leaving:
        load_target(computed.target)
        from job.errors import ClusterError
        from job.report.checks import render_check
        from job.running.comparison import check

        found = check(computed, plan, where, leaving, Console(style))
        click.echo(render_check(found, str(computed), style))
        failed = [finding.check for finding in found.findings if finding.level == "failure"]
        if failed:
            checks = ", ".join(dict.fromkeys(failed))
            raise ClusterError(f"check: the cluster is not fit for this comparison: {checks}")
