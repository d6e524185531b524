"""Whether two strategies' states agree: exactly, or floats within a tolerance; pure."""

from __future__ import annotations

import decimal
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from job.errors import StateError
from job.shard.floats import take_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.shard.floats import Number

# Of what may hold floats; a digest of a string, say, names its kind and is as good as the string.
_DIGESTS = re.compile(r"<blake2b \w+, \d+ (?:characters|bytes)>")
_LESS = "Choose `agree: exact`, a `read` that returns less, or calls that do with --returns bring."
_EXACT = decimal.Context(prec=50, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])


class States(NamedTuple):
    """The canonical texts of some instances' states."""

    numbers: Sequence[int]  # of the instances, ascending
    texts: Sequence[str]

    def of(self, number: int) -> str:
        """Return the state of one instance."""
        return self.texts[self.numbers.index(number)]


def difference(
    reference: States, other: States, relative: float = 0.0, absolute: float = 0.0,
    what: str = "its state",
) -> int | None:  # fmt: skip
    """Return the first instance of both whose texts disagree; None where all agree.

    Args:
        reference: What one strategy ended in.
        other: What another did.
        relative: How far floats and Decimals may differ, as a share of the larger one.
        absolute: How far they may differ, whatever their size.
        what: Which texts they are, of an instance.

    Raises:
        StateError: States that travelled as digests differ, which says nothing of their floats.
    """
    if reference == other:
        return None
    exact = not relative and not absolute
    fewest, most = sorted((reference.numbers, other.numbers), key=len)
    for number in (number for number in fewest if number in most):
        one, another = reference.of(number), other.of(number)
        if one == another or (not exact and close(one, another, relative, absolute)):
            continue
        if not exact and _DIGESTS.findall(one) != _DIGESTS.findall(another):
            message = f"instance {number:,}: {what} is too large to be compared with a tolerance"
            raise StateError(message, _LESS)
        return number
    return None


def close(one: str, another: str, relative: float, absolute: float) -> bool:
    """Return whether two canonical texts differ in floats only, and those within the tolerance."""
    left, left_floats = take_floats(one)
    right, right_floats = take_floats(another)
    return left == right and all(
        _near(*pair, relative, absolute) for pair in zip(left_floats, right_floats, strict=True)
    )


def _near(a: Number, b: Number, relative: float, absolute: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        alike = math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
        return alike or (math.isnan(a) and math.isnan(b))
    left, right = Decimal(a), Decimal(b)
    larger = max(left.copy_abs(), right.copy_abs())
    allowed = max(_EXACT.multiply(Decimal(relative), larger), Decimal(absolute))
    return _EXACT.subtract(left, right).copy_abs() <= allowed
