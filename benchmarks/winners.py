"""Does the break-even of one run name the winner at call costs that it has not seen?

One comparison is calibrated. From it alone the winner among serial, actors and sharded is predicted
for calls of 0.01 to 100 ms, few and many of them, and then each is measured. Points within a fifth
of a predicted threshold may go either way.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tabulate import tabulate

from benchmarks.bounds import Verdict
from job.analysis.figures import figures_of
from job.planning.costs import call_cost

if TYPE_CHECKING:
    from job.analysis.breakeven import BreakEven
    from job.results.document import Results

NAME = "break-even"  # for --only
INSTANCES = 4  # twice as many actors as CPUs here: what one process more costs shows
FEW, MANY = 12, 1_500  # calls each; thresholds lie near 30 ms and 0.3 ms on 2 CPUs
POINTS = ((1e-5, FEW), (1e-4, FEW), (1e-3, FEW), (1e-2, FEW), (1e-1, FEW), (1e-4, MANY),
          (1e-3, MANY))  # fmt: skip
CALIBRATED = (1e-2, FEW)
TRIALS = 3  # of each strategy in turn; their median counts
NEAR = 1.2  # so near a threshold, either way, nothing is claimed
_HEADERS = ("calls", "call ms", "serial s", "actors s", "sharded s", "pays from ms", "predicted",
            "measured", "")  # fmt: skip

_CAPTION = """\
## Break-even: {instances} spinners, the winner predicted from one run

One run of {calls} calls each of {call} ms was calibrated; all winners are predicted from it alone.
Elapsed in s: the median of 3 trials, in turn, and in brackets as predicted. *pays from*: the call
cost from which on the first strategy should beat the serial loop. Within a fifth of it nothing is
claimed."""


@dataclass(frozen=True)
class Point:
    """One call cost, predicted and measured; times in seconds.

    Attributes:
        calls: Of all instances.
        call_s: What one took in the serial loop.
        elapsed_s: What was measured, by strategy.
        predicted_s: What the model had said, by strategy.
        threshold_s: From which call cost on the first strategy was to beat the loop.
        predicted: The winner, as predicted.
        near: Whether it changes within a fifth of this call cost.
    """

    calls: int
    call_s: float
    elapsed_s: dict[str, float]
    predicted_s: dict[str, float]
    threshold_s: float | None
    predicted: str
    near: bool

    @property
    def measured(self) -> str:
        """The winner, as measured."""
        return min(self.elapsed_s, key=lambda name: self.elapsed_s[name])

    @property
    def met(self) -> bool:
        """Whether the prediction held, or none was made."""
        return self.near or self.predicted == self.measured


def thresholds(model: BreakEven, calls: int) -> dict[str, float | None]:
    """Return from which call cost on each other strategy beats the loop with so many calls."""
    others = {name: cost for name, cost in model.costs.items() if name != "serial"}
    return {name: call_cost(model.costs["serial"], cost, calls) for name, cost in others.items()}


def point_of(model: BreakEven, results: Results) -> Point:
    """Hold what was measured against what was predicted."""
    figures = figures_of(results)
    elapsed = {row.strategy: row.elapsed_s for row in figures.rows}
    (serial,) = [row for row in figures.rows if row.strategy == "serial"]
    calls = figures.trials["serial"][-1].calls
    cost = serial.work_s / calls
    around = {model.winner(calls, factor * cost) for factor in (1 / NEAR, 1.0, NEAR)}
    found = [cost for cost in thresholds(model, calls).values() if cost is not None]
    return Point(
        calls=calls,
        call_s=cost,
        elapsed_s=elapsed,
        predicted_s={name: c.elapsed_s(calls, cost) for name, c in model.costs.items()},
        threshold_s=min(found, default=None),
        predicted=model.winner(calls, cost),
        near=len(around) > 1,
    )


def verdicts(points: list[Point]) -> list[Verdict]:
    """Demand that no prediction fails; nothing where nothing was measured."""
    decided = [point for point in points if not point.near]
    demand = f"break-even: winners mispredicted, of {len(decided)} points away from a threshold"
    failed = float(sum(not point.met for point in points))
    unsaid = float(len(points) - len(decided))
    told = Verdict("break-even: points that nothing is claimed of", unsaid, len(points) / 2)
    return [Verdict(demand, failed, 0.0), told] if points else []


def render(points: list[Point], style: str) -> str:
    """Return the points as a section; nothing where nothing was measured."""
    if not points:
        return ""
    rows = [
        [
            f"{point.calls:,}",
            f"{1e3 * point.call_s:.3g}",
            *[
                f"{point.elapsed_s[name]:.2f} ({point.predicted_s[name]:.2f})"
                for name in ("serial", "actors", "sharded")
            ],
            "never"
            if point.threshold_s is None
            else f"{float(f'{1e3 * point.threshold_s:.2g}'):g}",
            point.predicted,
            point.measured,
            "too near" if point.near else "\N{CHECK MARK}" if point.met else "\N{BALLOT X}",
        ]
        for point in points
    ]
    align = [*["right"] * 6, "left", "left", "left"]
    table = tabulate(rows, _HEADERS, tablefmt=style, colalign=align, disable_numparse=True)
    cost, calls = CALIBRATED
    text = _CAPTION.format(instances=INSTANCES, calls=calls, call=f"{1e3 * cost:g}")
    return f"{text}\n\n{table}\n"


def document(points: list[Point]) -> list[dict[str, object]]:
    """Return the points for JSON."""
    return [asdict(p) | {"measured": p.measured, "met": p.met} for p in points]
