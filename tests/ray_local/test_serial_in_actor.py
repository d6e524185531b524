"""--serial-on actor: the same loop in an actor, whose startup counts, and how it ends."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import ray

from job.errors import ClusterError, TrialError
from job.planning.estimate import Loop
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.running.hosted import Hosted
from job.running.serial import Serial
from tests.ray_local.running import Command, Head, poll
from tests.subjects import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.results.document import Facts

WHOLE = Loop()
LAYOUT = Layout(1, Demand(0.1))

Ran = tuple[list[str], list[str], "Facts", int]


@pytest.fixture(scope="module")
def hosted(site: Site) -> Callable[..., Hosted]:
    """Return what builds the loop in an actor of the shared Ray."""

    def build(subject: Subject, loop: Loop = WHOLE) -> Hosted:
        return Hosted(subject, site, LAYOUT, loop)

    return build


def run(strategy: Serial, trials: int = 1) -> Ran:
    told: list[int] = []
    for _ in range(trials):
        told.clear()
        try:
            strategy.prepare(None)
            strategy.start()
            strategy.work(told.append)
            states, facts = strategy.read(), strategy.facts()
            returned = strategy.returned()
        finally:
            strategy.stop()
            strategy.settle()
    return states, returned, facts, sum(told)


def on_driver(subject: Subject, loop: Loop = WHOLE) -> Ran:
    return run(Serial(subject.recipe, subject.instances, subject.plan.most_s, loop))


def test_the_loop_goes_over_all_instances_call_by_call_as_on_the_driver(
    hosted: Callable[..., Hosted],
) -> None:
    calls = "book(instance) * 2", "book(repetition * 7) * 3"
    subject = subject_of("pages:Paged(instance)", calls, read="read", instances=4)
    states, _, facts, told = run(hosted(subject))
    assert states == on_driver(subject)[0]
    assert told == facts.calls == 20
    (share,) = facts.placement
    assert share.node_id == ray.get_runtime_context().get_node_id()
    assert os.getpid() not in share.processes
    assert share.core_s
    assert facts.process_s > 0


@pytest.mark.parametrize(
    ("call", "read"), [("tell(repetition) * 5", "count"), ("tell_later(repetition) * 5", "count")]
)
def test_what_calls_return_and_what_is_awaited_is_as_on_the_driver(
    hosted: Callable[..., Hosted], call: str, read: str
) -> None:
    subject = subject_of("returning:Teller(instance)", [call], read=read, returns="bring")
    assert run(hosted(subject), trials=2)[:2] == on_driver(subject)[:2]


def test_a_sample_is_that_of_the_driver(hosted: Callable[..., Hosted]) -> None:
    subject = subject_of("ledgers:Ledger(instance)", ["book(3) * 5"], read="total", instances=40)
    loop = Loop((31, 2, 17), sampled=True)
    states, _, facts, _ = run(hosted(subject, loop))
    assert states == on_driver(subject, loop)[0]
    assert facts.sample
    assert (facts.sample.numbers, facts.calls, facts.made) == ((2, 17, 31), 15, None)


@pytest.mark.release
def test_a_loop_beyond_its_budget_becomes_a_sample(hosted: Callable[..., Hosted]) -> None:
    subject = subject_of("ledgers:Sleepy(instance)", ["book(3) * 5"], read="total", instances=8)
    loop = Loop((7, 2, 5, 0, 4, 1), budget_s=0.05)
    states, _, facts, _ = run(hosted(subject, loop))
    assert facts.sample
    assert facts.sample.numbers == (0, 2, 4, 5, 7)
    whole = on_driver(subject)[0]
    assert states == [whole[number] for number in facts.sample.numbers]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("init", r"serial: instance 2, tests.*: ValueError: made of glass \(on "),
        ("call 3", r"serial: instance 2, call 3, step\(\) \* 6: ValueError: made of glass \(on "),
        ("read", r"serial: instance 2, read read: ValueError: made of glass \(on "),
        ("death", r"serial: the actor of instances 0 to 3 on \S+ was lost \(its process ended"),
        ("slow call", r"serial: work took longer than 1 s in the actor of instances 0 to 3 on "),
    ],
)
def test_what_goes_wrong_is_told_as_on_the_driver(
    hosted: Callable[..., Hosted], head: Head, where: str, says: str
) -> None:
    target = f"ledgers:Fragile(instance, 2, {where!r})"
    limits: dict[str, Any] = {"timeout_s": 1} if where.startswith("slow") else {}
    subject = subject_of(target, ["step() * 6"], read="read", **limits)
    with pytest.raises(TrialError, match=says):
        run(hosted(subject))
    poll(lambda: head.actors() == [], "no actor is left")


@pytest.mark.release
def test_an_actor_that_makes_its_instances_too_slowly_is_told(
    hosted: Callable[..., Hosted],
) -> None:
    target = "ledgers:Fragile(instance, 2, 'slow init')"
    subject = subject_of(target, ["step()"], startup_timeout_s=3)
    with pytest.raises(TrialError, match="serial: startup took longer than 3 s in the actor of"):
        run(hosted(subject))


def test_an_actor_that_finds_no_place_is_told(site: Site) -> None:
    subject = subject_of("ledgers:Ledger", ["book(1)"], startup_timeout_s=0.5)
    loop = Hosted(subject, site, Layout(1, Demand(0.1, {"slot": 1})), WHOLE)
    with pytest.raises(ClusterError, match="the actor of instances 0 to 3 was not ready within"):
        run(loop)


@pytest.mark.release
def test_a_comparison_says_where_the_loop_ran_and_counts_its_startup(
    command: Command, tmp_path: Path
) -> None:
    saved = tmp_path / "results.json"
    ended = command.run(
        "--target", "ledgers:Ledger(start=instance)", "--call", "book(7) * 5", "--read", "total",
        "--serial-on", "actor", "--serial", "sample", "--instances", "200",
        "--strategies", "serial,sharded", "--actor-options", "memory=1e6", "--output", str(saved),
    )  # fmt: skip
    assert ended.code == 0, ended
    assert " agree" in ended.stdout
    trial = json.loads(saved.read_text())["trials"][0]
    (share,) = trial["placement"]
    assert f"serial    {share['host']}" in ended.stdout
    # A process takes as long for all instances as for some.
    assert 0 < trial["process_s"] < trial["startup_s"] < 2 * trial["process_s"]
