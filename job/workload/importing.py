"""The target, imported by its name."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.workload.calls import Target


def load_target(target: Target) -> Callable[..., Any]:
    """Import what a target names.

    Raises:
        UsageError: The module cannot be imported, lacks the name, or it cannot be called.
    """
    if target.module == "__main__":
        message = f"target {target}: __main__ is this program, not yours"
        raise UsageError(message, "Put the class into a module of its own, such as ledger.py.")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is the report's
            found: Any = importlib.import_module(target.module)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"target {target}: module {target.module!r} cannot be imported ({reason})"
        raise UsageError(message, _import_hint(error, target.module)) from None
    for part in target.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            held = getattr(found, "__dict__", {}).items()
            names = [n for n, v in held if isinstance(v, type) and n[0] != "_" and _own(v, target)]
            has = f"Classes there: {', '.join(sorted(names)[:10])}." if names else ""
            message = f"target {target}: {target.module!r} has no {part!r}"
            raise UsageError(message, has) from None
    if not callable(found):
        message = f"target {target}: {target.name!r} is not a class or a function that makes one"
        raise UsageError(message)
    callable_: Callable[..., Any] = found
    return callable_


def _own(kind: type[Any], target: Target) -> bool:
    """Return whether a class is of the target's package, and not one that it imports."""
    return kind.__module__.partition(".")[0] == target.module.partition(".")[0]


def _import_hint(error: BaseException, module: str) -> str:
    """Say where a module was looked for, or that it was found and is what needs mending."""
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else ""
    if missing is not None and f"{module}.".startswith(f"{missing}.") and missing:
        known = (sys.prefix, sys.base_prefix)
        folders = [path for path in sys.path if Path(path).is_dir() and not path.startswith(known)]
        return f"It was looked for in {', '.join(folders[:4])} and in what is installed."
    return "The module is there: mend it, or install what it imports."
