"""Options that several commands share, and how every command that runs something ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from job.commands.console import say
from job.errors import UsageError
from job.signals import Leaving
from job.workload.keys import KEYS, flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from job.results.document import Judged
    from job.workload.model import Plan, Workload

    Command = Callable[..., None]


def check_named(_: click.Context, option: click.Parameter, place: str | None) -> str | None:
    """Refuse a place without a name, such as a variable of a shell that is not set.

    Raises:
        UsageError: It is empty.
    """
    if place == "":
        message = f"{option.opts[0]}: it names no file"
        raise UsageError(message, "It takes a path, or a URI such as s3://bucket/key.")
    return place


def _key(key: str, metavar: str, *, multiple: bool = False) -> Callable[[Command], Command]:
    """Return the option that overrides a key of the workload."""
    text = KEYS["call" if multiple else key]
    told = f"{text[0].upper()}{text[1:]}{'; may be repeated, in order' if multiple else ''}."
    return click.option(flag(key), key, metavar=metavar, multiple=multiple, help=told)


WORKLOAD: list[Callable[[Command], Command]] = [
    click.option(
        "--workload",
        default="counter",
        metavar="NAME|PATH",
        help="A bundled workload (`workloads` lists them) or a file; options override its keys.",
    ),
    _key("target", "MODULE:CLASS"),
    _key("calls", "CALL", multiple=True),
    _key("read", "NAME"),
    _key("agree", "HOW"),
    _key("instances", "N"),
    _key("strategies", "NAMES"),
    _key("trials", "N"),
    _key("warmups", "N"),
    _key("serial", "HOW"),
    _key("budget_s", "S"),
    _key("shards", "N"),
    _key("calls_per_batch", "N"),
    _key("threads_per_shard", "N"),
    _key("cpus_per_actor", "X"),
    _key("startup_timeout_s", "S"),
    _key("timeout_s", "S"),
    _key("wait_for_cpus", "N"),
    _key("scale_timeout_s", "S"),
    _key("snapshot_every", "N"),
    _key("chaos", "WHAT"),
]


def check_style(_: click.Context, __: click.Parameter, style: str) -> str:
    """Refuse a format that tabulate does not have.

    Raises:
        UsageError: It has others.
    """
    from tabulate import tabulate_formats

    if style not in tabulate_formats:
        message = f"--format {style}: no such format"
        raise UsageError(message, f"tabulate has: {', '.join(sorted(tabulate_formats))}.")
    return style


FORMAT = [
    click.option(
        "--format",
        "style",
        default="simple",
        metavar="NAME",
        callback=check_style,
        help="One of tabulate's formats: simple, github, ...",
    ),
]

REPORT = [
    *FORMAT,
    click.option("--wide", is_flag=True, help="Show every column."),
]

PAGE = [
    click.option(
        "--html",
        metavar="FILE",
        callback=check_named,
        help="Where to write the report as one page with charts, for any browser; or a URI.",
    ),
]

GATES = [
    click.option(
        "--require-speedup",
        "speedups",
        multiple=True,
        metavar="[STRATEGY:]X",
        help="Exit with 7 unless elapsed is X times as fast as serial; of the best, or of one.",
    ),
    click.option(
        "--require-efficiency",
        "efficiencies",
        multiple=True,
        metavar="[STRATEGY:]X",
        help="Exit with 7 unless the work reaches so much of its ideal, such as 80%.",
    ),
]

WHERE = [
    click.option(
        "--address",
        metavar="WHERE",
        help="local, auto or HOST:PORT; else RAY_ADDRESS counts, else local.",
    ),
    click.option(
        "--module-path",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER",
        help="Where the target's module lies, besides this folder and what is installed.",
    ),
]


def with_options(
    options: Sequence[Callable[[Command], Command]],
) -> Callable[[Command], Command]:
    """Give a command all of these options, in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def show_gates(judged: Iterable[Judged]) -> None:
    """Print which gates were met: they belong to the report."""
    from job.report.table import labelled

    for each in judged:
        click.echo(labelled("Gate", str(each)))


def read_request(
    name: str, address: str | None, module_path: Path | None, options: Mapping[str, object]
) -> tuple[Workload, Plan, str]:
    """Return the workload and the plan that options ask for, and where Ray is.

    Raises:
        UsageError: What is wrong with them, all at once.
    """
    from job.cluster.address import choose
    from job.workload.reading import build, read_workload

    workload, plan = build(read_workload(name), options)
    where = choose(address, os.environ)
    if where == "job" and address:
        say(f"--address {address} is passed over: a submitted job runs on its own cluster")
    if module_path:
        sys.path.insert(1, str(module_path.resolve()))
    return workload, plan, where


@contextlib.contextmanager
def until_signalled() -> Iterator[Leaving]:
    """Let a signal end what runs within, with what was measured shown, and its exit code."""
    with Leaving().watching() as leaving:
        try:
            yield leaving
        except KeyboardInterrupt:
            word = signal.Signals(leaving.signum).name if leaving.signum else "an interrupt"
            say(f"Ended by {word}; what was measured until then, if anything, stands above.")
            sys.stdout.flush()
            os._exit(leaving.exit_code)  # Ray's own way out takes longer than a signal allows
