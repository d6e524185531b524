"""The target, imported by its name."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.workload.calls import Target


JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # what the driver of a submitted job has set
HOW_TO_BRING = (
    "To take it along: make submit WITH=PATH for your own, PIP=NAME for what pip installs."
)
_TAKEN = "The name 'job' is taken, by this very package: give yours another."


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
            message = f"target {target}: {target.module!r} has no {part!r}"
            hint = _TAKEN if target.module == "job" else _name_classes(found, target.module)
            raise UsageError(message, hint) from None
    if not callable(found):
        message = f"target {target}: {target.name!r} is not a class or a function that makes one"
        raise UsageError(message)
    callable_: Callable[..., Any] = found
    return callable_


def _name_classes(found: object, module: str) -> str:
    package = module.partition(".")[0]  # not those that it imports from others
    kinds = {n: v for n, v in getattr(found, "__dict__", {}).items() if isinstance(v, type)}
    own = [n for n, v in kinds.items() if v.__module__.partition(".")[0] == package and n[0] != "_"]
    return f"Classes there: {', '.join(sorted(own)[:10])}." if own else ""


def _import_hint(error: BaseException, module: str) -> str:
    if module.partition(".")[0] == "job":
        return _TAKEN
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return what_is_missing(error) or "The module is there: mend it, or install what it imports."
    bring = f" {HOW_TO_BRING}" if JOB_VARIABLE in os.environ else ""
    if not f"{module}.".startswith(f"{error.name}."):
        return f"The module is there: install {error.name!r}, which it imports.{bring}"
    top = module.partition(".")[0]
    for folder in ("src", "../src"):
        if Path(folder, top).is_dir() or Path(folder, f"{top}.py").is_file():
            return f"It lies in {folder}: add --module-path {folder}."
    known = (sys.prefix, sys.base_prefix)
    folders = [path for path in sys.path if Path(path).is_dir() and not path.startswith(known)]
    return f"It was looked for in {', '.join(folders[:4])} and in what is installed.{bring}"


def what_is_missing(error: BaseException) -> str:
    """Say how to bring a module along, or where a relative path did not lead to; else nothing."""
    if isinstance(error, ModuleNotFoundError):
        return HOW_TO_BRING
    name = error.filename if isinstance(error, FileNotFoundError) else None
    if not isinstance(name, str) or Path(name).is_absolute():
        return ""
    beside = "What lies beside a module is found by Path(__file__).parent"
    return f"It was looked for in {Path.cwd()}. {beside}."
