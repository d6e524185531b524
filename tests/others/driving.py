"""A driver that connects once and compares many classes, each answer a line of a file."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import warnings
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray

from job import run_comparison
from job.cluster import connection
from job.errors import JobError
from job.running import comparison, preparation, runner
from job.shard.states import canonical
from job.signals import Leaving
from tests.others.cases import CONNECTED, EMBEDDED, LOCAL, STRATEGIES
from tests.others.plain import evaluate, taken_apart

if TYPE_CHECKING:
    from job.commands.notebook import Shown

ACTOR_S = 30.0
# All instances share an actor of `sharded`; what hangs is ended while the driver is waited for.
PLAN: dict[str, Any] = {"shards": 1, "workers": 1, "timeout_s": 50, "startup_timeout_s": 60}
# An actor is half a second of work for a CPU: a second instance shows nothing new when connected.
INSTANCES = {EMBEDDED: 2, CONNECTED: 1, LOCAL: 2}


def answer(case: dict[str, Any], where: str) -> dict[str, Any]:
    """Compare a class, and say all that a test may want to know of it."""
    since = time.perf_counter()
    vars(connection)["_ask_nodes"] = lambda *_: (["another"] if case["away"] else [], {})
    found: dict[str, Any] = {"name": case["name"], "code": 0, "notes": [], "driver": os.getpid()}
    try:
        if where == "embedded" and case["actor"]:
            found["actor"] = actor_state(case)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                plan = PLAN | {"instances": INSTANCES[where], "strategies": STRATEGIES[where]}
                plan |= case["plan"]
                report = run_comparison(case["target"], case["calls"], read=case["read"], **plan)
            finally:
                found["notes"] = [str(each.message) for each in caught]
        found |= told(report)
    except JobError as error:
        found |= {"code": error.exit_code, "text": str(error)}
    except BaseException:  # which a command would end with
        found |= {"code": 1, "text": traceback.format_exc(limit=-3)}
    return found | {"seconds": time.perf_counter() - since}


def told(report: Shown) -> dict[str, Any]:
    """Return what a report tells."""
    trials = report.results.trials
    return {
        "agreement": report.agreement,
        "instances": report.results.workload.instances,
        "text": repr(report),
        "states": {trial.strategy: trial.states for trial in trials},
        "work_s": {trial.strategy: trial.work_s for trial in trials},
        "startup_s": {trial.strategy: trial.startup_s for trial in trials},
        "processes": {
            trial.strategy: [pid for share in trial.placement for pid in share.processes]
            for trial in trials
        },
    }


class Holder:
    """What one writes around a class that bears no subclass, such as the one that Ray makes."""

    def __init__(self, made: str, module: str) -> None:
        """Make an instance."""
        self.held = evaluate(made, vars(importlib.import_module(module)))

    def call(self, expression: str) -> Any:  # noqa: ANN401 - any class's
        """Call it."""
        return evaluate(f"held.{expression}", {"held": self.held})


def actor_state(case: dict[str, Any]) -> str:
    """Return the state of instance 1, had somebody written the actor by hand."""
    module, _, rest = case["target"].partition(":")
    ((name, arguments, _),) = taken_apart([rest])
    numbered = arguments.replace("instance", "1")
    held = case["actor"] == "held"
    if held:
        actor: Any = ray.remote(Holder).remote(f"{name}{numbered}", module)
    else:
        kind: Any = reduce(getattr, name.split("."), importlib.import_module(module))
        actor = evaluate(f"made.remote{numbered}", {"made": ray.remote(kind)})
    for method, given, times in [*taken_apart(case["calls"]), (case["read"], "()", 1)]:
        numbered = given.replace("instance", "1")
        for _ in range(times):
            if held:
                made = actor.call.remote(f"{method}{numbered}")
            else:
                made = evaluate(f"actor.{method}.remote{numbered}", {"actor": actor})
            state = ray.get(made, timeout=ACTOR_S)
    ray.kill(actor)
    return canonical(state)


def hurry() -> None:
    """Leave out what says something of speed only."""
    assert "_ask_nodes" in vars(connection)  # which `answer` replaces
    for module, name, made in (
        (comparison, "calibrate", lambda results, *_: results.calibration),
        (preparation, "core_s", lambda: 0.01),
        (runner, "core_s", lambda: 0.01),
        (connection, "BUSY_S", 0.0),
    ):
        assert name in vars(module)  # better than a slow tier
        vars(module)[name] = made


def main(where: str, address: str, cases: str, answers: str) -> None:
    """Compare every class on one Ray: the one at an address, or an embedded one."""
    hurry()
    with (
        Path(answers).open("a", buffering=1) as lines,
        connection.connect(address or "local", Leaving(), lambda _: None),
    ):
        for case in json.loads(Path(cases).read_text()):
            print(json.dumps({"began": case["name"]}), file=lines)
            print(json.dumps(answer(case, where)), file=lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
