"""Targets and calls as Python writes them: `ledger:Ledger(start=instance)`, `book(7) * 50`.

Texts are parsed with `ast` and never evaluated: literals only, and the name `instance` for the
number of the instance at hand.
"""

from __future__ import annotations

import ast
import keyword
import types
from dataclasses import dataclass, field

from job.errors import UsageError

MOST_TIMES = 10**9
LONG_INTEGER = 2_000  # bits; an interpreter may refuse to write far longer ones as decimals
_ALLOWED = "only literals, and `instance` for the instance's number, are allowed there"


@dataclass(frozen=True)
class InstanceNumber:
    """Stands in arguments for the number of the instance at hand."""

    def __repr__(self) -> str:
        """Show it as it is written."""
        return "instance"


@dataclass(frozen=True)
class Arguments:
    """What stands between the parentheses of a target or a call."""

    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the arguments as Python writes them, without the parentheses."""
        positional = [_source(value) for value in self.args]
        return ", ".join(positional + [f"{k}={_source(v)}" for k, v in self.kwargs.items()])

    def of(self, number: int) -> tuple[list[object], dict[str, object]]:
        """Return fresh arguments for instance `number`."""
        named = {key: fill_in(value, number) for key, value in self.kwargs.items()}
        return [fill_in(value, number) for value in self.args], named


@dataclass(frozen=True)
class Target:
    """The class under comparison (or a factory), and what each instance is made with."""

    module: str
    name: str
    arguments: Arguments = field(default_factory=Arguments)

    def __str__(self) -> str:
        """Return the target as it is written on the command line."""
        inner = str(self.arguments)
        return f"{self.module}:{self.name}" + (f"({inner})" if inner else "")


@dataclass(frozen=True)
class Call:
    """One method call on every instance, `times` times in a row."""

    method: str
    arguments: Arguments = field(default_factory=Arguments)
    times: int = 1

    def __str__(self) -> str:
        """Return the call as it is written on the command line."""
        return f"{self.method}({self.arguments})" + (f" * {self.times}" if self.times != 1 else "")


def parse_target(text: str) -> Target:
    """Read `module:Class` or `module:Class(arguments)`.

    Raises:
        UsageError: The text has another form, or holds more than literals.
    """
    module, colon, rest = text.strip().partition(":")
    if not colon or not all(is_name(part) for part in module.split(".")):
        message = f"{text!r} is no target: it is written module:Class, such as collections:Counter"
        raise UsageError(message)
    node = _parse(rest, text)
    arguments = Arguments()
    if isinstance(node, ast.Call):
        arguments, node = _arguments(node, text), node.func
    return Target(module, _dotted(node, text), arguments)


def parse_call(text: str) -> Call:
    """Read `method`, `method(arguments)` or `method(arguments) * times`.

    Raises:
        UsageError: The text has another form, or holds more than literals.
    """
    node, times = _parse(text, text), 1
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        times, node = _times(node.right, text), node.left
    arguments = Arguments()
    if isinstance(node, ast.Call):
        arguments, node = _arguments(node, text), node.func
    if not isinstance(node, ast.Name):
        message = (
            f"{text!r} is no call: it is written method(arguments) * times, as in book(7) * 50"
        )
        raise UsageError(message)
    return Call(node.id, arguments, times)


def is_name(text: str) -> bool:
    """Return whether a text can name a method or an argument."""
    return text.isidentifier() and not keyword.iskeyword(text)


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


def _parse(text: str, whole: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or "too deeply nested"
        message = f"{_shown(whole)} is not written as Python writes it ({reason})"
        raise UsageError(message) from None


def _times(node: ast.expr, text: str) -> int:
    times = node.value if isinstance(node, ast.Constant) else None
    if type(times) is not int or not 1 <= times <= MOST_TIMES:
        message = f"{text!r}: what follows * must be a whole number, 1 to {MOST_TIMES:,}"
        raise UsageError(message)
    return times


def _dotted(node: ast.expr, text: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, text)}.{node.attr}"
    message = f"{text!r}: after the colon a class or a function is named, such as Counter"
    raise UsageError(message)


def _arguments(node: ast.Call, text: str) -> Arguments:
    try:
        args = tuple(_literal(value) for value in node.args)
        return Arguments(args, _named(node.keywords))
    except _RefusedError as error:
        message = f"{_shown(text)}: {error}"
        raise UsageError(message, f"Between the parentheses {_ALLOWED}.") from None
    except RecursionError:
        message = f"{_shown(text)} is too deeply nested"
        raise UsageError(message) from None


class _RefusedError(Exception):
    """An expression that is more than literals; its text says what is wrong."""


def _literal(node: ast.expr) -> object:
    match node:
        case ast.Name(id="instance"):
            return InstanceNumber()
        case ast.List():
            return [_literal(item) for item in node.elts]
        case ast.Tuple():
            return tuple(_literal(item) for item in node.elts)
        case ast.Set():
            return {_hashable(item) for item in node.elts}
        case ast.Dict() if None not in node.keys:
            pairs = zip(node.keys, node.values, strict=True)
            return {_hashable(k): _literal(v) for k, v in pairs if k is not None}
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise _RefusedError(f"{ast.unparse(node)} is not a literal") from None


def _named(nodes: list[ast.keyword]) -> dict[str, object]:
    named: dict[str, object] = {}
    for node in nodes:
        if node.arg is None:
            raise _RefusedError(f"**{ast.unparse(node.value)} is not a literal")
        if node.arg in named:
            raise _RefusedError(f"{node.arg} is given twice")
        named[node.arg] = _literal(node.value)
    return named


def _hashable(node: ast.expr) -> object:
    value = _literal(node)
    try:
        hash(value)
    except TypeError:
        raise _RefusedError(f"{ast.unparse(node)} is not a literal") from None
    return value


def _source(value: object) -> str:  # noqa: PLR0911 - a kind of value each
    """Return a literal as Python writes it, also where its repr would not read back."""
    match value:
        case types.EllipsisType():
            return "..."
        case complex():
            sign = "-" if value.imag < 0 else "+"
            # Python's sums lose the sign of a zero, so it is not written either.
            return f"{_source(value.real + 0.0)} {sign} {_source(abs(value.imag))}j"
        case int() if value.bit_length() > LONG_INTEGER:
            return hex(value)
        case float() if value in (float("inf"), float("-inf")):
            return "1e999" if value > 0 else "-1e999"
        case list():
            return f"[{', '.join(map(_source, value))}]"
        case tuple():
            return f"({', '.join(map(_source, value))}{',' if len(value) == 1 else ''})"
        case set() if value:
            return (
                f"{{{', '.join(sorted(map(_source, value)))}}}"  # sets have no order of their own
            )
        case dict():
            return f"{{{', '.join(f'{_source(k)}: {_source(v)}' for k, v in value.items())}}}"
    return repr(value)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")  # noqa: PLR2004 - one line
