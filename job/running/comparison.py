"""One comparison from a workload and a plan to its results: tries, connects, builds, runs."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from dataclasses import replace
from datetime import datetime, timezone
from types import ModuleType
from typing import TYPE_CHECKING, Any

from job.actors.worker import Setting
from job.cluster import connection
from job.cluster.autoscaler import lay_out, preview
from job.cluster.check import inspect, look
from job.cluster.connection import session
from job.errors import JobError
from job.planning.estimate import (
    SEND_S,
    Estimate,
    Profile,
    Rehearsal,
    sample_size,
    startup_s,
    threads_for,
    work_s,
)
from job.results.document import Computed, Environment, Results
from job.running.calibration import calibrated
from job.running.preparation import first_calls, prepared, recipe_of
from job.running.runner import Runner
from job.running.serial import Serial
from job.running.sharded import RayShards
from job.shard.metering import core_s
from job.workload.chaos import parse_chaos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from job.analysis.checks import Inspection
    from job.cluster.connection import Site
    from job.planning.layout import Arrangement, Layout
    from job.results.document import Cluster
    from job.running.preparation import Subject
    from job.running.runner import Keep, Watch
    from job.running.strategy import Strategy
    from job.signals import Leaving
    from job.workload.model import Plan, Workload

    Note = Callable[[str], None]

REHEARSED_S = (0.000001, 0.001, 1.0)  # what a call may take, as nobody knows before it is made
NUMERIC = ("numpy", "scipy", "sklearn", "torch", "pandas")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def compare(  # noqa: PLR0913 - the callbacks are named
    workload: Workload, plan: Plan, make: Callable[..., Any], address: str,
    leaving: Leaving, *, keep: Keep, watch: Watch, show: Keep, note: Note,
) -> Results:  # fmt: skip
    """Run the comparison.

    Args:
        workload: What is computed.
        plan: How it is run.
        make: The workload's target, imported.
        address: Where Ray is, as `choose` returns it.
        leaving: The signals that end it before its time.
        keep: Called with the results after each trial.
        watch: Told of the calls as they are made; see `Runner`.
        show: Called with the results at the end, also of a comparison that failed midway, before
            anything is cleaned up: a signal leaves little time for that.
        note: Told what a user should know meanwhile.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    subject = prepared(workload, plan, make)
    # The processes of an embedded Ray are still starting when it is up: they would be timed too.
    profile = first_calls(subject) if address == "local" else None
    with session(address, leaving, note, workload.target.module) as site:
        return measured(subject, site, profile, keep=keep, watch=watch, show=show)


def measured(  # noqa: PLR0913 - the callbacks are named
    subject: Subject, site: Site, profile: Profile | None,
    *, keep: Keep, watch: Watch, show: Keep,
) -> Results:  # fmt: skip
    """Lay a comparison out over the cluster that is connected, and run it; see `compare`.

    Args:
        subject: What is compared.
        site: Where.
        profile: What its calls take; None where they are to be timed, once it is laid out.
        keep: As in `compare`.
        watch: Likewise.
        show: Likewise.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    workload, plan = subject.workload, subject.plan
    site, made = lay_out(workload, plan, site)
    look(site.cluster, subject.packed, plan.startup_timeout_s, site.note)
    results = _begun(subject, site.cluster, made)
    if profile is None:  # what can never be placed is told before a call is made
        with _shown_if_ended(results, keep, show):
            profile = first_calls(subject)
    sample = _sample(workload, plan, profile)
    if profile and profile.calls:
        site.note(str(_estimate(workload, profile, sample, made.layouts, site.cluster.cpus)))
    setting = Setting(
        subject.recipe, workload.instances, site.cluster, plan.startup_timeout_s, plan.timeout_s,
        site.note, subject.packed, plan.snapshot_every,
        parse_chaos(plan.chaos) if plan.chaos else None,
        plan.warmups + (plan.trials != 1),  # a trial without deaths tells what they cost
    )  # fmt: skip
    built: list[Strategy] = [
        RayShards(name, made.layouts[name], setting)
        if name in made.layouts
        else Serial(subject.recipe, sample or workload.instances, plan.timeout_s)
        for name in plan.strategies
        if name not in made.omitted
    ]
    runner = Runner(results, workload, plan, keep=keep, watch=watch, profile=profile)
    try:
        runner.results = calibrated(runner.run(built), replace(setting, chaos=None))
        keep(runner.results)
        return runner.results
    finally:
        show(runner.results)


def rehearse(
    workload: Workload, plan: Plan, address: str, leaving: Leaving, note: Note
) -> Rehearsal:
    """Say what `compare` would do on this cluster; nothing of the target is imported or run.

    Raises:
        ClusterError: There is no cluster, or what is asked for can never be placed on it.
    """
    with session(address, leaving, note) as site:
        cluster = site.cluster
        made = preview(workload, plan, cluster)
        estimates = {}
        for call_s in REHEARSED_S:
            profile = Profile(1, call_s, call_s, switches=0)
            sample = _sample(workload, plan, profile)
            estimates[call_s] = _estimate(workload, profile, sample, made.layouts, cluster.cpus)
        left = tuple(name for name in plan.strategies if name not in made.omitted)
        return Rehearsal(cluster, made.layouts, made.fits, made.omitted, estimates, left)


def examine(  # noqa: PLR0913 - the callback is named
    workload: Workload, plan: Plan, make: Callable[..., Any], address: str,
    *, leaving: Leaving, note: Note,
) -> Inspection:  # fmt: skip
    """Say whether the cluster is fit for the comparison; nothing of the target is called.

    Raises:
        ClusterError: There is no cluster, or the nodes that are waited for did not come.
    """
    packed = connection.pack(recipe_of(workload, make))
    with session(address, leaving, note, workload.target.module) as site:
        return inspect(workload, plan, site, packed)


def _sample(workload: Workload, plan: Plan, profile: Profile | None) -> int | None:
    """Return how many instances the serial loop runs; None for all."""
    if profile is None or plan.serial == "full":
        return None
    calls, count = workload.calls_per_instance, workload.instances
    if plan.serial == "sample":
        # As many as half the budget allows, and always fewer than all, so that it is a sample.
        each = max(profile.call_s * calls, 1e-9)
        found: int | None = max(1, min(count - 1, int(plan.budget_s / 2 / each)))
    else:
        found = sample_size(profile, count, calls, plan.budget_s)
    return found if found != count else None


def _estimate(
    workload: Workload,
    profile: Profile,
    sample: int | None,
    layouts: dict[str, Layout],
    cpus: float,
) -> Estimate:
    calls = workload.instances * workload.calls_per_instance
    others = {}
    for name, layout in layouts.items():
        threads = layout.threads or threads_for(profile, -(-workload.instances // layout.shards))
        used = min(cpus, layout.shards)
        sent = -(-calls // layout.calls_per_batch) if layout.calls_per_batch else 0
        others[name] = startup_s(layout.shards, used) + max(
            work_s(profile, calls, layout.shards * threads, used), sent * SEND_S
        )
    return Estimate(profile.call_s * calls, sample, others)


def _begun(subject: Subject, cluster: Cluster, made: Arrangement) -> Results:
    return Results(
        workload=Computed.model_validate(subject.workload.model_dump(mode="json")),
        plan=subject.plan.model_dump(mode="json"),
        environment=_environment(subject.busy_share, subject.workload.target.module),
        cluster=cluster,
        omitted=made.omitted,
    )


@contextlib.contextmanager
def _shown_if_ended(results: Results, keep: Keep, show: Keep) -> Iterator[None]:
    """Show and save what there is of a comparison that ends before its first trial."""
    try:
        yield
    except (KeyboardInterrupt, JobError) as error:
        if isinstance(error, JobError):
            ended = results.with_(status="failed", problem=error.message)
        else:
            ended = results.with_(status="interrupted")
        keep(ended)
        show(ended)
        raise


def _environment(busy: float, module: str) -> Environment:
    return Environment(
        python_version=platform.python_version(),
        platform=platform.platform(),
        driver_address=connection.driver_address(),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        busy_share=busy,
        core_s=core_s(),
        blas_threads=_blas_threads() if _is_numeric(module) else None,
    )


def _is_numeric(module: str) -> bool:
    """Return whether a target's module is, or has imported, a library that computes in threads."""
    held = [v.__name__ for v in vars(sys.modules[module]).values() if isinstance(v, ModuleType)]
    return any(name.partition(".")[0] in NUMERIC for name in [module, *held])


def _blas_threads() -> int:
    for variable in THREAD_VARIABLES:
        if (value := os.environ.get(variable, "")).isdigit():
            return int(value)
    return os.cpu_count() or 1
