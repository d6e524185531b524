"""The floats in the canonical text of a state: what a tolerance may compare.

They stand in the text as Python writes them, alone, in complex numbers or in Decimals. By value
this travels to workers that cannot import `job`, as `job.shard.states` does.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Number = float | Decimal

_REAL = r"(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)"
_FLOATS = re.compile(
    rf"""
    # What quotes and digests hold comes first: what looks like a number there is left alone.
    (?P<other>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | <\w+\ [^<>]*>)
    | (?<![\w.]) (?:
        decimal\.Decimal\('(?P<decimal>-?\d+(?:\.\d+)?(?:E[-+]\d+)?)'\)
        | (?P<complex>\(-?{_REAL}[-+]{_REAL}j\) | -?{_REAL}j(?![\w.]))
        | (?P<float>-?(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+|inf|nan)) (?![\w.=])
    )
    """,
    re.VERBOSE,
)


def take_floats(text: str) -> tuple[str, list[Number]]:
    """Return a canonical text with marks in the place of its floats, and the floats."""
    floats: list[Number] = []

    def take(match: re.Match[str]) -> str:
        found = match[0]
        if match["other"]:
            return found
        if match["float"]:
            floats.append(float(found))
            return "~"
        if match["decimal"]:
            floats.append(Decimal(match["decimal"]))
            return "decimal.Decimal(~)"
        both = complex(found)
        floats.extend((both.real, both.imag))
        return "~j"

    return _FLOATS.sub(take, text), floats


def by_floats(text: str) -> tuple[str, list[tuple[bool, Number]], str]:
    """Return what to sort texts by, so that those whose floats differ a little sort alike."""
    structure, floats = take_floats(text)
    return structure, [(x != x, 0.0 if x != x else x) for x in floats], text  # noqa: PLR0124 - NaN
