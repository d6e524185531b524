"""From which call cost on actors beat the serial loop, and after how many calls; pure.

The model, with n calls of c seconds each on a given layout (docs/measuring.md derives it):

    serial(n, c)   = fixed + n (loop + c)
    strategy(n, c) = startup + read + n max over bounds of (overhead + factor c)

Each bound is one resource that all calls pass: the driver that sends them, the CPUs, the fullest
actor. Both sides being lines in n and in c, where they meet is solved exactly. Asking for the
smallest call that is worth distributing is the idea of METG, the minimum effective task
granularity (Slaughter et al., "Task Bench", SC 2020), with the serial loop in the place of 50 %
efficiency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from job.analysis.costs import Bound, Cost, call_cost, paid_back
from job.planning.estimate import WAITING, Profile
from job.words import count, duration, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.figures import Figures
    from job.results.document import Calibration, Trial

LEAST_STRETCH, MOST_STRETCH = 0.5, 4.0  # beyond, the trial was disturbed and says nothing
LEAST_TELLING_S = 2e-5  # a call of less CPU time is blurred by what metering each call costs
FEWEST_REMOTE = ("sharded", "actors")  # whose calls' CPU time is the least blurred comes first
NEAR = 0.2  # a residual up to which the model's order of strategies may be off by noise
MOST_OFF = 0.5  # a residual from which on it says nothing of this run


@dataclass(frozen=True)
class Answer:
    """When one strategy beats the serial loop, and how near the model is to what was measured.

    Attributes:
        call_s: The cost of one call from which on it does, with this many calls; None for never.
        calls: After how many calls of this cost its startup has paid back; None for never.
        behind_s: How much later its first call comes than the loop's; below 0 it comes earlier.
        predicted_s: What the model says this run takes.
        measured_s: What it took.
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
    def misses(self) -> bool:
        """Whether the model is so far from what was measured that it says nothing of this run."""
        reverses = (self.predicted_s < self.loop_s) != (self.measured_s < self.loop_s)
        return abs(self.residual) > (NEAR if reverses else MOST_OFF)

    @property
    def whole_calls(self) -> int | None:
        """`calls` as a number of calls that can be made."""
        return None if self.calls is None else math.ceil(round(self.calls, 6))


@dataclass(frozen=True)
class NoBreakEven:
    """Why there is no model."""

    reason: str


@dataclass(frozen=True)
class BreakEven:
    """The model of one run.

    Attributes:
        calls: How many there were.
        call_s: What one took in the serial loop, without the loop.
        costs: What each strategy takes, `serial` among them.
        answers: For every other strategy.
    """

    calls: int
    call_s: float
    costs: dict[str, Cost]
    answers: tuple[Answer, ...]

    @property
    def telling(self) -> tuple[Answer, ...]:
        """The answers for strategies that the model does not miss."""
        return tuple(answer for answer in self.answers if not answer.misses)

    def winner(self, calls: int, call_s: float) -> str:
        """Return the strategy that should be the quickest with so many calls of that cost."""
        return min(self.costs, key=lambda name: self.costs[name].elapsed_s(calls, call_s))

    def thresholds(self, calls: int) -> dict[str, float | None]:
        """Return from which call cost on each other strategy beats the loop with so many calls."""
        serial = self.costs["serial"]
        others = {name: cost for name, cost in self.costs.items() if name != "serial"}
        return {name: call_cost(serial, cost, calls) for name, cost in others.items()}


def break_even(figures: Figures) -> BreakEven | NoBreakEven:
    """Return the break-even of a complete run that was calibrated, or say why there is none."""
    results, trials = figures.results, figures.trials
    calibration, serial = results.calibration, trials.get("serial", [])
    # Where trials had deaths, which is where none was without, their price is in every figure.
    unhurt = {name: of for name, of in trials.items() if not any(trial.losses for trial in of)}
    others = {name: of for name, of in unhurt.items() if name != "serial"}
    if results.status != "complete":
        return NoBreakEven("the comparison did not end as planned")
    if not serial or len(trials) == 1:
        return NoBreakEven("only `serial` and another strategy have one")
    if not others:
        return NoBreakEven("no trial was without deaths, and their price is in every figure")
    instances = results.workload.instances
    calls = round(serial[-1].calls * instances / serial[-1].instances)
    if not calls:
        return NoBreakEven("nothing was called")
    if calibration is None:
        return NoBreakEven("calls that do nothing were not timed on this cluster")
    profile = _profile(serial, calls)
    call_s = max(0.0, profile.call_s - calibration.loop_s)
    costs = {"serial": serial_cost(serial, calibration)}
    stretch = _stretch(others, profile)
    on_driver = results.environment.driver_address
    for name, of_one in others.items():
        near = any(share.address == on_driver for share in of_one[-1].placement)
        shape = Shape.of(of_one[-1], instances, calibration, shares_driver=near)
        fixed = _median(of_one, "startup_s") + _median(of_one, "read_s")
        costs[name] = Cost(fixed, bounds(shape, stretch, _cpu_share(profile)))
    answers = (
        Answer(
            name,
            call_cost(costs["serial"], costs[name], calls),
            paid_back(costs["serial"], costs[name], call_s),
            costs[name].fixed_s - costs["serial"].fixed_s,
            costs[name].elapsed_s(calls, call_s),
            _median(of_one, "elapsed_s"),
            _median(serial, "elapsed_s"),
        )
        for name, of_one in others.items()
    )
    return BreakEven(calls, call_s, costs, tuple(answers))


@dataclass(frozen=True)
class Shape:
    """What of a strategy's layout its costs follow from.

    Attributes:
        cpus: How many compute.
        fullest: The share of all calls that is the fullest actor's, over its threads.
        sent_s: What the driver spends on a call, sending it and looking at the answer.
        inside_s: What an actor spends on a call besides the call.
        shares_driver: Whether actors compute where the driver does, so that sending takes from
            the same CPUs.
    """

    cpus: float
    fullest: float
    sent_s: float
    inside_s: float
    shares_driver: bool

    @classmethod
    def of(
        cls, trial: Trial, instances: int, calibration: Calibration, *, shares_driver: bool
    ) -> Shape:
        """Return the shape of a trial."""
        batch = trial.settings.get("calls_per_batch", 1)
        hosted = -(-instances // max(1, trial.actors))
        threads = min(trial.threads, hosted)
        return cls(
            cpus=max(trial.cpus, 1.0),
            fullest=hosted / threads / instances,
            # A batch that is a second long costs its calls nothing.
            sent_s=calibration.send_s / batch if isinstance(batch, int) else 0.0,
            inside_s=0.0 if batch == 1 else calibration.inside_s,
            shares_driver=shares_driver,
        )


def bounds(shape: Shape, stretch: float, cpu_share: float) -> tuple[Bound, ...]:
    """Return what bounds the work of a shape.

    Args:
        shape: The layout's figures.
        stretch: How many times its CPU time a call takes in an actor while others compute.
        cpu_share: How much of a call's time is computing; 1 for a call that never waits.
    """
    beside = shape.sent_s * cpu_share if shape.shares_driver else 0.0
    slower = 1 + cpu_share * (stretch - 1)
    return (
        Bound("driver", shape.sent_s, 0.0),
        Bound("CPUs", beside + shape.inside_s / shape.cpus, stretch * cpu_share / shape.cpus),
        Bound("fullest actor", beside + shape.inside_s * shape.fullest, slower * shape.fullest),
    )


def serial_cost(serial: Sequence[Trial], calibration: Calibration) -> Cost:
    """Return what the serial loop takes."""
    fixed = _median(serial, "startup_s") + _median(serial, "read_s")
    return Cost(fixed, (Bound("loop", calibration.loop_s, 1.0),))


def _profile(serial: Sequence[Trial], calls: int) -> Profile:
    last, switches = serial[-1], serial[-1].switches
    scaled = None if switches is None else round(switches * calls / max(1, last.calls))
    return Profile(calls, _median(serial, "work_s"), _median(serial, "cpu_s"), scaled)


def _cpu_share(profile: Profile) -> float:
    return 1.0 if profile.waits < WAITING else min(1.0, 1 / profile.waits)


def _stretch(others: dict[str, list[Trial]], profile: Profile) -> float:
    """Return how many times what it takes in the serial loop a call took in actors, side by side.

    Cores that are two threads of one, or of another node, make it differ from 1; so does anything
    else that runs, for Ray gives its workers a low priority. By the clock, where each call had a
    CPU of its own; else by CPU time, for then calls of ours keep each other waiting.
    """
    name = next((name for name in FEWEST_REMOTE if name in others), next(iter(others)))
    trials = others[name]
    each = trials[-1].settings.get("calls_per_batch") == 1
    if not profile.wall_s or (each and profile.cpu_s < LEAST_TELLING_S * profile.calls):
        return 1.0
    busy_s = median(sum(share.busy_s for share in trial.placement) for trial in trials)
    alone = trials[-1].at_once <= trials[-1].cpus
    if alone and busy_s and profile.waits < WAITING:
        found = busy_s / profile.wall_s
    else:
        cpu_s = _median(trials, "cpu_s")
        found = cpu_s / profile.cpu_s if profile.cpu_s and cpu_s else 1.0
    return min(max(found, LEAST_STRETCH), MOST_STRETCH)


def _median(trials: Sequence[Trial], figure: str) -> float:
    return float(median(getattr(trial, figure) for trial in trials))


def pays_off(found: BreakEven | NoBreakEven, figures: Figures) -> tuple[str, ...]:
    """Say for each strategy from which call cost on it pays, and how good the model is.

    Of a run that nobody expects it of, incomplete or without two strategies, nothing is said.
    """
    if isinstance(found, BreakEven):
        return tuple(map(_said, found.answers))
    complete, trials = figures.results.status == "complete", figures.trials
    expected = complete and "serial" in trials and len(trials) > 1
    return (f"none: {found.reason}",) if expected else ()


def _said(answer: Answer) -> str:
    if answer.misses:
        off = f"{answer.residual:+.0%}"
        return f"{answer.strategy}: no break-even, as the model misses this run by {off}"
    how = f"(model {round(100 * answer.residual):+d}% against measured)"
    if answer.call_s is None and answer.behind_s < 0:
        sooner = spelled(-answer.behind_s)
        return f"{answer.strategy} by its startup alone, {sooner} shorter than the loop's {how}"
    if answer.call_s is None:
        return f"{answer.strategy} at no call cost: it spreads the calls over nothing {how}"
    cost = duration(float(f"{answer.call_s:.2g}"))
    return f"{answer.strategy} from {cost} a call; startup {_paid(answer)} {how}"


def _paid(answer: Answer) -> str:
    if answer.behind_s <= 0:
        return "is no longer than the loop's"
    if (calls := answer.whole_calls) is None:
        return "never pays back at this run's call cost"
    return f"pays back after {count(calls, 'call')}"
