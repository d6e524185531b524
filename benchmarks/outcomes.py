"""What came of one contender in one scenario, once and over all repetitions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Status(str, Enum):
    """How a run ended; the value is what a table shows in place of a figure."""

    OK = "ok"
    ESTIMATED = "estimated"
    TOO_LONG = "> 60 s"
    MEMORY = "memory"
    THREADS = "threads"
    WRONG = "wrong states"
    FAILED = "failed"
    NOT_INSTALLED = "not installed"

    @property
    def measured(self) -> bool:
        """Whether there are figures."""
        return self in {Status.OK, Status.ESTIMATED}


@dataclass(frozen=True)
class Outcome:
    """One run, or why there was none.

    Attributes:
        status: How it ended.
        reason: Why, where it did not end well.
        seconds: By phase; a phase that a contender cannot tell apart is missing.
        megabytes: What the driver held at most beyond what it held when idle, and what all
            processes together held at the end.
    """

    status: Status
    reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    megabytes: Mapping[str, float | None] = field(default_factory=dict)

    def get(self, figure: str) -> float | None:
        """Return one figure, None where it was not measured."""
        return self.seconds.get(figure, self.megabytes.get(figure))


class Outcomes:
    """All runs of one go: by scenario and contender, one per repetition."""

    def __init__(self) -> None:
        """Start empty."""
        self._runs: dict[tuple[str, str], list[Outcome]] = defaultdict(list)

    def add(self, scenario: str, contender: str, outcome: Outcome) -> None:
        """Keep one more run."""
        self._runs[scenario, contender].append(outcome)

    def runs(self, scenario: str, contender: str) -> list[Outcome]:
        """Return the runs in the order of their repetitions."""
        return self._runs.get((scenario, contender), [])

    def items(self) -> Iterable[tuple[tuple[str, str], list[Outcome]]]:
        """Return all runs by scenario and contender."""
        return self._runs.items()

    def last(self, scenario: str, contender: str) -> Outcome | None:
        """Return the latest run, None if there was none."""
        runs = self.runs(scenario, contender)
        return runs[-1] if runs else None

    def status(self, scenario: str, contender: str) -> Status | None:
        """Return how the runs ended: as the first that ended badly, else as all did."""
        ends = [run.status for run in self.runs(scenario, contender)]
        bad = [end for end in ends if not end.measured]
        return next(iter(bad or ends), None)

    def middle(self, scenario: str, contender: str, figure: str) -> float | None:
        """Return the median of a figure over all repetitions, None unless all have it."""
        return _median(run.get(figure) for run in self._good(scenario, contender))

    def middle_ratio(
        self, upper: tuple[str, str, str], lower: tuple[str, str, str]
    ) -> float | None:
        """Return the median of ratios paired by repetition; each is scenario, contender, figure."""
        pairs = zip(self._good(*upper[:2]), self._good(*lower[:2]), strict=False)
        return _median(_ratio(a.get(upper[2]), b.get(lower[2])) for a, b in pairs)

    def _good(self, scenario: str, contender: str) -> list[Outcome]:
        status = self.status(scenario, contender)
        return self.runs(scenario, contender) if status and status.measured else []


def _ratio(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or not lower else upper / lower


def _median(values: Iterable[float | None]) -> float | None:
    figures = list(values)
    known = [figure for figure in figures if figure is not None]
    return median(known) if known and len(known) == len(figures) else None
