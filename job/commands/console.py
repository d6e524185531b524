"""What becomes of what is measured on a command line: said, shown, saved, judged."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from job.errors import UsageError
from job.running.listener import Listener
from job.words import factor, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from job.analysis.report import Report
    from job.analysis.sweep import SweepReport
    from job.results.document import Judged, Results
    from job.results.sweep import Sweep
    from job.running.listener import Progress


LINE_S = 5.0  # between two lines of progress where there is no terminal
ERASED = "\033[F\033[K"  # up to the bar that is done, and away with it


def say(text: str) -> None:
    """Tell the user something that is not the report."""
    click.echo(text, err=True)


class Console(Listener):
    """Does what a command's options ask for, of those that it has."""

    def __init__(
        self, options: Mapping[str, Any], planned: Sequence[str] = (), *, saved: bool = False
    ) -> None:
        """Find out now, not after an hour, whether all of it can be done.

        Args:
            options: As they were typed.
            planned: The strategies that are run.
            saved: Whether what is shown may have been held to gates when it was saved.

        Raises:
            JobError: It cannot.
        """
        from tabulate import tabulate_formats

        from job.analysis.gates import parse_gates, parse_slower
        from job.workload.model import STRATEGIES

        self.style: str = options["style"]
        self.wide: bool = options.get("wide", False)
        self._emits: bool = options.get("emit_json", False)
        self._output: str | None = options.get("output")
        self._html: str | None = options.get("html")
        self._junit: str | None = options.get("junit")
        self.judged: tuple[Judged, ...] = ()  # whether the gates were met, once that is shown
        if self.style not in tabulate_formats:
            hint = f"tabulate has: {', '.join(sorted(tabulate_formats))}."
            raise UsageError(f"--format {self.style}: no such format", hint)
        speedups, efficiencies = options.get("speedups", ()), options.get("efficiencies", ())
        slower = parse_slower(options.get("slower"))
        self.gates = parse_gates(speedups, efficiencies, planned or STRATEGIES)
        self.gates += (slower,) if slower else ()
        for name in ("output", "html", "junit"):
            if options.get(name) == "":  # as of a shell's variable that is not set
                hint = "It takes a path, or a URI such as s3://bucket/key."
                raise UsageError(f"--{name}: it names no file", hint)
        if self._junit:
            self._begin_junit(self._junit, saved=saved)
        if self._output:
            from job.results.storage import check_writable

            check_writable(self._output)
        if self._html:
            from job.page.page import check_page

            check_page(self._html)

    def take(self, judged: tuple[Judged, ...]) -> None:
        """Take how the gates were judged, and write it where that is asked for."""
        self.judged = judged
        self._write_junit(judged)

    def _begin_junit(self, place: str, *, saved: bool) -> None:
        """Write that nothing was judged, lest a run that ends early leave an earlier one's word."""
        from job.analysis.gates import judge_none
        from job.results.document import Judged
        from job.results.storage import check_writable

        reason = "it ended before anything was judged"
        unknown = (Judged(met=False, text=reason, name="gates"),) if saved else ()
        check_writable(place, "--junit")
        self._write_junit(judge_none(self.gates, reason) or unknown)

    def _write_junit(self, judged: tuple[Judged, ...]) -> None:
        from job.report.table import render_junit
        from job.results.storage import write

        if not self._junit:
            return
        if not judged:
            hint = "Demand something, such as --require-speedup 2; of `compare`, --fail-if-slower."
            raise UsageError(f"--junit {self._junit}: there is no gate to judge", hint)
        write(render_junit(judged), self._junit)

    def note(self, text: str) -> None:
        """Say it."""
        say(text)

    tell = note

    def watch(self, strategy: str, turn: int, calls: int) -> AbstractContextManager[Progress]:
        """Show a bar on a terminal, or a line now and then."""
        return watch(strategy, turn, calls)

    def keep(self, document: Results | Sweep) -> None:
        """Save the document where one is asked for."""
        if self._output:
            from job.results.storage import save

            save(document, self._output)

    def show(self, document: Results | Sweep) -> None:
        """Show what there is; of a run that failed at once the error says all."""
        from job.results.sweep import Sweep

        measured = document.points if isinstance(document, Sweep) else document.trials
        if measured or document.status == "interrupted":
            self.print(document)
        if isinstance(document, Sweep):
            return
        if self.judged:
            document = document.with_(gates=self.judged)
            self.keep(document)
        if self._emits:
            from job.results.log import marked

            click.echo("\n".join(marked(document.as_line())))
            sys.stdout.flush()

    def print(self, document: Results | Sweep) -> None:
        """Print a report, and make a page of it where one is asked for; judge the gates."""
        from job.results.sweep import Sweep

        report: Report | SweepReport
        if isinstance(document, Sweep):
            from job.analysis.sweep import analyse_sweep
            from job.report.sweep import render_sweep

            report = analyse_sweep(document)
            click.echo(render_sweep(report, self.style))
        else:
            from job.analysis.report import analyse
            from job.report.table import render

            report = analyse(document, self.gates)
            click.echo(render(report, self.style, wide=self.wide))
            self.take(report.gates)
        if self._html:
            from job.page.page import page
            from job.results.storage import write

            write(page(report), self._html)


@contextlib.contextmanager
def watch(strategy: str, turn: int, calls: int) -> Iterator[Progress]:
    """Show how a trial's calls get on, its turn being counted from 0.

    Yields:
        A function that is told how many calls were made since it was told last.
    """
    title = f"{strategy}, trial {turn + 1}"
    if not sys.stderr.isatty():
        yield _say_lines(title, calls)
        return
    bar = click.progressbar(length=calls, label=title, file=sys.stderr, show_pos=True, width=0)
    try:
        with bar as shown:
            yield shown.update
    finally:
        sys.stderr.write(ERASED)


def _say_lines(title: str, calls: int) -> Progress:
    made, began = 0, time.monotonic()
    said = began

    def told(more: int) -> None:
        nonlocal made, said
        made += more
        now = time.monotonic()
        if now - said < LINE_S:
            return
        said = now
        rate = made / (now - began)
        # The first answers come late and tell little of the rate.
        left = f", {span((calls - made) / rate)} left" if rate and 20 * made >= calls else ""
        sys.stderr.write(f"{title}: {made:,} of {calls:,} calls, {factor(rate)}/s{left}\n")
        sys.stderr.flush()

    return told
