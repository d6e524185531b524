"""Pages as a reader uses them: the files and commands that they show, and what those print.

A block ```console holds commands behind `$ ` and what each writes to stdout (`2>&1` shows the rest
as well); a block ```sh holds commands alone, a line each; a block ```python or ```yaml whose first
line is `# name.py` is that file. A line `…` leaves out whole paragraphs. What is compared is
structure and words: figures are masked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ELLIPSIS = "…"
FENCE = re.compile(r"^```(\w*)$")
FILE = re.compile(r"^# ([\w./-]+\.(?:py|yaml))$")
EXIT_CODE = re.compile(r"#.*exit code (\d+)")
CODE = re.compile(r"exit code \d+")  # as `echo "exit code $?"` prints it
LABEL_WIDTH = 10

# What a busy machine adds to a report; no page shows it.
PASSING = (
    "The driver's machine was",
    "Other actors or jobs held",
    "The serial loop took",
    "its work reached",
    "core was",
    "the trials spread by",
    "its first trial took",
    "the nodes were cold",
    "Trials far from the others",
    "threads take turns,",
    "threads of a shard take turns",
)
# How many words of these count, as the rest depends on how quick the machine is.
FIRST_WORDS = {"Verdict": 2, "Pays": 3, "Best": 1, "Losses": 1, "speed": 1}
OPTIONAL = ("Limit", "Shards")  # which it decides, too
MASKS = (
    (r"[─█▏▎▍▌▋▊▉▇▆▅▄▃▂▁]+", ""),
    (r"^(\S+ +(?:startup|read) .*?)(?:slower|faster|not significant)$", r"\1"),
    (r"^[-|:+ ]*--[-|:+ ]*$", "---"),
    (r"\d{4}-\d\d-\d\dT[\d:.+]+", "N"),
    (r"raysubmit_\w+", "ID"),
    (r"\b\d+ x \d+\b", "N"),
    (r"(?:about |under )?[~+-]?\d[\d.,]*(?:e[+-]?\d+)?(?:x\b|%)?", "N"),
    (r"N (?:us|ms|s|min|h|kB|MB|GB)\b", "N"),
    (r"\s+", " "),
)


@dataclass(frozen=True)
class Step:
    """One command of a page, and the lines of the page that show what it prints."""

    command: str
    first: int  # of the lines after the command
    last: int  # the line behind them
    shown: tuple[str, ...] | None = None  # nothing is compared without it

    @property
    def code(self) -> int:
        """The exit code that its comment promises."""
        promised = EXIT_CODE.search(self.command)
        return int(promised[1]) if promised else 0


@dataclass(frozen=True)
class Put:
    """A file that the page shows, to lie in the reader's folder from here on."""

    name: str
    content: str


def read(text: str) -> list[Step | Put]:
    """Return what a reader of the page does, in order."""
    lines = text.splitlines()
    done: list[Step | Put] = []
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        number += 1
        if not fence:
            continue
        end = next(n for n in range(number, len(lines)) if lines[n] == "```")
        inside = lines[number:end]
        if fence[1] in ("console", "sh"):
            done += _steps(inside, number, prompts=fence[1] == "console")
        elif inside and (name := FILE.match(inside[0])):
            done.append(Put(name[1], "\n".join([*inside, ""])))
        number = end + 1
    return done


def _steps(inside: list[str], offset: int, *, prompts: bool) -> list[Step]:
    """Return the commands of a block, each with the lines up to the next one."""
    begins, number = [], 0
    while number < len(inside):
        begin = number
        while inside[number].endswith("\\"):
            number += 1
        number += 1
        if inside[begin].startswith("$ ") if prompts else inside[begin].strip():
            begins.append((begin, number))
    steps = []
    for (begin, first), (last, _) in zip(begins, [*begins[1:], (len(inside), 0)], strict=True):
        command = "\n".join(inside[begin:first]).removeprefix("$ ")
        shown = tuple(inside[first:last]) if prompts else None
        steps.append(Step(command, offset + first, offset + last, shown))
    return steps


def paragraphs(lines: list[str]) -> list[list[str]]:
    """Return the lines between blank ones, without what a busy machine adds."""
    found: list[list[str]] = [[]]
    for entry in entries(lines):
        if not entry[0].strip():
            found.append([])
        elif not any(each in " ".join(map(str.strip, entry)) for each in PASSING):
            found[-1] += entry
    return list(filter(None, found))


def entries(lines: list[str]) -> list[list[str]]:
    """Return each line with those that go on behind its label."""
    found: list[list[str]] = []
    for line in lines:
        goes_on = line.startswith(" " * LABEL_WIDTH) and line.strip()
        if found and found[-1][0].strip() and goes_on:
            found[-1].append(line)
        else:
            found.append([line])
    return found


def kept(real: list[str], shown: tuple[str, ...]) -> list[str]:
    """Return of real output what a page shows: all, or the paragraphs around its ellipses.

    A paragraph is known by its first word.
    """
    wanted = paragraphs(list(shown))
    if [ELLIPSIS] not in wanted:
        return joined(paragraphs(real))
    rest, result = paragraphs(real), []
    for index, paragraph in enumerate(wanted):
        if paragraph == [ELLIPSIS]:
            following = wanted[index + 1][0].split()[0] if index + 1 < len(wanted) else None
            while rest and rest[0][0].split()[0] != following:
                rest.pop(0)
            result.append(paragraph)
        elif rest:
            result.append(rest.pop(0))
    return joined(result + rest)


def joined(parts: list[list[str]]) -> list[str]:
    """Return paragraphs as lines, with a blank one between two."""
    return "\n\n".join("\n".join(part) for part in parts).splitlines()


def masked(lines: list[str]) -> list[str]:
    """Return what is compared: entries on one line each, without figures."""
    counted = [e for e in entries(lines) if e[0].strip() and not e[0].startswith(OPTIONAL)]
    return [mask(" ".join(entry)) for entry in counted]


def mask(line: str) -> str:
    """Return a line without what differs from run to run."""
    if CODE.fullmatch(line):
        return line
    words = line.split()
    if count := FIRST_WORDS.get(words[0]):
        line = " ".join(words[:count]).rstrip(":")
    for pattern, instead in MASKS:
        line = re.sub(pattern, instead, line.rstrip())
    return line.strip()


def rewritten(text: str, blocks: list[tuple[Step, list[str]]]) -> str:
    """Return a page with what its commands have printed in place of what it showed."""
    lines = text.splitlines()
    for step, real in sorted(blocks, key=lambda each: -each[0].first):
        more = step.last < len(lines) and lines[step.last] != "```"
        lines[step.first : step.last] = [*real, *([""] if more and real else [])]
    return "\n".join([*lines, ""])
