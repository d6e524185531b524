"""Gates: bounds that a user demands, judged on what was measured; pure."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from job.analysis.changes import ENDED, NEGLIGIBLE
from job.errors import GateError, UsageError
from job.results.document import Judged
from job.words import factor, percent, signed
from job.workload.model import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from job.analysis.changes import Comparison, PhaseChange
    from job.analysis.figures import Figures, Row

SPEEDUP, EFFICIENCY = "--require-speedup", "--require-efficiency"
SLOWER = "--fail-if-slower"
JUDGED = tuple(name for name in STRATEGIES if name != "serial")  # which they are held against
MOST = {SPEEDUP: sys.float_info.max, EFFICIENCY: 1.0, SLOWER: 10.0}


@dataclass(frozen=True)
class Gate:
    """A bound that a user demands: what was typed, and what it means.

    Without a strategy it is the best that counts.
    """

    option: str
    text: str
    bound: float
    strategy: str | None = None

    def __str__(self) -> str:
        return f"{self.option} {self.text}"


def parse_gates(
    speedups: Iterable[str], efficiencies: Iterable[str], planned: Sequence[str] = STRATEGIES
) -> tuple[Gate, ...]:
    """Return the gates that followed --require-speedup and --require-efficiency.

    Raises:
        UsageError: One is no bound, or of a strategy that is not planned: it can only be missed.
    """
    typed = [(SPEEDUP, text) for text in speedups] + [(EFFICIENCY, text) for text in efficiencies]
    return tuple(_parse(option, text, planned) for option, text in typed)


def parse_slower(text: str | None) -> Gate | None:
    """Return the gate that --fail-if-slower names, if it was given.

    Raises:
        UsageError: It is no share, or one of what is never called a change.
    """
    if text is None:
        return None
    gate = Gate(SLOWER, text, _bound(SLOWER, text, text))
    if gate.bound < NEGLIGIBLE:
        message = f"{gate}: a change of under {NEGLIGIBLE:.0%} of elapsed is never called one"
        raise UsageError(message, f"It takes {NEGLIGIBLE:.0%} to {MOST[SLOWER]:.0%}, such as 5%.")
    return gate


def _parse(option: str, text: str, planned: Sequence[str]) -> Gate:
    name, colon, number = text.rpartition(":")
    if colon and name not in JUDGED:
        message = f"{option} {text}: {name!r} is no strategy that is judged"
        raise UsageError(message, f"{' and '.join(JUDGED)} are, against serial.")
    if colon and name not in planned:
        message = f"{option} {text}: {name} is not among the strategies that are run"
        raise UsageError(message, f"--strategies {','.join([*planned, name])} runs it.")
    return Gate(option, text, _bound(option, number, text), name or None)


def _bound(option: str, number: str, text: str) -> float:
    share = option != SPEEDUP
    percent = share and number.endswith("%")
    try:
        value = float(number.removesuffix("%")) / 100 if percent else float(number)
    except ValueError:
        value = math.nan  # which no range allows
    # A plain share above 1 likely lacks its sign.
    most = MOST[option] if percent or not share else 1.0
    if 0 <= value <= most and (value or option == SLOWER):
        return value
    what, form = "factor", "a number above 0, such as 2, or actors:2"
    if share:
        what, form = "share", f"a percentage up to {MOST[option]:.0%}, or 0.05 for 5%"
    raise UsageError(f"{option} {text}: not a {what}", f"It takes {form}.")


# --- judging


def judge(gates: Iterable[Gate], figures: Figures) -> tuple[Judged, ...]:
    """Judge each gate on a comparison; what cannot be judged is missed, with the reason."""
    return tuple(_judge(gate, figures) for gate in gates)


def judge_none(gates: Iterable[Gate], reason: str) -> tuple[Judged, ...]:
    """Say of each gate why it cannot be judged."""
    return tuple(_unjudged(gate, reason) for gate in gates)


def judge_slower(gate: Gate, comparison: Comparison) -> tuple[Judged, ...]:
    """Judge --fail-if-slower: elapsed, a line for each strategy that OLD has.

    Slower is what is significantly slower, and by more than is allowed. Where the trials are too
    few for a claim, the plain ratio of the medians decides.
    """
    if comparison.file:  # each of several is held to it
        gate = replace(gate, text=f"{gate.text}: {comparison.file}")
    if comparison.unfinished:
        return (_unjudged(gate, comparison.unfinished),)
    found = [_judge_slower(gate, each) for each in comparison.changes if each.phase == "elapsed"]
    lost = (_unjudged(gate, f"NEW has no trial of {name}", name) for name in comparison.missing)
    return (*found, *lost)


def demand(judged: Sequence[Judged]) -> None:
    """Demand that all gates were met.

    Raises:
        GateError: One was missed.
    """
    if missed := [each.text for each in judged if not each.met]:
        raise GateError(f"{len(missed)} of {len(judged)} gates missed: {'; '.join(missed)}")


def _judge(gate: Gate, figures: Figures) -> Judged:
    results = figures.results
    if results.status != "complete":
        return _unjudged(gate, f"it {ENDED[results.status]}")
    if gate.option == SPEEDUP and not figures.row("serial"):
        return _unjudged(gate, "serial was not run")
    names = (gate.strategy,) if gate.strategy else JUDGED
    judged = [row for row in figures.rows if row.strategy in names]
    if not judged:
        name = gate.strategy or "another strategy than serial"
        reason = results.omitted.get(name)
        return _unjudged(gate, f"{name} was {f'left out: {reason}' if reason else 'not run'}")

    best = max(judged, key=lambda row: _reached(gate, row, figures))
    least, value = _reached(gate, best, figures)
    about = "about " if figures.loop else ""
    if not value:
        return _unjudged(gate, "no time passed")
    reached, surely, demanded = _told(gate, value), _told(gate, least), _demanded(gate)
    said = f"{best.strategy} reached {about}{reached}, {demanded} demanded"
    if gate.option == SPEEDUP:
        said = f"{best.strategy} is {about}{reached} times as fast, {demanded} demanded"
    if about:
        by = f"{surely} at least (95%)" if least else "nothing tells how far it is off"
        said += f", the serial time being estimated: {by}"
    return _judged(gate, said, met=least >= gate.bound)


def _told(gate: Gate, value: float) -> str:
    """Return what was reached as a figure; what would read as the bound, and is less, is not it."""
    write = factor if gate.option == SPEEDUP else percent
    if value < gate.bound and write(value) == write(gate.bound):
        return f"just under {_demanded(gate)}"
    return write(value)


def _demanded(gate: Gate) -> str:
    return f"{gate.bound:g}" if gate.option == SPEEDUP else f"{100 * gate.bound:.4g}%"


def _reached(gate: Gate, row: Row, figures: Figures) -> tuple[float, float]:
    """Return what a strategy reached at least, and about.

    The two differ where the serial time is estimated: no gate passes on what may be off.
    """
    about = (row.speedup if gate.option == SPEEDUP else row.efficiency) or 0.0
    if not figures.loop:
        return about, about
    if gate.option == SPEEDUP:
        return row.interval[0] if row.interval else 0.0, about
    return figures.loop.least * about, about


def _judge_slower(gate: Gate, change: PhaseChange) -> Judged:
    if change.relative is None:
        return _unjudged(gate, f"{change.strategy} took no time in OLD", change.strategy)
    significant, (old, new) = change.finding != "not significant", change.trials
    how = "significant" if significant else "not significant"
    if not change.enough:
        how = f"the plain ratio of {old:,} and {new:,} trials"
    met = change.relative <= gate.bound or (change.enough and not significant)
    said = f"{change.strategy} {signed(change.relative)} in elapsed, {how}"
    return _judged(gate, said, change.strategy, met=met)


def _judged(gate: Gate, said: str, strategy: str = "", *, met: bool) -> Judged:
    name = f"{gate}: {strategy}" if strategy else str(gate)
    return Judged(met=met, text=f"{gate}: {said}", name=name)


def _unjudged(gate: Gate, reason: str, strategy: str = "") -> Judged:
    return _judged(gate, f"cannot be judged: {reason}", strategy, met=False)
