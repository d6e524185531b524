"""All scenarios under all contenders: `make bench`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # As in job/main.py: Python put this folder on the import path, the package is found above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import click

from benchmarks import (
    bounds,
    isolate,
    limits,
    machine,
    predictions,
    report,
    shards,
    verdicts,
    winners,
)  # fmt: skip
from benchmarks.contenders import ALL, BARE, CONTENDERS, SERIAL, SHARDED
from benchmarks.outcomes import Outcomes
from benchmarks.scenarios import ALL as ALL_SCENARIOS
from benchmarks.scenarios import LADDER, SCENARIOS
from job.targets.spinner import rounds_for

if TYPE_CHECKING:
    from collections.abc import Collection

_CPU_S = SCENARIOS["cpu"].seconds
_LONG_S = 10.0  # a run that took longer is not repeated: it varies little, and all shall end soon


@click.command()
@click.option("--repeat", default=3, show_default=True, help="How many runs of each.")
@click.option("--only", default="", help="Scenarios and contenders, with commas; prints only.")
@click.option(
    "--folder",
    default=isolate.ROOT / "results",
    type=click.Path(path_type=Path),
    help="Where to write benchmarks.md and benchmarks.json; results by default.",
)
def main(repeat: int, only: str, folder: Path) -> None:
    """Measure the same work under our strategies and their peers."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names = {name.strip() for name in only.split(",") if name.strip()}
    apart = {winners.NAME, shards.NAME, verdicts.NAME}
    if unknown := names - SCENARIOS.keys() - CONTENDERS.keys() - apart:
        known = ", ".join([*SCENARIOS, *CONTENDERS, *apart])
        message = f"{', '.join(sorted(unknown))}: no such scenario or contender; there are {known}"
        raise click.BadParameter(message, param_hint="--only")
    points = predictions.find() if not names or winners.NAME in names else []
    swept = shards.measure() if not names or shards.NAME in names else []
    judged = verdicts.find() if not names or verdicts.NAME in names else []
    outcomes = Outcomes() if names and names <= apart else measure(turns(names), repeat)
    found = bounds.verdicts(outcomes, machine.cpus()) + winners.verdicts(points)
    found += shards.verdicts(swept) + verdicts.verdicts(judged)

    def text(style: str) -> str:
        parts = [report.render(outcomes, repeat, style), winners.render(points, style)]
        parts += [shards.render(swept, style), verdicts.render(judged, style)]
        return "\n".join([*parts, report.render_verdicts(found)])

    click.echo(text("simple"))
    if not names:
        document = report.document(
            outcomes, found, repeat,
            {
                "break_even": winners.document(points), "shards": shards.document(swept),
                "verdict": verdicts.document(judged),
            },
        )  # fmt: skip

        report.save(folder / "benchmarks.md", text("github"))
        report.save(folder / "benchmarks.json", document)
    sys.exit(0 if all(verdict.met for verdict in found) else 1)


def turns(only: Collection[str]) -> list[tuple[str, str]]:
    """Return the runs of one repetition, as scenario and contender.

    The serial loop is always among them: all is measured against it. What a demand on `sharded`
    needs besides comes right after its run.
    """
    scenarios = [name for name in SCENARIOS if name in only] or list(SCENARIOS)
    contenders = [name for name in CONTENDERS if name in only] or list(CONTENDERS)
    besides = {
        "noop": [("noop", BARE.name)],
        "many": [(rung.name, SHARDED.name) for rung in LADDER if rung.name not in SCENARIOS],
    }
    listed: list[tuple[str, str]] = []
    for scenario in scenarios:
        for contender in dict.fromkeys([SERIAL.name, *contenders]):
            listed.append((scenario, contender))
            if contender == SHARDED.name:
                listed += besides.get(scenario, [])
    return listed


def measure(listed: list[tuple[str, str]], repeat: int) -> Outcomes:
    """Run everything so often, interleaved."""
    outcomes = Outcomes()
    rounds = rounds_for(_CPU_S)
    for repetition in range(repeat):
        for scenario, contender in listed:
            if _is_settled(outcomes, scenario, contender):
                continue
            since = time.monotonic()
            outcome = limits.refusal(
                ALL[contender], ALL_SCENARIOS[scenario], outcomes
            ) or isolate.measure(scenario, contender, rounds)
            outcomes.add(scenario, contender, outcome)
            elapsed = outcome.get("elapsed_s")
            shown = outcome.status.value if elapsed is None else f"{elapsed:.3f} s"
            click.echo(
                f"{repetition + 1}/{repeat}  {scenario:8} {contender:10} {shown:>12}"
                f"  (took {time.monotonic() - since:.1f} s) {outcome.reason}",
                err=True,
            )
    return outcomes


def _is_settled(outcomes: Outcomes, scenario: str, contender: str) -> bool:
    """Tell whether another run would teach nothing: the last one ended badly, or was long."""
    last = outcomes.last(scenario, contender)
    return last is not None and (
        not last.status.measured or (last.get("elapsed_s") or 0.0) > _LONG_S
    )


if __name__ == "__main__":
    main()
