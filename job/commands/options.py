"""Options that several commands share, and how every command that runs something ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from job.commands.console import say
from job.signals import Leaving, end_process
from job.words import capitalise
from job.workload.keys import KEYS, OPTIONS, SECTIONS, flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from job.workload.model import Plan, Workload

_SHOWN = {  # what stands for a key's value in --help, where it is no number
    "target": "MODULE:CLASS", "calls": "CALL", "read": "NAME", "close": "NAME", "agree": "HOW",
    "returns": "HOW", "actor_options": "NAME=VALUE,…", "strategies": "NAMES", "serial": "HOW",
    "serial_on": "WHERE", "chaos": "WHAT",
}  # fmt: skip


class _File(click.types.StringParamType):
    """A path or a URI that a shell completes; what is wrong with it, whoever opens it tells."""

    name = "file"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell."""
        del ctx, param
        return [CompletionItem(incomplete, type="file")]


FILE = _File()


class Option(click.Option):
    """An option that stands in a section of `--help`."""

    def __init__(self, *args: Any, section: str, **keys: Any) -> None:  # noqa: ANN401 - click's own
        """Take the section's name, and what click takes."""
        super().__init__(*args, **keys)
        self.section = section


class Command(click.Command):
    """A command with so many options that `--help` shows them in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order in which their first options come."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                # Only click's own --help stands in none.
                sections.setdefault(getattr(param, "section", "Help"), []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


def _key(key: str, section: str) -> Option:
    """Return the option that overrides a key of the workload."""
    multiple = key == "calls"
    told = f"{KEYS['call']}; may be repeated, in order" if multiple else KEYS[key]
    return Option(
        [flag(key), key], multiple=multiple, metavar=_SHOWN.get(key, "N"),
        help=f"{capitalise(told)}.", section=section,
    )  # fmt: skip


WORKLOAD = [
    Option(
        ["--workload"], type=FILE, default="counter", metavar="NAME|PATH", section="Workload",
        help="A bundled workload (`workloads` lists them) or a file; options override its keys.",
    ),
    Option(
        ["--module-path"], type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER", section="Workload",
        help="Where the target's module lies, besides this folder and what is installed.",
    ),
    *(_key(key, section) for section, keys in SECTIONS.items() for key in keys),
    Option(
        ["--address"], metavar="WHERE", section="Cluster",
        help="local, auto or HOST:PORT; else RAY_ADDRESS counts, else local.",
    ),
]  # fmt: skip
FORMAT = Option(
    ["--format", "style"], default="simple", metavar="NAME", section="Report",
    help="One of tabulate's formats: simple, github, ...",
)  # fmt: skip
WIDE = Option(["--wide"], is_flag=True, help="Show every column.", section="Report")
OUTPUT = Option(
    ["--output"], type=FILE, metavar="FILE", section="Report",
    help="Where to save all that is measured, as JSON; or a URI, such as s3://bucket/key.",
)  # fmt: skip
PAGE = Option(
    ["--html"], type=FILE, metavar="FILE", section="Report",
    help="Where to write the report as one page with charts, for any browser; or a URI.",
)  # fmt: skip
GATES = [
    Option(
        ["--require-speedup", "speedups"], multiple=True, metavar="[STRATEGY:]X", section="Report",
        help="Exit with 7 unless elapsed is X times as fast as serial; of the best, or of one.",
    ),
    Option(
        ["--require-efficiency", "efficiencies"], multiple=True, metavar="[STRATEGY:]X",
        help="Exit with 7 unless the work reaches so much of its ideal, such as 80%.",
        section="Report",
    ),
]  # fmt: skip
JUNIT = Option(
    ["--junit"], type=FILE, metavar="FILE", section="Report",
    help="Where to write how the gates were judged, as JUnit's XML for a CI; or a URI.",
)  # fmt: skip


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
