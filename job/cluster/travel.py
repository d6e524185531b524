"""How what is compared travels to the workers: by reference, as py_modules, or by value.

By reference wherever every node can import the same source of it, as in a plain Ray actor. By value
a class is another one on the worker: isinstance against the imported one is False, enum members
differ, metaclasses run again. So that is the last resort.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import sysconfig
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.errors import UsageError
from job.results.document import BY_VALUE
from job.shard.recipe import Recipe, unpack
from job.words import first_words

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from job.results.document import Travel, Tried
    from job.workload.model import Plan, Workload

MOST_FILES = 1_000  # of a package that are compared


@dataclass(frozen=True)
class Subject:
    """What is compared, ready to be sent."""

    workload: Workload
    plan: Plan
    recipe: Recipe  # the workload as the workers need it
    packed: bytes = b""  # that, as it is sent to the actors; empty before it is known how
    tried: Tried | None = None  # what the try-out found; None where there was none

    @property
    def instances(self) -> int:
        """How many instances there are."""
        return self.workload.instances

    @property
    def value_bytes(self) -> int:
        """How large what a call returns may be, by the first ones."""
        return max((1, *(self.tried.returned_bytes if self.tried else ())))


@dataclass(frozen=True)
class Source:
    """A target's module, as this process would import it."""

    module: str  # its name
    paths: tuple[str, ...]  # where it may be imported from, besides where a process does so anyway
    digest: str  # stands for its source; empty where it cannot be found
    file: str  # the top package's folder, or its file, to be sent; empty where it is installed

    @property
    def may_lack_here(self) -> bool:
        """Whether another Python of this machine may not find it, whatever paths it is given."""
        return bool(self.file) and str(Path(self.file).parent.resolve()) not in self.paths


def find_source(module: str) -> Source:
    """Find a target's module without importing it."""
    paths = own_paths()
    spec = _find(module.partition(".")[0], paths)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    origin = folders[0] if folders else (spec.origin or "") if spec else ""
    sent = bool(spec) and not _is_on_nodes(module, origin)
    return Source(module, paths, digest_of(module, paths), origin if sent else "")


def digest_of(module: str, paths: tuple[str, ...]) -> str:
    """Return what stands for a module's source here; nothing where there is none.

    Nothing is imported: a worker that was asked has nothing loaded that another has not.
    """
    top, *rest = module.split(".")
    whole = spec = _find(top, paths)
    for part in rest:  # by its last name alone: a folder without __init__ asks for its parent
        spec = spec and PathFinder.find_spec(part, list(spec.submodule_search_locations or ()))
    if spec is None or whole is None:
        return ""
    if _is_on_nodes(module, spec.origin or ""):
        try:
            return f"{top} {metadata.version(top)}"
        except metadata.PackageNotFoundError:
            return top
    digest = hashlib.sha256()
    for path in _files(whole, spec):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _files(whole: ModuleSpec, spec: ModuleSpec) -> list[Path]:
    """Return the files of a module's package, or its own where they are too many."""
    folders = [Path(folder) for folder in whole.submodule_search_locations or ()]
    found = sorted(file for folder in folders for file in folder.rglob("*.py"))
    if 0 < len(found) <= MOST_FILES:
        return found
    return [Path(spec.origin)] if spec.origin else []


def _find(top: str, paths: tuple[str, ...]) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if spec := finder.find_spec(top, None):
            return spec
    return PathFinder.find_spec(top, list(paths))


def find_way(source: Source, digests: list[str]) -> Travel:
    """Return how a target travels to nodes that answered with these digests of its source."""
    if source.digest and all(digest == source.digest for digest in digests):
        return "by reference"
    return BY_VALUE if source.file else "by reference"  # which nodes then tell what they lack


def pack(recipe: Recipe, travel: Travel, *, here: bool = False) -> bytes:
    """Return a recipe as it is sent, to a process that can import this package too if `here`.

    Raises:
        UsageError: The target or its arguments cannot be sent.
    """
    import ray

    carry_ourselves(carried=not here)
    try:
        if travel == BY_VALUE:
            return _pack_by_value(recipe)
        sent = ray.cloudpickle.dumps(replace(recipe, make=None))
        return bytes(ray.cloudpickle.dumps(_Sent(recipe.paths, sent)))
    except Exception as error:
        message = f"target {recipe.target}: it cannot be sent to the workers ({first_words(error)})"
        hint = "Its arguments must be picklable, and its class must lie in a module."
        raise UsageError(message, hint) from None


def sent_here(recipe: Recipe) -> Recipe | bytes:
    """Return a recipe as it is sent to a process of this machine, by reference where that does.

    What plain pickle cannot write, a notebook's own class, is pickled by value before.
    """
    return recipe if recipe.make is None else pack(recipe, BY_VALUE, here=True)


@dataclass(frozen=True)
class _Sent:
    """A recipe that is unpickled once what its arguments are made of can be imported."""

    paths: tuple[str, ...]
    recipe: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return unpack, (self.paths, self.recipe)


def _pack_by_value(recipe: Recipe) -> bytes:
    """Pickle a target itself, and what its package holds, unless that is installed or ours."""
    import ray

    made = recipe.resolve()
    top = importlib.import_module(recipe.target.module.partition(".")[0])
    carried = not _is_on_nodes(top.__name__, getattr(top, "__file__", None) or "")
    if carried and top.__name__ not in ("job", "__main__"):
        ray.cloudpickle.register_pickle_by_value(top)
    return bytes(ray.cloudpickle.dumps(made))


def is_importable(recipe: Recipe) -> bool:
    """Return whether a target that was given as an object is what its name stands for."""
    if recipe.make is None or recipe.target.module == "__main__":
        return recipe.make is None
    try:
        return replace(recipe, make=None).resolve().make is recipe.make
    except UsageError:
        return False


def own_paths() -> tuple[str, ...]:
    """Return where this process imports from, but for what is installed."""
    paths = [str(Path(path or ".").resolve()) for path in sys.path if "site-packages" not in path]
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return tuple(path for path in paths if path not in standard and Path(path).is_dir())


def carry_ourselves(*, carried: bool = True) -> None:
    """Let this package travel with what is sent, since a cluster need not have it installed."""
    import ray

    ours = importlib.import_module("job")
    if carried:
        ray.cloudpickle.register_pickle_by_value(ours)
    elif ours.__name__ in ray.cloudpickle.list_registry_pickle_by_value():
        ray.cloudpickle.unregister_pickle_by_value(ours)


def _is_on_nodes(module: str, origin: str) -> bool:
    """Return whether nodes have a module because it was installed, and it is not to be sent.

    This package is never taken for that: the driver alone may have it.
    """
    if module.partition(".")[0] == "job":
        return False
    if origin in ("", "built-in", "frozen"):
        return origin != ""
    homes = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return any(Path(origin).is_relative_to(home) for home in homes)
