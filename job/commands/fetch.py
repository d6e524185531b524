"""`fetch`: a submitted job's table, results and exit code, brought home."""

from __future__ import annotations

import sys
from typing import Any

import click

from job.commands.console import Console, say
from job.commands.options import FORMAT, OUTPUT, WIDE
from job.errors import ClusterError, FileError, UsageError

LAST_LINES = 40  # of a log without results


@click.command("fetch", params=[OUTPUT, FORMAT, WIDE])
@click.argument("submission_id")
@click.option(
    "--address",
    metavar="URL",
    help="The Jobs API, such as http://host:8265; else RAY_API_SERVER_ADDRESS counts.",
)
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Sent with it.")
def fetch(
    submission_id: str, address: str | None, headers: tuple[str, ...], **options: Any  # noqa: ANN401
) -> None:  # fmt: skip
    """Print the report of the job SUBMISSION_ID, and exit with its driver's code.

    The job must have run with --emit-json, as `make submit` does.
    """
    from job.cluster.jobs import ENDED, choose_api, exit_code
    from job.results.document import parse
    from job.results.log import found, said_after, unmarked

    if not submission_id:
        raise UsageError("fetch: SUBMISSION_ID is empty", "`ray job list` lists them.")
    api, console = choose_api(address, headers), Console(options)
    job = api.job(submission_id)
    status = job.get("status")
    if status not in ENDED:
        message = f"job {submission_id} is {status}: it has not ended yet"
        raise ClusterError(message, f"Follow it with: ray job logs --follow {submission_id}")
    log, code, reason = api.log(submission_id), exit_code(job), str(job.get("message") or "")
    known = "left no exit code" if code is None else f"exited with {code}"
    say(f"Job {submission_id} {status.lower()}; its driver {known}.")
    end = "\n".join(unmarked(log.splitlines())[-LAST_LINES:])
    try:
        document = found(log)
    except FileError:
        click.echo(end)
        raise
    if document:
        results = parse(document, f"the log of {submission_id}")
        console.print(results)
        console.keep(results)
        if code:
            say("\n".join(said_after(log)) or reason)
    else:
        click.echo(end)
        say("It left no results in its log: it ended before, or ran without --emit-json.")
    if code is None:
        raise ClusterError(f"job {submission_id}: Ray knows no exit code of it", reason)
    sys.exit(code)
