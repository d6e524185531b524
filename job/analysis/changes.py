"""Two runs of the same workload -> what changed between them, and whether that is more than noise.

Pure, and from what the two results documents hold alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Literal

from job.analysis import stats
from job.analysis.causes import node_cores_s
from job.errors import UsageError
from job.words import factor, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from job.analysis.figures import Figures
    from job.analysis.stats import Interval
    from job.results.document import Results, Trial

# With which others each is asked about at once, itself included.
_ASKED = {"startup": 3, "work": 3, "read": 3, "elapsed": 1}
PHASES = tuple(_ASKED)
KNOBS = dict.fromkeys(("shards", "calls_per_batch", "threads_per_shard", "cpus_per_actor"), "auto")
KNOBS |= {"actor_options": "none", "serial_on": "driver"}  # as they are where nothing is said
ERROR = Fraction(1, 20)  # that any elapsed, or any phase, is called changed though none is
# Two sessions on the same machine differ by as much, whatever the trials within each say.
NEGLIGIBLE = 0.01  # of elapsed
NOTED_CORE = 1.1  # up to which a busy machine changes it any minute
ENDED = {
    "running": "ended before its time",
    "interrupted": "was interrupted",
    "failed": "failed",
    "disagree": "ended in a disagreement",
}

Finding = Literal["slower", "faster", "not significant"]


@dataclass(frozen=True)
class PhaseChange:
    """How one phase of one strategy changed; times are medians in seconds.

    Attributes:
        relative: new_s / old_s - 1, so 0.3 is 30 % slower; None where the latter is 0.
        interval: Of `relative`; None where the trials are too few.
        finding: A change of under 1 % of elapsed is never significant.
        enough: Whether the trials could have carried a claim.
        estimated: Whether either side is extrapolated from some of the instances.
    """

    strategy: str
    phase: str
    old_s: float
    new_s: float
    relative: float | None
    interval: Interval | None
    finding: Finding
    enough: bool
    trials: tuple[int, int]
    estimated: bool


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        differs: What makes them incomparable, where they were compared all the same.
        notes: What else a reader should know.
        least: How many trials of each strategy either run needs for a claim about every phase.
        unfinished: What is wrong with a run that was not completed; empty if both were.
        file: What the new run is called, as one of several; empty where it is the only one.
    """

    changes: tuple[PhaseChange, ...]
    differs: tuple[str, ...]
    notes: tuple[str, ...]
    least: int
    missing: tuple[str, ...]  # strategies that only OLD has
    unfinished: str
    file: str = ""


def compare_runs(old: Figures, new: Figures, *, force: bool = False, file: str = "") -> Comparison:
    """Compare two runs of the same workload on the same kind of cluster.

    Two questions are asked, each with 5 % error in all (Bonferroni): did the elapsed of any
    strategy change, and, to explain it, did any of their phases. By force runs that are not
    comparable are compared, too. `file` is what NEW is called, as one of several.

    Raises:
        UsageError: They are not comparable, or have no strategy in common.
    """
    pairs = zip(_identity(old.results).items(), _identity(new.results).values(), strict=True)
    which = f"OLD and NEW ({file})" if file else "OLD and NEW"
    differs = [f"{name} {was} and {now}" for (name, was), now in pairs if was != now]
    if differs and not force:
        message = f"{which} cannot be compared: {'; '.join(differs)}"
        raise UsageError(message, "--force compares them nevertheless.")
    before, after = old.trials, new.trials
    common = [name for name in before if name in after]
    if not common:
        has = f"OLD has {', '.join(before) or 'none'}, NEW has {', '.join(after) or 'none'}"
        raise UsageError(f"{which} have no strategy in common of which a trial ended: {has}")
    errors = {phase: ERROR / (len(common) * asked) for phase, asked in _ASKED.items()}
    pairs_of = ((name, phase) for name in common for phase in PHASES)
    changes = (_change(n, phase, before[n], after[n], errors[phase]) for n, phase in pairs_of)
    unfinished = [
        f"{run} {ENDED[of.results.status]}."
        for run, of in (("OLD", old), ("NEW", new))
        if of.results.status != "complete"
    ]
    return Comparison(
        changes=tuple(changes),
        differs=tuple(differs),
        notes=(
            *unfinished,
            *_cores(old.results, new.results),
            *_runtime_envs(old.results, new.results),
            *_notes(old, new),
        ),
        least=max(map(stats.least_for_change, errors.values())),
        missing=tuple(name for name in before if name not in after),
        unfinished="; ".join(unfinished),
        file=file,
    )


def _identity(results: Results) -> dict[str, object]:
    """Return what must be the same for a difference in time to mean anything."""
    workload, cluster = results.workload, results.cluster
    said = {name: results.plan.get(name) or usual for name, usual in KNOBS.items()}
    knobs = {f"--{name.replace('_', '-')}": value for name, value in said.items()}
    return {
        "target": workload.target,
        "instances": f"{workload.instances:,}",
        "calls": ", ".join(workload.calls) or "none",
        "read": workload.read or "the whole object",
        "--returns": workload.returns,
        "Ray": cluster.ray_version,
        "Python": results.environment.python_version.rpartition(".")[0],
        "nodes": len(cluster.nodes),
        "CPUs": f"{cluster.cpus:g}",
    } | knobs


def _change(
    strategy: str, phase: str, old: list[Trial], new: list[Trial], error: Fraction
) -> PhaseChange:
    before, after = ([getattr(t, f"{phase}_s") for t in trials] for trials in (old, new))
    change = stats.compare(before, after, error)
    old_s, new_s = median(before), median(after)
    negligible = abs(new_s - old_s) < NEGLIGIBLE * median(trial.elapsed_s for trial in old)
    finding: Finding = "not significant"
    if change.significant and not negligible:
        finding = "slower" if new_s > old_s else "faster"
    return PhaseChange(
        strategy, phase, old_s, new_s, change.relative, change.interval, finding,
        enough=change.significant is not None,
        trials=(len(before), len(after)),
        estimated=any(trial.estimated for trial in (*old, *new)),
    )  # fmt: skip


# --- what else there is to say


def _cores(old: Results, new: Results) -> Iterator[str]:
    """Note whose cores took longer, or less, for the same piece of Python."""
    nodes = [node_cores_s(run.trials) or [0.0] for run in (old, new)]
    pairs = {
        "the driver's": (old.environment.core_s, new.environment.core_s),
        "the median node's": (median(nodes[0]), median(nodes[1])),
    }
    for whose, (before, after) in pairs.items():
        times = max(after / before, before / after) if before and after else 1.0
        if before and after and times > NOTED_CORE:
            how = f"{factor(times, 1)} times {'slower' if after > before else 'faster'}"
            yield f"{whose} core was {how} in NEW: what computes may differ by as much."


def _runtime_envs(old: Results, new: Results) -> Iterator[str]:
    """Note what only one run's actors had to be started in, as far as both are known."""
    kinds = [run.environment.runtime_env for run in (old, new)]
    if None not in kinds and kinds[0] != kinds[1]:
        was, is_now = (listed(each, len(each)) if each else "none" for each in kinds)
        yield f"The runtime environment was {was} in OLD, {is_now} in NEW: startup has it in it."


def _notes(old: Figures, new: Figures) -> Iterator[str]:
    before, after = old.trials, new.trials
    for name in sorted(before.keys() ^ after.keys()):
        yield f"{name}: only {'OLD' if name in before else 'NEW'} has trials of it."
    for name in (name for name in before if name in after):
        then, now = before[name][-1], after[name][-1]
        for key in sorted(then.settings.keys() | now.settings.keys()):
            was, is_now = then.settings.get(key, "?"), now.settings.get(key, "?")
            if was != is_now:
                yield f"{name}: {key.replace('_', ' ')}: {was} in OLD, {is_now} in NEW."
        hurt = " and ".join(run for run, t in (("OLD", then), ("NEW", now)) if t.losses)
        if hurt:
            yield f"{name}: no trial of {hurt} was without deaths, and their price is in its times."
        exact = new.results.workload.agree == "exact" and then.numbers == now.numbers
        if exact and then.digest != now.digest:
            yield f"{name}: it ended in other states: what is computed is not the same."
        if exact and then.returned and now.returned and then.returned != now.returned:
            yield f"{name}: its calls returned other values: what is computed is not the same."
