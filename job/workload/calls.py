"""Targets and calls as Python writes them: `ledger:Ledger(start=instance)`, `book(7) * 50`.

Texts are parsed with `ast` and never evaluated: literals only, and the name `instance` for the
number of the instance at hand.
"""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass, field

from job.errors import UsageError

MOST_TIMES = 10**9
LONGEST_SHOWN = 80  # characters
LONG_INTEGER = 2_000  # bits; an interpreter may refuse to write far longer ones as decimals
_ALLOWED = (
    "Between the parentheses only literals, and `instance` for the instance's number, are allowed."
)


@dataclass(frozen=True)
class InstanceNumber:
    """Stands in arguments for the number of the instance at hand."""

    def __repr__(self) -> str:
        return "instance"


class _WithArguments:
    args: tuple[object, ...]
    kwargs: dict[str, object]

    def arguments(self, number: int) -> tuple[list[object], dict[str, object]]:
        """Return fresh arguments for instance `number`."""
        named = {key: fill_in(value, number) for key, value in self.kwargs.items()}
        return [fill_in(value, number) for value in self.args], named

    def _inner(self) -> str:
        named = [f"{key}={source(value)}" for key, value in self.kwargs.items()]
        return ", ".join([*map(source, self.args), *named])


@dataclass(frozen=True)
class Target(_WithArguments):
    """The class under comparison (or a factory), and what each instance is made with."""

    module: str
    name: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        inner = self._inner()
        return f"{self.module}:{self.name}" + (f"({inner})" if inner else "")


@dataclass(frozen=True)
class Call(_WithArguments):
    """One method call on every instance, `times` times in a row."""

    method: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)
    times: int = 1

    def __str__(self) -> str:
        return f"{self.method}({self._inner()})" + (f" * {self.times}" if self.times != 1 else "")


def parse_target(text: str) -> Target:
    """Read `module:Class` or `module:Class(arguments)`.

    Raises:
        UsageError: The text has another form, or holds more than literals.
    """
    module, colon, rest = text.strip().partition(":")
    if not colon or not is_dotted_name(module):
        form = "module:Class, such as collections:Counter"
        raise UsageError(f"{text!r} is no target: it is written {form}")
    node, args, kwargs = _take_apart(_parse(rest, text), text)
    name = ast.unparse(node)
    if not is_dotted_name(name):
        message = f"{text!r}: after the colon a class or a function is named, such as Counter"
        raise UsageError(message)
    return Target(module, name, args, kwargs)


def parse_call(text: str) -> Call:
    """Read `method`, `method(arguments)` or `method(arguments) * times`.

    Raises:
        UsageError: The text has another form, or holds more than literals.
    """
    node, times = _parse(text, text), 1
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        times, node = _times(node.right, text), node.left
    node, args, kwargs = _take_apart(node, text)
    if not isinstance(node, ast.Name):
        form = "method(arguments) * times, as in book(7) * 50"
        raise UsageError(f"{text!r} is no call: it is written {form}")
    return Call(node.id, args, kwargs, times)


def is_name(text: str) -> bool:
    """Return whether a text can name a method or an argument."""
    return text.isidentifier() and not keyword.iskeyword(text)


def is_dotted_name(text: str) -> bool:
    """Return whether a text can name a module, or something within one."""
    return all(map(is_name, text.split(".")))


def fill_in(value: object, number: int) -> object:
    """Return a fresh copy of a literal with every `instance` replaced by `number`."""
    match value:
        case InstanceNumber():
            return number
        case list():
            return [fill_in(item, number) for item in value]
        case tuple():
            return tuple(fill_in(item, number) for item in value)
        case set():
            return {fill_in(item, number) for item in value}
        case dict():
            return {fill_in(k, number): fill_in(v, number) for k, v in value.items()}
    return value


def source(value: object) -> str:
    """Return a literal as Python writes it; a set, which has no order of its own, in order."""
    match value:
        case int() if value.bit_length() > LONG_INTEGER:
            return hex(value)
        case list():
            return f"[{', '.join(map(source, value))}]"
        case tuple():
            return f"({', '.join(map(source, value))}{',' if len(value) == 1 else ''})"
        case set() if value:
            return f"{{{', '.join(sorted(map(source, value)))}}}"
        case dict():
            return f"{{{', '.join(f'{source(k)}: {source(v)}' for k, v in value.items())}}}"
    return repr(value)


def show(value: object) -> str:
    """Return a value as a sentence shows it: not longer than a line."""
    if value is None:
        return "nothing"
    text = source(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _parse(text: str, whole: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or "too deeply nested"
        message = f"{show(whole)} is not written as Python writes it ({reason})"
        raise UsageError(message) from None


def _times(node: ast.expr, text: str) -> int:
    times = node.value if isinstance(node, ast.Constant) else None
    if type(times) is not int or not 1 <= times <= MOST_TIMES:
        message = f"{text!r}: what follows * must be a whole number, 1 to {MOST_TIMES:,}"
        raise UsageError(message)
    return times


class _Instance(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Make `instance` a literal."""
        return ast.Constant(InstanceNumber()) if node.id == "instance" else node  # type: ignore[arg-type]


def _take_apart(
    node: ast.expr, text: str
) -> tuple[ast.expr, tuple[object, ...], dict[str, object]]:
    """Return what is called, and with what; nothing where there are no parentheses."""
    if not isinstance(node, ast.Call):
        return node, (), {}
    try:
        return node.func, tuple(map(_literal, node.args)), _keywords(node.keywords)
    except ValueError as error:
        raise UsageError(f"{show(text)}: {error}", _ALLOWED) from None
    except RecursionError:
        raise UsageError(f"{show(text)} is too deeply nested") from None


def _keywords(nodes: list[ast.keyword]) -> dict[str, object]:
    named: dict[str, object] = {}
    for node in nodes:
        if node.arg is None or node.arg in named:
            raise ValueError(f"{ast.unparse(node)} is no argument with a name of its own")
        named[node.arg] = _literal(node.value)
    return named


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(_Instance().visit(node))
    except (ValueError, TypeError):
        raise ValueError(f"{ast.unparse(node)} is not a literal") from None
