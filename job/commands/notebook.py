"""The comparison for people in a notebook or a test."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from job.analysis.report import Report, analyse
from job.cluster.address import choose
from job.errors import UsageError
from job.report.table import render, render_html
from job.running.comparison import run
from job.running.listener import Listener
from job.running.preparation import prepare
from job.signals import Leaving
from job.workload.calls import Target
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, repr=False)
class Shown(Report):
    """A report that shows itself."""

    def __repr__(self) -> str:
        return render(self)

    def _repr_html_(self) -> str:
        return render_html(self)


def run_comparison(  # noqa: PLR0913 - the parts of a workload
    target: str | Callable[..., Any],
    calls: str | Sequence[str | Mapping[str, object]],
    instances: int = 4,
    *,
    read: str | None = None,
    returns: str = "drop",
    args: Sequence[object] = (),
    kwargs: Mapping[str, object] | None = None,
    address: str | None = None,
    **plan: object,
) -> Shown:
    """Run a class under all strategies, and return the report; it shows itself.

    Args:
        target: The class, or `module:Class(arguments)`. A class of the notebook itself will do.
        calls: What is called on every instance, such as `["step(2) * 100"]`; a mapping with
            `method`, `args`, `kwargs` and `times` can hold what no literal can write.
        instances: How many instances.
        read: The method or attribute that tells the state; without it the whole object.
        returns: What becomes of what calls return: `drop`, or `bring` to the driver and compare it.
        args: What each instance is made with, where `target` is a class.
        kwargs: Likewise, by name.
        address: `local`, `auto` or HOST:PORT. A Ray that this process is connected to comes first.
        **plan: The keys of a plan: `strategies`, `trials`, `warmups`, `shards` and so on.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    named: object = target
    if not isinstance(target, str):
        if not callable(target):
            message = f"target: {type(target).__name__} is given as an instance"
            raise UsageError(
                message, "Give the class itself, or a function that makes an instance."
            )
        name = getattr(target, "__qualname__", type(target).__qualname__)
        module = getattr(target, "__module__", type(target).__module__)
        named = Target(module, name, tuple(args), dict(kwargs or {}))
    elif args or kwargs:
        raise UsageError("args and kwargs go with a class; a text holds its own: module:Class(3)")
    made = (calls,) if isinstance(calls, str) else calls
    given = {"target": named, "calls": made, "instances": instances, "read": read}
    workload, planned = build(given | {"returns": returns} | plan, {})
    make = None if isinstance(target, str) else target
    where = choose(address, os.environ)
    warner = Warner()
    subject = prepare(workload, planned, make, warner)
    results = run(subject, where, leaving=Leaving(), listener=warner)
    return Shown(**vars(analyse(results)))


class Warner(Listener):
    """Warns of what a user should know; of the rest a notebook is not told."""

    def note(self, text: str) -> None:
        """Warn."""
        warnings.warn(text, stacklevel=2)
