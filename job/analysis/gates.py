"""Gates: bounds that a user demands, judged on what was measured; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.errors import GateError, UsageError
from job.results.document import Judged
from job.workload.model import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from job.analysis.changes import Comparison, PhaseChange
    from job.analysis.figures import Figures, Row

SPEEDUP = "--require-speedup"
EFFICIENCY = "--require-efficiency"
SLOWER = "--fail-if-slower"
JUDGED = tuple(name for name in STRATEGIES if name != "serial")  # which they are held against
LEAST = {SPEEDUP: math.ulp(0.0), EFFICIENCY: math.ulp(0.0), SLOWER: 0.0}
MOST = {EFFICIENCY: 1.0, SLOWER: 10.0}  # of what is a share
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
        return self.judged(False, f"cannot be judged: {reason}")  # noqa: FBT003 - likewise


def parse_gates(
    speedups: Iterable[str], efficiencies: Iterable[str], planned: Sequence[str] = STRATEGIES
) -> tuple[Gate, ...]:
    """Return the gates that options name.

    Args:
        speedups: What followed --require-speedup, each time.
        efficiencies: What followed --require-efficiency, each time.
        planned: The strategies that are run; a gate that can only be missed is refused.

    Raises:
        UsageError: One is no bound, or of a strategy that is not run.
    """
    gates = [_parse(SPEEDUP, text, planned) for text in speedups]
    return (*gates, *(_parse(EFFICIENCY, text, planned) for text in efficiencies))


def parse_slower(text: str | None) -> Gate | None:
    """Return the gate that --fail-if-slower names, if it was given.

    Raises:
        UsageError: It is no share.
    """
    return None if text is None else Gate(SLOWER, text, _bound(SLOWER, text, text))


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
    """Read 2; of a share 80% or 0.8, for a plain one above 1 likely lacks its sign."""
    share = option in MOST
    percent = share and number.endswith("%")
    try:
        value = float(number.removesuffix("%")) / 100 if percent else float(number)
    except ValueError:
        value = math.nan  # which no range allows
    most = MOST.get(option, math.nextafter(math.inf, 0))
    if LEAST[option] <= value <= (min(most, 1.0) if share and not percent else most):
        return value
    what, form = "factor", "a number above 0, such as 2, or actors:2"
    if share:
        what, form = "share", f"a percentage up to {most:.0%}, or 0.05 for 5%"
    raise UsageError(f"{option} {text}: not a {what}", f"It takes {form}.")


# --- judging


def judge(gates: Iterable[Gate], figures: Figures) -> tuple[Judged, ...]:
    """Judge each gate on a comparison; what cannot be judged is missed, with the reason."""
    return tuple(_judge(gate, figures) for gate in gates)


def judge_slower(gate: Gate, comparison: Comparison) -> tuple[Judged, ...]:
    """Judge --fail-if-slower: elapsed, a line for each strategy that OLD has.

    Slower is what is significantly slower, and by more than is allowed. Where the trials are too
    few for a claim, the plain ratio of the medians decides.
    """
    if comparison.unfinished:
        return (gate.not_judged(comparison.unfinished),)
    elapsed = [change for change in comparison.changes if change.phase == "elapsed"]
    lost = [gate.not_judged(f"NEW has no trial of {name}") for name in comparison.missing]
    return (*(_judge_slower(gate, change) for change in elapsed), *lost)


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


def _judge(gate: Gate, figures: Figures) -> Judged:
    results = figures.results
    if results.status != "complete":
        return gate.not_judged(_ENDED.get(results.status, "it did not end"))
    if gate.option == SPEEDUP and not figures.row("serial"):
        return gate.not_judged("serial was not run")
    names = (gate.strategy,) if gate.strategy else JUDGED
    judged = [row for row in figures.rows if row.strategy in names]
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


def _judge_slower(gate: Gate, change: PhaseChange) -> Judged:
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
