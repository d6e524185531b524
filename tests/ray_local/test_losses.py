"""Actors die: the states are the serial loop's all the same, or it is said that they are not."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import ray

from job.errors import StateError, TrialError
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.running.sharded import Sharded
from tests.subjects import subject_of
from tests.targets import mortals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from job.cluster.connection import Site
    from job.results.document import Facts
    from job.workload.chaos import Chaos
    from tests.ray_local.running import Command

    Make = Callable[..., Sharded]

CPU = 0.1
INSTANCES, EACH = 4, 6
ACTORS = Layout(shards=INSTANCES, demand=Demand(CPU))
SHARDED = Layout(shards=2, demand=Demand(CPU), calls_per_batch=3)
THREADED = Layout(shards=2, demand=Demand(CPU), threads=2, calls_per_batch=None)
BATCHED = Layout(shards=2, demand=Demand(CPU), threads=2, calls_per_batch=2)
ONE_BY_ONE = Layout(shards=2, demand=Demand(CPU), threads=2, calls_per_batch=1)
LAYOUTS = {"actors": ACTORS, "sharded": SHARDED, "threaded": THREADED}


@pytest.fixture(scope="module")
def make(site: Site) -> Make:
    """Return what builds a strategy on the shared Ray, for targets that die."""

    def build(
        layout: Layout, target: str, *, snapshot_every: int = 0, chaos: Chaos | None = None,
        calls: str = f"book(instance) * {EACH}",
    ) -> Sharded:  # fmt: skip
        knobs = {"snapshot_every": snapshot_every, "chaos": str(chaos) if chaos else None}
        subject = subject_of(
            f"mortals:{target}", [calls], read="read", instances=INSTANCES, **knobs
        )
        return Sharded("under test", layout, subject, site)

    return build


def mortal(how: str, where: str, graves: Path, times: int = 1) -> str:
    return f"Mortal(instance, {how!r}, {where!r}, {str(graves)!r}, {times})"


def serial(calls: int = EACH) -> list[str]:
    """Return the states that the plain loop over plain objects ends in."""
    states = []
    for number in range(INSTANCES):
        target = mortals.Mortal(number, "", "", "")
        for _ in range(calls):
            target.book(number)
        states.append(repr(target.read()).replace(" ", ""))
    return states


def run(strategy: Sharded, told: list[int] | None = None) -> tuple[list[str], Facts]:
    try:
        strategy.prepare(None)
        strategy.start()
        strategy.work((told if told is not None else []).append)
        return [state.replace(" ", "") for state in strategy.read()], strategy.facts()
    finally:
        strategy.stop()
        strategy.settle()


@pytest.mark.quick("SIGKILL actors", "os._exit sharded", "sys.exit threaded")
@pytest.mark.parametrize(
    ("how", "layout"),
    [
        pytest.param(how, LAYOUTS[name], id=f"{how} {name}")
        for how, name in [
            ("SIGKILL", "actors"), ("SIGKILL", "threaded"), ("os._exit", "sharded"),
            ("sys.exit", "actors"), ("sys.exit", "threaded"),
        ]
    ],
)  # fmt: skip
def test_an_actor_that_dies_in_a_call_is_replaced(
    make: Make, how: str, layout: Layout, tmp_path: Path
) -> None:
    told: list[int] = []
    states, facts = run(make(layout, mortal(how, "call 4", tmp_path)), told)
    assert states == serial()
    assert sum(told) == facts.calls == INSTANCES * EACH
    (loss,) = facts.deaths
    assert loss.incarnation == 1
    assert loss.resumed_s is not None
    assert loss.replayed_calls <= EACH * INSTANCES / layout.shards
    if layout is ACTORS and how == "sys.exit":  # a call's end is not told before the call's answer
        assert loss.replayed_calls == 3
        assert "SystemExit" in loss.cause


@pytest.mark.quick("sharded")
@pytest.mark.parametrize(
    ("layout", "most"),
    [(ACTORS, 2), (SHARDED, 6), (BATCHED, 6)],
    ids=["actors", "sharded", "threads"],
)
def test_a_snapshot_saves_the_calls_before_it(
    make: Make, layout: Layout, most: int, tmp_path: Path
) -> None:
    strategy = make(layout, mortal("SIGKILL", "call 6", tmp_path), snapshot_every=2)
    states, facts = run(strategy)
    assert states == serial()
    (loss,) = facts.deaths
    assert loss.replayed_calls < most


@pytest.mark.quick("sys.exit sharded")
@pytest.mark.parametrize(
    ("how", "layout"),
    [("SIGKILL", ACTORS), ("SIGKILL", ONE_BY_ONE), ("sys.exit", SHARDED)],
    ids=["SIGKILL actors", "SIGKILL sharded one by one", "sys.exit sharded"],
)
def test_a_call_that_kills_three_incarnations_is_named(
    make: Make, how: str, layout: Layout, tmp_path: Path
) -> None:
    strategy = make(layout, mortal(how, "call 4", tmp_path, times=99))
    named = re.escape(f"instance 2, call 4, book(instance) * {EACH}: it ended the process of three")
    with pytest.raises(TrialError, match=named) as raised:
        run(strategy)
    assert re.search(r"the last on \S+ \(", raised.value.message)
    assert len(list(tmp_path.iterdir())) <= 4  # the first may be noticed a call too early


@pytest.mark.quick("threaded")
@pytest.mark.parametrize(
    ("layout", "call"), [(SHARDED, 4), (THREADED, 1)], ids=["sharded", "threaded"]
)
def test_a_call_that_kills_three_incarnations_is_told_as_near_as_its_batch_is_known(
    make: Make, layout: Layout, call: int, tmp_path: Path
) -> None:
    strategy = make(layout, mortal("SIGKILL", "call 4", tmp_path, times=99))
    near = f"three actors died near call {call} of instances 2 to 3, the last on "
    with pytest.raises(TrialError, match=near) as raised:
        run(strategy)
    assert "--calls-per-batch 1 names the call" in raised.value.hint
    assert len(list(tmp_path.iterdir())) <= 4


@pytest.mark.release
def test_instances_that_kill_while_they_are_made_are_made_again(make: Make, tmp_path: Path) -> None:
    states, facts = run(make(ACTORS, mortal("SIGKILL", "init", tmp_path, times=2)))
    assert states == serial()
    assert [loss.replayed_calls for loss in facts.deaths] == [0, 0]


def test_instances_that_always_kill_while_they_are_made_end_it(make: Make, tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="making instance 2 ended the process of three actors"):
        run(make(ACTORS, mortal("SIGKILL", "init", tmp_path, times=99)))


@pytest.mark.quick("sharded")
@pytest.mark.parametrize("layout", [ACTORS, SHARDED], ids=["actors", "sharded"])
def test_an_actor_that_dies_while_it_is_read_makes_all_its_calls_again(
    make: Make, layout: Layout, tmp_path: Path
) -> None:
    states, facts = run(make(layout, mortal("SIGKILL", "read", tmp_path)))
    assert states == serial()
    (loss,) = facts.deaths
    assert loss.replayed_calls == EACH * INSTANCES / layout.shards


def test_a_read_that_always_kills_is_told(make: Make, tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="reading instances 2 to 3 ended the process of three"):
        run(make(SHARDED, mortal("SIGKILL", "read", tmp_path, times=99)))


@pytest.mark.release
def test_an_actor_that_somebody_kills_through_ray_is_replaced(make: Make) -> None:
    calls = 6_000
    strategy = make(SHARDED, "Mortal(instance, '', '', '')", calls=f"book(instance) * {calls}")
    killed: list[Any] = []

    def kill_one(_: int) -> None:
        if not killed:
            killed.append(strategy.fleet.workers[0].handle)
            ray.kill(killed[0])

    try:
        strategy.prepare(None)
        strategy.start()
        strategy.work(kill_one)
        assert [state.replace(" ", "") for state in strategy.read()] == serial(calls)
        assert len(strategy.facts().deaths) == 1
    finally:
        strategy.stop()
        strategy.settle()


def test_what_calls_do_outside_of_their_state_is_done_again(make: Make, tmp_path: Path) -> None:
    states, _ = run(make(ACTORS, f"Diarist(instance, 'SIGKILL', 'call 4', {str(tmp_path)!r})"))
    assert states == serial()
    lines = [(tmp_path / f"diary {n}").read_text().count("\n") for n in range(INSTANCES)]
    assert lines == [EACH, EACH, 4 + EACH, EACH]  # as the serial loop's, but for the one that died


def test_an_instance_that_cannot_be_kept_is_told(make: Make, tmp_path: Path) -> None:
    target = f"Guarded(instance, 'SIGKILL', 'call 5', {str(tmp_path)!r})"
    with pytest.raises(StateError, match="cannot be kept") as raised:
        run(make(SHARDED, target, snapshot_every=1))
    assert "--snapshot-every" in raised.value.hint


@pytest.mark.release
@pytest.mark.parametrize(("strategy", "snapshots"), [("actors", "0"), ("sharded", "5")])
def test_chaos_kills_and_the_report_tells_it(
    command: Command, tmp_path: Path, strategy: str, snapshots: str
) -> None:
    output = tmp_path / "results.json"
    ended = command.run(
        "--target", "ledgers:Sleepy(instance)", "--call", "book(instance) * 20", "--read", "total",
        "--instances", "4", "--strategies", f"serial,{strategy}", "--calls-per-batch", "4",
        "--chaos", "kill=2,seed=7,interval=0.1", "--snapshot-every", snapshots,
        "--output", str(output),
    )  # fmt: skip
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout
    trial = json.loads(output.read_text())["trials"][-1]
    assert trial["losses"] == 2, ended
    assert trial["replayed_calls"] > 0, ended
    assert [loss["cause"] for loss in trial["deaths"]] == ["killed by --chaos"] * 2
    assert f"Losses    {strategy}: 2 actors died (killed by --chaos on " in ended.stdout
    assert "work went on after" in " ".join(ended.stdout.split())


@pytest.mark.release
def test_of_several_trials_the_first_is_undisturbed_and_tells_what_losses_cost(
    command: Command,
) -> None:
    ended = command.run(
        "--target", "ledgers:Sleepy(instance)", "--call", "book(instance) * 20", "--read", "total",
        "--instances", "2", "--strategies", "actors", "--trials", "2",
        "--chaos", "kill=1,seed=7,interval=0.1",
    )  # fmt: skip
    assert ended.code == 0, ended
    said = " ".join(ended.stdout.split())
    assert re.search(r"1 trial with deaths took \S+ s, the others \S+ s, which alone", said), ended


@pytest.mark.quick("sharded")
@pytest.mark.parametrize("layout", [ACTORS, SHARDED], ids=["actors", "sharded"])
def test_an_actor_that_dies_after_it_was_read_is_a_loss_too(make: Make, layout: Layout) -> None:
    strategy = make(layout, "Mortal(instance, '', '', '')")
    try:
        strategy.prepare(None)
        strategy.start()
        strategy.work(lambda _: None)
        strategy.read()
        victim = strategy.fleet.workers[0].handle
        ray.kill(victim)
        with contextlib.suppress(ray.exceptions.RayActorError):  # a kill takes its time
            for _ in range(10_000):
                ray.get(victim.account.remote())
        facts = strategy.facts()
    finally:
        strategy.stop()
        strategy.settle()
    assert facts.calls == INSTANCES * EACH
    assert [loss.cause for loss in facts.deaths] == ["it was killed by `ray.kill`"]


@pytest.mark.release
def test_nodes_are_not_to_be_killed_where_there_is_only_the_drivers(command: Command) -> None:
    ended = command.run("--strategies", "actors", "--chaos", "node=1")
    assert ended.code == 2, ended
    assert "the cluster has no node but the head and the driver's" in ended.stderr
