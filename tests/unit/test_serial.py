"""serial: the plain loop, in the well-known order, and how it ends when it must."""
# ruff: noqa: D101, D102 -- the targets here say what they do in a line

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import TargetRaisedError, TrialError
from job.planning.estimate import LEAST_SAMPLE, Loop
from job.running.serial import Serial, on_driver
from job.shard import loops
from job.shard.recipe import Recipe
from job.workload.calls import parse_call, parse_target
from tests.subjects import undisturbed
from tests.targets.crunchers import Children, Threads, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Event = tuple[str, int]


class Scribe:
    """Order-sensitive, within an instance and between all of them."""

    pages: list[Event]

    def __init__(self, number: int) -> None:
        self.number = number
        self.total = number

    def book(self, amount: int) -> None:
        self.total = self.total * 31 + amount
        self.pages.append(("book", self.number))

    def close(self) -> None:
        self.total = -self.total
        self.pages.append(("close", self.number))


class Fragile:
    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0

    def work(self) -> None:
        self.calls += 1
        if (self.number, self.calls) == (1, 3):
            message = "out of paper"
            raise ValueError(message)

    def leave(self) -> None:
        sys.exit(0)

    def hang(self) -> None:
        while True:
            try:
                while True:
                    pass
            except Exception:  # noqa: S110 -- what a careless target does
                pass


def serial(
    make: Callable[..., Any], calls: Sequence[str], instances: int, *,
    read: str | None = None, timeout_s: float = 60.0, **knobs: Any,  # noqa: ANN401 - the loop's
) -> Serial:  # fmt: skip
    recipe = Recipe(make, parse_target("m:C(instance)"), tuple(map(parse_call, calls)), read, 10**7)
    made = Serial(recipe, instances, timeout_s, Loop(**knobs))
    made.prepare(None)
    return made


def ignore(_made: int) -> None:
    """Progress that nobody watches."""


def recording_scribe() -> type[Scribe]:
    class Recording(Scribe):
        pages: list[Event] = []  # noqa: RUF012 -- shared, so that the order among all is seen

    return Recording


# --- what it computes


def test_all_instances_are_closed_those_of_a_sample_that_had_no_time_too() -> None:
    scribe = recording_scribe()
    recipe = Recipe(scribe, parse_target("m:C(instance)"), (parse_call("book(7)"),), "total", 10**7)
    order = tuple(range(9))
    loop = Loop(order=order, sampled=True, budget_s=1e-9)
    strategy = Serial(replace(recipe, close="close"), 9, 60.0, loop)
    strategy.prepare(None)
    strategy.start()
    strategy.work(ignore)
    assert strategy.read() == [str(31 * number + 7) for number in order[:LEAST_SAMPLE]]
    strategy.close()
    assert [number for name, number in scribe.pages if name == "close"] == [*order]


def test_every_round_goes_over_all_instances_call_by_call() -> None:
    scribe = recording_scribe()
    strategy = serial(scribe, ["book(7) * 2", "close()"], 3)
    strategy.start()
    strategy.work(ignore)
    rounds = ["book", "book", "close"]
    assert scribe.pages == [(name, number) for name in rounds for number in range(3)]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    times=st.lists(st.integers(1, 70), max_size=4),
    instances=st.integers(1, 5),
)
def test_it_ends_in_the_states_of_plain_objects(times: list[int], instances: int) -> None:
    scribe = recording_scribe()
    calls = [f"book(instance) * {n}" for n in times]
    strategy = serial(scribe, calls, instances, read="total")
    told: list[int] = []
    strategy.start()
    strategy.work(told.append)
    expected = []
    for number in range(instances):
        plain = recording_scribe()(number)
        for _ in range(sum(times)):
            plain.book(number)
        expected.append(str(plain.total))
    assert strategy.read() == expected
    assert sum(told) == strategy.facts().calls == instances * sum(times)


def test_its_facts_are_those_of_one_loop_on_one_cpu() -> None:
    strategy = serial(recording_scribe(), ["book(1) * 3"], 2)
    strategy.start()
    strategy.work(ignore)
    facts = strategy.facts()
    assert (facts.calls, facts.instances, facts.actors, facts.at_once, facts.cpus) == (
        6,
        2,
        0,
        1,
        1,
    )
    assert facts.cpu_s >= 0
    assert facts.placement == ()


@pytest.mark.parametrize("kind", [Threads, Children])
def test_what_threads_and_children_of_the_target_compute_is_counted(
    kind: type[Waiter], tmp_path: Path
) -> None:
    class Kept(kind):  # type: ignore[valid-type, misc]
        def __init__(self, _number: int) -> None:
            super().__init__(str(tmp_path))

    strategy = serial(Kept, ["crunch() * 4"], 1, read="tell")

    def check() -> None:
        for _ in range(2):  # a second trial counts its own alone
            strategy.start()
            strategy.work(ignore)
            strategy.read()
            facts = strategy.facts()
            strategy.stop()
        noted = [float(line) for line in (tmp_path / str(os.getpid())).read_text().split()]
        assert facts.cpu_s == pytest.approx(noted[-1], rel=0.5)
        assert facts.elsewhere_share
        assert facts.elsewhere_share > 0.8

    undisturbed(check)


def test_it_can_be_run_again_on_fresh_instances() -> None:
    strategy = serial(recording_scribe(), ["book(7) * 3"], 2, read="total")
    states = []
    for _ in range(2):
        strategy.prepare(None)
        strategy.start()
        strategy.work(ignore)
        states.append(strategy.read())
        strategy.stop()
        strategy.stop()
        strategy.settle()
    assert states[0] == states[1]


def test_nothing_is_compiled_while_the_calls_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = serial(recording_scribe(), [f"book({number})" for number in range(300)], 2)
    strategy.start()

    def compiling(*_: object, **__: object) -> None:
        pytest.fail("a loop is compiled in the work phase")

    for maker in ("rounds", "run"):
        monkeypatch.setattr(loops, maker, compiling)
    strategy.work(ignore)
    assert strategy.facts().calls == 600


# --- a sample, and a budget


class Clock:
    """A clock that only the calls move, each by what its instance takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *costs: float) -> None:
        self.now, self.log = 100.0, list[tuple[int, str]]()
        monkeypatch.setattr("job.running.plain.time.perf_counter", lambda: self.now)
        clock = self

        class Costly:
            def __init__(self, number: int) -> None:
                self.number, self.total = number, 0

            def take(self, what: str = "take") -> None:
                clock.now += costs[self.number % len(costs)]
                clock.log.append((self.number, what))
                self.total = self.total * 31 + len(what)

        self.target = Costly


def test_a_sample_runs_instance_after_instance_and_knows_what_each_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch, *range(1, 11))
    order = (7, 2, 9, 0, 4)
    strategy = serial(
        clock.target, ["take", "take('b') * 2"], 10, read="total", order=order, sampled=True
    )
    strategy.start()
    strategy.work(ignore)
    assert clock.log == [(n, what) for n in order for what in ("take", "b", "b")]
    facts = strategy.facts()
    assert facts.sample
    assert (facts.sample.numbers, facts.sample.each_s) == ((0, 2, 4, 7, 9), (3, 9, 15, 24, 30))
    assert (facts.instances, facts.calls, facts.made) == (5, 15, None)
    assert len(strategy.read()) == 5


def test_a_sample_ends_with_a_whole_instance_once_its_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch, 1.0)
    order = (30, 1, 8, 22, 17, 3, 12, 39)
    strategy = serial(clock.target, ["take * 2"], 40, order=order, sampled=True, budget_s=11)
    strategy.start()
    strategy.work(ignore)
    assert [number for number, _ in clock.log[::2]] == [30, 1, 8, 22, 17, 3]  # the last one began
    facts = strategy.facts()
    assert (facts.instances, facts.made) == (6, 8)


def test_five_instances_are_run_however_long_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 1_000.0)
    order = (5, 1, 7, 3, 0, 2)
    strategy = serial(clock.target, ["take"], 8, order=order, sampled=True, budget_s=1)
    strategy.start()
    strategy.work(ignore)
    assert strategy.facts().instances == 5


def test_a_loop_over_all_that_passes_its_budget_carries_five_instances_to_their_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch, 1.0)
    order, calls = (3, 11, 8, 19, 5), ["take('a') * 3", "take('b')", "take('c') * 2"]
    expected = (0.001, 0.001, 0.001)  # far less than they take
    told: list[int] = []
    strategy = serial(
        clock.target, calls, 20, read="total", order=order, budget_s=50, calls_s=expected
    )
    strategy.start()
    strategy.work(told.append)
    facts, plain = strategy.facts(), dict[int, list[str]]()
    for number, what in clock.log:
        plain.setdefault(number, []).append(what)
    assert facts.sample
    assert facts.sample.numbers == (3, 5, 8, 11, 19)
    assert all("".join(plain[number]) == "aaabcc" for number in order)
    assert {len(plain[number]) for number in range(20) if number not in order} <= {2, 3, 4, 5}
    assert (facts.instances, facts.made, sum(told)) == (5, 20, len(clock.log))
    # What all had before counts once, and what five had alone for all.
    took_s = facts.sample.together_s + 4 * sum(facts.sample.each_s)
    assert took_s == pytest.approx(20 * 6, rel=0.05)
    assert len(strategy.read()) == 5


def test_of_five_instances_all_are_run_whatever_the_budget_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch, 100.0)
    strategy = serial(clock.target, ["take * 3"], 5, order=tuple(range(5)), budget_s=1)
    strategy.start()
    strategy.work(ignore)
    assert (strategy.facts().instances, strategy.facts().sample) == (5, None)


def test_a_call_of_a_sample_that_raises_is_told_with_instance_and_call() -> None:
    order = (3, 1, 2, 0, 4)
    strategy = serial(Fragile, ["work()", "work() * 99"], 9, order=order, sampled=True)
    strategy.start()
    said = failure(lambda: strategy.work(ignore))
    assert said == "instance 1, call 3, work() * 99: ValueError: out of paper"


def test_what_the_target_prints_is_no_report(capfd: pytest.CaptureFixture[str]) -> None:
    class Chatty:
        def __init__(self, number: int) -> None:
            sys.stdout.write(f"made {number}\n")

        def work(self) -> None:
            sys.stdout.write("working\n")

        def state(self) -> int:
            sys.stdout.write("asked\n")
            return 0

    strategy = serial(Chatty, ["work()"], 1, read="state")
    strategy.start()
    strategy.work(ignore)
    strategy.read()
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "made 0\nworking\nasked\n"


# --- how it ends


def failure(act: Callable[[], object]) -> str:
    with pytest.raises(TargetRaisedError) as raised:
        act()
    return str(raised.value)


def test_a_call_that_raises_is_told_with_instance_and_call() -> None:
    strategy = serial(Fragile, ["work()", "work() * 99"], 3)
    strategy.start()
    said = failure(lambda: strategy.work(ignore))
    assert said == "instance 1, call 3, work() * 99: ValueError: out of paper"


def test_a_call_that_raises_late_is_counted_over_all_chunks_of_the_loop() -> None:
    class Late:
        def __init__(self, number: int) -> None:
            self.number, self.calls = number, 0

        def work(self) -> None:
            self.calls += 1
            if self.calls == 10_007:
                raise ValueError

    strategy = serial(Late, ["work() * 20000"], 1)
    strategy.start()
    assert failure(lambda: strategy.work(ignore)).startswith("instance 0, call 10,007, ")


def test_a_call_that_exits_is_told_as_its_error() -> None:
    strategy = serial(Fragile, ["leave()"], 1)
    strategy.start()
    assert failure(lambda: strategy.work(ignore)) == "instance 0, call 1, leave(): SystemExit: 0"


def test_a_constructor_that_exits_is_told_as_its_error() -> None:
    strategy = serial(lambda _: sys.exit(0), [], 1)
    assert failure(strategy.start) == "instance 0, m:C(instance): SystemExit: 0"


def test_a_read_that_exits_is_told_as_its_error() -> None:
    strategy = serial(Fragile, [], 1, read="leave")
    strategy.start()
    assert failure(strategy.read) == "instance 0, read leave: SystemExit: 0"


def test_a_call_that_never_ends_is_ended_though_it_catches_every_exception() -> None:
    strategy = serial(Fragile, ["hang()"], 1, timeout_s=0.05)
    strategy.start()
    with pytest.raises(TrialError, match=r"on the driver: work took longer than 0\.05 s") as raised:
        strategy.work(ignore)
    assert "--timeout" in raised.value.hint


@pytest.mark.parametrize("phase", ["start", "read"])
def test_the_other_phases_have_the_same_deadline(phase: str) -> None:
    def hang(number: int = 0) -> int:
        while True:
            number += 1

    class Stuck:
        def __init__(self, number: int) -> None:
            self.hang = hang
            if phase == "start":
                hang(number)

    strategy = serial(Stuck, [], 1, read="hang", timeout_s=0.05)

    def both() -> None:
        strategy.start()
        strategy.read()

    with pytest.raises(TrialError, match=r"took longer than 0\.05 s"):
        both()


def test_the_deadline_leaves_no_timer_and_no_handler_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with on_driver(60, "work"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_outside_the_main_thread_it_runs_without_a_deadline() -> None:
    strategy = serial(recording_scribe(), ["book(1)"], 2, read="total")
    states: list[str] = []

    def run() -> None:
        strategy.start()
        strategy.work(ignore)
        states.extend(strategy.read())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert states == ["1", "32"]


class Asked:
    """Answers asynchronously."""

    def __init__(self, number: int) -> None:
        """Start at 1 and up."""
        self.total = number + 1

    async def add(self, amount: int) -> None:
        self.total = self.total * 31 + amount

    async def answer(self) -> int:
        return self.total


def test_async_calls_and_an_async_read_are_awaited() -> None:
    strategy = serial(Asked, ["add(1) * 2"], 2, read="answer")
    strategy.start()
    strategy.work(ignore)
    assert strategy.read() == ["993", "1954"]  # (1 x 31 + 1) x 31 + 1, (2 x 31 + 1) x 31 + 1
    strategy.stop()
