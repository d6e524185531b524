"""What is wrong with a workload: every mistake in a sentence, with its line or its option."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from job.errors import UsageError
from job.workload.document import WRONG, Document, Problem, shown, spell
from job.workload.forms import AGREE_TAKES, FORMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from job.workload.document import Place

M = TypeVar("M", bound=BaseModel)

_CALL = "a call such as book(7) * 50, or a mapping with method, args, kwargs and times"
_TARGET = "module:Class, such as collections:Counter, or a mapping with module and name"
# What a key takes, where its kind alone does not say enough.
_TAKES = {
    "target": _TARGET,
    "instances": "a whole number",
    "calls": "a list of calls, such as [increment() * 2]",
    "agree": AGREE_TAKES,
    "read": "the name of a method or an attribute",
    "strategies": "a list of strategies",
    "method": "a method's name",
    "module": "a module's name",
    "name": "the name of a class, or of a function that makes an instance",
    "none": "a reason",
    "tolerance": "a mapping with relative, absolute or both",
    "args": "a list of values",
    "kwargs": "a mapping of names to values",
}
# What values of a kind are, by how pydantic names its errors.
_KINDS = {"int": "a whole number", "float": "a number"}


class Problems:
    """Gathers all that is wrong, so that it is told at once."""

    def __init__(self, document: Document, options: Collection[str], known: Sequence[str]) -> None:
        """Begin with what reading the file found.

        Args:
            document: Where the keys come from.
            options: The keys that options gave.
            known: All keys there are at the top of a file.
        """
        self._document = document
        self._options = options
        self._known = known
        self._in_file = list(document.problems)
        self._in_options: list[str] = []

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._in_file or self._in_options)

    def validated(self, model: type[M], keys: Mapping[str, Any]) -> M | None:
        """Return the model of some keys, or None where they are not what it takes."""
        try:
            return model.model_validate(dict(keys))
        except ValidationError as error:
            for detail in error.errors():
                if detail["input"] is not WRONG:
                    self.add(*self._told(dict(detail)))
            return None

    def add(self, place: Place, reason: str) -> None:
        """Take note of what is wrong at a place."""
        if not self._document.name or place[0] in self._options:
            self._in_options.append(f"{_option(str(place[0]))}: {reason}")
        else:
            line = self._document.line(place)
            self._in_file.append(Problem(line, f"{spell(place)}: {reason}"))

    def error(self) -> UsageError:
        """Return all of it: what stands in the file by line, then the options."""
        lines = [self._document.tell(problem) for problem in sorted(self._in_file)]
        hint = "`--help` lists the options and what they take."
        if lines:
            hint = "docs/workloads.md describes every key; `schema` prints them for an editor."
        return UsageError("\n".join(lines + self._in_options), hint)

    def _told(self, detail: dict[str, Any]) -> tuple[Place, str]:
        kind, found = detail["type"], detail["input"]
        marks = [part for part in detail["loc"] if str(part)[:1] == "<"]
        place = tuple(part for part in detail["loc"] if part not in [*marks, "[key]"])
        if kind == "missing":
            return place, f"it is missing: it takes {_takes(place)}"
        if kind == "extra_forbidden":
            return place, self._unknown(place)
        if kind == "value_error":
            return place, detail["msg"].removeprefix("Value error, ")
        allowed = _KINDS.get(kind.partition("_")[0]) or _takes(place)
        if kind == "literal_error":
            allowed = detail["ctx"]["expected"].replace("'", "")
        auto = ", or auto" if "<number>" in marks else ""
        return place, f"{shown(found)} is not allowed: it takes {allowed}{auto}"

    def _unknown(self, place: Place) -> str:
        *above, word = place
        outer = [part for part in above if isinstance(part, str)]
        known = list(FORMS[outer[-1]].model_fields) if outer else self._known
        return f"there is no such key: {nearest(str(word), known)}"


def nearest(word: str, known: Sequence[str]) -> str:
    """Return which of the known words is the nearest, or else all of them."""
    found = difflib.get_close_matches(word.replace("-", "_"), known, n=1, cutoff=0.5)
    return f"the nearest is {found[0]}" if found else f"there are {', '.join(known)}"


def _takes(place: Place) -> str:
    last = place[-1]
    if place[-2:-1] == ("kwargs",):
        return "the name of an argument"
    if isinstance(last, int):
        return _CALL if place[0] == "calls" else "the name of a strategy"
    return _TAKES.get(str(last), "something else")


def _option(key: str) -> str:
    words = {"calls": "call"}.get(key, key.removesuffix("_s")).replace("_", "-")
    return f"--{words}"
