"""Workload files: found by name or path, read with the line of every mistake, described to editors.

Reading runs nothing of what a file names, and nothing but plain YAML is read.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError
from yaml.composer import ComposerError

from job.errors import UsageError
from job.workload.calls import parse_number, show
from job.workload.keys import KEYS, flag
from job.workload.model import FORMS, Plan, Workload

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic_core import ErrorDetails

BUNDLED = Path(__file__).with_name("bundled")
SUFFIXES = (".yaml", ".yml")
MOST_BYTES = 256 * 1024
QUOTED = "calls: ['put(1, 2) * 5']"
MOST_DEPTH = 50  # PyYAML recurses
MOST_VALUES = 10_000  # with those that aliases repeat; PyYAML reads about as many in half a second
# What says nothing about another target.
OF_THE_TARGET = ("calls", "read", "close", "agree", "returns")
_HINT = "Mend the file; `schema` prints what an editor needs to check it while you write."
_SMALLER = "Large data belongs where the target can load it."
UNREAD = object()  # stands for a value that could not be read, and was told already

Loc = tuple[Any, ...]  # the keys and indices that lead to a value: ("calls", 1, "times")


class _File(Plan, Workload):
    """What a workload file may hold: the workload, and how it is run."""


@dataclass(frozen=True)
class WorkloadFile:
    """The keys of a workload as they are written, and where."""

    keys: dict[str, Any]
    name: str = ""  # as the user named the file; empty where the keys come from none
    root: yaml.Node | None = None
    mistakes: list[tuple[int, str]] = field(default_factory=list)  # in the YAML, by line


def list_bundled() -> dict[str, str]:
    """Return the names of the bundled workloads, each with what it shows, in a line."""
    files = sorted(BUNDLED.glob("*.yaml"))
    return {path.stem: path.read_text("utf-8").partition("\n")[0].strip("# ") for path in files}


def read_workload(name: str) -> WorkloadFile:
    """Read a bundled workload by its name, or a file by its path.

    Raises:
        UsageError: There is none, or it is no YAML.
    """
    if "/" in name or "\\" in name or name.endswith(SUFFIXES):
        return _read(Path(name))
    known = list(list_bundled())
    if name not in known:
        message = f"--workload {name}: there is no such bundled workload: {_nearest(name, known)}"
        raise UsageError(message, f"A file of your own is named by its path: ./{name}.yaml.")
    return _read(BUNDLED / f"{name}.yaml")


def build(
    given: Mapping[str, Any] | WorkloadFile, options: Mapping[str, Any]
) -> tuple[Workload, Plan]:
    """Return the workload and plan of a file's keys, overridden key by key by options.

    A new target drops the file's calls, read, close, agree and returns: they were the old target's.
    None and () stand for options that were not given.

    Raises:
        UsageError: All that is wrong, one line each.
    """
    file = given if isinstance(given, WorkloadFile) else WorkloadFile(dict(given))
    override = {key: value for key, value in options.items() if value not in (None, ())}
    kept = dict(file.keys)
    if "target" in override:
        kept = {key: kept[key] for key in kept if key not in OF_THE_TARGET} | {"calls": ()}
    details: Sequence[ErrorDetails] = []
    try:
        whole = _File.model_validate(kept | override)
    except ValidationError as error:
        details = error.errors()
    if details or file.mistakes:
        raise _refusal(file, override, details)
    given_ = {key: value for key, value in whole if key in whole.model_fields_set}
    workload = Workload(**{key: given_[key] for key in given_.keys() & Workload.model_fields})
    return workload, Plan(**{key: given_[key] for key in given_.keys() & Plan.model_fields})


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a workload file, with every key's description."""
    found = _File.model_json_schema()
    found |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Workload"}
    for part in (found, *found["$defs"].values()):
        for key, each in part["properties"].items():
            each["description"] = KEYS[key]
    return found


# --- mistakes, in sentences


def _refusal(
    file: WorkloadFile, override: Collection[str], details: Sequence[ErrorDetails]
) -> UsageError:
    """Return all that is wrong: what stands in the file by line, then the options."""
    in_file, in_options = set(file.mistakes), []
    for detail in details:
        if detail["input"] is UNREAD or str(UNREAD) in detail["loc"]:
            continue
        loc, reason = _explain(detail)
        if file.root is None or loc[0] in override:
            inner = f"{_spell(loc[1:])}: " if loc[0] == "actor_options" and loc[1:] else ""
            in_options.append(f"{flag(str(loc[0]))}: {inner}{reason}")
        else:
            in_file.add((_line(file.root, loc), f"{_spell(loc)}: {reason}"))
    lines = [f"{file.name}:{line}: {text}" for line, text in sorted(in_file)]
    hint = "`--help` lists the options and what they take."
    if lines:
        hint = "docs/workloads.md describes every key; `schema` prints them for an editor."
        if _are_torn(details):
            hint = f"YAML needs quotes around a call with a comma or a colon: {QUOTED}. {hint}"
    return UsageError("\n".join(lines + list(dict.fromkeys(in_options))), hint)


def _are_torn(details: Sequence[ErrorDetails]) -> bool:
    """Return whether YAML has torn calls apart, at a comma or a colon in their arguments."""
    wrong = [each for each in details if each["loc"][0] == "calls"]
    texts = [t for each in wrong for t in (each["input"], *each["loc"]) if isinstance(t, str)]
    opened = [text.count("(") - text.count(")") for text in texts]
    return any(opened) and not sum(opened)


def _explain(detail: ErrorDetails) -> tuple[Loc, str]:
    """Return where pydantic found something wrong, and what."""
    kind, loc = detail["type"], tuple(part for part in detail["loc"] if part != "[key]")
    if loc[0] in Plan.model_fields and loc[0] not in FORMS:
        loc = loc[:1]  # what follows names the forms of a union: a number, or auto
    if kind in ("extra_forbidden", "invalid_key"):
        outer = [part for part in loc[:-1] if part in FORMS]
        known = FORMS[outer[-1]] if outer else _File
        return loc, f"there is no such key: {_nearest(str(loc[-1]), list(known.model_fields))}"
    if kind == "value_error":
        return loc, str(detail["ctx"]["error"])
    key = [part for part in loc if part in KEYS][-1]  # above the names of arguments
    key = "call" if key == "calls" and loc != ("calls",) else key
    wrong = "it is missing" if kind == "missing" else f"{show(detail['input'])} is not allowed"
    return loc, f"{wrong}: it says {KEYS[key]}"


def _nearest(word: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(word.replace("-", "_"), known, n=1, cutoff=0.5)
    return f"the nearest is {found[0]}" if found else f"there are {', '.join(known)}"


def _spell(loc: Loc) -> str:
    # As Python spells it: calls[1].times.
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc]
    return "".join(parts).removeprefix(".")


def _line(node: yaml.Node, loc: Loc) -> int:
    """Return the line of what stands somewhere, or else of what should hold it."""
    line = node.start_mark.line + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pairs = [pair for pair in node.value if str(pair[0].value) == str(part)]
        else:
            pairs = [(each, each) for each in node.value[part : part + 1]]
        if not pairs:
            return line
        key, node = pairs[0]
        line = key.start_mark.line + 1
    return line


# --- YAML


class _Loader(yaml.SafeLoader):
    """Gathers mistakes with their lines."""

    def __init__(self, content: bytes) -> None:
        self.mistakes: list[tuple[int, str]] = []
        super().__init__(content)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node that is not too deeply nested."""
        if len(self.states) > MOST_DEPTH:
            problem = f"nested more than {MOST_DEPTH} deep"
            raise ComposerError(None, None, problem, self.get_mark())
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - PyYAML's signature
        """Return a node's value, or take note of why there is none."""
        try:
            return super().construct_object(node, deep=deep)
        except (yaml.MarkedYAMLError, ValueError, TypeError, OverflowError) as error:
            reason = getattr(error, "problem", None) or str(error).partition(";")[0]
            what = show(node.value) if isinstance(node, yaml.ScalarNode) else "this"
            self.mistake(node, f"{what} cannot be read ({reason})")
            return UNREAD

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse keys that are given twice (the first value counts), and merge nothing."""
        kept: dict[tuple[str, str], tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            first, _ = kept.setdefault((key.tag, str(key.value)), (key, value))
            if first is not key:
                line = first.start_mark.line + 1
                self.mistake(key, f"{key.value}: it is given twice; the first time in line {line}")
        node.value = list(kept.values())

    def mistake(self, node: yaml.Node, reason: str) -> None:
        """Take note of what is wrong, and in which line."""
        self.mistakes.append((node.start_mark.line + 1, reason))


def _refuse(loader: _Loader, node: yaml.Node) -> object:
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    loader.mistake(node, f"the tag {tag} is not allowed: nothing but plain YAML is")
    return UNREAD


_Loader.add_constructor(None, _refuse)
_Loader.add_constructor("!varying", lambda _loader, node: parse_number(node.value))
_Loader.add_implicit_resolver(
    "!varying",
    re.compile(r"[-+*/%().\d\s]*(instance|repetition)([-+*/%().\d\s]|instance|repetition)*$"),
    list("ir(-.0123456789"),
)
_Loader.add_implicit_resolver(  # 1e-9 is a number for everybody but YAML 1.1
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def _read(path: Path) -> WorkloadFile:
    content = _content(path)
    try:
        loader = _Loader(content)
        root = loader.get_single_node()
        if root and _is_too_large(root):
            message = f"{path}: more than the {MOST_VALUES:,} values that are allowed"
            raise UsageError(message, _SMALLER)
        keys = loader.construct_object(root, deep=True) if root else None
    except yaml.reader.ReaderError as error:
        line = content.count(b"\n", 0, error.position) + 1
        message = f"{path}:{line}: {error.character:#x} is not text in UTF-8 ({error.reason})"
        raise UsageError(message, _HINT) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        told = ", ".join(filter(None, (error.context, error.problem)))
        raise UsageError(f"{path}{where}: not YAML: {told}", _HINT) from None
    if not isinstance(keys, dict):
        none = "it holds no keys; a workload is written as keys and values"
        line, told = [*loader.mistakes, (root.start_mark.line + 1 if root else 1, none)][0]
        hint = "It begins, for example: `target: collections:Counter`."
        raise UsageError(f"{path}:{line}: {told}", hint)
    return WorkloadFile({str(k): v for k, v in keys.items()}, str(path), root, loader.mistakes)


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not (path.is_file() and path.stat().st_size <= MOST_BYTES):
            message = f"{path}: not a file of at most {MOST_BYTES // 1024} KiB"
            raise UsageError(message, _SMALLER)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        raise UsageError(message, "`workloads` lists the bundled ones.") from None


def _is_too_large(root: yaml.Node) -> bool:
    """Return whether there is more than any workload holds, once all aliases are written out."""
    nodes, seen = [root], 0
    while nodes and seen + len(nodes) <= MOST_VALUES:
        node, seen = nodes.pop(), seen + 1
        if isinstance(node, yaml.MappingNode):
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return bool(nodes)
