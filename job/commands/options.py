"""Options that several commands share, and how every command that runs something ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from job.commands.console import say
from job.signals import Leaving, end_process
from job.words import capitalise
from job.workload.keys import KEYS, OPTIONS, flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from job.workload.model import Plan, Workload

_SHOWN = {  # what stands for a key's value in --help, where it is no number
    "target": "MODULE:CLASS", "calls": "CALL", "read": "NAME", "agree": "HOW",
    "returns": "HOW", "actor_options": "NAME=VALUE,…", "strategies": "NAMES", "serial": "HOW",
    "serial_on": "WHERE", "chaos": "WHAT",
}  # fmt: skip


def _key(key: str) -> click.Option:
    """Return the option that overrides a key of the workload."""
    multiple = key == "calls"
    told = f"{KEYS['call']}; may be repeated, in order" if multiple else KEYS[key]
    return click.Option(
        [flag(key), key], multiple=multiple, metavar=_SHOWN.get(key, "N"),
        help=f"{capitalise(told)}.",
    )  # fmt: skip


WORKLOAD = [
    click.Option(
        ["--workload"], default="counter", metavar="NAME|PATH",
        help="A bundled workload (`workloads` lists them) or a file; options override its keys.",
    ),
    *map(_key, OPTIONS),
    click.Option(
        ["--address"], metavar="WHERE",
        help="local, auto or HOST:PORT; else RAY_ADDRESS counts, else local.",
    ),
    click.Option(
        ["--module-path"], type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER",
        help="Where the target's module lies, besides this folder and what is installed.",
    ),
]  # fmt: skip
FORMAT = click.Option(
    ["--format", "style"], default="simple", metavar="NAME",
    help="One of tabulate's formats: simple, github, ...",
)  # fmt: skip
WIDE = click.Option(["--wide"], is_flag=True, help="Show every column.")
OUTPUT = click.Option(
    ["--output"], metavar="FILE",
    help="Where to save all that is measured, as JSON; or a URI, such as s3://bucket/key.",
)  # fmt: skip
PAGE = click.Option(
    ["--html"], metavar="FILE",
    help="Where to write the report as one page with charts, for any browser; or a URI.",
)  # fmt: skip
GATES = [
    click.Option(
        ["--require-speedup", "speedups"], multiple=True, metavar="[STRATEGY:]X",
        help="Exit with 7 unless elapsed is X times as fast as serial; of the best, or of one.",
    ),
    click.Option(
        ["--require-efficiency", "efficiencies"], multiple=True, metavar="[STRATEGY:]X",
        help="Exit with 7 unless the work reaches so much of its ideal, such as 80%.",
    ),
]  # fmt: skip


def read_request(options: Mapping[str, Any]) -> tuple[Workload, Plan, str]:
    """Return the workload and the plan that options ask for, and where Ray is.

    Raises:
        UsageError: What is wrong with them, all at once.
    """
    from job.cluster.address import choose
    from job.workload.reading import build, read_workload

    file = read_workload(options["workload"])
    workload, plan = build(file, {key: options[key] for key in OPTIONS})
    where = choose(options["address"], os.environ)
    if where == "job" and options["address"]:
        say("--address is passed over: a submitted job runs on its own cluster")
    if options["module_path"]:
        sys.path.insert(1, str(options["module_path"].resolve()))
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
            end_process(leaving.exit_code)  # Ray's own way out takes longer than a signal allows
