"""What every strategy promises, whatever its point on the two knobs."""

from __future__ import annotations

import ast
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import ray

from job.actors import fleet
from job.errors import ClusterError, JobError, StateError, TargetRaisedError, TrialError
from job.planning.estimate import Profile
from job.planning.layout import Layout
from job.planning.placement import Demand
from job.running.serial import Serial
from job.running.sharded import Sharded
from tests.ray_local.running import Head, is_running, poll
from tests.subjects import Here, subject_of
from tests.targets import ledgers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from job.cluster.connection import Site
    from job.results.document import Facts
    from job.running.strategy import Strategy

    Make = Callable[..., Strategy]

CPU = 0.1  # of each actor, so that all layouts fit


Where = Layout | Here | None  # on Ray, on the driver's machine, or as the loop in the driver

SERIAL = None
THREADS = Here("threads", Layout(1, threads=4, calls_per_batch=None))
PROCESSES = Here("processes", Layout(2, threads=1, calls_per_batch=None))
MANY_THREADS = Here("processes", Layout(2, threads=2, calls_per_batch=None))
ACTORS = Layout(shards=4, demand=Demand(CPU))  # each a process, and the dearest to start
SHARDED = Layout(shards=2, demand=Demand(CPU), calls_per_batch=3)
THREADED = Layout(shards=2, demand=Demand(CPU), threads=2, calls_per_batch=None)
ON_RAY = {"actors": ACTORS, "sharded": SHARDED, "threaded": THREADED}
ON_DRIVER = {"threads": THREADS, "processes": PROCESSES, "processes of threads": MANY_THREADS}
EVERYWHERE = {"serial": SERIAL, **ON_DRIVER, **ON_RAY}
POINTS = EVERYWHERE | {
    "one call a batch, many instances": Layout(2, Demand(CPU)),
    "all calls in one batch": Layout(1, Demand(CPU), calls_per_batch=1_000),
    "about a second a batch": Layout(2, Demand(CPU), calls_per_batch=None),
    "threads, few calls a batch": Layout(1, Demand(CPU), threads=3, calls_per_batch=4),
    "more threads than instances": Layout(1, Demand(CPU), threads=50, calls_per_batch=None),
    "as many threads as are of use": Layout(2, Demand(CPU), threads=None, calls_per_batch=None),
    "more shards than instances": Layout(9, Demand(CPU), calls_per_batch=2),
    "more processes than instances": Here("processes", Layout(9, calls_per_batch=None)),
}


def shards_of(layout: Where) -> int:
    """Return how many processes host instances, besides the driver's."""
    laid_out = layout.layout if isinstance(layout, Here) else layout
    return laid_out.shards if laid_out else 0


def threads_of(layout: Where) -> int:
    """Return how many instances of one process are called at once."""
    laid_out = layout.layout if isinstance(layout, Here) else layout
    return (laid_out.threads or 1) if laid_out else 1


def each(layouts: Mapping[str, Where]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("layout", layouts.values(), ids=layouts.keys())


@pytest.fixture(scope="module")
def make(site: Site) -> Make:
    """Return what builds a strategy on the shared Ray."""

    def build(
        layout: Where, target: str, *calls: str, read: str | None = None,
        instances: int = 4, **limits: float,
    ) -> Strategy:  # fmt: skip
        subject = subject_of(f"ledgers:{target}", calls, read=read, instances=instances, **limits)
        if layout is None:
            return Serial(subject.recipe, instances, subject.plan.most_s)
        if isinstance(layout, Here):
            return layout.made(subject)
        return Sharded("under test", layout, subject, site)

    return build


@dataclass(frozen=True)
class Run:
    """What one trial came to."""

    states: list[str]
    facts: Facts
    progress: int

    @property
    def found(self) -> list[dict[str, Any]]:
        """The states, as data."""
        return [ast.literal_eval(state) for state in self.states]


@contextmanager
def stopped(strategy: Strategy) -> Iterator[None]:
    try:
        yield
    finally:
        strategy.stop()
        strategy.settle()


def run(strategy: Strategy) -> Run:
    told: list[int] = []
    with stopped(strategy):
        strategy.prepare(None)
        strategy.start()
        strategy.work(told.append)
        return Run(strategy.read(), strategy.facts(), sum(told))


def work(strategy: Strategy) -> None:
    with stopped(strategy):
        strategy.prepare(None)
        strategy.start()
        strategy.work(lambda _: None)


# --- states

BOOKINGS = ("book(instance) * 3", "reverse()", "book(7, note='rent') * 4")


def booked(instances: int) -> list[str]:
    """Return the states that the plain loop over plain objects ends in."""
    totals = []
    for number in range(instances):
        ledger = ledgers.Ledger(start=number)
        for _ in range(3):
            ledger.book(number)
        ledger.reverse()
        for _ in range(4):
            ledger.book(7, note="rent")
        totals.append(str(ledger.total))
    return totals


@each(POINTS)
def test_the_states_are_those_of_a_plain_loop(make: Make, layout: Where) -> None:
    strategy = make(layout, "Ledger(start=instance)", *BOOKINGS, read="total", instances=5)
    assert run(strategy).states == booked(5)


def test_another_order_of_the_same_bookings_would_show() -> None:
    ledger = ledgers.Ledger(start=1)
    ledger.reverse()
    for _ in range(4):
        ledger.book(7, note="rent")
    for _ in range(3):
        ledger.book(1)
    assert str(ledger.total) != booked(2)[1]


@each({"serial": SERIAL, **ON_DRIVER, "sharded": SHARDED})
def test_a_second_trial_begins_with_fresh_instances(make: Make, layout: Where) -> None:
    strategy = make(layout, "Ledger(start=instance)", *BOOKINGS, read="total", instances=2)
    assert run(strategy).states == run(strategy).states == booked(2)


def test_calls_keep_their_order_when_few_may_be_in_flight(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "MOST_IN_FLIGHT", 6)
    layout = Layout(shards=2, demand=Demand(CPU))
    strategy = make(layout, "Ledger", "book(1) * 20", "book(2) * 20", read="total", instances=3)
    ledger = ledgers.Ledger()
    for amount in (1, 2):
        for _ in range(20):
            ledger.book(amount)
    done = run(strategy)
    assert done.states == [str(ledger.total)] * 3
    assert done.progress == done.facts.calls == 120


def test_states_beyond_one_answer_come_in_several_and_in_order(make: Make) -> None:
    layout = Layout(shards=2, demand=Demand(CPU))
    states = run(make(layout, "Bulky(instance)", read="text", instances=11)).states
    assert [(state[1], len(state)) for state in states] == [
        (chr(ord("a") + number), 2**20 + 2) for number in range(11)
    ]


# --- where and how the calls were made


@pytest.fixture(scope="module", params=EVERYWHERE.values(), ids=list(EVERYWHERE))
def traced(request: pytest.FixtureRequest, make: Make) -> tuple[Where, Run]:
    """Run four Traces of six calls each, once for all the sentences below."""
    steps = [f"step({number})" for number in range(6)]
    return request.param, run(make(request.param, "Trace", *steps, read="found"))


Traced = tuple[Where, Run]


def test_all_run_in_processes_of_their_own_and_serial_in_the_drivers(traced: Traced) -> None:
    layout, done = traced
    processes = {pid for found in done.found for pid in found["processes"]}
    if layout is None:
        assert processes == {os.getpid()}
    else:
        assert len(processes) == shards_of(layout) >= 1 + (layout is not THREADS)
        assert os.getpid() not in processes


def test_an_instance_stays_in_the_process_it_was_made_in(traced: Traced) -> None:
    for found in traced[1].found:
        assert found["processes"] == [found["made_in"]]


def test_an_instance_is_never_called_twice_at_once(traced: Traced) -> None:
    for found in traced[1].found:
        assert not found["calls_met"]
        ends = [end for _, end in found["spans"]]
        assert all(begin >= end for end, (begin, _) in zip(ends, found["spans"][1:], strict=False))


def test_an_instance_gets_all_its_calls_in_order(traced: Traced) -> None:
    assert [found["steps"] for found in traced[1].found] == [list(range(6))] * 4


def test_instances_of_one_process_are_called_at_once_only_by_threads(traced: Traced) -> None:
    layout, done = traced
    met = {
        one["made_in"]
        for index, one in enumerate(done.found)
        for other in done.found[index + 1 :]
        if one["made_in"] == other["made_in"]
        and any(b < e2 and b2 < e for b, e in one["spans"] for b2, e2 in other["spans"])
    }
    assert len(met) == (shards_of(layout) if threads_of(layout) > 1 else 0)


def test_the_facts_count_every_call_and_the_progress_was_told_of_each(traced: Traced) -> None:
    facts = traced[1].facts
    assert (facts.calls, facts.instances, traced[1].progress) == (24, 4, 24)


def test_the_placement_names_the_processes_that_the_states_name(traced: Traced) -> None:
    layout, done = traced
    if layout is None:
        assert (done.facts.actors, done.facts.placement) == (0, ())
        return
    (share,) = done.facts.placement
    assert sorted(share.processes) == sorted({found["made_in"] for found in done.found})
    assert done.facts.shards == share.actors == shards_of(layout)
    here = isinstance(layout, Here)
    assert (done.facts.actors, done.facts.processes)[here] == shards_of(layout)
    assert share.node_id == ("" if here else ray.get_runtime_context().get_node_id())
    assert share.calls == 24
    called_s = sum(end - begin for one in done.found for begin, end in one["spans"])
    assert share.busy_s >= called_s  # by a clock within the calls


def test_nothing_of_a_trial_lives_on_once_it_is_settled(traced: Traced, head: Head) -> None:
    layout, done = traced
    processes = [pid for share in done.facts.placement for pid in share.processes]
    assert len(processes) == shards_of(layout)
    assert not any(map(is_running, processes))
    assert head.actors() == []


def test_no_more_actors_are_made_than_there_are_instances(make: Make) -> None:
    layout = Layout(shards=9, demand=Demand(CPU))
    done = run(make(layout, "Trace", "step(0)", read="found", instances=2))
    assert done.facts.actors == len({found["made_in"] for found in done.found}) == 2


def test_instances_are_dealt_evenly(make: Make) -> None:
    layout = Layout(shards=2, demand=Demand(CPU), calls_per_batch=None)
    homes = [found["made_in"] for found in run(make(layout, "Trace", read="found")).found]
    assert homes[0] == homes[1] != homes[2] == homes[3]


# --- what goes wrong


def fragile(where: str, breaks: int = 2) -> str:
    return f"Fragile(instance, breaks={breaks}, where={where!r})"


@pytest.mark.quick("actors 6", "sharded 2", "processes 6")
@pytest.mark.parametrize(
    ("layout", "position"),
    [
        (SERIAL, 1),
        (SERIAL, 6),
        (THREADS, 2),
        (PROCESSES, 6),
        (ACTORS, 6),
        (SHARDED, 2),
        (SHARDED, 6),
        (THREADED, 6),
    ],
    ids=[
        "serial 1",
        "serial 6",
        "threads 2",
        "processes 6",
        "actors 6",
        "sharded 2",
        "sharded 6",
        "threaded 6",
    ],
)
def test_an_exception_in_any_call_names_instance_and_call(
    make: Make, layout: Where, position: int
) -> None:
    strategy = make(layout, fragile(f"call {position}"), "step() * 6", read="read")
    words = rf"instance 2, call {position}, step\(\) \* 6: ValueError: made of glass"
    with pytest.raises((TargetRaisedError, TrialError), match=words):
        work(strategy)


@pytest.mark.quick("sharded", "threads", "processes of threads")
@each(EVERYWHERE)
def test_an_exception_in_a_constructor_names_the_instance(make: Make, layout: Where) -> None:
    strategy = make(layout, fragile("init"), "step()", read="read")
    words = r"instance 2, tests\.targets\.ledgers:Fragile\(.*\): ValueError: made of glass"
    with pytest.raises((TargetRaisedError, TrialError), match=words):
        work(strategy)


@each({"serial": SERIAL, "processes": PROCESSES, "sharded": SHARDED})
def test_an_exception_in_a_read_names_the_instance(make: Make, layout: Where) -> None:
    strategy = make(layout, fragile("read"), read="read")
    words = "instance 2, read read: ValueError: made of glass"
    with pytest.raises((TargetRaisedError, TrialError), match=words):
        run(strategy)


@each({"serial": SERIAL, "threads": THREADS, "actors": ACTORS})
def test_a_state_that_cannot_be_compared_is_named(make: Make, layout: Where) -> None:
    strategy = make(layout, fragile("lock"), read="read")
    with pytest.raises(StateError, match=r"instance 2, read read: .*'guard'") as raised:
        run(strategy)
    assert "__getstate__" in raised.value.hint


LATE: dict[str, tuple[str, type[JobError], str]] = {
    "startup": ("slow init", ClusterError, "--startup-timeout"),
    "work": ("slow call", TrialError, "--timeout"),
    "read": ("slow read", TrialError, "--timeout"),
}


@pytest.mark.quick("threads-startup", "processes-work", "sharded-read")
@pytest.mark.parametrize("phase", LATE)
@each({"threads": THREADS, "processes": PROCESSES, "sharded": SHARDED})
def test_no_phase_outlasts_its_deadline(make: Make, layout: Where, phase: str) -> None:
    where, kind, option = LATE[phase]
    limits = {"startup_timeout_s": 1.0} if phase == "startup" else {"timeout_s": 1.0}
    strategy = make(layout, fragile(where), "step()", read="read", **limits)
    kind, said = (TrialError, "longer than") if isinstance(layout, Here) else (kind, "within")
    with pytest.raises(kind, match=re.escape(f"{said} 1 s")) as raised:
        run(strategy)
    assert option in raised.value.hint


@each({"serial": SERIAL, "threads": THREADS, "processes": PROCESSES, "sharded": SHARDED})
def test_stopping_is_right_in_any_state(make: Make, layout: Where, head: Head) -> None:
    strategy = make(layout, "Ledger")
    strategy.stop()
    strategy.start()
    strategy.stop()
    strategy.stop()
    strategy.settle()
    poll(lambda: head.actors() == [], "all actors are gone")


def test_how_many_threads_a_shard_has_is_decided_once(make: Make) -> None:
    layout = Layout(2, Demand(CPU), threads=None, calls_per_batch=None)
    strategy = make(layout, "Ledger(instance)", "book(1)", read="total", instances=400)
    found = []
    for cpu_s in (0.1, 0.05, 0.2):  # as three serial loops may have measured it
        strategy.prepare(Profile(100, 1.0, cpu_s, switches=100))
        strategy.start()
        found.append(strategy.facts().settings["threads_per_shard"])
        strategy.stop()
        strategy.settle()
    assert found == [20, 20, 20]
