"""Gates: bounds that a user demands, judged on what was measured; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.errors import GateError, UsageError
from job.results.document import Judged
from job.workload.model import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from job.analysis.changes import Comparison, PhaseChange
    from job.analysis.figures import Figures, Row
    from job.results.document import Results

SPEEDUP = "--require-speedup"
EFFICIENCY = "--require-efficiency"
SLOWER = "--fail-if-slower"
JUDGED = tuple(name for name in STRATEGIES if name != "serial")  # which they are held against
MOST_SLOWER = 10.0
_ENDED = {"interrupted": "it was interrupted", "failed": "it failed", "disagree": "states disagree"}


@dataclass(frozen=True)
class Gate:
    """A bound that a user demands.

    Attributes:
        option: The option that named it.
        text: What followed it.
        bound: The factor or share in that.
        strategy: The strategy in that; without one it is the best that counts.
    """

    option: str
    text: str
    bound: float
    strategy: str | None = None

    def __str__(self) -> str:
        """Return it as it was typed."""
        return f"{self.option} {self.text}"

    def judged(self, met: bool, said: str) -> Judged:  # noqa: FBT001 - reads as a sentence
        """Return the judgement."""
        return Judged(met=met, text=f"{self}: {said}")

    def not_judged(self, reason: str) -> Judged:
        """Return that it was missed, as nobody can tell."""
        return Judged(met=False, text=f"{self}: cannot be judged: {reason}")


def parse_gates(
    speedups: Iterable[str], efficiencies: Iterable[str], planned: Sequence[str] = STRATEGIES
) -> tuple[Gate, ...]:
    """Return the gates that options name.

    Args:
        speedups: What followed --require-speedup, each time.
        efficiencies: What followed --require-efficiency, each time.
        planned: The strategies that are to be run.

    Raises:
        UsageError: A bound cannot be used, or a strategy will not be run.
    """
    gates = [_parsed(SPEEDUP, text, planned, _factor) for text in speedups]
    gates += [_parsed(EFFICIENCY, text, planned, _efficiency) for text in efficiencies]
    return tuple(gates)


def parse_slower(text: str | None) -> Gate | None:
    """Return the gate that --fail-if-slower names, if it was given.

    Raises:
        UsageError: It is no share.
    """
    return None if text is None else Gate(SLOWER, text, _share(SLOWER, text, MOST_SLOWER))


def judge(gates: Iterable[Gate], figures: Figures) -> tuple[Judged, ...]:
    """Judge each gate on a comparison; what cannot be judged is missed, with the reason."""
    rows = {row.strategy: row for row in figures.rows}
    return tuple(_judged(gate, rows, figures.results) for gate in gates)


def judge_slower(gate: Gate, comparison: Comparison) -> tuple[Judged, ...]:
    """Judge --fail-if-slower: elapsed, a line for each strategy that OLD has.

    Slower is what is significantly slower, and by more than is allowed. Where the trials are too
    few for a claim, the plain ratio of the medians decides.
    """
    if comparison.unfinished:
        return (gate.not_judged(comparison.unfinished),)
    elapsed = [change for change in comparison.changes if change.phase == "elapsed"]
    lost = [gate.not_judged(f"NEW has no trial of {name}") for name in comparison.missing]
    return (*(_judged_slower(gate, change) for change in elapsed), *lost)


def demand(judged: Iterable[Judged]) -> None:
    """Demand that all gates were met.

    Raises:
        GateError: One was missed.
    """
    judged = tuple(judged)
    missed = [each.text for each in judged if not each.met]
    if missed:
        message = f"{len(missed)} of {len(judged)} gates missed: {'; '.join(missed)}"
        raise GateError(message)


# --- judging


def _judged(gate: Gate, rows: dict[str, Row], results: Results) -> Judged:
    if results.status != "complete":
        return gate.not_judged(_ENDED.get(results.status, "it did not end"))
    if gate.option == SPEEDUP and "serial" not in rows:
        return gate.not_judged("serial was not run")
    judged = [
        rows[name] for name in [gate.strategy] * bool(gate.strategy) or JUDGED if name in rows
    ]
    if not judged:
        name = gate.strategy or "another strategy than serial"
        reason = results.omitted.get(name)
        return gate.not_judged(f"{name} was {f'left out: {reason}' if reason else 'not run'}")
    best = max(judged, key=lambda row: _measured(gate, row))
    value = _measured(gate, best)
    if not value:
        return gate.not_judged("no time passed")
    about = "about " if best.speedup_estimated else ""
    if gate.option == SPEEDUP:
        times = apart(value, gate.bound, "{:.4g}", "{:.12g}")
        said = f"{best.strategy} is {about}{times} times as fast, {gate.bound:g} demanded"
    else:
        share = apart(value, gate.bound, "{:.1%}", "{:.9%}")
        said = f"{best.strategy} reached {about}{share}, {100 * gate.bound:.4g}% demanded"
    said += ", the serial time being estimated" if about else ""
    return gate.judged(value >= gate.bound, said)


def apart(value: float, bound: float, form: str, long: str) -> str:
    """Return what was measured, in the long form where the short one would be what was demanded."""
    alike = form.format(value) == form.format(bound)
    return (long if alike and value != bound else form).format(value)


def _measured(gate: Gate, row: Row) -> float:
    return (row.speedup if gate.option == SPEEDUP else row.efficiency) or 0.0


def _judged_slower(gate: Gate, change: PhaseChange) -> Judged:
    if change.relative is None:
        return gate.not_judged(f"{change.strategy} took no time in OLD")
    percent = apart(change.relative, gate.bound, "{:+.1%}", "{:+.9%}")
    said = f"{change.strategy} {percent} in elapsed"
    more = change.relative > gate.bound
    if not change.enough:
        old, new = change.trials
        return gate.judged(not more, f"{said}, the plain ratio of {old:,} and {new:,} trials")
    if change.finding == "not significant":
        return gate.judged(met=True, said=f"{said}, not significant")
    return gate.judged(not more, f"{said}, significant")


# --- parsing


def _parsed(
    option: str, text: str, planned: Sequence[str], read: Callable[[str, str], float]
) -> Gate:
    name, colon, bound = text.rpartition(":")
    if not colon:
        return Gate(option, text, read(option, text))
    if name not in JUDGED:
        message = f"{option} {text}: {name!r} is no strategy that is judged"
        raise UsageError(message, f"{' and '.join(JUDGED)} are, against serial.")
    if name not in planned:
        message = f"{option} {text}: {name} is not among the strategies that are run"
        raise UsageError(message, f"--strategies {','.join([*planned, name])} runs it.")
    return Gate(option, text, read(option, bound), name)


def _factor(option: str, text: str) -> float:
    value = _number(text)
    if not 0 < value < math.inf:
        message = f"{option} {text}: not a factor"
        raise UsageError(message, "It takes a number above 0, such as 2, or actors:2.")
    return value


def _efficiency(option: str, text: str) -> float:
    return _share(option, text, 1.0)


def _share(option: str, text: str, most: float) -> float:
    """Read 80% or 0.8; a plain number above 1 is more likely a percentage without its sign."""
    percent = text.endswith("%")
    value = _number(text[:-1]) / 100 if percent else _number(text)
    least = 0 if option == SLOWER else math.ulp(0.0)
    if not least <= value <= (most if percent else 1.0):
        message = f"{option} {text}: not a share"
        raise UsageError(message, f"It takes a percentage up to {most:.0%}, or 0.05 for 5%.")
    return value


def _number(text: str) -> float:
    """Return a number, or NaN, which no range allows."""
    try:
        return float(text)
    except ValueError:
        return math.nan
