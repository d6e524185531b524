"""`fetch`: a submitted job's table, results and exit code, brought home."""

from __future__ import annotations

import sys

import click

from job.commands.console import Console, say
from job.commands.options import REPORT, check_named, with_options

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
    from job.errors import ClusterError, UsageError

    if not submission_id:
        raise UsageError("fetch: SUBMISSION_ID is empty", "`ray job list` lists them.")
    api = choose_api(address, headers)
    console = Console(style, wide, output=output)
    console.check()
    job = api.job(submission_id)
    if job.get("status") not in ENDED:
        message = f"job {submission_id} is {job.get('status')}: it has not ended yet"
        raise ClusterError(message, f"Follow it with: ray job logs --follow {submission_id}")
    log, code, reason = api.log(submission_id), exit_code(job), str(job.get("message") or "")
    status = job["status"].lower()
    try:
        after = _show(log, submission_id, console)
        if code and after is not None:
            say("\n".join(after) or reason)
    finally:
        known = "left no exit code" if code is None else f"exited with {code}"
        say(f"Job {submission_id} {status}; its driver {known}.")
    if code is None:
        raise ClusterError(
            f"job {submission_id} {status}, and Ray knows no exit code of it", reason
        )
    sys.exit(code)


def _show(log: str, submission_id: str, console: Console) -> list[str] | None:
    """Show and save the results in a job's log; else its end.

    Returns:
        What the driver said after the results; None where there are none.
    """
    from job.errors import FileError
    from job.results.document import parse
    from job.results.log import found, said_after, unmarked

    end = "\n".join(unmarked(log.splitlines())[-LAST_LINES:])
    try:
        document = found(log)
    except FileError:
        click.echo(end)
        raise
    if not document:
        click.echo(end)
        say(f"Job {submission_id} left no results in its log: it ended before, or ran without "
            "--emit-json.")  # fmt: skip
        return None
    results = parse(document, f"the log of {submission_id}")
    console.print_results(results)
    console.keep(results)
    return said_after(log)
