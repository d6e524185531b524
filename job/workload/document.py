"""A YAML file as plain values, with the line of every one of them: read without running anything.

What a reader may trip over is refused in a sentence: tags, keys given twice, files and aliases that
would grow beyond any workload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from yaml.constructor import ConstructorError

from job.errors import UsageError
from job.workload.calls import InstanceNumber

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 256 * 1024
MOST_DEPTH = 50
LONGEST_SHOWN = 60
MOST_NODES = 10_000  # with those that aliases repeat; PyYAML reads about as many in half a second
WRONG = object()  # stands for a value that could not be read and was told already
_TAG = "tag:yaml.org,2002:"
_INSTANCE = "!instance"
_HINT = "Mend the file; `schema` prints what an editor needs to check it while you write."
_SMALLER = "Large data belongs where the target can load it."

Place = tuple[Any, ...]  # the keys and indices that lead to a value: ("calls", 1, "times")


class Problem(NamedTuple):
    """One thing that is wrong in a file."""

    line: int
    text: str


@dataclass(frozen=True)
class Document:
    """The keys of a workload, and where they stand.

    Attributes:
        keys: The values, by key.
        name: The file, as the user named it; empty where the keys come from no file.
        lines: The line of every value, by its place.
        problems: What was wrong with the YAML, beyond the values.
    """

    keys: dict[str, Any]
    name: str = ""
    lines: dict[Place, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, place: Place) -> int:
        """Return the line of what is at a place, or else of what should hold it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def tell(self, problem: Problem) -> str:
        """Return a problem as one line, with the place as editors find it."""
        return f"{self.name}:{problem.line}: {problem.text}"


def read(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping.

    Raises:
        UsageError: The file cannot be read, is no YAML, is too large, or holds no mapping.
    """
    node = _compose(_text(path), str(path))
    if not isinstance(node, yaml.MappingNode):
        line, found = (node.start_mark.line + 1, "no keys") if node else (1, "nothing")
        message = f"{path}:{line}: it holds {found}; a workload is written as keys and values"
        raise UsageError(message, "It begins, for example: `target: collections:Counter`.")
    reader = _Reader()
    keys = {str(key): value for key, value in reader.mapping(node, ()).items()}
    return Document(keys, str(path), reader.lines, tuple(reader.problems))


def write(keys: dict[str, Any]) -> str:
    """Return keys as YAML that `read` reads back.

    Raises:
        UsageError: A value has no form in YAML.
    """
    try:
        return yaml.dump(keys, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    except yaml.representer.RepresenterError as error:
        raise UsageError(f"{error.args[-1]!r} cannot be written as YAML") from None


def spell(place: Place) -> str:
    """Return a place as Python spells it: calls[1].times."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).removeprefix(".")


def shown(value: object) -> str:
    """Return a value as it is shown in a sentence."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: not a file", "Name a workload file, such as ledger.yaml.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            message = f"{path}: larger than the {MOST_BYTES // 1024} KiB that are allowed"
            raise UsageError(message, _SMALLER)
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            line = content.count(b"\n", 0, error.start) + 1
            message = f"{path}:{line}: byte 0x{content[error.start]:02x} is not UTF-8 text"
            raise UsageError(message, "A workload is written as YAML, in UTF-8.") from None
        reason = getattr(error, "strerror", None) or error
        message = f"{path}: cannot be read ({reason})"
        raise UsageError(message, "`workloads` lists the bundled ones.") from None


class _Loader(yaml.SafeLoader):
    """Composes at most so many nodes, and so many within one another."""

    nodes = 0
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node, and count it."""
        self.nodes += 1
        self.depth += 1
        if self.nodes > MOST_NODES:
            raise _too_many(self.line + 1)  # where the reader is
        if self.depth > MOST_DEPTH:
            raise _TooManyError(f"{self.line + 1}: nested more than {MOST_DEPTH} deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Writes `instance` as the instance's number, and text of that name in quotes."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write a value that stands in two places twice."""
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Write text with a next-line character (U+0085) escaped; raw, it is read as a space."""
        if "\x85" in data:
            return self.represent_scalar(f"{_TAG}str", data, style='"')
        return super().represent_str(data)


# Both heed the same words beyond PyYAML's: what the one reads in another way, the other quotes.
for _each in (_Loader, _Dumper):
    _each.add_implicit_resolver(_INSTANCE, re.compile(r"instance$"), ["i"])
    _each.add_implicit_resolver(
        f"{_TAG}float",
        re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
        list("-+0123456789"),
    )
_Loader.add_constructor(_INSTANCE, lambda _loader, _node: InstanceNumber())
_Dumper.add_representer(str, _Dumper.represent_str)
_Dumper.add_representer(
    InstanceNumber, lambda dumper, value: dumper.represent_scalar(_INSTANCE, str(value))
)


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, _Loader)
        if node is not None:
            _expanded(node, {})
    except _TooManyError as error:
        raise UsageError(f"{name}:{error}", _SMALLER) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"{name}:{line}: the character {chr(error.character)!r} is not allowed in YAML"
        raise UsageError(message, _HINT) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        told = ", ".join(filter(None, (error.context, error.problem)))
        raise UsageError(f"{name}{where}: not YAML: {told}", _HINT) from None
    return node


class _TooManyError(Exception):
    """More values than a workload has."""


def _too_many(line: int) -> _TooManyError:
    return _TooManyError(f"{line}: more than the {MOST_NODES:,} values that are allowed")


def _expanded(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many nodes there are when every alias is written out."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    size = known.get(id(node))
    if size is None:
        known[id(node)] = MOST_NODES  # met again within itself it would never end
        pairs = isinstance(node, yaml.MappingNode)
        below = [part for pair in node.value for part in pair] if pairs else node.value
        size = known[id(node)] = 1 + sum(_expanded(part, known) for part in below)
    if size > MOST_NODES:
        raise _too_many(node.start_mark.line + 1)
    return size


class _Reader:
    """Turns nodes into values, and notes where they stand and what is wrong with them."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []
        self._loader = _Loader("")

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[Any, Any]:
        """Return a mapping; of a key that is given twice the first value."""
        self.lines[place] = node.start_mark.line + 1
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == f"{_TAG}merge":
                self._wrong(line, (*place, "<<"), "merging is not supported: write the keys out")
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(line, place, "a key must be a plain word or number")
                continue
            key = self._plain(key_node, place)
            inside = (*place, str(key))
            if key in found:
                first = self.lines[inside]
                self._wrong(line, inside, f"it is given twice; the first time in line {first}")
                continue
            found[key] = self._value(value_node, inside)
            self.lines[inside] = line
        return found

    def _value(self, node: yaml.Node, place: Place) -> object:
        self.lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self._value(part, (*place, i)) for i, part in enumerate(node.value)]
        return self._plain(node, place)

    def _plain(self, node: yaml.Node, place: Place) -> Any:  # noqa: ANN401 - whatever it says
        """Return what has no places within: a word, a number, a date, a set."""
        line = node.start_mark.line + 1
        try:
            return self._loader.construct_object(node, deep=True)
        except ConstructorError as error:
            reason = str(error.problem)
            if reason.startswith("could not determine a constructor"):
                tag = str(node.tag).replace(_TAG, "!!")
                reason = f"the tag {tag} is not allowed: nothing but plain YAML is"
            self._wrong(line, place, reason)
        except (ValueError, TypeError, OverflowError) as error:
            self._wrong(
                line, place, f"{shown(node.value)} cannot be read ({str(error).partition(';')[0]})"
            )
        return WRONG

    def _wrong(self, line: int, place: Place, reason: str) -> None:
        self.problems.append(Problem(line, f"{spell(place)}: {reason}"))
