"""What calls return comes to the driver whole and in order, whatever the knobs and whoever dies."""

from __future__ import annotations

import json
import re
import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from job.errors import TrialError
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.results.document import TimedCalls, Tried
from job.running.local import Local
from job.running.serial import Serial
from job.running.sharded import Sharded
from job.shard import returns
from job.shard.returns import Returns
from tests.subjects import Here, subject_of
from tests.targets.returning import Teller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from job.cluster.connection import Site
    from job.results.document import Facts
    from job.running.strategy import Strategy
    from tests.ray_local.running import Command

    Make = Callable[..., Strategy]

Where = Layout | Here | None

CPU = 0.1  # of each actor, so that all layouts fit
POINTS = {
    "serial": None,
    "actors": Layout(5, Demand(CPU)),
    "sharded": Layout(2, Demand(CPU), calls_per_batch=None),
    "few calls a batch": Layout(2, Demand(CPU), calls_per_batch=3),
    "one call a batch, many instances": Layout(2, Demand(CPU)),
    "threads": Layout(2, Demand(CPU), threads=2, calls_per_batch=None),
    "threads, few calls a batch": Layout(1, Demand(CPU), threads=3, calls_per_batch=4),
}
ON_RAY = {name: layout for name, layout in POINTS.items() if layout}
ON_DRIVER = {
    "threads without Ray": Here("threads", Layout(1, threads=4, calls_per_batch=None)),
    "processes": Here("processes", Layout(2, threads=1, calls_per_batch=None)),
}
EVERYWHERE: dict[str, Where] = {**POINTS, **ON_DRIVER}
INSTANCES, TIMES = 5, 4


@pytest.fixture(scope="module")
def make(site: Site) -> Make:
    """Return what builds a strategy that brings what its calls return."""

    def build(
        layout: Where, target: str, *calls: str, instances: int = INSTANCES,
        sizes: tuple[int, ...] = (), **others: Any,  # noqa: ANN401 - of the workload and the plan
    ) -> Strategy:  # fmt: skip
        subject = subject_of(
            f"returning:{target}", calls, instances=instances, returns="bring", **others
        )
        if layout is None:
            return Serial(subject.recipe, instances, subject.plan.most_s)
        none = tuple(TimedCalls(0, 0.0, 0.0, 0) for _ in calls)
        tried = Tried(calls=none, returned_bytes=sizes)
        subject = replace(subject, tried=tried)
        if isinstance(layout, Here):
            return layout.made(subject)
        return Sharded("under test", layout, subject, site)

    return build


def run(strategy: Strategy, took: list[float] | None = None) -> tuple[list[str], Facts]:
    """Return what stands for what the calls returned; say what the work took, digesting and all."""
    try:
        strategy.prepare(None)
        strategy.start()
        began = time.perf_counter()
        strategy.work(lambda _: None)
        if took is not None:
            took.append(time.perf_counter() - began)
        return strategy.returned(), strategy.facts()
    finally:
        strategy.stop()
        strategy.settle()


def plain(numbers: range, of: Strategy) -> list[str]:
    """Return what stands for what a plain loop over plain objects gets to see."""
    assert isinstance(of, Sharded | Serial | Local)
    recipe = of._recipe if isinstance(of, Serial) else of._subject.recipe  # noqa: SLF001
    found = Returns(recipe)
    for number in numbers:
        teller = Teller(number)
        for position in range(TIMES):
            found.hold_value(number, position, teller.tell(position)[:])
        found.hold_value(number, TIMES, teller.count())
    found.digest()
    return found.texts(numbers)


@pytest.mark.quick(
    "actors-tell",
    "sharded-tell_later",
    "threads, few calls a batch-tell",
    "threads without Ray-tell_later",
    "processes-tell",
    "serial-tell",
)
@pytest.mark.parametrize("call", ["tell", "tell_later"])
@pytest.mark.parametrize("layout", EVERYWHERE.values(), ids=EVERYWHERE)
def test_what_calls_return_is_what_a_plain_loop_gets_to_see(
    make: Make, layout: Where, call: str
) -> None:
    strategy = make(layout, "Teller(instance)", f"{call}(repetition) * {TIMES}", "count")
    found, facts = run(strategy)
    assert found == plain(range(INSTANCES), strategy)
    assert len(set(found)) == INSTANCES
    assert facts.aside_s > 0


@pytest.mark.quick("few calls a batch-2")
@pytest.mark.parametrize(
    ("name", "every"), [*((name, 0) for name in ON_RAY), ("actors", 2), ("few calls a batch", 2)]
)
def test_calls_that_are_made_again_after_a_loss_count_once(
    make: Make, name: str, every: int, tmp_path: Path
) -> None:
    target = f"Mortal(instance, {str(tmp_path / 'grave')!r}, 3)"
    calls = (f"tell(repetition) * {TIMES}", "count")
    strategy = make(ON_RAY[name], target, *calls, snapshot_every=every)
    found, facts = run(strategy)
    assert len(facts.deaths) == 1
    assert found == plain(range(INSTANCES), strategy)


# --- what is large


@pytest.mark.quick("sharded", "processes")
@pytest.mark.parametrize("name", ["actors", "sharded", "few calls a batch", "threads", *ON_DRIVER])
def test_large_values_are_digested_and_dropped_as_they_come(
    make: Make, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, stood_still = [0], [0]
    size, whole = 4 * 2**20, Returns.digest

    def digest(self: Returns) -> None:
        held.append(self._bytes)
        stood_still[0] += 1
        whole(self)

    monkeypatch.setattr(Returns, "digest", digest)
    monkeypatch.setattr(returns, "HELD_BYTES", 32 * 2**20)
    monkeypatch.setattr("job.actors.fleet.HELD_BYTES", 32 * 2**20)
    layout = Layout(2, Demand(CPU)) if name == "actors" else EVERYWHERE[name]
    strategy = make(layout, "Loader", "load * 40", instances=2, read="calls", sizes=(size,))
    took: list[float] = []
    found, facts = run(strategy, took)
    assert len(set(found)) == 1
    assert facts.calls == 80
    assert stood_still[0] >= 3
    assert max(held) <= 3 * 32 * 2**20  # what is held, and what was under way
    assert facts.aside_s > 0.05 * took[0]
    if facts.timeline:
        assert max(each.until_s for each in facts.timeline) < took[0] - 0.9 * facts.aside_s


PREDICTOR = ("--target", "returning:Predictor", "--instances", "2", "--returns", "bring")


@pytest.mark.release
def test_a_driver_takes_no_more_memory_for_more_large_values(
    command: Command, tmp_path: Path
) -> None:
    """The maximum of all children that have ended only grows, so the longer run comes last."""
    most = []
    for calls in (40, 170):
        call = ("--call", f"load * {calls}", "--read", "size", "--strategies", "serial,actors")
        target = ("--target", "returning:Loader", "--instances", "2", "--returns", "bring")
        ended = command.run(*target, *call, "--output", str(tmp_path / "saved"))
        assert ended.code == 0, ended
        most.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
    assert most[1] - most[0] < 300 * 2**20  # of 1.1 GB more that came


@pytest.mark.quick("sharded")
@pytest.mark.parametrize("name", ["actors", "sharded"])
def test_a_later_value_that_cannot_be_brought_ends_the_trial(make: Make, name: str) -> None:
    strategy = make(ON_RAY[name], "Turncoat(instance)", "load * 5", read="calls")
    with pytest.raises(TrialError, match=r"instance 1.*lock") as raised:
        run(strategy)
    assert raised.value.exit_code == 4
    if name == "sharded":  # the other's value is the very answer, which Ray cannot write
        said = (
            r"call 3, load\(\) \* 5: what it returns cannot .* object\. Leave out --returns bring"
        )
        assert re.search(said, raised.value.message)


# --- end to end


def test_a_class_that_is_what_its_calls_return_is_compared(
    command: Command, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.json"
    ended = command.run(*PREDICTOR, "--call", "predict(instance) * 30", "--output", str(saved))
    assert ended.code == 0, ended
    said = " ".join(ended.stdout.split())
    assert "they agree, and so does what the calls returned" in said
    assert "what they returned, which was compared, is all that tells of them" in said
    document = json.loads(saved.read_text())
    assert document["workload"]["returns"] == "bring"
    assert len({trial["returned"] for trial in document["trials"]}) == 1
    assert all(trial["returned"] for trial in document["trials"])


@pytest.mark.release
def test_calls_that_return_other_values_in_other_processes_are_exit_code_5(
    command: Command,
) -> None:
    unlike = ("--target", "returning:Predictor(unlike=True)", *PREDICTOR[2:])
    call = ("--call", "predict(instance) * 3")
    ended = command.run(*unlike, *call, "--strategies", "serial,sharded")
    assert ended.code == 5, ended
    said = "calls disagree: those of instance 0 returned other values under sharded than under seri"
    assert said in " ".join(ended.stdout.split())


@pytest.mark.release
def test_floats_that_calls_return_may_differ_within_the_tolerance(command: Command) -> None:
    options = (*PREDICTOR, "--call", "nearly(instance + 1) * 3", "--strategies", "serial,sharded")
    ended = command.run(*options, "--agree", "1e-9")
    assert ended.code == 0, ended
    assert "within the tolerance, and so does what the calls returned" in ended.stdout


@pytest.mark.quick("guard")
@pytest.mark.parametrize("call", ["guard", "guarded"])
def test_what_cannot_be_brought_is_told_before_anything_is_measured(
    command: Command, call: str
) -> None:
    target = ("--target", "returning:Loader", "--call", call, "--read", "size")
    ended = command.run(*target, "--returns", "bring")
    assert ended.code == 2, ended
    assert f"--call {call}(), what it returns" in ended.stderr
    assert "Leave out --returns bring" in ended.stderr


@pytest.mark.release
def test_what_is_dropped_is_advised_of_where_it_is_much(command: Command) -> None:
    target = ("--target", "returning:Loader(10000)", "--call", "load * 5", "--read", "size")
    ended = command.run(*target, "--strategies", "serial,sharded")
    assert ended.code == 0, ended
    said = " ".join(ended.stdout.split())
    assert "load() * 5 returns 10 kB a call. What the calls return, in all 200 kB, stays" in said
    assert "--returns bring" in said


@pytest.mark.release
def test_a_sweep_compares_between_its_points_what_calls_return(
    command: Command, tmp_path: Path
) -> None:
    words = ("sweep", "--over", "shards=1,2", "--output", str(tmp_path / "sweep.json"))
    ended = command.run(*words, *PREDICTOR, "--call", "predict(instance) * 3")
    assert ended.code == 0, ended
    points = json.loads((tmp_path / "sweep.json").read_text())["points"]
    found = {trial["returned"] for each in points for trial in each["results"]["trials"]}
    assert len(found) == 1
    assert found != {""}
