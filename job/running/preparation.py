"""What is compared, made ready and tried out before anything else runs."""

from __future__ import annotations

import platform
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from job import __version__
from job.cluster import connection
from job.cluster.travel import Subject, is_importable, own_paths, sent_here
from job.results.document import Computed, Environment, Results
from job.running.tryout import try_out
from job.shard.metering import core_s, machine_bytes
from job.shard.recipe import Recipe
from job.shard.states import state_limit
from job.workload.model import Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.cluster.connection import Site
    from job.planning.layout import Arrangement
    from job.running.listener import Listener
    from job.workload.model import Plan, Workload


def recipe_of(workload: Workload, make: Callable[..., Any] | None = None) -> Recipe:
    """Return what shards must know of a workload; `make`, the target itself, where it is at hand.

    It is imported by its name wherever that does.
    """
    limit, exact = state_limit(workload.instances), workload.agree.tolerance == Tolerance()
    recipe = Recipe(
        make, workload.target, workload.calls, workload.read, limit, exact,
        bring=workload.returns == "bring", close=workload.close, paths=own_paths(),
    )  # fmt: skip
    return replace(recipe, make=None) if is_importable(recipe) else recipe


def prepare(
    workload: Workload, plan: Plan, make: Callable[..., Any] | None, listener: Listener
) -> Subject:
    """Try a target out in a process of its own, so that its own errors come first.

    Raises:
        JobError: The target cannot be compared, or raises.
    """
    recipe = recipe_of(workload, make)
    tried, awaited = try_out(workload, plan, sent_here(recipe), listener)
    return Subject(workload, plan, replace(recipe, awaited=awaited), tried=tried)


def begin(subject: Subject, site: Site, laid_out: Arrangement) -> Results:
    """Return the document of a comparison of which nothing was run yet."""
    return Results(
        workload=Computed.model_validate(subject.workload.model_dump(mode="json")),
        plan=subject.plan.model_dump(mode="json"),
        environment=Environment(
            python_version=platform.python_version(),
            platform=platform.platform(),
            driver_address=connection.driver_address(),
            started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            busy_share=site.busy_share,
            core_s=core_s(),
            blas_threads=subject.tried.blas_threads if subject.tried else None,
            memory_bytes=machine_bytes(),
            travel=site.travel,
            runtime_env=connection.runtime_kinds(),
            package_version=__version__,
        ),
        cluster=site.cluster,
        omitted=laid_out.omitted,
        chosen=laid_out.chosen,
        tried=subject.tried,
    )
