"""When the driver had answers, actor by actor and node by node; pure.

However long a trial was, the chart has a bounded number of marks: a few actors are bars, in which
answers that came one after the other are merged where they are too many; many actors are shades,
each of some actors of one node over a stretch of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from job.page.drawing import (
    ACCENT,
    DANGER,
    PAPER,
    SOFT,
    TINT,
    Chart,
    Figure,
    Table,
    Unit,
    axis,
    layout,
    plain,
    text_at,
    unit_for,
)
from job.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.results.document import Cluster, Loss, Stretch, Trial

MOST_LANES = 40
MOST_BARS = 1_200
BINS = 120
_LANE_PX, _LEAST_LANE_PX = 22, 12
_FRAME_PX = 70


@dataclass(frozen=True)
class Lane:
    """One row of the chart: some actors of one node, and their stretches in the order of time."""

    node_id: str
    actors: tuple[int, ...]
    stretches: tuple[Stretch, ...]
    place: float

    @property
    def name(self) -> str:
        """Which actors they are."""
        first, last = self.actors[0], self.actors[-1]
        return f"{first:,}" if first == last else f"{first:,} … {last:,}"


def timeline(trial: Trial, cluster: Cluster) -> Chart | None:
    """Return when a trial's calls were answered; None where the driver kept no record of it."""
    if not trial.timeline:
        return None
    lanes, headers = lanes_of(trial.timeline)
    names = {node.node_id: node.name for node in cluster.nodes}
    end = max(stretch.until_s for stretch in trial.timeline) or 1e-6
    unit = unit_for(end)
    single = all(len(lane.actors) == 1 for lane in lanes)
    traces = _bars(lanes, names, unit) if single else [_shades(lanes, names, unit, end)]
    height = max(_LEAST_LANE_PX, min(_LANE_PX, 480 // len(lanes))) if single else _LEAST_LANE_PX
    rows = len(lanes) + len(headers)
    return Chart(
        key=f"timeline-{trial.strategy}",
        title=f"Calls over time: {trial.strategy}",
        said=_spoken(trial, lanes, len(headers), single=single),
        traces=(*traces, *_deaths(trial.deaths, lanes, cluster, unit)),
        layout=layout(
            axis(f"since the work began, {unit.name}", range=[0, *unit.of([end])]),
            axis(
                "actor" if single else "actors", showgrid=False, range=[rows - 0.4, -0.6],
                **_labels(lanes, single=single),
            ),
            barmode="overlay", bargap=0.25,
            annotations=[
                text_at(0, place, plain(names.get(node, node)), xanchor="left", xshift=2)
                for node, place in headers.items()
            ],
        ),
        height_px=_FRAME_PX + height * rows,
        table=_table(lanes, names, trial.deaths),
    )  # fmt: skip


def lanes_of(stretches: Sequence[Stretch]) -> tuple[list[Lane], dict[str, float]]:
    """Return the rows of the chart, and where each node's heading is.

    An actor that was on two nodes has a row on each. Where the rows are too many, neighbours of
    one node share one.
    """
    order = dict.fromkeys(stretch.node_id for stretch in stretches)
    position = {node: index for index, node in enumerate(order)}
    ordered = sorted(stretches, key=lambda s: (position[s.node_id], s.actor, s.since_s))
    single = [
        (node, actor, tuple(of_one))
        for (node, actor), of_one in groupby(ordered, key=lambda s: (s.node_id, s.actor))
    ]
    share = -(-len(single) // MOST_LANES)
    lanes: list[Lane] = []
    headers: dict[str, float] = {}
    for node, of_node in groupby(single, key=lambda each: each[0]):
        headers[node] = len(lanes) + len(headers)
        several = list(of_node)
        for start in range(0, len(several), share):
            chunk = several[start : start + share]
            place = float(len(lanes) + len(headers))
            held = tuple(stretch for _, _, of_one in chunk for stretch in of_one)
            lanes.append(Lane(node, tuple(actor for _, actor, _ in chunk), held, place))
    return lanes, headers


def merged(stretches: Sequence[Stretch], most: int) -> list[Stretch]:
    """Return at most so many stretches, neighbours taken together."""
    size = -(-len(stretches) // most)
    return [
        chunk[0].model_copy(
            update={"until_s": chunk[-1].until_s, "calls": sum(each.calls for each in chunk)}
        )
        for chunk in (stretches[start : start + size] for start in range(0, len(stretches), size))
    ]


def rates(stretches: Sequence[Stretch], end_s: float) -> list[float]:
    """Return calls/s over time, as if the calls of a stretch were spread evenly over it."""
    width = end_s / BINS
    calls = [0.0] * BINS
    for stretch in stretches:
        length = stretch.until_s - stretch.since_s
        first = min(int(stretch.since_s / width), BINS - 1)
        last = min(int(stretch.until_s / width), BINS - 1)
        for number in range(first, last + 1):
            since = max(stretch.since_s, number * width)
            share = (min(stretch.until_s, (number + 1) * width) - since) / length if length else 1.0
            calls[number] += stretch.calls * (share if first != last else 1.0)
    return [count / width for count in calls]


def _bars(lanes: Sequence[Lane], names: dict[str, str], unit: Unit) -> list[Figure]:
    """Return a bar for each stretch, the nodes in two shades by turns."""
    most = MOST_BARS // len(lanes)
    nodes = list(dict.fromkeys(lane.node_id for lane in lanes))
    traces = []
    for node in nodes:
        mine = [(lane, s) for lane in lanes if lane.node_id == node
                for s in merged(lane.stretches, most)]  # fmt: skip
        colour = (ACCENT, TINT)[nodes.index(node) % 2]
        traces.append(
            {
                "type": "bar", "orientation": "h", "name": plain(names.get(node, node)),
                "y": [lane.place for lane, _ in mine],
                "base": unit.of(s.since_s for _, s in mine),
                "x": unit.of(s.until_s - s.since_s for _, s in mine),
                "text": [_hover(lane, s, unit) for lane, s in mine], "textposition": "none",
                "marker": {"color": colour, "line": {"color": PAPER, "width": 1}},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )  # fmt: skip
    return traces


def _hover(lane: Lane, stretch: Stretch, unit: Unit) -> str:
    since, until = unit.of([stretch.since_s, stretch.until_s])
    return (
        f"actor {lane.name}: {count(stretch.calls, 'call')}, {since:.4g} to {until:.4g} {unit.name}"
    )


def _shades(lanes: Sequence[Lane], names: dict[str, str], unit: Unit, end_s: float) -> Figure:
    """Return calls/s as shades; a heading's row has none."""
    rows = int(lanes[-1].place) + 1
    shades: list[list[float] | list[None]] = [[None] * BINS for _ in range(rows)]
    said = [[""] * BINS for _ in range(rows)]
    for lane in lanes:
        values = [float(f"{rate:.4g}") for rate in rates(lane.stretches, end_s)]
        shades[int(lane.place)] = values
        where = plain(names.get(lane.node_id, lane.node_id))
        said[int(lane.place)] = [f"{where}, actors {lane.name}: {v:,.4g} calls/s" for v in values]
    step = end_s / BINS
    return {
        "type": "heatmap", "z": shades, "text": said, "zmin": 0, "hoverongaps": False, "ygap": 1,
        "x": unit.of(step * (number + 0.5) for number in range(BINS)), "y": list(range(rows)),
        "colorscale": [[0, PAPER], [1, ACCENT]], "showscale": False,
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _deaths(
    deaths: Sequence[Loss], lanes: Sequence[Lane], cluster: Cluster, unit: Unit
) -> list[Figure]:
    """Return a cross for each death, and a line to where the next incarnation resumed."""
    nodes = {node.address: node.node_id for node in cluster.nodes}
    found = [
        (loss, lane.place)
        for loss in deaths
        if (lane := _lane_of(loss.actor, nodes.get(loss.address), lanes))
    ]
    if not found:
        return []
    x: list[float | None] = []
    y: list[float | None] = []
    for loss, place in found:
        x += [*unit.of([loss.since_s, loss.since_s + (loss.resumed_s or 0.0)]), None]
        y += [place, place, None]
    gaps = {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip",
        "line": {"color": DANGER, "width": 2},
    }  # fmt: skip
    crosses = {
        "type": "scatter", "mode": "markers", "x": unit.of(loss.since_s for loss, _ in found),
        "y": [place for _, place in found],
        "text": [plain(f"actor {loss.actor:,} died: {loss.cause}", 80) for loss, _ in found],
        "marker": {
            "symbol": "x", "size": 10, "color": DANGER, "line": {"color": PAPER, "width": 1},
        },
        "hovertemplate": "%{text}<extra></extra>", "cliponaxis": False,
    }  # fmt: skip
    return [gaps, crosses]


def _lane_of(actor: int, node_id: str | None, lanes: Sequence[Lane]) -> Lane | None:
    """Return an actor's row on the node where it died, or another of its rows."""
    mine = [lane for lane in lanes if actor in lane.actors]
    return next((lane for lane in mine if lane.node_id == node_id), mine[0] if mine else None)


def _labels(lanes: Sequence[Lane], *, single: bool) -> Figure:
    """Return labels for as many rows as have room."""
    step = -(-len(lanes) // (20 if single else 8))
    labelled = lanes[::step]
    return {
        "tickvals": [lane.place for lane in labelled],
        "ticktext": [f"{lane.name} " for lane in labelled],
        "tickfont": {"color": SOFT, "size": 11},
    }


def _spoken(trial: Trial, lanes: Sequence[Lane], nodes: int, *, single: bool) -> str:
    calls = sum(stretch.calls for stretch in trial.timeline)
    actors = len({actor for lane in lanes for actor in lane.actors})
    which = count(actors, "actor")
    if trial.actors > actors:  # no more are kept than can be told apart
        which = f"the first {actors:,} of {count(trial.actors, 'actor')}"
    whole = f"{count(calls, 'call')} of {which} on {count(nodes, 'node')}"
    if not single:
        said = f"{whole}. Each row is some actors of a node; the darker, the more calls a second."
    elif len(trial.timeline) > MOST_BARS:
        said = f"{whole}. Each bar is several answers that came one after the other."
    else:
        said = f"{whole}. Each bar ends when the driver had an answer, or several together."
    if trial.deaths:
        said += (
            f" A cross is a death ({len(trial.deaths):,}), the line the time until work resumed."
        )
    return said


def _table(lanes: Sequence[Lane], names: dict[str, str], deaths: Sequence[Loss]) -> Table:
    rows = []
    for lane in lanes:
        calls = sum(stretch.calls for stretch in lane.stretches)
        since = min(stretch.since_s for stretch in lane.stretches)
        until = max(stretch.until_s for stretch in lane.stretches)
        died = sum(loss.actor in lane.actors for loss in deaths)
        rows.append(
            (
                names.get(lane.node_id, lane.node_id), lane.name, f"{calls:,}", f"{since:,.4g}",
                f"{until:,.4g}", f"{died:,}",
            )
        )  # fmt: skip
    return Table(("node", "actor", "calls", "first s", "last s", "deaths"), tuple(rows))
