"""What becomes of what is measured on a command line: said, shown, saved, judged."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from job.running.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from job.analysis.gates import Gate
    from job.results.document import Judged, Results
    from job.results.sweep import Sweep
    from job.running.listener import Progress


def say(text: str) -> None:
    """Tell the user something that is not the report."""
    click.echo(text, err=True)


@dataclass
class Console(Listener):
    """Does what options ask for.

    Attributes:
        style: One of tabulate's formats.
        wide: Whether to show every column.
        html: Where to write a page; None for none.
        output: Where to save the document; None for nowhere.
        emits: Whether to put the document into the log, too.
        gates: What is demanded of the results.
        judged: Whether they were met, once they are shown.
    """

    style: str = "simple"
    wide: bool = False
    html: str | None = None
    output: str | None = None
    emits: bool = False
    gates: Sequence[Gate] = ()
    judged: tuple[Judged, ...] = field(default=(), init=False)

    def check(self) -> None:
        """Find out now, not after an hour, whether all of it can be written.

        Raises:
            JobError: It cannot.
        """
        if self.output:
            from job.results.storage import check_writable

            check_writable(self.output)
        if self.html:
            from job.page.page import check_page

            check_page(self.html)

    def note(self, text: str) -> None:
        """Say it."""
        say(text)

    def tell(self, text: str) -> None:
        """Say it."""
        say(text)

    def watch(self, strategy: str, turn: int, calls: int) -> AbstractContextManager[Progress]:
        """Show a bar, or a line now and then."""
        from job.report.progress import watch

        return watch(strategy, turn, calls)

    def keep(self, document: Results | Sweep) -> None:
        """Save the document where one is asked for."""
        if self.output:
            from job.results.storage import save

            save(document, self.output)

    def show(self, document: Results | Sweep) -> None:
        """Show what there is; of a run that failed at once the error says all."""
        from job.results.sweep import Sweep

        if isinstance(document, Sweep):
            if document.points or document.status == "interrupted":
                self.print_sweep(document)
            return
        if document.trials or document.status == "interrupted":
            document = self.print_results(document)
            if self.gates:
                self.keep(document)
        if self.emits:
            self._emit(document)

    def print_results(self, results: Results) -> Results:
        """Print a comparison's report; return the results with its gates judged."""
        from job.analysis.report import analyse
        from job.report.table import render

        report = analyse(results, self.gates)
        self.judged = report.gates
        click.echo(render(report, self.style, wide=self.wide))
        if self.html:
            from job.page.page import page
            from job.results.storage import write

            write(page(report), self.html)
        return results.with_(gates=report.gates)

    def print_sweep(self, sweep: Sweep) -> None:
        """Print a sweep's report."""
        from job.analysis.sweep import analyse_sweep
        from job.report.sweep import render_sweep

        report = analyse_sweep(sweep)
        click.echo(render_sweep(report, self.style))
        if self.html:
            from job.page.page import page
            from job.results.storage import write

            write(page(report), self.html)

    def _emit(self, results: Results) -> None:
        from job.results.log import marked

        click.echo("\n".join(marked(results.as_line())))
        sys.stdout.flush()
