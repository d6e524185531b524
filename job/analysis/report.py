"""Results -> Report: what a person is shown; pure, and the same for a saved file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from job.analysis import losses
from job.analysis.breakeven import sentences
from job.analysis.figures import rows_of
from job.analysis.verdict import verdict
from job.shard.states import excerpt
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from job.analysis.figures import Row
    from job.results.document import Cluster, NodeShare, Results, Trial

STATES_WIDTH = 76


@dataclass(frozen=True)
class Report:
    """What a person wants to know of a comparison; placement is that of each last trial."""

    cluster: str
    workload: str
    states: tuple[tuple[str, str], ...]
    agreement: str
    rows: tuple[Row, ...]
    placement: tuple[tuple[str, NodeShare], ...]
    losses: tuple[str, ...]
    advisories: tuple[str, ...]
    break_even: tuple[str, ...]
    verdict: str


def analyse(results: Results) -> Report:
    """Return the report of a results document, complete or not."""
    rows = rows_of(results)
    last = {name: of_one[-1] for name, of_one in results.analysed().items()}
    return Report(
        cluster=ran_on(results),
        workload=str(results.workload),
        states=tuple(
            (name, excerpt(t.states, STATES_WIDTH, t.instances)) for name, t in last.items()
        ),
        agreement=_agreement(results, last),
        rows=rows,
        placement=tuple(_placed(last, results.cluster)),
        losses=losses.sentences(results),
        advisories=results.advisories,
        break_even=sentences(results),
        verdict=verdict(results, rows),
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
