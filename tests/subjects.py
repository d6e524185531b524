"""What is compared, as a comparison makes it ready, for tests that drive strategies themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job.cluster.travel import Subject, pack
from job.results.document import BY_VALUE
from job.running.preparation import recipe_of
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Sequence


def subject_of(
    target: str,
    calls: Sequence[str] = (),
    *,
    read: str | None = None,
    instances: int = 4,
    **plan: object,
) -> Subject:
    """Return some instances of a target of the tests' own, with what of the plan is not usual."""
    keys = {"target": f"tests.targets.{target}", "calls": list(calls), "instances": instances}
    limits = {"startup_timeout_s": 60, "timeout_s": 60}
    workload, planned = build(keys | {"read": read}, limits | plan)
    recipe = recipe_of(workload).resolve()
    return Subject(workload, planned, recipe, pack(recipe, BY_VALUE))
