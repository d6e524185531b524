"""The command line: the comparison is the default, further subcommands come first.

What a command needs is imported in its body, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from job.errors import JobError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.leaving import Leaving
    from job.ray_address import Way
    from job.results import Results
    from job.workload import Plan, Workload

    Command = Callable[..., None]


class _Commands(click.Group):
    """Commands of which the first, the comparison, is the default and lends its options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Send everything that does not begin with a command to the comparison."""
        if not args or args[0] not in [*self.commands, "--help", "-h"]:
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show that a command may be left out."""
        formatter.write_usage(ctx.command_path, "[COMMAND] [OPTIONS]")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the comparison's options, and all commands."""
        self.commands["run"].format_options(ctx, formatter)
        with formatter.section("Commands"):
            lines = [(name, c.get_short_help_str(80)) for name, c in self.commands.items()]
            formatter.write_dl(lines)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def commands() -> None:
    """Would a stateful Python class be faster as Ray actors, on this cluster?

    Runs N instances of a class serially, as Ray actors and sharded over a few actors, proves that
    their states agree, and prints one table. Without options: 4 counters, 2 increments of 1 s each.
    """


_WORKLOAD = [
    click.option(
        "--workload",
        default="counter",
        metavar="NAME|PATH",
        help="A bundled workload (`workloads` lists them) or a file; options override its keys.",
    ),
    click.option(
        "--target",
        metavar="MODULE:CLASS",
        help="Such as 'ledger:Ledger(start=instance)'; `instance` is the instance's number.",
    ),
    click.option(
        "--call",
        "calls",
        multiple=True,
        metavar="CALL",
        help="Such as 'book(7) * 50'; may be repeated, in order.",
    ),
    click.option(
        "--read", metavar="NAME", help="The method or attribute that tells an instance's state."
    ),
    click.option(
        "--agree",
        metavar="HOW",
        help="When states count as equal: exact, or a relative tolerance of floats such as 1e-9.",
    ),
    click.option("--instances", metavar="N", help="How many instances, 1 to 10,000,000."),
    click.option("--strategies", metavar="NAMES", help="Which, in turn: serial,actors,sharded."),
    click.option("--trials", metavar="N", help="How many trials of each, or auto; 1."),
    click.option("--warmups", metavar="N", help="How many uncounted trials before them; 0."),
    click.option(
        "--serial",
        metavar="HOW",
        help="full, sample (some instances, then estimated) or auto: by what it would take.",
    ),
    click.option(
        "--budget",
        "budget_s",
        metavar="S",
        help="What the serial loop may take before it is sampled, and --trials auto; 60 s.",
    ),
    click.option("--shards", metavar="N", help="How many actors `sharded` has; auto: one a CPU."),
    click.option(
        "--calls-per-batch", metavar="N", help="Calls in one remote call; auto: a second's worth."
    ),
    click.option(
        "--threads-per-shard",
        metavar="N",
        help="Instances of a shard that are called at once; auto: by how much the calls wait.",
    ),
    click.option(
        "--cpus-per-actor",
        metavar="X",
        help="The num_cpus of each actor; auto lets all share the CPUs evenly.",
    ),
    click.option(
        "--startup-timeout",
        "startup_timeout_s",
        metavar="S",
        help="How long the actors may take to be ready; 300 s.",
    ),
    click.option(
        "--timeout",
        "timeout_s",
        metavar="S",
        help="How long a trial's work may take, and its read; 3600 s.",
    ),
]

_REPORT = [
    click.option(
        "--format",
        "style",
        default="simple",
        metavar="NAME",
        help="One of tabulate's formats: simple, github, ...",
    ),
    click.option("--wide", is_flag=True, help="Show every column."),
]


def _with(options: Sequence[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@commands.command("run")
@_with(_WORKLOAD)
@click.option(
    "--address",
    metavar="WHERE",
    help="local, auto or HOST:PORT; else RAY_ADDRESS counts, else local.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to save all that is measured, as JSON.",
)
@click.option(
    "--module-path",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Where the target's module lies, besides this folder and what is installed.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would be done on this cluster, and do nothing."
)
@_with(_REPORT)
def run_comparison(  # noqa: PLR0913 - options that several commands do not share
    workload: str, address: str | None, output: Path | None, module_path: Path | None, style: str,
    *, dry_run: bool, wide: bool, **options: object,
) -> None:  # fmt: skip
    """Run the comparison (the default command)."""
    from job.leaving import Leaving
    from job.ray_address import choose
    from job.results import check_writable, save
    from job.workload import build, load_target
    from job.workload_files import read_workload

    _check(style)
    computed, plan = build(read_workload(workload), options)
    way = choose(address, os.environ)
    if output:
        check_writable(output)
    if way.kind == "job" and address:
        _say(f"--address {address} is passed over: a submitted job runs on its own cluster")

    if module_path:
        sys.path.insert(1, str(module_path.resolve()))

    def keep(results: Results) -> None:
        if output:
            save(results, output)

    with Leaving().watching() as leaving:
        try:
            if dry_run:
                _rehearse(computed, plan, way, leaving, style)
                return
            make = load_target(computed.target)
            from job.comparison import compare
            from job.report.progress import watch

            compare(
                computed, plan, make, way, leaving,
                keep=keep, watch=watch, note=_say, show=lambda r: _show_end(r, style, wide=wide),
            )  # fmt: skip
        except KeyboardInterrupt:
            word = signal.Signals(leaving.signum).name if leaving.signum else "an interrupt"
            _say(f"Ended by {word}; what was measured until then, if anything, stands above.")
            sys.stdout.flush()
            os._exit(leaving.exit_code)  # Ray's own way out takes longer than a signal allows


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@_with(_REPORT)
def report(file: Path, style: str, *, wide: bool) -> None:
    """Print the report of a saved FILE again."""
    from job.results import load

    _check(style)
    _show(load(file), style, wide=wide)


@commands.command()
def workloads() -> None:
    """List the bundled workloads."""
    from job.workload_files import bundled

    listed = click.HelpFormatter(width=100)
    listed.write_dl(list(bundled().items()))
    click.echo(listed.getvalue(), nl=False)


@commands.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of workload files, for editors."""
    import json

    from job.workload_files import schema

    click.echo(json.dumps(schema(), indent=2))


def _rehearse(computed: Workload, plan: Plan, way: Way, leaving: Leaving, style: str) -> None:
    from job.comparison import rehearse
    from job.report.table import render_rehearsal

    rehearsal = rehearse(computed, plan, way, leaving, _say)
    click.echo(render_rehearsal(rehearsal, str(computed), style))


def _check(style: str) -> None:
    from job.report.table import FORMATS

    if style not in FORMATS:
        message = f"--format {style}: no such format"
        raise UsageError(message, f"tabulate has: {', '.join(sorted(FORMATS))}.")


def _show_end(results: Results, style: str, *, wide: bool) -> None:
    """Show what there is; of a comparison that failed at once the error says all."""
    if results.trials or results.status == "interrupted":
        _show(results, style, wide=wide)


def _show(results: Results, style: str, *, wide: bool) -> None:
    from job.analysis import analyse
    from job.report.table import render

    click.echo(render(analyse(results), style, wide=wide))


def _say(text: str) -> None:
    click.echo(text, err=True)


def run() -> None:
    """Run the command line and exit: expected failures as sentences, each with its code."""
    try:
        commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except JobError as error:
        _say(f"Error: {error}")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):  # click makes the one of the other
        sys.exit(128 + signal.SIGINT)
