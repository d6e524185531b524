"""Counts, times and long texts as a sentence or a table has them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINE = 100  # characters of a target or a call as it is shown


def count(number: float, noun: str) -> str:
    """Return how many there are: 1 call, 2,000 calls, 0.5 CPUs."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    several = "es" if noun.endswith("s") else "s"
    return f"{shown} {noun}{'' if number == 1 else several}"


def figure(value: float, most: int = 4) -> str:
    """Return what was measured as a table has it: 0.0011, 0.062, 0.54, 8.00, 25.3, 1,230.

    Every report's figures come from here: three digits, or two below 1, at most `most` decimals,
    and no exponent. What would be nothing by that is less than the least of it: <0.0001.
    """
    if not value:
        return "0"
    rounded = float(f"{value:.3g}")
    decimals = sum(abs(rounded) < limit for limit in (100, 10, 0.1, 0.01))
    shown = f"{value if decimals else rounded:,.{min(decimals, most)}f}"
    return shown if shown.strip("-0.") else f"<{10**-most:.{most}f}"


def factor(value: float, most: int = 4) -> str:
    """Return a figure as a sentence has it: 2.45, 3, 4,010."""
    shown = figure(value, most)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent(share: float, most: int = 1) -> str:
    """Return a share as a figure: 0.8%, 99.9%, 100%."""
    return f"{figure(100 * share, most)}%"


def signed(share: float, most: int = 1) -> str:
    """Return a change as a figure: +30.0%, -0.2%; one too small to tell is 0.0%."""
    shown = percent(abs(share), most)
    if shown.startswith(("<", "0%")):
        return f"{0:.{most}f}%"
    return f"{'-' if share < 0 else '+'}{shown}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names as a sentence has them: a, b and 2 more."""
    rest = len(names) - most
    *others, last = [*names[:most], f"{rest:,} more"] if rest > 0 else names
    return f"{', '.join(others)} and {last}" if others else last


def size(number: float) -> str:
    """Return how many bytes there are, as people say it: 800 bytes, 4.2 MB, 1.3 GB."""
    for each, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= each:
            return f"{factor(number / each)} {unit}"
    return count(round(number), "byte")


def first_words(error: BaseException) -> str:
    """Return the beginning of an error's text, or its kind."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def capitalise(clause: str) -> str:
    """Return a clause as it begins a sentence; what is no letter stays as it is."""
    return clause[:1].upper() + clause[1:]


def spelled(seconds: float) -> str:
    """Return a measured time as a figure, in a unit that suits it: 0.24 us, 62.1 ms, 0.54 s."""
    if not seconds or seconds >= 0.1:  # noqa: PLR2004 - two decimals of a second say little
        return f"{figure(seconds)} s"
    milli = seconds >= 1e-3  # noqa: PLR2004
    return f"{factor(1e3 * seconds)} ms" if milli else f"{factor(1e6 * seconds)} us"


def span(seconds: float) -> str:
    """Return how long something will take, about, as people say it."""
    if seconds < 1:
        return "under 1 s"
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "h" and seconds >= size):
            amount = seconds / size
            return f"about {figure(amount, 0) if amount >= 10 else f'{amount:.2g}'} {unit}"  # noqa: PLR2004
    return f"about {seconds:.0f} s"


def duration(seconds: float) -> str:
    """Return a time as it was chosen, with all of its digits, in the unit that suits it."""
    size, unit = 1e-6, "us"
    if not seconds or seconds >= 1:
        size, unit = 1.0, "s"
    elif seconds >= 1e-3:  # noqa: PLR2004
        size, unit = 1e-3, "ms"
    return f"{seconds / size:.12g} {unit}"


def computation(  # noqa: PLR0913, PLR0917 - the parts of a workload
    instances: int, target: str, calls: Iterable[str], read: str | None, returns: str = "drop",
    close: str | None = None,
) -> str:  # fmt: skip
    """Return what is computed in one line."""
    done = ", ".join(shorten(call, LINE) for call in calls) or "no calls"
    end = "".join(f", then {each}" for each in (read, close) if each)
    end = f"{end}; what they return is brought" if returns == "bring" else end
    return f"{instances:,} x {shorten(target, LINE)}: {done}{end}"


def excerpt(texts: Sequence[str], width: int, in_all: int) -> str:
    """Return texts, of `in_all`, as a list that fits into `width` characters (30 or more)."""
    share = (width - 2 * in_all) // max(in_all, 1)  # for each, if all are shown
    if 2 * in_all <= width and 2 * in_all + sum(map(len, texts)) <= width:
        share = width
    if share >= 8:  # noqa: PLR2004 - so many characters say something about a text
        return f"[{', '.join(shorten(text, share) for text in texts)}]"
    tail = f"] ({in_all:,} in all)"
    most = (width - len(tail)) // 3
    last = f"… {shorten(texts[-1], most)}{tail}"
    shown = "["
    for text in texts:
        piece = f"{shorten(text, most)}, "
        if len(shown) + len(piece) + len(last) > width:
            break
        shown += piece
    return shown + last


def shorten(text: str, width: int) -> str:
    """Return the text with its middle left out where it has more than `width` characters."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"
