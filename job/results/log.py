"""A results document between marked lines of a log, and back: pure.

A job's log is all that comes home of a job by itself. Others write into it too, so each line of the
document carries the first characters of its digest, and the whole is checked against it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from job.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable

PIECE = 1_000  # characters of the document in one line
_BEGIN = re.compile(r"--- results ([0-9a-f]{16}), (\d+) lines ---$")
_END = re.compile(r"--- results [0-9a-f]{16}, end ---$")


def marked(document: str) -> list[str]:
    """Return the lines that carry a document of ASCII characters without line breaks."""
    digest = _digest(document)
    pieces = [document[at : at + PIECE] for at in range(0, len(document), PIECE)]
    begin = f"--- results {digest}, {len(pieces)} lines ---"
    return [begin, *(f"{digest}|{piece}" for piece in pieces), f"--- results {digest}, end ---"]


def unmarked(lines: Iterable[str]) -> list[str]:
    """Return a log's lines without those that carry a document."""
    kept = []
    digests: set[str] = set()
    for line in lines:
        begin = _BEGIN.search(line)
        if begin:
            digests.add(begin[1])
            line = line[: begin.start()]  # noqa: PLW2901 - what stood there before it
            kept += [line] if line else []
        elif not any(
            f"{digest}|" in line or f"results {digest}, end" in line for digest in digests
        ):
            kept.append(line)
    return kept


def found(log: str) -> str | None:
    """Return the last whole document in a log; None where none begins, FileError where none is."""
    lines = log.splitlines()
    begins = [match for line in lines if (match := _BEGIN.search(line))]
    for begin in reversed(begins):
        mark = f"{begin[1]}|"
        document = "".join(line.partition(mark)[2] for line in lines if mark in line)
        if _digest(document) == begin[1]:
            return document
    if begins:
        message = "the results in the job's log are not whole: lines are missing or were changed"
        raise FileError(message, "Ray keeps the log on the head; the report may stand in it.")
    return None


def said_after(log: str) -> list[str]:
    """Return the lines that follow the last document: what its driver had to say of it."""
    lines = log.splitlines()
    ends = [number for number, line in enumerate(lines, 1) if _END.search(line)]
    return lines[ends[-1] :] if ends else []


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()[:16]
