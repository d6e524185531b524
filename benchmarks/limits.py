"""What need not be tried, because it is plain beforehand that it cannot be done here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.contenders import SERIAL
from benchmarks.outcomes import Outcome, Status
from benchmarks.scenarios import ALL, LIMIT_S

if TYPE_CHECKING:
    from benchmarks.contenders import Contender
    from benchmarks.outcomes import Outcomes
    from benchmarks.scenarios import Scenario

_SPARE = 0.8  # so much of the free memory may be taken
_THREADS_SPARE = 0.5  # so much of the threads the system allows
_SURE = 1.5  # a forecast is believed from so many times the limit on


def refusal(contender: Contender, scenario: Scenario, outcomes: Outcomes) -> Outcome | None:
    """Return the outcome of a run that need not be tried, None where it must be."""
    return (
        _by_memory(contender, scenario)
        or _by_processes(contender, scenario)
        or _by_threads(contender, scenario)
        or _by_forecast(contender, scenario, outcomes)
    )


def _by_memory(contender: Contender, scenario: Scenario) -> Outcome | None:
    needed, free = scenario.instances * contender.process_mb, machine.available_mb()
    if needed <= _SPARE * free:
        return None
    reason = (
        f"{scenario.instances:,} processes x {contender.process_mb:g} MB = {needed / 1000:,.0f} GB,"
        f" {free / 1000:,.0f} GB are free"
    )
    return Outcome(Status.MEMORY, reason)


def _by_processes(contender: Contender, scenario: Scenario) -> Outcome | None:
    needed = scenario.instances * contender.process_s
    if needed <= LIMIT_S:
        return None
    reason = f"starting {scenario.instances:,} processes takes about {needed:,.0f} s"
    return Outcome(Status.TOO_LONG, reason)


def _by_threads(contender: Contender, scenario: Scenario) -> Outcome | None:
    most = machine.most_threads()
    if not contender.threaded or scenario.instances <= _THREADS_SPARE * most:
        return None
    reason = f"{scenario.instances:,} threads, the system allows {most:,}"
    return Outcome(Status.THREADS, reason)


def _by_forecast(contender: Contender, scenario: Scenario, outcomes: Outcomes) -> Outcome | None:
    if scenario.easier is None or contender is SERIAL:  # of the serial loop a sample is run
        return None
    easier = ALL[scenario.easier]
    seen = outcomes.last(easier.name, contender.name)
    if seen is None:
        return None
    if seen.status is Status.TOO_LONG:
        return Outcome(Status.TOO_LONG, f"as {easier.name} was, with fewer calls")
    growth = scenario.total_calls / easier.total_calls
    expected = (seen.get("work_s") or 0.0) * growth
    if expected <= _SURE * LIMIT_S:
        return None
    reason = f"about {expected:,.0f} s at the price per call that {easier.name} showed"
    return Outcome(Status.TOO_LONG, reason)
