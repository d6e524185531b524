"""How what is compared travels to the workers."""

from __future__ import annotations

import contextlib
import importlib
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.errors import UsageError

if TYPE_CHECKING:
    from job.shard.recipe import Recipe
    from job.workload.model import Plan, Workload


@dataclass(frozen=True)
class Subject:
    """What is compared, ready to be sent: made before anything of the target was called."""

    workload: Workload
    plan: Plan
    recipe: Recipe  # the workload as the workers need it
    packed: bytes  # that, as it is sent to the actors
    busy_share: float = 0.0  # of the driver's CPUs, before anything began

    @property
    def instances(self) -> int:
        """How many instances there are."""
        return self.workload.instances


def pack(recipe: Recipe) -> bytes:
    """Return a recipe as it is sent to the workers, with the target as it is now.

    To be called before the target is: what calls leave behind in its class or module would travel
    too, and give the actors another start than the serial loop had.

    Raises:
        UsageError: The target or its arguments cannot be sent.
    """
    import ray

    _carry(recipe.target.module)
    carry_ourselves()
    try:
        return bytes(ray.cloudpickle.dumps(recipe))
    except Exception:
        # Something in its module cannot travel, such as a lock. By name it can, to wherever it can
        # be imported: on this machine, and in what a job was submitted with.
        _leave_behind(recipe.target.module)
    try:
        return bytes(ray.cloudpickle.dumps(recipe))
    except Exception as error:
        message = f"target {recipe.target}: it cannot be sent to the workers ({first_words(error)})"
        hint = "Its arguments must be picklable, and its class must lie in a module."
        raise UsageError(message, hint) from None


def package_of(module_name: str) -> str | None:
    """Return the folder of a target's package; None for a single module, ours or an installed one.

    A module can travel by value with its class, a package that imports from itself later cannot.
    """
    top = importlib.import_module(module_name.partition(".")[0])
    folders = list(getattr(top, "__path__", ()))
    return folders[0] if folders and top.__name__ != "job" and not _is_installed(top) else None


def own_paths() -> list[str]:
    """Return where this process imports from, but for what is installed."""
    paths = [str(Path(path or ".").resolve()) for path in sys.path if "site-packages" not in path]
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return [path for path in paths if path not in standard and Path(path).is_dir()]


def carry_ourselves() -> None:
    """Let this package travel with what is sent, since a cluster need not have it installed."""
    import ray

    ray.cloudpickle.register_pickle_by_value(importlib.import_module("job"))


def _carry(module_name: str) -> None:
    """Let the target's module travel with its class, unless it is installed on every node."""
    import ray

    top = importlib.import_module(module_name.partition(".")[0])
    if top.__name__ != "job" and not _is_installed(top):
        ray.cloudpickle.register_pickle_by_value(top)


def _leave_behind(module_name: str) -> None:
    import ray

    top = importlib.import_module(module_name.partition(".")[0])
    with contextlib.suppress(ValueError):  # it was not to travel
        ray.cloudpickle.unregister_pickle_by_value(top)


def _is_installed(module: Any) -> bool:
    origin = getattr(module, "__file__", None)
    if origin is None:  # built in, or a folder without __init__.py
        return not hasattr(module, "__path__")
    homes = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return any(Path(origin).is_relative_to(home) for home in homes)


def first_words(error: BaseException) -> str:
    """Return the beginning of an error's text, or its kind."""
    return " ".join(str(error).split())[:300] or type(error).__name__
