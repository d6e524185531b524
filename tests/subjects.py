"""What is compared, as a comparison makes it ready, for tests that drive strategies themselves."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from job.cluster.travel import Subject, pack
from job.results.document import BY_VALUE
from job.running.preparation import recipe_of
from job.shard.tryout import try_out
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from job.planning.layout import Layout
    from job.running.local import Local
    from job.shard.recipe import Recipe


@dataclass(frozen=True)
class Here:
    """A strategy of the driver's machine, laid out."""

    name: str
    layout: Layout

    def made(self, subject: Subject) -> Local:
        """Return it for what is compared, which it is to import as a comparison has it do."""
        from job.running.local import Local  # and with it Ray, which most tests have no need of

        subject = replace(subject, recipe=replace(subject.recipe, make=None))
        return Local(self.name, self.layout, subject)


def subject_of(
    target: str,
    calls: Sequence[str] = (),
    *,
    read: str | None = None,
    instances: int = 4,
    **others: object,
) -> Subject:
    """Return some instances of a target of the tests' own, with what else is not usual."""
    keys = {"target": f"tests.targets.{target}", "calls": list(calls), "instances": instances}
    limits = {"startup_timeout_s": 60, "timeout_s": 60}
    workload, planned = build(keys | {"read": read}, limits | others)
    recipe = recipe_of(workload).resolve()
    return Subject(workload, planned, recipe, pack(recipe, BY_VALUE))


def tried(of: Recipe, instances: int = 2) -> dict[str, Any]:
    """Try out in this process, whose event loop is closed as the try-out's own process ends it."""
    found: dict[str, Any] = {}
    loop = asyncio.new_event_loop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", lambda: loop)
        try:
            try_out(of, instances, lambda _doing: None, found)
        finally:
            loop.close()
    return found


def undisturbed(check: Callable[[], None], attempts: int = 3) -> None:
    """Have a check of CPU times hold once: what else this process does mars one now and then."""
    for _ in range(attempts - 1):
        with contextlib.suppress(AssertionError):
            return check()
    return check()
