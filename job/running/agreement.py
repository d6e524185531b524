"""Whether two strategies' states agree: exactly, or floats within a tolerance; pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from job.errors import StateError
from job.shard.states import first_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

# Strings come first, so that what looks like a float inside them is left alone.
_TOKENS = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|((?<![\w.])-?(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+|\d+(?=j)|inf|nan)(?=j?(?![\w.])))"""
)

_DIGESTS = re.compile(r"<blake2b [^>]*>")


def difference(
    reference: Sequence[str],
    other: Sequence[str],
    relative: float = 0.0,
    absolute: float = 0.0,
) -> int | None:
    """Return the first instance whose states disagree; None where all agree.

    Args:
        reference: The canonical texts of one strategy's states.
        other: Those of another's, of as many instances.
        relative: How far floats may differ, as a share of the larger one.
        absolute: How far floats may differ, whatever their size.

    Raises:
        StateError: States that travelled as digests differ, which says nothing of their floats.
    """
    if not relative and not absolute:
        return first_difference(reference, other)
    for number, (one, another) in enumerate(zip(reference, other, strict=True)):
        if one == another or close(one, another, relative, absolute):
            continue
        if _DIGESTS.findall(one) != _DIGESTS.findall(another):
            message = f"instance {number:,}: its state is too large to be compared with a tolerance"
            raise StateError(message, "Choose a `read` that returns less, or `agree: exact`.")
        return number
    return None


def close(one: str, another: str, relative: float, absolute: float) -> bool:
    """Return whether two canonical texts differ in floats only, and those within the tolerance."""
    left, left_floats = _apart(one)
    right, right_floats = _apart(another)
    return (
        left == right
        and len(left_floats) == len(right_floats)
        and all(
            math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
            or (math.isnan(a) and math.isnan(b))
            for a, b in zip(left_floats, right_floats, strict=True)
        )
    )


def _apart(text: str) -> tuple[str, list[float]]:
    """Return a text with its floats taken out, and the floats."""
    floats: list[float] = []

    def take(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        floats.append(float(match[2]))
        return "~"

    return _TOKENS.sub(take, text), floats
