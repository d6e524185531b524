"""Whether it takes Ray: what it adds where threads or processes do, and when it pays; pure."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from job.analysis.breakeven import BreakEven, NoBreakEven
from job.planning.costs import ACTOR, Cost, fullest_slot
from job.words import count, size, spelled

if TYPE_CHECKING:
    from job.analysis.figures import Figures, Row
    from job.planning.estimate import Profile

MOST_NODES = 1_000


class Wider(NamedTuple):
    """A cluster on which a strategy overtakes one of the driver's machine."""

    nodes: int
    cpus: float


def against_rival(figures: Figures, model: BreakEven | NoBreakEven, best: Row) -> str:
    """Say what the best strategy is to that of the other kind, one with Ray and one without."""
    others = [row for row in figures.rows if bool(row.last.actors) != bool(best.last.actors)]
    others = [row for row in others if row.strategy != "serial"]
    if not others:
        return ""
    rival = min(others, key=lambda row: row.elapsed_s)
    if best.last.actors:
        return f"Without Ray, {rival.strategy} took {spelled(rival.elapsed_s)}."
    took = f"{rival.strategy} took {spelled(rival.elapsed_s)}, {spelled(rival.startup_s)} of it"
    memory = figures.results.environment.memory_bytes
    held = f"where instances hold more than this machine's {size(memory)}" if memory else ""
    return f"With Ray, {took} to start; {_pays(figures, model, best, rival, held)}."


def _pays(figures: Figures, model: BreakEven | NoBreakEven, best: Row, ray: Row, held: str) -> str:
    """Return from how many CPUs on it overtakes the best without it, or why nobody can tell."""
    also = f", or {held}" if held else ""
    only = f"; it pays {held}" if held else ""
    if figures.profile and _only_waits(figures.profile, ray):
        bears = "more of them wait at once than one machine bears"
        return f"as the calls wait, more CPUs do not make it pay, but it does where {bears}{also}"
    found = model.answers if isinstance(model, BreakEven) else ()
    answer = next((each for each in found if each.strategy == ray.strategy), None)
    if answer is None or answer.misses or isinstance(model, NoBreakEven):
        why = f"the model misses it by {answer.off}" if answer else "there is no model of this run"
        return f"from how many nodes on it pays is not told, as {why}{only}"
    wider = overtakes(figures, model, ray, best.elapsed_s)
    if wider is None:
        return f"by the model no number of nodes like these makes it pay{only}"
    nodes = f"from {count(wider.nodes, 'node')} of this size on, {wider.cpus:g} CPUs"
    return f"it pays {nodes} (model off by {answer.off}){also}"


def _only_waits(profile: Profile, row: Row) -> bool:
    """Return whether its calls do little but wait: those that wait may use up the CPUs, too."""
    return not profile.computes and row.bound_by != "CPUs"


def overtakes(figures: Figures, model: BreakEven, ray: Row, rival_s: float) -> Wider | None:
    """Return the fewest nodes, like those that are there, on which `ray` takes less than that.

    None where more of them would not do either, as where calls do little but wait.
    """
    sizes = [node.real_cpus for node in figures.results.cluster.nodes if node.cpus]
    each, instances = max(1.0, median(sizes or [1.0])), figures.results.workload.instances
    profile = figures.profile
    if profile is None or _only_waits(profile, ray):
        return None
    for nodes in range(len(sizes) + 1, MOST_NODES + 1):
        cpus = nodes * each
        shards = instances if ray.strategy == "actors" else min(instances, int(cpus))
        shape = replace(
            model.shapes[ray.strategy],
            cpus=min(cpus, shards * profile.width),
            slot=fullest_slot(instances, shards, ray.last.threads),
        )
        # Nodes start what they host side by side, the head one after the other.
        fixed_s = ray.fixed_s + ACTOR.each_s * (shards - ray.last.shards)
        cost = Cost(fixed_s, shape.bounds(profile.cpu_share, model.stretch))
        if cost.elapsed_s(model.calls, model.call_s) < rival_s:
            return Wider(nodes, cpus)
        if cpus >= instances * profile.width:
            return None
    return None
