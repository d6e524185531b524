"""One measured run, in a process of its own: `python -m benchmarks.measure '{…}'`.

Two lines of JSON go to stdout: that the contender is connected, and what its run took. Whatever
libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.contenders import ALL as CONTENDERS
from benchmarks.contenders import SERIAL
from benchmarks.laps import Laps
from benchmarks.scenarios import ALL as SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scenarios import Scenario


def main() -> None:
    """Do what the argument asks for."""
    request = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    scenario = replace(SCENARIOS[request["scenario"]], rounds=request["rounds"])
    contender = CONTENDERS[request["contender"]]
    run = scenario.sample() if contender is SERIAL else scenario
    laps = Laps(out)
    states = contender.load()(run, laps)
    scale = scenario.instances / run.instances
    laps.tell(
        {
            "event": "done",
            "wrong": wrong(states, run),
            "estimated": scale > 1,
            "seconds": {phase: scale * value for phase, value in laps.seconds.items()},
            "megabytes": laps.megabytes,
        }
    )


def wrong(states: Sequence[object], scenario: Scenario) -> str | None:
    """Return what is wrong with the states, None if nothing is."""
    if len(states) != scenario.instances:
        return f"{len(states):,} states of {scenario.instances:,} instances"
    for number, state in enumerate(states):
        if state != scenario.calls:
            return f"instance {number:,} ended as {state!r} rather than {scenario.calls:,}"
    return None


if __name__ == "__main__":
    main()
