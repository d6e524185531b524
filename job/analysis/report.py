"""Results -> Report: all that is concluded from a comparison, computed once; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from job.analysis.advisories import is_held_up
from job.analysis.breakeven import break_even, pays_off
from job.analysis.causes import causes_of
from job.analysis.figures import SAME, Figures, figures_of
from job.analysis.gates import judge
from job.analysis.rivals import against_rival
from job.words import capitalise, count, excerpt, factor, listed, shorten, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from job.analysis.breakeven import BreakEven, NoBreakEven
    from job.analysis.causes import Cause
    from job.analysis.figures import Row
    from job.analysis.gates import Gate
    from job.results.document import Cluster, Judged, Loss, NodeShare, Results, Trial

STATES_WIDTH = 76
MOST_CAUSES, CAUSE_WIDTH = 3, 70  # of deaths
NOTICED_S = 1.0  # later than after so much a death was noticed late


@dataclass(frozen=True)
class Report(Figures):
    """What a person wants to know of a comparison: its figures, and what they mean in sentences.

    Attributes:
        chosen: Why there are fewer shards than there is room for; empty where there are not.
        states: What each strategy's last trial ended in, shortened.
        placement: Where each strategy's last trial ran, by the names the cluster has for nodes.
        pays_off: What the model says, a sentence for each strategy.
        answer: What to do; the verdict's first sentence.
        because: What limits the best strategy; the second.
        ray: What the best of the other kind took, with Ray or without, and when Ray pays; the last.
    """

    cluster: str
    workload: str
    chosen: str
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
    ray: str
    gates: tuple[Judged, ...]

    @property
    def verdict(self) -> tuple[str, ...]:
        """All sentences of it."""
        return tuple(filter(None, (self.answer, self.because, self.ray)))


def analyse(results: Results, gates: Sequence[Gate] = ()) -> Report:
    """Return the report of a results document, complete or not.

    Args:
        results: The document.
        gates: What is demanded of it; without any, those count that the run was held to.
    """
    figures = figures_of(results)
    model = break_even(figures)
    causes = causes_of(figures, model)
    answer, because, ray = _verdict(figures, model, causes)
    last = {row.strategy: row.last for row in figures.rows}
    names = {node.node_id: node.host for node in results.cluster.nodes}
    return Report(
        **vars(figures),
        cluster=ran_on(results),
        workload=computed(results),
        chosen=str(results.chosen) if results.chosen and results.chosen.because else "",
        model=model,
        causes=causes,
        states=tuple((n, excerpt(t.states, STATES_WIDTH, t.instances)) for n, t in last.items()),
        agreement=_agreement(results, last),
        placement=tuple(
            (name, share.model_copy(update={"host": names.get(share.node_id, share.host)}))
            for name, trial in last.items()
            for share in trial.placement
        ),
        losses=tuple(_losses(figures)),
        advisories=results.advisories,
        pays_off=pays_off(model),
        answer=answer,
        because=because,
        ray=ray,
        gates=judge(gates, figures) or results.gates,
    )


def computed(results: Results) -> str:
    """Return what was computed, and in what kind of actors where they are of a kind."""
    parts, options = [str(results.workload)], results.plan.get("actor_options")
    parts += [f"actors with {options}"] if options else []
    parts += ["the serial loop in an actor"] if results.plan.get("serial_on") == "actor" else []
    return "; ".join(parts)


def ran_on(results: Results) -> str:
    """Return what a comparison ran on, in one line."""
    where = f"{describe(results.cluster)}, Python {results.environment.python_version}"
    travel = results.environment.travel
    return where if travel == "by reference" else f"{where}; the target {travel}"


def describe(cluster: Cluster) -> str:
    """Return what a cluster consists of, in one line."""
    kind = {"embedded": "embedded Ray", "connected": cluster.address, "job": "Ray job"}
    nodes = count(len(cluster.nodes), "node")
    cpus = f"{cluster.cpus:g} CPUs"
    if cluster.cores < cluster.cpus:
        cpus += f" on {count(cluster.cores, 'core')}"
    return f"{kind[cluster.kind]}: {nodes}, {cpus}; Ray {cluster.ray_version}"


def _agreement(results: Results, last: dict[str, Trial]) -> str:
    if results.status == "disagree":
        return results.problem
    if len(last) < 2:  # noqa: PLR2004 - two make a comparison
        return "nothing to compare them with"
    agree = results.workload.agree
    if isinstance(agree, dict) and "none" in agree:
        return f"not compared: {agree['none']}"
    said = "they agree" if agree == "exact" else "they agree within the tolerance"
    tried = results.tried
    if results.compares_returns:
        said += ", and so does what the calls returned"
    if tried and tried.unchanged:
        but = ";" if results.compares_returns else ", but"
        said += f"{but} the calls change nothing that is read"
    elif tried and tried.shared and not results.workload.read:
        said += f", but instances share {listed(tried.shared)}, which no state shows"
    sampled = [count(t.instances, "instance") for t in last.values() if t.estimated]
    return f"{said} (serial: of the {sampled[0]} it ran)" if sampled else said


# --- the verdict


def _verdict(
    figures: Figures, model: BreakEven | NoBreakEven, causes: dict[str, Cause]
) -> tuple[str, str, str]:
    """Say what to do, what limits the best, and whether it takes Ray; or that nobody can."""
    others = [row for row in figures.rows if row.strategy != "serial" and row.speedup]
    serial = figures.row("serial")
    if figures.results.status != "complete" or not others or not serial:
        return _no_verdict(figures.results)
    best = max(others, key=lambda row: row.speedup or 0.0)
    # What does without a cluster, and is as quick, is the better advice.
    best = next((r for r in others if r.last.processes and _as_quick(r, best)), best)
    cause = causes[best.strategy]
    advice = f": {cause.advice}" if cause.advice else ""
    ray = against_rival(figures, model, best) if (best.speedup or 0.0) > SAME else ""
    busy = is_held_up(figures)
    return _answer(serial, best, busy=busy), f"{capitalise(cause.said)}{advice}.", ray


def _as_quick(row: Row, best: Row) -> bool:
    return row.elapsed_s <= SAME * best.elapsed_s


def _no_verdict(results: Results) -> tuple[str, str, str]:
    ended = {
        "complete": "No verdict: only `serial` and another strategy give a speedup",
        "interrupted": "No verdict, it was interrupted",
        "disagree": "No verdict, the strategies disagree",
        "failed": f"No verdict, it failed: {results.problem}".rstrip("."),
        "running": "No verdict yet",
    }
    return f"{ended[results.status]}.", f"{count(len(results.trials), 'trial')} had ended.", ""


def _answer(serial: Row, best: Row, *, busy: bool) -> str:
    speedup = best.speedup or 0.0
    about = "about " if serial.estimated else ""
    times = f"{spelled(best.elapsed_s)} against {about}{spelled(serial.elapsed_s)}"
    took = f"{best.strategy} took {times}"
    if 1 / SAME < speedup <= SAME:
        return f"No difference worth a change: {took} for the serial loop."
    if best.interval and best.interval[0] <= 1 <= best.interval[1]:
        low, high = map(factor, best.interval)
        what = "sample allows" if about else "trials allow"
        allow = f"the {what} anything from {low} to {high} times as fast"
        noise = f"{took} for the serial loop, and {allow}"
        return f"No difference beyond the noise: {noise}."
    if speedup <= 1:
        return f"Stay with the serial loop: {took}."
    fast = f"{about}{factor(speedup)} times as fast as the serial loop"
    if about and best.interval:
        times += "; 95%: {} to {} times".format(*map(factor, best.interval))
    alone = ", without Ray" if best.last.processes else ""
    doubt = ", on a machine that was busy: measure again when it is idle" if busy else ""
    return f"Use {best.strategy}: {fast} ({times}){alone}{doubt}."


# --- what deaths of actors cost, and what became of them


def _losses(figures: Figures) -> Iterator[str]:
    """Say for each strategy that lost actors how many, of what, and at what price."""
    hurt = [row.strategy for row in figures.rows if row.losses]
    for name in hurt:
        yield f"{name}: {_told(figures.counted[name], figures.trials[name])}."
    if hurt and (chaos := figures.results.plan.get("chaos")):
        yield f"--chaos {chaos} brought deaths about."


def _told(trials: Sequence[Trial], analysed: Sequence[Trial]) -> str:
    marred = [trial for trial in trials if trial.losses]
    clean = [trial.elapsed_s for trial in analysed if not trial.losses]
    deaths = [death for trial in marred for death in trial.deaths]
    again = sum(trial.replayed_calls for trial in marred)
    made = f"{count(again, 'call')} that had been answered {'was' if again == 1 else 'were'} made"
    died = count(sum(trial.losses for trial in marred), "actor")
    parts = [f"{died} died{_of_what(deaths)}"] + ([f"{made} again"] if again else [])
    if back := [death.resumed_s for death in deaths if death.resumed_s is not None]:
        times = spelled(median(back))
        if len(back) > 1:
            times = f"a median of {times}, at most {spelled(max(back))}"
        late = max(death.unheard_s or 0.0 for death in deaths)
        noticed = f", noticed at most {spelled(late)} late" if late >= NOTICED_S else ""
        parts.append(f"work went on after {times}{noticed}")
    if not clean:
        return "; ".join([*parts, "all of its times hold their price"])
    price = spelled(median(t.elapsed_s for t in marred))
    took = f"took {price}, the others {spelled(median(clean))}"
    parts.append(f"{count(len(marred), 'trial')} with deaths {took}, which alone count above")
    if shrunk := len(trials) - len(marred) - len(clean):
        parts.append(f"{count(shrunk, 'trial')} on fewer CPUs than the first did not count")
    return "; ".join(parts)


def _of_what(deaths: Sequence[Loss]) -> str:
    """Return what they died of and where, the most frequent first."""
    found = Counter(
        shorten(death.cause, CAUSE_WIDTH) + (f" on {death.address}" if death.address else "")
        for death in deaths
    )
    told = [
        f"{cause}, {number:,} times" if number > 1 else cause
        for cause, number in found.most_common(MOST_CAUSES)
    ]
    more = "; …" if len(found) > MOST_CAUSES else ""
    return f" ({'; '.join(told)}{more})" if told else ""
