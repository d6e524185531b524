"""Does what the try-out lets expect name the quickest of all five strategies?

Each point is a comparison: calls that wait or compute, cheap or dear, on few or many instances. The
winner is predicted from the first calls, before anything is measured. Where the two that are
expected to be the quickest are within a fifth of each other, nothing is claimed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from benchmarks import ours
from benchmarks.bounds import Verdict
from benchmarks.winners import NEAR
from job.analysis.report import analyse
from job.cluster.autoscaler import preview
from job.planning.estimate import Cores, estimate
from job.planning.local import add_local
from job.running.comparison import compare, this_machine
from job.running.listener import Listener
from job.running.preparation import prepare
from job.running.tryout import profile_of
from job.targets.spinner import rounds_for
from job.workload.reading import build

if TYPE_CHECKING:
    from job.cluster.connection import Site

NAME = "verdict"  # for --only
TRIALS = 3
LEAST = 8  # points of which something is to be claimed
COUNTER, SPINNER = "job.targets.counter:Counter", "job.targets.spinner:Spinner"
# Whether calls wait, what one takes in seconds, instances, calls on each.
POINTS = (
    (True, 1.0, 4, 2), (True, 0.01, 64, 20), (True, 0.01, 500, 20), (True, 0.001, 4, 10),
    (True, 0.05, 2, 40), (False, 1e-5, 4, 100), (False, 1e-5, 1_000, 20), (False, 1e-3, 4, 12),
    (False, 1e-3, 4, 1_000), (False, 2e-3, 8, 50), (False, 0.02, 16, 10),
)  # fmt: skip
_CAPTION = """\
## The verdict: the quickest of all, predicted from the first calls

Elapsed in s: the median of {trials} trials in turn, of one where calls wait for long, and in
brackets as expected beforehand. Where the two that are expected to be the quickest are within a
fifth of each other, nothing is claimed."""


@dataclass(frozen=True)
class Point:
    """One comparison, predicted and measured; times in seconds, by strategy."""

    workload: str
    expected_s: dict[str, float]
    elapsed_s: dict[str, float]
    answer: str  # the verdict's first sentence

    @property
    def predicted(self) -> str:
        """Which was expected to be the quickest."""
        return min(self.expected_s, key=lambda name: self.expected_s[name])

    @property
    def measured(self) -> str:
        """Which was."""
        return min(self.elapsed_s, key=lambda name: self.elapsed_s[name])

    @property
    def near(self) -> bool:
        """Whether another one was expected to be nearly as quick."""
        best, second, *_ = sorted(self.expected_s.values())
        return second <= NEAR * best

    @property
    def met(self) -> bool:
        """Whether the prediction held, or none was made."""
        return self.near or self.predicted == self.measured


def find() -> list[Point]:
    """Compare at all points; about two minutes."""
    with ours.begin() as site:
        return [_point(site, *point) for point in POINTS]


def _point(site: Site, waits: bool, call_s: float, instances: int, calls: int) -> Point:  # noqa: FBT001
    made = f"{SPINNER}(seed=instance, rounds={rounds_for(call_s)})"
    keys: dict[str, Any] = {
        "target": f"{COUNTER}(delay={call_s})" if waits else made,
        "instances": instances,
        "calls": (f"{'increment' if waits else 'spin'} * {calls}",),
        "read": "read",
        "trials": TRIALS if instances * calls * call_s < 5 or not waits else 1,  # noqa: PLR2004
    }
    workload, plan = build({}, keys)
    subject = prepare(workload, plan, None, Listener())
    assert subject.tried  # noqa: S101 - prepare has tried it
    profile = profile_of(workload, subject.tried)
    laid_out = preview(workload, plan, site.cluster, profile)
    machine = this_machine()
    laid_out = add_local(laid_out, workload, plan, profile, machine)
    cores = Cores(site.cluster.cores, machine.cores)
    expected = estimate(workload, profile, cores, laid_out.layouts)
    report = analyse(compare(subject, site, Listener()))
    kind = "wait" if waits else "compute"
    point = Point(
        f"{instances:,} x {calls:,} calls that {kind} {1e3 * call_s:g} ms",
        {"serial": expected.serial_s, **expected.others_s},
        {row.strategy: row.elapsed_s for row in report.rows},
        report.answer,
    )
    click.echo(f"verdict     {point.workload}: {point.answer}", err=True)
    return point


def verdicts(points: list[Point]) -> list[Verdict]:
    """Demand that no prediction fails; nothing where nothing was measured."""
    decided = [point for point in points if not point.near]
    failed = float(sum(not point.met for point in points))
    demand = f"verdict: winners mispredicted, of {len(decided)} points away from a threshold"
    unsaid = float(len(points) - len(decided))
    told = Verdict("verdict: points that nothing is claimed of", unsaid, len(points) - LEAST)
    return [Verdict(demand, failed, 0.0), told] if points else []


def render(points: list[Point], style: str) -> str:
    """Return the points as a section; nothing where nothing was measured."""
    if not points:
        return ""
    names = ("serial", "threads", "processes", "actors", "sharded")
    rows = [
        [
            point.workload,
            *(
                f"{point.elapsed_s[name]:.2f} ({point.expected_s[name]:.2f})"
                if name in point.elapsed_s and name in point.expected_s
                else "-"
                for name in names
            ),
            point.predicted,
            point.measured,
            "too near" if point.near else "\N{CHECK MARK}" if point.met else "\N{BALLOT X}",
        ]
        for point in points
    ]
    headers = ("workload", *(f"{name} s" for name in names), "predicted", "measured", "")
    align = ["left", *["right"] * 5, "left", "left", "left"]
    table = tabulate(rows, headers, tablefmt=style, colalign=align, disable_numparse=True)
    return f"{_CAPTION.format(trials=TRIALS)}\n\n{table}\n"


def document(points: list[Point]) -> list[dict[str, object]]:
    """Return the points for JSON."""
    return [asdict(p) | {"predicted": p.predicted, "measured": p.measured} for p in points]
