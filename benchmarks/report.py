"""What was measured, as tables for people and as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from tabulate import tabulate

from benchmarks import machine
from benchmarks.contenders import CONTENDERS, SERIAL
from benchmarks.outcomes import Status
from benchmarks.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.bounds import Verdict
    from benchmarks.contenders import Contender
    from benchmarks.outcomes import Outcome, Outcomes
    from benchmarks.scenarios import Scenario

SCHEMA_VERSION = 1
_NONE = "-"
_HEADERS = (
    "contender",
    "startup s",
    "work s",
    "read s",
    "elapsed s",
    "work / ideal",
    "speedup",
    "memory MB",
    "driver MB",
)
_CAPTION = """\
Each figure is the median of {repeat} run(s), of one where that took more than 10 s. Contenders took
turns; each run had processes of its own, and was checked for the right states. Connecting to a
framework (Ray, Dask, a pool of xoscar) is not counted, for it is done once; making actors,
processes and instances is. What our strategies find out beforehand to decide on threads is not
counted either.

*startup*: until every instance is there; where a contender cannot tell it from its work, `work`
holds it. *ideal*: the slowest instance where calls sleep, else the CPU time of the serial loop over
the {cpus} CPUs. *speedup*: of elapsed, over the serial loop. *memory*: what all processes of the
contender hold at the end, the framework's included, shared pages counted once. *driver*: what the
driver's memory grew by at most. `~`: estimated from a part of the instances. A contender that
cannot do a scenario within 60 s or the memory is shown so; where that is plain beforehand, it is
not tried."""


def render(outcomes: Outcomes, repeat: int, style: str) -> str:
    """Return all tables with what figures depend on, as Markdown or as plain text."""
    cpus = machine.cpus()
    parts = ["# Benchmarks", _setting(), _CAPTION.format(repeat=repeat, cpus=cpus)]
    for scenario in SCENARIOS.values():
        if any(outcomes.runs(scenario.name, name) for name in CONTENDERS):
            parts += _section(scenario, outcomes, cpus, style)
    return "\n\n".join(parts) + "\n"


def render_verdicts(verdicts: Iterable[Verdict]) -> str:
    """Return the verdicts as a list."""
    return "## What is demanded\n\n" + "\n".join(f"- {verdict}" for verdict in verdicts) + "\n"


def document(
    outcomes: Outcomes,
    verdicts: Iterable[Verdict],
    repeat: int,
    apart: dict[str, list[dict[str, object]]],
) -> str:
    """Return everything measured, as JSON; `apart` is what was, by its key."""
    runs = [
        {"scenario": scenario, "contender": contender, "repetition": number, **_as_json(run)}
        for (scenario, contender), runs in outcomes.items()
        for number, run in enumerate(runs)
    ]
    whole = {
        "schema_version": SCHEMA_VERSION,
        "machine": machine.describe(),
        "versions": _versions(),
        "repeat": repeat,
        "scenarios": [asdict(scenario) for scenario in SCENARIOS.values()],
        "verdicts": [asdict(verdict) | {"met": verdict.met} for verdict in verdicts],
        **apart,
        "runs": runs,
    }
    return json.dumps(whole, indent=1) + "\n"


def save(path: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that it is never half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _setting() -> str:
    told = machine.describe()
    versions = ", ".join(f"{name} {version}" for name, version in _versions().items())
    return (
        f"{told['cpu']}, {told['cpus']} CPUs, {int(told['memory_mb']) / 1000:.0f} GB,"
        f" {told['system']}; Python {told['python']}, {versions}."
    )


def _versions() -> dict[str, str]:
    packages = {contender.package for contender in CONTENDERS.values() if contender.package}
    return {package: machine.version(package) for package in sorted(packages)}


def _section(scenario: Scenario, outcomes: Outcomes, cpus: int, style: str) -> list[str]:
    ideal = scenario.ideal_s(outcomes.middle(scenario.name, SERIAL.name, "driver_cpu_s"), cpus)
    known = "" if ideal is None else f"; ideal {_figure(ideal)} s"
    ran = [c for c in CONTENDERS.values() if outcomes.runs(scenario.name, c.name)]
    rows = [_row(scenario.name, contender, outcomes, ideal) for contender in ran]
    align = ("left", *["right"] * (len(_HEADERS) - 1))
    table = tabulate(rows, _HEADERS, tablefmt=style, colalign=align, disable_numparse=True)
    notes = [
        f"- {contender.title}: {run.status.value}: {run.reason}"
        for contender in ran
        if (run := _ended_badly(outcomes.runs(scenario.name, contender.name)))
    ]
    heading = f"## {scenario.title}{known}"
    return [heading, table, "\n".join(notes)] if notes else [heading, table]


def _ended_badly(runs: list[Outcome]) -> Outcome | None:
    return next((run for run in runs if not run.status.measured), None)


def _row(scenario: str, contender: Contender, outcomes: Outcomes, ideal: float | None) -> list[str]:
    status = outcomes.status(scenario, contender.name)
    if status is None or not status.measured:
        ended = status.value if status else _NONE
        return [contender.title, *[_NONE] * 3, ended, *[_NONE] * (len(_HEADERS) - 5)]

    def middle(figure: str) -> float | None:
        return outcomes.middle(scenario, contender.name, figure)

    startup, work, elapsed = middle("startup_s"), middle("work_s"), middle("elapsed_s")
    serial = outcomes.middle(scenario, SERIAL.name, "elapsed_s")
    about = "~" if status is Status.ESTIMATED else ""
    guessed = outcomes.status(scenario, SERIAL.name) is Status.ESTIMATED
    return [
        contender.title,
        "in work" if startup is None else about + _figure(startup),
        about + _figure(work),
        about + _figure(middle("read_s")),
        about + _figure(elapsed),
        about + _figure(None if startup is None else _over(work, ideal)),
        ("~" if guessed else "") + _figure(_over(serial, elapsed)),
        _whole(middle("all_mb")),
        _whole(middle("driver_mb")),
    ]


def _over(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or not lower else upper / lower


def _figure(value: float | None) -> str:
    """Return a figure with as many digits as are worth reading."""
    if value is None:
        return _NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"  # noqa: PLR2004 - five digits


def _whole(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _as_json(run: Outcome) -> dict[str, object]:
    return {**asdict(run), "status": run.status.value}
