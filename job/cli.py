"""The command line: the comparison is the default, further subcommands come first.

What a command needs is imported in its body, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from job.commands.check import check_cluster
from job.commands.compare import compare_files
from job.commands.console import say
from job.commands.fetch import fetch
from job.commands.report import show_report
from job.commands.run import run_comparison
from job.commands.sweep import run_sweep
from job.commands.workloads import list_workloads, print_schema
from job.errors import JobError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Commands(click.Group):
    """Commands of which the first, the comparison, is the default and lends its options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Send what begins with an option, or is empty, to the comparison."""
        completes = ctx.resilient_parsing and not args  # whatever the first word is to become
        begins = args[0] if args else "-"
        if not completes and begins.startswith("-") and begins not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the first word: a command, or an option of the comparison."""
        if incomplete.startswith("-"):
            return self.commands["run"].shell_complete(ctx, incomplete)
        return super().shell_complete(ctx, incomplete)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the comparison's options, and all commands."""
        self.commands["run"].format_options(ctx, formatter)
        with formatter.section("Commands"):
            lines = [(name, c.get_short_help_str(80)) for name, c in self.commands.items()]
            formatter.write_dl(lines)


@click.group(
    cls=_Commands, options_metavar="", subcommand_metavar="[COMMAND] [OPTIONS]",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    commands=[
        run_comparison, run_sweep, check_cluster, show_report, compare_files, fetch,
        list_workloads, print_schema,
    ],
)  # fmt: skip
def commands() -> None:
    r"""Would a stateful Python class be faster as Ray actors, on this cluster?

    Runs N instances of a class serially, by threads and processes of this machine, as Ray actors
    and sharded over a few actors, proves that their states agree, and prints one table. Without
    options: 4 counters, 2 increments of 1 s each.

    \b
    --target 'ledger:Ledger(start=instance)' --call 'book(7) * 50' --read total
    --workload ./ledger.yaml --trials 7 --output results.json
    sweep --over shards=1,2,4 --workload spinner
    """


def run() -> None:
    """Run the command line and exit: expected failures as sentences, each with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a tick is no reason to fail on a plain terminal
            stream.reconfigure(errors="replace")
    # A target finds nothing to read, neither here nor on the workers of an embedded Ray.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except JobError as error:
        say(f"Error: {error}")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):  # click makes the one of the other
        sys.exit(128 + signal.SIGINT)
