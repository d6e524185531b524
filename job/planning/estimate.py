"""What a comparison will take, and how to run it in that light; pure.

Everything here follows from a profile: what calls took, one after the other. What actors cost are
rough figures, good for an estimate and nothing else.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from job.planning.costs import ACTOR, STARTS, Cost, Shape, Start, fullest_slot
from job.words import count, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from job.planning.layout import Layout
    from job.planning.placement import Fit
    from job.results.document import Cluster, Trial
    from job.workload.model import Plan, Workload

# A driver sends 4,500 calls/s (Ray 2.60, 2 cores).
SEND_S = 1 / 4_500
MOST_THREADS = 1_000
WAITS_PER_CALL = 0.01
MOST_SPARE = 200  # threads more than keep a CPU busy: by far more are in each other's way
LEAST_SAMPLE = 5  # instances; of fewer the spread between all of them is anybody's guess
MOST_HELD = 0.5  # of a machine's memory, by instances
TELLING_BYTES = 2**18  # below, what an instance takes is blurred by how memory is handed out
MOST_SAMPLE = 1_000  # more would hardly narrow it
GRACE = 1.25  # of the budget, which an estimate may miss by as much
SEED = 0  # of what is chosen at random, so that every run chooses the same
FAR, LEAST_S = 10, 60.0  # so many times longer than expected, and by so much, and work hangs
MOST_LOST_S = 0.5  # at a time, to those that take turns on a CPU: 3 to 100 ms for each of them
WAITING = 1.5  # wall / CPU from which on calls wait rather than compute


class Cores(NamedTuple):
    """How many compute at once."""

    cluster: float
    driver: int  # of the driver's machine


@dataclass(frozen=True)
class Profile:
    """What so many calls took, one after the other, in seconds."""

    calls: int
    wall_s: float
    cpu_s: float
    switches: int | None = None  # how often a call gave up its CPU to wait; None: not known
    preemptions: int | None = None  # how often one was made to; likewise
    load_s: float = 0.0  # of CPU, what a process takes before them, to import the target
    held_bytes: float = 0.0  # of memory, what the target and an instance take in a process
    instance_bytes: float = 0.0  # what a further one takes

    @classmethod
    def of(cls, trials: Sequence[Trial], instances: int, load_s: float = 0.0) -> Profile:
        """Return what the calls of one strategy's trials took, as if all instances had been run."""
        last, scale = trials[-1], instances / trials[-1].instances
        walls = [
            each.work_s if each.strategy == "serial" else sum(s.busy_s for s in each.placement)
            for each in trials
        ]
        return cls(
            round(last.calls * scale),
            median(walls),
            median(each.cpu_s for each in trials),
            None if last.switches is None else round(last.switches * scale),
            None if last.preemptions is None else round(last.preemptions * scale),
            load_s,
        )

    @property
    def call_s(self) -> float:
        """What one call took by the clock."""
        return self.wall_s / self.calls if self.calls else 0.0

    def fitting(self, memory_bytes: float) -> float:
        """Return how many instances fit into so much memory, as far as what one takes is known."""
        known = self.instance_bytes >= TELLING_BYTES
        return memory_bytes // self.instance_bytes if known else math.inf

    @property
    def waits(self) -> float:
        """How many times as long as they computed the calls took; 1 if they never waited."""
        return 1.0 if self._never_waits else self._longer

    @property
    def held_up(self) -> float:
        """How many times as long as they computed calls took that did not wait; 1 if they did.

        What else runs on the machine then had their CPU, if it took it often enough: a few calls
        among many may wait long.
        """
        lost_s = self.wall_s - self.cpu_s
        often = self.preemptions is None or self.preemptions * MOST_LOST_S >= lost_s
        return max(1.0, self._longer) if self._never_waits and often else 1.0

    @property
    def computes(self) -> bool:
        """Whether they compute rather than wait."""
        return self.waits < WAITING

    @property
    def width(self) -> float:
        """On how many CPUs a call computes at once: more than one, or one."""
        return max(1.0, self.cpu_s / self.wall_s) if self.wall_s else 1.0

    @property
    def cpu_share(self) -> float:
        """How much of their time is computing, on each CPU: all of it where they do not wait."""
        return self.width if self.computes else 1 / self.waits

    @property
    def _longer(self) -> float:
        return self.wall_s / max(self.cpu_s, 1e-9)

    @property
    def _never_waits(self) -> bool:
        """Whether they hardly ever gave up their CPU, as calls that wait do.

        A busy machine, too, makes calls take longer than they compute; but it takes their CPU away.
        """
        return self.switches is not None and self.switches < WAITS_PER_CALL * self.calls


@dataclass(frozen=True)
class Estimate:
    """How long each strategy will take, in seconds."""

    serial_s: float  # the whole serial loop
    sample: int | None  # how many instances the serial loop is to run; None for all
    others_s: Mapping[str, float]  # startup included

    def __str__(self) -> str:
        """Say it in one line."""
        said = []
        if self.serial_s:
            how = f" (estimated from {count(self.sample, 'instance')})" if self.sample else ""
            said.append(f"serial {span(self.serial_s)}{how}")
        said += [f"{name} {span(seconds)}" for name, seconds in self.others_s.items()]
        return f"Estimate of each trial: {', '.join(said)}."


@dataclass(frozen=True)
class Loop:
    """How the serial loop is run: the strategy's knobs, turned.

    Attributes:
        order: The instances of a sample, in the order in which they are run.
        sampled: Whether no others are run.
        budget_s: After what time of work none is begun any more, but for the first 5; a loop over
            all becomes a sample then.
        calls_s: What a call of each kind is expected to take; empty where that is not known.
    """

    order: tuple[int, ...] = ()
    sampled: bool = False
    budget_s: float = math.inf
    calls_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Rehearsal:
    """What a comparison would do, had it been run."""

    cluster: Cluster
    layouts: dict[str, Layout]  # of each strategy but the loop on the driver
    fits: dict[str, Fit]
    omitted: dict[str, str]  # the strategies that would be left out, and why
    estimates: dict[float, Estimate]  # by what one call may take in seconds
    strategies: tuple[str, ...]  # that would be run, in order


def threads_for(profile: Profile, instances: int) -> int:
    """Return how many threads a shard of so many instances should have.

    While one call waits others can compute: wall / CPU calls keep one CPU busy. As many threads
    again are taken, for a few too many cost little and one too few leaves the CPU idle: 1,000
    instances x 20 calls of 10 ms took 0.42 s with wall / CPU threads and 0.30 s with twice as many.
    But 4,800 of them on two shards took 1.5 s with 400 threads each and 2.1 s with 800. Calls that
    only compute gain nothing from threads.
    """
    if profile.computes:
        return 1
    found = profile.waits + min(profile.waits, MOST_SPARE)
    return max(1, min(round(found), instances, MOST_THREADS))


def sample_size(
    workload: Workload, plan: Plan, profile: Profile | None, memory_bytes: float = math.inf
) -> int | None:
    """Return of how many instances the serial loop is to be run so that it fits; None for all.

    Where all do not fit into the budget, half of it goes into the sample: with whole instances,
    and with what else a comparison takes, the user waits about as long as the budget says. But
    instances are seldom alike, so 5 are run at least, whatever they take. Where they do not fit
    into half of the driver's memory it is as many as do: the loop holds them all at once.
    """
    if profile is None or plan.serial == "full":
        return None
    count, each_s = workload.instances, profile.call_s * workload.calls_per_instance
    room = profile.fitting(MOST_HELD * memory_bytes)
    if plan.serial == "auto" and each_s * count <= plan.budget_s and count <= room:
        return None
    # A sample that is asked for has fewer than all, so that it is one.
    most = min(room, count - 1 if plan.serial == "sample" else count)
    fitting = math.floor(plan.budget_s / 2 / max(each_s, 1e-9))
    found = max(1, int(min(most, MOST_SAMPLE, max(fitting, LEAST_SAMPLE))))
    return found if found != count else None


def lay_out_loop(
    workload: Workload, plan: Plan, sample: int | None, calls_s: tuple[float, ...] = ()
) -> Loop:
    """Turn the serial loop's knobs; `sample` is how many instances it runs, None for all."""
    budget_s = plan.budget_s / 2 if sample else GRACE * plan.budget_s
    return Loop(
        choose_sample(workload.instances, sample or LEAST_SAMPLE),
        sampled=sample is not None,
        budget_s=math.inf if plan.serial == "full" else budget_s,
        calls_s=calls_s,
    )


def choose_sample(instances: int, size: int, seed: int = SEED) -> tuple[int, ...]:
    """Choose which instances to run: one at random from each of `size` equal parts of the range.

    Args:
        instances: How many there are.
        size: How many to run, or all where there are fewer.
        seed: The same seed chooses the same ones.

    Returns:
        Their numbers in random order: the first of them are a sample, too.
    """
    size, chance = min(instances, size), random.Random(seed)  # noqa: S311 - no secret
    edges = (part * instances // size for part in range(size + 1))
    chosen = [chance.randrange(low, high) for low, high in pairwise(edges)]
    return tuple(chance.sample(chosen, size))


def estimate(
    workload: Workload, profile: Profile, cores: Cores, layouts: Mapping[str, Layout],
    sample: int | None = None,
) -> Estimate:  # fmt: skip
    """Return what one trial of each strategy will take."""
    calls = workload.instances * workload.calls_per_instance
    others = {}
    for name, layout in layouts.items():
        if name == "serial":
            continue
        start = STARTS.get(name, ACTOR)
        has = cores.driver if name in STARTS else cores.cluster
        cost = expected_cost(layout, profile, workload.instances, has, start)
        others[name] = cost.elapsed_s(calls, profile.call_s)
    return Estimate(profile.call_s * calls, sample, others)


def deadline_s(
    layout: Layout, profiles: Sequence[Profile], instances: int, calls: int, cores: float
) -> float:
    """Return after what time work hangs, whichever of these profiles its calls are like."""
    expected = [
        expected_cost(layout, each, instances, cores).elapsed_s(calls, each.call_s)
        for each in profiles
    ]
    return LEAST_S + FAR * max(expected)


def expected_cost(
    layout: Layout, profile: Profile, instances: int, cores: float, start: Start = ACTOR
) -> Cost:
    """Return what a layout is expected to cost, as far as that is known before it was run."""
    shards = layout.shards
    threads = layout.threads or threads_for(profile, -(-instances // shards))
    slot = fullest_slot(instances, shards, threads)
    sent_s = SEND_S / layout.calls_per_batch if layout.calls_per_batch else 0.0
    shape = Shape(instances, max(1.0, min(cores, shards * profile.width)), slot, sent_s)
    beside = max(1.0, shards / max(1.0, cores))  # each is a process
    loads_s = profile.load_s if start.cpu_s else 0.0  # which a process has done that is there
    startup_s = (start.cpu_s + loads_s) * beside + start.each_s * shards + start.thread_s * threads
    return Cost(startup_s, shape.bounds(profile.cpu_share))
