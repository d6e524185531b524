"""When the driver had answers, actor by actor and node by node; pure.

However long a trial was, the chart has a bounded number of marks: answers that came one after the
other share a bar where they are too many, and more actors than are shown nobody could tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from job.page.drawing import Chart, Figure, Table, axis, layout, lines, plain, seconds, short, texts
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.results.document import Cluster, Loss, Stretch, Trial

Lane: TypeAlias = tuple[str, int]  # a row of the chart: a node's id, and an actor that was there

MOST_ACTORS = 200
MOST_BARS = 1_200
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
    end_s = max(stretch.until_s for of_lane in lanes.values() for stretch in of_lane) or 1e-6
    labelled = list(places.items())[::room]
    rows = len(places) + room * len(headings)
    return Chart(
        key=f"timeline-{trial.strategy}",
        title=f"Calls over time: {trial.strategy}",
        said=_spoken(trial, lanes, len(headings)),
        traces=(
            _bars(lanes, places, seconds(end_s)),
            texts([0.0] * len(headings), headings.values(),
                  [plain(names.get(node, node)) for node in headings]),
            _crosses(trial.deaths, places, {node.address: node.node_id for node in cluster.nodes}),
        ),
        layout=layout(
            axis("since the work began", range=[0, end_s], tickformat=seconds(end_s),
                 ticksuffix="s"),
            axis("actor", showgrid=False, range=[rows - 0.4, -0.6],
                 tickvals=[place for _, place in labelled],
                 ticktext=[f"{actor:,} " for (_, actor), _ in labelled],
                 tickfont={"color": "@soft", "size": 11}),
            barmode="overlay",
        ),
        table=_table(lanes, names, trial.deaths),
        height_px=_FRAME_PX + lane_px * rows,
    )  # fmt: skip


def divide(stretches: Sequence[Stretch]) -> dict[Lane, list[Stretch]]:
    """Return the stretches of each lane; an actor that was on two nodes has one on each."""
    order = dict.fromkeys(stretch.node_id for stretch in stretches)
    position = {node: index for index, node in enumerate(order)}
    shown = set(sorted({stretch.actor for stretch in stretches})[:MOST_ACTORS])
    lanes: dict[Lane, list[Stretch]] = {}
    for each in sorted(stretches, key=lambda s: (position[s.node_id], s.actor, s.since_s)):
        if each.actor in shown:
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


def merge(stretches: Sequence[Stretch], most: int) -> list[Stretch]:
    """Return at most so many stretches, neighbours taken together."""
    size = -(-len(stretches) // most)
    chunks = (stretches[start : start + size] for start in range(0, len(stretches), size))
    return [
        of[0].model_copy(update={"until_s": of[-1].until_s, "calls": sum(s.calls for s in of)})
        for of in chunks
    ]


def _bars(lanes: dict[Lane, list[Stretch]], places: dict[Lane, int], form: str) -> Figure:
    """Return a bar for each stretch, the nodes in two shades by turns."""
    most = max(1, MOST_BARS // len(lanes))
    drawn = [(lane, each) for lane, of_lane in lanes.items() for each in merge(of_lane, most)]
    nodes = list(dict.fromkeys(node for node, _ in lanes))
    shades = {node: ("@accent", "@tint")[turn % 2] for turn, node in enumerate(nodes)}
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
    return lines(
        "losses", x, y, "@danger", mode="lines+markers", text=said, cliponaxis=False,
        hovertemplate="%{text}<extra></extra>",
        marker={"symbol": "x", "color": "@danger", "size": [10, 0, 0] * len(losses), "opacity": 1,
                "line": {"color": "@paper", "width": 1}},
    )  # fmt: skip


def _spoken(trial: Trial, lanes: dict[Lane, list[Stretch]], nodes: int) -> str:
    calls = sum(stretch.calls for of_lane in lanes.values() for stretch in of_lane)
    actors = len({actor for _, actor in lanes})
    which = count(actors, "actor")
    if trial.actors > actors:  # no more can be told apart
        which = f"the first {actors:,} of {count(trial.actors, 'actor')}"
    said = f"{count(calls, 'call')} of {which} on {count(nodes, 'node')}. "
    if max(map(len, lanes.values())) > MOST_BARS // len(lanes):
        said += "Each bar is several answers that came one after the other."
    else:
        said += "Each bar ends when the driver had an answer, or several together."
    if lost := len(trial.deaths):
        said += f" A cross is a loss ({lost:,}), the line the time until work resumed."
    return said


def _table(
    lanes: dict[Lane, list[Stretch]], names: dict[str, str], losses: Sequence[Loss]
) -> Table:
    rows = tuple(
        (
            names.get(node, node), f"{actor:,}", sum(each.calls for each in mine),
            mine[0].since_s, max(each.until_s for each in mine),
            sum(loss.actor == actor for loss in losses),
        )
        for (node, actor), mine in lanes.items()
    )  # fmt: skip
    return Table(("node", "actor", "calls", "first s", "last s", "losses"), rows)
