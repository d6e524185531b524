"""Workload files: found by name or path, written, and described to editors."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.errors import UsageError
from job.workload import document
from job.workload.calls import Arguments, Call, Target, parse_call, parse_target
from job.workload.forms import FORMS
from job.workload.model import BUNDLED, Plan, Workload
from job.workload.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.workload.fields import Model

SUFFIXES = (".yaml", ".yml")


class _File(Workload, Plan):
    """What a workload file may hold: the workload, and how it is run."""


def bundled() -> dict[str, str]:
    """Return the names of the bundled workloads, each with what it shows, in a line."""
    files = sorted(BUNDLED.glob("*.yaml"))
    return {path.stem: path.read_text("utf-8").partition("\n")[0].strip("# ") for path in files}


def read_workload(name: str) -> document.Document:
    """Read a bundled workload by its name, or a file by its path.

    Raises:
        UsageError: There is none, or it is no YAML.
    """
    if "/" in name or "\\" in name or name.endswith(SUFFIXES):
        return document.read(Path(name))
    known = [path.stem for path in sorted(BUNDLED.glob("*.yaml"))]
    if name not in known:
        message = f"--workload {name}: there is no such bundled workload: {nearest(name, known)}"
        raise UsageError(message, f"A file of your own is named by its path: ./{name}.yaml.")
    return document.read(BUNDLED / f"{name}.yaml")


def to_yaml(workload: Workload, plan: Plan | None = None) -> str:
    """Return a workload as a file, with what of the plan differs from the defaults.

    Raises:
        UsageError: An argument has no form in YAML, nor as Python writes it.
    """
    keys: dict[str, Any] = workload.model_dump(mode="json", exclude_defaults=True)
    keys["target"] = _written(workload.target, parse_target)
    keys["calls"] = [_written(call, parse_call) for call in workload.calls]
    if plan:
        keys |= plan.model_dump(mode="json", exclude_defaults=True)
    return document.write(keys)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a workload file, with every key's description."""
    found = _File.model_json_schema()
    found |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Workload"}
    _describe(found, Workload, Plan)
    for form in FORMS.values():
        _describe(found["$defs"][form.__name__], form)
    return found


def _written(record: Target | Call, parse: Callable[[str], object]) -> object:
    """Return a target or a call as a text, or as a mapping where the text would not read back."""
    try:
        if parse(str(record)) == record:
            return str(record)
    except UsageError:
        pass  # a date, or a float that is no number: YAML has them, Python's literals do not
    if isinstance(record, Target):
        return {"module": record.module, "name": record.name} | _given(record.arguments)
    return {"method": record.method, "times": record.times} | _given(record.arguments)


def _given(arguments: Arguments) -> dict[str, object]:
    return {"args": list(arguments.args), "kwargs": arguments.kwargs}


def _describe(found: dict[str, Any], *models: type[Model]) -> None:
    """Take the descriptions of keys from the docstrings, where readers of the code have them."""
    for model in models:
        head, _, text = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")
        found["description"] = head.strip()
        for key, words in re.findall(
            r"^    (\w+): ((?:.+\n?)(?:     +.+\n?)*)", text, re.MULTILINE
        ):
            found["properties"][key]["description"] = " ".join(words.split())
