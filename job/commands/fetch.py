"""`fetch`: a submitted job's table, results and exit code, brought home."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from job.commands.console import Console, say
from job.commands.options import REPORT, check_named, with_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.results.document import Judged

LAST_LINES = 40  # of a log without results


@click.command("fetch")
@click.argument("submission_id")
@click.option(
    "--address",
    metavar="URL",
    help="The Jobs API, such as http://host:8265; else RAY_API_SERVER_ADDRESS counts.",
)
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Sent with it.")
@click.option(
    "--output",
    metavar="FILE",
    callback=check_named,
    help="Where to save the results, as JSON; or a URI.",
)
@with_options(REPORT)
def fetch(  # noqa: PLR0913 - options
    submission_id: str, address: str | None, headers: tuple[str, ...], output: str | None,
    style: str, *, wide: bool,
) -> None:  # fmt: skip
    """Print the report of the job SUBMISSION_ID, and exit with its driver's code.

    The job must have run with --emit-json, as `make submit` does.
    """
    from job.cluster.jobs import ENDED, choose_api, exit_code
    from job.errors import ClusterError, FileError, UsageError
    from job.results.document import parse
    from job.results.log import found, unmarked

    if not submission_id:
        raise UsageError("fetch: SUBMISSION_ID is empty", "`ray job list` lists them.")
    api = choose_api(address, headers)
    console = Console(style, wide, output=output)
    console.check()
    job = api.job(submission_id)
    if job.get("status") not in ENDED:
        message = f"job {submission_id} is {job.get('status')}: it has not ended yet"
        raise ClusterError(message, f"Follow it with: ray job logs --follow {submission_id}")
    log = api.log(submission_id)
    code = exit_code(job)
    lines = unmarked(log.splitlines())
    known = "left no exit code" if code is None else f"exited with {code}"
    ended = f"Job {submission_id} {job['status'].lower()}; its driver {known}."
    try:
        document = found(log)
    except FileError:
        click.echo("\n".join(lines[-LAST_LINES:]))
        say(ended)
        raise
    if document:
        results = parse(document, f"the log of {submission_id}")
        console.print_results(results)
        console.keep(results)
        if code:
            say(f"Error: {results.problem or _missed(console.judged) or job.get('message')}")
    else:
        click.echo("\n".join(lines[-LAST_LINES:]))
        say(f"Job {submission_id} left no results in its log: it ended before, or ran without "
            "--emit-json.")  # fmt: skip
    say(ended)
    if code is None:
        message = f"job {submission_id} {job['status'].lower()}, and Ray knows no exit code of it"
        raise ClusterError(message, str(job.get("message") or ""))
    sys.exit(code)


def _missed(judged: Sequence[Judged]) -> str:
    """Return what is said of the gates that were missed."""
    from job.analysis.gates import demand
    from job.errors import GateError

    try:
        demand(judged)
    except GateError as missed:
        return str(missed)
    return ""
