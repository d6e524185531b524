"""Targets and calls as Python writes them: `ledger:Ledger(start=instance)`, `book(7) * 50`.

Texts are parsed with `ast` and never evaluated: literals only, `instance` for the number of the
instance at hand, `repetition` for the call's own within its `* TIMES`, and simple sums of them.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from job.errors import UsageError
from job.words import LINE, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TIMES = 10**9
LONGEST_SHOWN = 80  # characters
LONG_INTEGER = 2_000  # bits; an interpreter may refuse to write far longer ones as decimals
MOST_KEPT = 10_000  # characters of one argument in results
MOST_OF_OBJECT = 1_000  # of what is no literal, such as an array
_ALLOWED = (
    "Between the parentheses only literals, `instance`, `repetition` and + - * // % on them are "
    "allowed; a factory function or a wrapper class of six lines makes the rest "
    "(docs/workloads.md, Arrays and objects)."
)
_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
}  # fmt: skip
_APPLY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv,
    "%": operator.mod,
}  # fmt: skip


class Varying:
    """Stands in arguments for a number that is another one at other calls."""


@dataclass(frozen=True)
class InstanceNumber(Varying):
    """Stands in arguments for the number of the instance at hand."""

    def __repr__(self) -> str:
        return "instance"


@dataclass(frozen=True)
class RepetitionNumber(Varying):
    """Stands in a call's arguments for its number within `* TIMES`, from 0."""

    def __repr__(self) -> str:
        return "repetition"


@dataclass(frozen=True)
class Arithmetic(Varying):
    """Stands for what is computed of such numbers, and of literal ones."""

    left: Operand
    sign: str
    right: Operand

    def __repr__(self) -> str:
        return spell(self)


Operand = int | float | Varying


class _WithArguments:
    args: tuple[object, ...]
    kwargs: dict[str, object]

    def arguments(self, number: int, repetition: int = 0) -> tuple[list[object], dict[str, object]]:
        """Return fresh arguments for instance `number`, and for a call's repetition."""
        named = {key: fill_in(value, number, repetition) for key, value in self.kwargs.items()}
        return [fill_in(value, number, repetition) for value in self.args], named

    def _inner(self) -> str:
        named = [f"{key}={_kept(value)}" for key, value in self.kwargs.items()]
        return ", ".join([*map(_kept, self.args), *named])


@dataclass(frozen=True)
class Target(_WithArguments):
    """The class under comparison (or a factory), and what each instance is made with."""

    module: str
    name: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of it, as it is written; as results keep it."""
        inner = self._inner()
        return f"{self.module}:{self.name}" + (f"({inner})" if inner else "")

    def __str__(self) -> str:
        return shorten(self.text, LINE)


@dataclass(frozen=True)
class Call(_WithArguments):
    """One method call on every instance, `times` times in a row."""

    method: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)
    times: int = 1

    @property
    def text(self) -> str:
        """All of it, as it is written; as results keep it."""
        return f"{self.method}({self._inner()})" + (f" * {self.times}" if self.times != 1 else "")

    def __str__(self) -> str:
        return shorten(self.text, LINE)


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
    method = ast.unparse(node)
    if not is_dotted_name(method):
        form = "method(arguments) * times, as in book(7) * 50"
        raise UsageError(f"{text!r} is no call: it is written {form}")
    return Call(method, args, kwargs, times)


def parse_number(text: str) -> object:
    """Read what stands for a number that varies, such as `instance * 100 + repetition`.

    Raises:
        ValueError: It is something else.
    """
    try:
        return _literal(_parse(text, text))
    except UsageError as error:
        raise ValueError(error.message) from None


def parse_keywords(text: str) -> dict[str, object]:
    """Read named literals, such as `num_gpus=0.5, resources={"slot": 1}`.

    Raises:
        UsageError: It is written otherwise, or holds something else.
    """
    called, positional, named = _take_apart(_parse(f"options({text})", text), text)
    if positional or not isinstance(called, ast.Name):
        raise UsageError(f"{show(text)} is not written as NAME=VALUE, NAME=VALUE")
    return named


def is_name(text: str) -> bool:
    """Return whether a text can name a method or an argument."""
    return text.isidentifier() and not keyword.iskeyword(text)


def is_dotted_name(text: str) -> bool:
    """Return whether a text can name a module, or something within one or within an instance."""
    return all(map(is_name, text.split(".")))


def fill_in(value: object, number: int, repetition: int = 0) -> object:
    """Return a fresh copy of a literal with the numbers in it that vary.

    Raises:
        ZeroDivisionError: One of them is divided by another that is 0.
    """
    match value:
        case Varying():
            return fill_number(value, number, repetition)
        case list():
            return [fill_in(item, number, repetition) for item in value]
        case tuple():
            return tuple(fill_in(item, number, repetition) for item in value)
        case set():
            return {fill_in(item, number, repetition) for item in value}
        case dict():
            return {
                fill_in(key, number, repetition): fill_in(item, number, repetition)
                for key, item in value.items()
            }
    return value


def fill_number(value: Operand, number: int, repetition: int) -> float:
    """Return the number that varies as it is at one call."""
    match value:
        case InstanceNumber():
            return number
        case RepetitionNumber():
            return repetition
        case Arithmetic():
            left, right = (
                fill_number(part, number, repetition) for part in (value.left, value.right)
            )
            return _APPLY[value.sign](left, right)
    assert isinstance(value, int | float)  # noqa: S101 - there are no others
    return value


def mentions(value: object, kind: type[object]) -> bool:
    """Return whether a literal holds something of a kind, at any depth."""
    parts: list[object] = []
    match value:
        case Arithmetic():
            parts = [value.left, value.right]
        case list() | tuple() | set():
            parts = list(value)
        case dict():
            parts = [*value, *value.values()]
    return isinstance(value, kind) or any(mentions(part, kind) for part in parts)


def spell(value: Operand, instance: str = "instance") -> str:
    """Return the Python source of a number that varies; `instance` names the instance's number.

    It may be compiled: nothing but our own words, whitelisted operators and numbers gets into it.
    """
    match value:
        case InstanceNumber():
            return instance
        case RepetitionNumber():
            return "repetition"
        case Arithmetic() if value.sign in _APPLY:
            left, right = spell(value.left, instance), spell(value.right, instance)
            binds = _binds(value)
            left = f"({left})" if _binds(value.left) < binds else left
            return f"{left} {value.sign} {f'({right})' if _binds(value.right) <= binds else right}"
        case int() | float() if type(value) in (int, float) and math.isfinite(value):
            return source(value)
    raise ValueError(f"{type(value).__name__} is no number that varies")


def _binds(value: Operand) -> int:
    return 3 if not isinstance(value, Arithmetic) else 1 if value.sign in "+-" else 2


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
    text, is_literal = repr(value), isinstance(value, str | bytes | int | float | complex)
    return text if is_literal else shorten(" ".join(text.split()), MOST_OF_OBJECT)


def show(value: object) -> str:
    """Return a value as a sentence shows it: not longer than a line."""
    if value is None:
        return "nothing"
    text = source(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _kept(value: object) -> str:
    return shorten(source(value), MOST_KEPT)


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


class _Varying(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Make `instance` and `repetition` literals."""
        number = {"instance": InstanceNumber(), "repetition": RepetitionNumber()}.get(node.id)
        return node if number is None else ast.Constant(number)  # type: ignore[arg-type]

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Make what is computed of them, or of numbers, a literal."""
        self.generic_visit(node)
        left, sign, right = _operand(node.left), _SIGNS.get(type(node.op)), _operand(node.right)
        if left is None or sign is None or right is None:
            return node
        if sign in ("//", "%") and right == 0:
            raise ZeroDivisionError
        return ast.Constant(Arithmetic(left, sign, right))  # type: ignore[arg-type]


def _operand(node: ast.expr) -> Operand | None:
    """Return what can be computed with; None where it cannot."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    is_number = type(value) in (int, float) and math.isfinite(value)
    return value if is_number or isinstance(value, Varying) else None


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
        return ast.literal_eval(_Varying().visit(node))
    except ZeroDivisionError:
        raise ValueError(f"{ast.unparse(node)} divides by 0") from None
    except (ValueError, TypeError):
        raise ValueError(f"{ast.unparse(node)} is not a literal") from None
