"""Counts and times as a sentence has them; pure."""

from __future__ import annotations


def count(number: float, noun: str) -> str:
    """Return how many there are: 1 call, 2,000 calls, 0.5 CPUs."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def capitalise(clause: str) -> str:
    """Return a clause as it begins a sentence; what is no letter stays as it is."""
    return clause[:1].upper() + clause[1:]


def spelled(seconds: float) -> str:
    """Return a measured time, with digits enough to compare it with another."""
    if seconds >= 0.1:  # noqa: PLR2004 - below, two decimals of a second say little
        return f"{seconds:,.2f} s"
    return f"{1000 * seconds:.3g} ms"


def span(seconds: float) -> str:
    """Return how long something will take, about, as people say it."""
    if seconds < 1:
        return "under 1 s"
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "h" and seconds >= size):
            amount = seconds / size
            return f"about {amount:,.0f} {unit}" if amount >= 10 else f"about {amount:.2g} {unit}"  # noqa: PLR2004
    return f"about {seconds:.0f} s"


def duration(seconds: float) -> str:
    """Return a time as it was chosen, with all of its digits, in the unit that suits it."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
