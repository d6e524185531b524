"""Is the number of shards that `auto` comes to as quick as the best that a sweep finds?

On one node that declares far more CPUs than it has cores, where one shard a CPU is dear: calls that
wait, calls that compute, and little to do. Every number of shards takes its turn, `auto` too.
"""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import click
import ray
from tabulate import tabulate

from benchmarks import ours
from benchmarks.bounds import Verdict
from job.running.comparison import compare
from job.running.listener import Listener
from job.running.preparation import prepare
from job.targets.counter import Counter
from job.targets.spinner import Spinner, rounds_for
from job.workload.reading import build

if TYPE_CHECKING:
    from job.cluster.connection import Site

NAME = "shards"  # for --only
CPUS = 48  # declared
SWEPT = (1, 2, 3, 4, 8, CPUS)
TURNS, MANY = 5, 8  # so many shards or more are far from quickest, and take one turn
AT_MOST = 1.15
_HEADERS = ("scenario", *(f"{shards}" for shards in SWEPT), "auto", "shards", "by the model s")
_CAPTION = f"""\
## How many shards: `auto` against a sweep

On one node of {{cores}} cores that declares {CPUS} CPUs. Elapsed in s, startup included: the median
of {TURNS} turns, of one with {MANY} shards or more. *shards*: what `auto` came to. *by the model*:
its elapsed, and that of one shard for each CPU."""


@dataclass(frozen=True)
class Swept:
    """One scenario; times in seconds.

    Attributes:
        elapsed_s: By the number of shards.
        auto_s: That of `auto`.
        shards: That `auto` came to.
        model_s: What the cost model says of these.
        most_s: What it says of one shard for each CPU.
    """

    name: str
    elapsed_s: dict[int, float]
    auto_s: float
    shards: int
    model_s: float
    most_s: float


def _spins(call_s: float) -> str:
    return f"{Spinner.__module__}:Spinner(seed=instance, rounds={rounds_for(call_s)})"


def scenarios() -> dict[str, dict[str, Any]]:
    """Return the workloads' keys, by name."""
    waits = f"{Counter.__module__}:Counter(delay=0.01)"
    return {
        "4,800 x 20 calls that wait 10 ms": {
            "target": waits, "instances": 4_800, "calls": ("increment * 20",)
        },
        "480 x 10 calls that compute 1 ms": {
            "target": _spins(1e-3), "instances": 480, "calls": ("spin * 10",)
        },
        "48 x 10 calls that compute 0.1 ms": {
            "target": _spins(1e-4), "instances": 48, "calls": ("spin * 10",)
        },
    }  # fmt: skip


def measure() -> list[Swept]:
    """Measure all scenarios on a Ray that declares more CPUs than there are; about five minutes."""
    ray.init(
        num_cpus=CPUS, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    try:
        with ours.begin() as found:  # the connection that is there
            site = replace(found, note=_unsaid)
            return [_sweep(name, keys, site) for name, keys in scenarios().items()]
    finally:
        ray.shutdown()


def _sweep(name: str, keys: dict[str, Any], site: Site) -> Swept:
    took: dict[int | str, list[float]] = {each: [] for each in (*SWEPT, "auto")}
    for turn in range(TURNS):
        for shards, times in took.items():
            if turn and isinstance(shards, int) and shards >= MANY:
                continue
            workload, plan = build({}, {**keys, "strategies": "sharded", "shards": shards})
            results = compare(prepare(workload, plan, None, Listener()), site, Listener())
            times.append(results.trials[-1].elapsed_s)
    assert results.chosen  # noqa: S101 - that of auto, which comes last
    medians = {each: median(each_s) for each, each_s in took.items()}
    shown = ", ".join(f"{each} {value:.2f} s" for each, value in medians.items())
    click.echo(f"shards      {name}: {shown}", err=True)
    chosen, auto_s = results.chosen, medians.pop("auto")
    swept = {int(each): value for each, value in medians.items()}
    return Swept(name, swept, auto_s, chosen.shards, chosen.elapsed_s, chosen.most_elapsed_s)


def verdicts(found: list[Swept]) -> list[Verdict]:
    """Demand that `auto` is nearly as quick as the best of each sweep."""
    return [
        Verdict(
            f"shards: elapsed of `auto` over the best of a sweep, {each.name}",
            each.auto_s / min(each.elapsed_s.values()),
            AT_MOST,
        )
        for each in found
    ]


def render(found: list[Swept], style: str) -> str:
    """Return what was measured as a section; nothing where nothing was."""
    if not found:
        return ""
    rows = [
        [each.name, *(f"{each.elapsed_s[shards]:.2f}" for shards in SWEPT), f"{each.auto_s:.2f}",
         f"{each.shards}", f"{each.model_s:.2f}, {each.most_s:.1f}"]
        for each in found
    ]  # fmt: skip
    align = ["left", *["right"] * (len(_HEADERS) - 1)]
    table = tabulate(rows, _HEADERS, tablefmt=style, colalign=align, disable_numparse=True)
    return f"{_CAPTION.format(cores=os.cpu_count())}\n\n{table}\n"


def document(found: list[Swept]) -> list[dict[str, object]]:
    """Return what was measured, as JSON."""
    return [asdict(each) for each in found]


def _unsaid(_text: str) -> None:
    pass
