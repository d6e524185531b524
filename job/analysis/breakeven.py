"""From which call cost on actors beat the serial loop, and after how many calls; pure.

Both are lines in the cost of a call and in the number of calls (see `planning.costs`), so where
they meet is solved exactly. Asking for the smallest call that is worth distributing is the idea of
METG, the minimum effective task granularity (Slaughter et al., "Task Bench", SC 2020), with the
serial loop in the place of 50 % efficiency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from job.analysis.figures import SLACK
from job.planning.costs import Bound, Cost, Shape, call_cost, fullest_slot, paid_back
from job.planning.estimate import Profile
from job.words import count, duration, percent, signed, spelled

if TYPE_CHECKING:
    from job.analysis.figures import Figures, Row
    from job.results.document import Calibration, Results

LEAST_STRETCH, MOST_STRETCH = 0.5, 4.0  # beyond, the trial was disturbed and says nothing
LEAST_TELLING_S = 2e-5  # a call of less CPU time is blurred by what metering each call costs
LEAST_WORK_S = 0.05  # all calls together: of less, what else ran meanwhile may be most
NEAR = 0.2  # a residual up to which the model's order of strategies may be off by noise
LEAST_S = 1e-9  # that any call takes
MOST_OFF = 0.5  # a residual from which on it says nothing of this run


@dataclass(frozen=True)
class Answer:
    """When one strategy beats the serial loop, and how near the model is to what was measured.

    Attributes:
        call_s: The cost of one call from which on it does, with this many calls; None for never.
        calls: After how many calls of this cost its startup has paid back; None for never.
        behind_s: How much later its first call comes than the loop's; below 0 it comes earlier.
        predicted_s: What the model says this run takes, which took `measured_s`.
        loop_s: What the serial loop took.
    """

    strategy: str
    call_s: float | None
    calls: float | None
    behind_s: float
    predicted_s: float
    measured_s: float
    loop_s: float

    @property
    def residual(self) -> float:
        """How far the prediction is off: 0.1 is 10 % too long."""
        return self.predicted_s / self.measured_s - 1 if self.measured_s else 0.0

    @property
    def off(self) -> str:
        """That, as it is written."""
        shown = percent(abs(self.residual), 0)
        return shown if shown.startswith("<") else signed(self.residual, 0)

    @property
    def misses(self) -> bool:
        """Whether the model is so far from what was measured that it says nothing of this run."""
        reverses = (self.predicted_s < self.loop_s) != (self.measured_s < self.loop_s)
        return abs(self.residual) > (NEAR if reverses else MOST_OFF)

    @property
    def whole_calls(self) -> int | None:
        """`calls` as a number of calls that can be made, to three digits."""
        if self.calls is None:
            return None
        return int(float(f"{math.ceil(round(self.calls, 6)):.3g}"))

    @property
    def cost(self) -> str:
        """`call_s` as it is written, "never" where there is none."""
        return "never" if self.call_s is None else duration(float(f"{self.call_s:.2g}"))

    def __str__(self) -> str:
        """Say from which call cost on it pays, and how good the model is."""
        if self.misses:
            return f"{self.strategy}: no break-even, as the model misses this run by {self.off}"
        how = f"(model off by {self.off})"
        if self.call_s is None:
            pays = "at no call cost: it spreads the calls over nothing"
            if self.behind_s < 0:
                pays = f"by its startup alone, {spelled(-self.behind_s)} shorter than the loop's"
            return f"{self.strategy} {pays} {how}"
        paid = "never pays back at this run's call cost"
        if self.behind_s <= 0:
            paid = "is no longer than the loop's"
        elif self.whole_calls is not None:
            paid = f"pays back after {count(self.whole_calls, 'call')}"
        pays = f"from {self.cost} a call" if self.call_s >= LEAST_S else "at any call cost"
        return f"{self.strategy} {pays}; startup {paid} {how}"


@dataclass(frozen=True)
class NoBreakEven:
    """Why there is no model, and whether anybody would expect one of such a run."""

    reason: str
    expected: bool = True


@dataclass(frozen=True)
class BreakEven:
    """The model of one run: what each strategy takes, and an answer for all but `serial`.

    A call took `call_s` in the serial loop, without the loop itself.
    """

    calls: int
    call_s: float
    costs: dict[str, Cost]
    answers: tuple[Answer, ...]
    shapes: dict[str, Shape] = field(default_factory=dict)  # what the costs follow from
    stretch: float = 1.0  # likewise, see `Shape.bounds`

    @property
    def telling(self) -> tuple[Answer, ...]:
        """The answers for strategies that the model does not miss."""
        return tuple(answer for answer in self.answers if not answer.misses)

    def winner(self, calls: int, call_s: float) -> str:
        """Return the strategy that should be the quickest with so many calls of that cost."""
        return min(self.costs, key=lambda name: self.costs[name].elapsed_s(calls, call_s))


def break_even(figures: Figures) -> BreakEven | NoBreakEven:
    """Return the break-even of a complete run that was calibrated, or say why there is none."""
    results, profile, serial = figures.results, figures.profile, figures.row("serial")
    # Where trials had deaths, which is where none was without, their price is in every figure.
    hurt = {name for name, of in figures.trials.items() if any(trial.losses for trial in of)}
    others = [row for row in figures.rows if row.strategy not in {*hurt, "serial"}]
    if results.status != "complete":
        return NoBreakEven("the comparison did not end as planned", expected=False)
    if not serial or not profile or len(figures.rows) == 1:
        return NoBreakEven("only `serial` and another strategy have one", expected=False)
    if not others:
        return NoBreakEven("no trial was without deaths, and their price is in every figure")
    if not profile.calls:
        return NoBreakEven("nothing was called")
    if results.calibration is None:
        return NoBreakEven("calls that do nothing were not timed on this cluster")
    call_s = max(0.0, profile.call_s - results.calibration.loop_s)
    loop = Cost(serial.fixed_s, (Bound("loop", results.calibration.loop_s, 1.0),))
    stretch = _stretch({row.strategy: row for row in others}, figures, profile)
    costs, answers = {"serial": loop}, []
    shapes = {row.strategy: _shape(row, results, results.calibration) for row in others}
    for row in others:
        cost = Cost(row.fixed_s, shapes[row.strategy].bounds(profile.cpu_share, stretch))
        costs[row.strategy] = cost
        answers.append(
            Answer(
                row.strategy,
                call_cost(loop, cost, profile.calls),
                paid_back(loop, cost, call_s),
                behind_s=row.fixed_s - serial.fixed_s,
                predicted_s=cost.elapsed_s(profile.calls, call_s),
                measured_s=row.elapsed_s,
                loop_s=serial.elapsed_s,
            )
        )
    return BreakEven(profile.calls, call_s, costs, tuple(answers), shapes, stretch)


def pays_off(found: BreakEven | NoBreakEven) -> tuple[str, ...]:
    """Say what was found; nothing of a run that nobody expects it of."""
    if isinstance(found, BreakEven):
        return tuple(map(str, found.answers))
    return (f"none: {found.reason}",) if found.expected else ()


def _shape(row: Row, results: Results, calibration: Calibration) -> Shape:
    trial = row.last
    instances, driver = results.workload.instances, results.environment.driver_address
    batch = trial.settings.get("calls_per_batch", 1)
    return Shape(
        instances,
        cpus=max(row.cpus_computed_on, 1.0),
        slot=fullest_slot(instances, trial.shards, trial.threads),
        # A batch that is a second long costs its calls nothing.
        sent_s=calibration.send_s / batch if isinstance(batch, int) else 0.0,
        inside_s=0.0 if batch == 1 else calibration.inside_s,
        shares_driver=any(share.address == driver for share in trial.placement),
    )


def _stretch(others: dict[str, Row], figures: Figures, profile: Profile) -> float:
    """Return how many times what it takes in the serial loop a call took in actors, side by side.

    Cores that are two threads of one, or of another node, make it differ from 1; so does anything
    else that runs, for Ray gives its workers a low priority. By the clock, where each call had a
    CPU of its own; else by CPU time, for then calls of ours keep each other waiting. Of the
    strategies that with the fewest remote calls tells, as its calls' CPU time is the least blurred.
    """
    row = others.get("sharded") or others.get("actors") or next(iter(others.values()))
    trials = figures.trials[row.strategy]
    last, found = trials[-1], Profile.of(trials, trials[-1].instances)
    each = last.settings.get("calls_per_batch") == 1
    tiny = each and profile.cpu_s < LEAST_TELLING_S * profile.calls
    if tiny or profile.wall_s < LEAST_WORK_S:
        return 1.0
    stretch = found.cpu_s / profile.cpu_s if profile.cpu_s and found.cpu_s else 1.0
    if (
        last.at_once * profile.width <= row.cpus_computed_on + SLACK
        and found.wall_s
        and profile.computes
    ):
        stretch = found.wall_s / profile.wall_s
    return min(max(stretch, LEAST_STRETCH), MOST_STRETCH)
