"""Results -> Report: all that is concluded from a comparison, computed once; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.analysis import losses
from job.analysis.breakeven import break_even, pays_off
from job.analysis.causes import SAME, causes_of
from job.analysis.figures import Figures, figures_of
from job.analysis.gates import judge
from job.words import capitalise, count, excerpt, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from job.analysis.breakeven import BreakEven, NoBreakEven
    from job.analysis.causes import Cause
    from job.analysis.figures import Row
    from job.analysis.gates import Gate
    from job.results.document import Cluster, Judged, NodeShare, Results, Trial

STATES_WIDTH = 76


@dataclass(frozen=True)
class Report(Figures):
    """What a person wants to know of a comparison: its figures, and what they mean.

    Attributes:
        cluster: What it ran on, in one line.
        workload: What was computed, in one line.
        model: From which call cost on each strategy pays, or why nobody knows.
        causes: What keeps each strategy but the serial loop from being faster.
        states: What each strategy's last trial ended in, shortened.
        agreement: Whether they agree.
        placement: Where each strategy's last trial ran, by the names the cluster has for nodes.
        losses: What actors died of, and what that cost, in sentences.
        advisories: What makes the figures doubtful, in sentences.
        pays_off: What the model says, a sentence for each strategy.
        answer: What to do; the verdict's first sentence.
        because: What limits the best strategy; the second.
        gates: Which demands were met.
    """

    cluster: str
    workload: str
    model: BreakEven | NoBreakEven
    causes: dict[str, Cause]
    states: tuple[tuple[str, str], ...]
    agreement: str
    placement: tuple[tuple[str, NodeShare], ...]
    losses: tuple[str, ...]
    advisories: tuple[str, ...]
    pays_off: tuple[str, ...]
    answer: str
    because: str
    gates: tuple[Judged, ...]


def analyse(results: Results, gates: Sequence[Gate] = ()) -> Report:
    """Return the report of a results document, complete or not.

    Args:
        results: The document.
        gates: What is demanded of it; without any, those count that the run was held to.
    """
    figures = figures_of(results)
    model = break_even(figures)
    causes = causes_of(figures, model)
    answer, because = _verdict(figures, causes)
    last = {name: of_one[-1] for name, of_one in figures.trials.items()}
    return Report(
        **vars(figures),
        cluster=ran_on(results),
        workload=str(results.workload),
        model=model,
        causes=causes,
        states=tuple(
            (name, excerpt(t.states, STATES_WIDTH, t.instances)) for name, t in last.items()
        ),
        agreement=_agreement(results, last),
        placement=tuple(_placed(last, results.cluster)),
        losses=losses.sentences(figures),
        advisories=results.advisories,
        pays_off=pays_off(model),
        answer=answer,
        because=because,
        gates=judge(gates, figures) or results.gates,
    )


def _placed(trials: dict[str, Trial], cluster: Cluster) -> Iterator[tuple[str, NodeShare]]:
    """Yield what of each strategy ran on which node, by the name that the cluster has for it."""
    names = {node.node_id: node.host for node in cluster.nodes}
    for strategy, trial in trials.items():
        for share in trial.placement:
            named = {"host": names.get(share.node_id, share.host)}
            yield strategy, share.model_copy(update=named)


def ran_on(results: Results) -> str:
    """Return what a comparison ran on, in one line."""
    return f"{describe(results.cluster)}, Python {results.environment.python_version}"


def describe(cluster: Cluster) -> str:
    """Return what a cluster consists of, in one line."""
    kind = {"embedded": "embedded Ray", "connected": cluster.address, "job": "Ray job"}
    nodes = count(len(cluster.nodes), "node")
    return f"{kind[cluster.kind]}: {nodes}, {cluster.cpus:g} CPUs; Ray {cluster.ray_version}"


def _agreement(results: Results, last: dict[str, Trial]) -> str:
    if results.status == "disagree":
        return results.problem
    if len(last) < 2:  # noqa: PLR2004 - two make a comparison
        return "nothing to compare them with"
    agree = results.workload.agree
    if isinstance(agree, dict) and "none" in agree:
        return f"not compared: {agree['none']}"
    sampled = [trial.instances for trial in last.values() if trial.estimated]
    within = "" if agree == "exact" else " within the tolerance"
    if sampled:
        return f"they agree{within} (serial: of the {count(sampled[0], 'instance')} it ran)"
    return f"they agree{within}"


# --- the verdict


def _verdict(figures: Figures, causes: dict[str, Cause]) -> tuple[str, str]:
    """Say what the figures mean: what to do, then what limits the best strategy.

    Only a complete comparison has a verdict; of any other it is said why there is none.
    """
    others = [row for row in figures.rows if row.strategy != "serial" and row.speedup]
    serial = figures.row("serial")
    if figures.results.status != "complete" or not others or not serial:
        return _no_verdict(figures.results)
    best = max(others, key=lambda row: row.speedup or 0.0)
    cause = causes[best.strategy]
    advice = f": {cause.advice}" if cause.advice else ""
    return _answer(serial, best), f"{capitalise(cause.said)}{advice}."


def _no_verdict(results: Results) -> tuple[str, str]:
    ended = {
        "complete": "No verdict: only `serial` and another strategy give a speedup",
        "interrupted": "No verdict, it was interrupted",
        "disagree": "No verdict, the states disagree",
        "failed": f"No verdict, it failed: {results.problem}",
    }
    said = ended.get(results.status, "No verdict yet")
    return f"{said.rstrip('.')}.", f"{count(len(results.trials), 'trial')} had ended."


def _answer(serial: Row, best: Row) -> str:
    """What to do, in words that need no explanation."""
    factor = best.speedup or 0.0
    about = "about " if serial.estimated else ""
    times = f"{spelled(best.elapsed_s)} against {about}{spelled(serial.elapsed_s)}"
    if 1 / SAME < factor <= SAME:
        return f"No difference worth a change: {best.strategy} took {times} for the serial loop."
    if best.interval and best.interval[0] <= 1 <= best.interval[1]:
        low, high = best.interval
        return (
            f"No difference beyond the noise: {best.strategy} took {times} for the serial loop, "
            f"and the trials allow anything from {low:.3g} to {high:.3g} times as fast."
        )
    if factor > 1:
        return (
            f"Use {best.strategy}: {about}{factor:.3g} times as fast as the serial loop ({times})."
        )
    return f"Stay with the serial loop: {best.strategy} took {times}."
