"""When the driver had answers, actor by actor and node by node; pure.

However long a trial was, the chart has a bounded number of marks: the driver keeps no more answers
(`actors.timeline`).
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, TypeAlias

from job.page.drawing import Chart, Figure, axis, plain, scatter, seconds, short, texts
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from job.results.document import Cluster, Loss, Stretch, Trial

Lane: TypeAlias = tuple[str, int]  # a row of the chart: a node's id, and an actor that was there

_LANE_PX, _LEAST_LANE_PX, _LANES_PX = 22, 4, 800  # of one lane; of all of them, if they can be
_TEXT_PX = 18
_FRAME_PX = 70


def timeline(trial: Trial, cluster: Cluster) -> Chart:
    """Return when a trial's calls were answered, of which the driver kept a record."""
    lanes = divide(trial.timeline)
    lane_px = max(_LEAST_LANE_PX, min(_LANE_PX, _LANES_PX // len(lanes)))
    room = -(-_TEXT_PX // lane_px)  # lanes that a text takes
    places, headings = arrange(lanes, room)
    names = {node.node_id: node.name for node in cluster.nodes}
    end_s = max(stretch.until_s for stretch in trial.timeline) or 1e-6
    labelled = list(places.items())[::room]
    rows = len(places) + room * len(headings)
    return Chart(
        key=f"timeline-{trial.strategy}",
        title=f"Calls over time: {trial.strategy}",
        said=_spoken(trial, len({actor for _, actor in lanes}), len(headings)),
        traces=(
            _bars(lanes, places, headings, seconds(end_s)),
            texts([0.0] * len(headings), headings.values(),
                  [plain(names.get(node, node)) for node in headings]),
            _crosses(trial.deaths, places, {node.address: node.node_id for node in cluster.nodes}),
        ),
        layout={
            "xaxis": axis("since the work began", range=[0, end_s], tickformat=seconds(end_s),
                          ticksuffix="s"),
            "yaxis": axis("actor", showgrid=False, range=[rows - 0.4, -0.6],
                          tickvals=[place for _, place in labelled],
                          ticktext=[f"{actor:,} " for (_, actor), _ in labelled],
                          tickfont={"color": "@soft", "size": 11}),
            "barmode": "overlay",
        },
        table=[
            {
                "node": names.get(node, node), "actor": f"{actor:,}",
                "calls": sum(each.calls for each in mine), "first s": mine[0].since_s,
                "last s": max(each.until_s for each in mine),
                "losses": sum(loss.actor == actor for loss in trial.deaths),
            }
            for (node, actor), mine in lanes.items()
        ],
        height_px=_FRAME_PX + lane_px * rows,
    )  # fmt: skip


def divide(stretches: Sequence[Stretch]) -> dict[Lane, list[Stretch]]:
    """Return the stretches of each lane; an actor that was on two nodes has one on each."""
    nodes = list(dict.fromkeys(stretch.node_id for stretch in stretches))
    lanes: dict[Lane, list[Stretch]] = {}
    for each in sorted(stretches, key=lambda s: (nodes.index(s.node_id), s.actor, s.since_s)):
        lanes.setdefault((each.node_id, each.actor), []).append(each)
    return lanes


def arrange(lanes: dict[Lane, list[Stretch]], room: int) -> tuple[dict[Lane, int], dict[str, int]]:
    """Return where each lane is, and each node's heading above its first; it takes some room."""
    places: dict[Lane, int] = {}
    headings: dict[str, int] = {}
    for node, actor in lanes:
        headings.setdefault(node, len(places) + room * len(headings) + room // 2)
        places[node, actor] = len(places) + room * len(headings)
    return places, headings


def _bars(
    lanes: dict[Lane, list[Stretch]], places: dict[Lane, int], nodes: Iterable[str], form: str
) -> Figure:  # fmt: skip
    """Return a bar for each stretch, the nodes in two shades by turns."""
    drawn = [(lane, each) for lane, mine in lanes.items() for each in mine]
    shades = dict(zip(nodes, cycle(("@accent", "@tint"))))
    return {
        "type": "bar", "orientation": "h", "width": 0.75, "y": [places[lane] for lane, _ in drawn],
        "base": short(each.since_s for _, each in drawn),
        "x": short(each.until_s - each.since_s for _, each in drawn),
        "marker": {"color": [shades[node] for (node, _), _ in drawn],
                   "line": {"color": "@paper", "width": 1}},
        "customdata": [[actor, count(each.calls, "call")] for (_, actor), each in drawn],
        "hovertemplate": "actor %{customdata[0]}: %{customdata[1]}, "
        f"%{{base:{form}}}s to %{{x:{form}}}s<extra></extra>",
    }  # fmt: skip


def _crosses(losses: Sequence[Loss], places: dict[Lane, int], nodes: dict[str, str]) -> Figure:
    """Return a cross for each loss, and a line to where the next incarnation resumed."""
    x: list[float | None] = []
    y: list[float | None] = []
    said: list[str] = []
    for loss in losses:
        # On the node where it was lost, or else where it went on.
        mine = {node: place for (node, actor), place in places.items() if actor == loss.actor}
        place = mine.get(nodes.get(loss.address, ""), next(iter(mine.values()), None))
        x += [loss.since_s, loss.since_s + (loss.resumed_s or 0.0), None]
        y += [place, place, None]
        said += [plain(f"actor {loss.actor:,} was lost: {loss.cause}", 80), "", ""]
    return scatter(
        "losses", x, y, "lines+markers", line={"color": "@danger"}, text=said,
        marker={"symbol": "x", "color": "@danger", "size": [10, 0, 0] * len(losses), "opacity": 1},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _spoken(trial: Trial, actors: int, nodes: int) -> str:
    which = count(trial.actors, "actor")
    if trial.actors > actors:  # of the others nothing was kept
        which = f"the first {actors:,} of {which}"
    calls = sum(stretch.calls for stretch in trial.timeline)
    said = (
        f"{count(calls, 'call')} of {which} on {count(nodes, 'node')}. Each bar ends when the "
        "driver had an answer, or several together."
    )
    if lost := len(trial.deaths):
        said += f" A cross is a loss ({lost:,}), the line the time until work resumed."
    return said
