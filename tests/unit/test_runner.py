"""Runner: the order of trials, their times, and what is kept, whatever happens in between."""
# ruff: noqa: D102 -- the fake strategy has the methods of the protocol

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from job.cluster.travel import Subject
from job.errors import (
    ClusterError,
    DisagreementError,
    FileError,
    JobError,
    TargetRaisedError,
    TrialError,
)
from job.results.document import Facts, Results, Sample
from job.results.storage import load
from job.running.listener import Listener
from job.running.runner import Runner
from job.shard.recipe import Recipe
from job.shard.states import digest
from job.workload.calls import parse_target
from job.workload.reading import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.planning.estimate import Profile
    from job.results.sweep import Sweep
    from job.running.listener import Progress
    from job.running.strategy import Strategy

INSTANCES = 4
KEYS = {"target": "m:C", "instances": INSTANCES, "calls": ["f() * 2"]}
BLANK = load(Path(__file__).parents[1] / "data" / "results-v1.json").with_(
    trials=(), status="running", advisories=()
)


@dataclass
class World(Listener):
    """One clock, and everything that happens, in order."""

    now: float = 100.0
    events: list[str] = field(default_factory=list)
    kept: list[Results] = field(default_factory=list)
    shown: list[Results | Sweep] = field(default_factory=list)
    watched: list[tuple[str, int, int]] = field(default_factory=list)
    told: int = 0

    def clock(self) -> float:
        return self.now

    @contextmanager
    def watch(self, strategy: str, turn: int, calls: int) -> Iterator[Callable[[int], None]]:
        self.watched.append((strategy, turn, calls))

        def progress(made: int) -> None:
            self.told += made

        yield progress

    def keep(self, document: Results | Sweep) -> None:
        assert isinstance(document, Results)
        self.kept.append(document)

    def show(self, document: Results | Sweep) -> None:
        self.shown.append(document)

    def runner(self, listener: Listener | None = None, **keys: object) -> Runner:
        subject = Subject(*build(KEYS, keys), Recipe(int, parse_target("m:C"), (), None, 64), b"")
        return Runner(BLANK, subject, listener or self, clock=self.clock)


def run(runner: Runner, strategies: Sequence[Strategy]) -> Results:
    with runner.recording():
        runner.run(strategies)
    return runner.results


@dataclass
class Fake:
    """A strategy like any other, whose phases take the times they are given."""

    world: World
    name: str = "serial"
    startup_s: float = 1.0
    work_s: float = 8.0
    read_s: float = 0.5
    states: list[str] = field(default_factory=lambda: ["2"] * INSTANCES)
    instances: int = INSTANCES
    sample: Sample | None = None
    made: int | None = None
    values: list[str] = field(default_factory=list)
    aside_s: float = 0.0
    process_s: float = 0.0
    fails: dict[str, BaseException] = field(default_factory=dict)
    profiles: list[Profile | None] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return 2 * self.instances

    def _phase(self, phase: str, seconds: float = 0.0) -> None:
        self.world.events.append(f"{self.name} {phase}")
        self.world.now += seconds
        if phase in self.fails:
            raise self.fails[phase]

    def prepare(self, profile: Profile | None) -> None:
        self.profiles.append(profile)
        self._phase("prepare", 1_000)

    def start(self) -> None:
        self._phase("start", self.startup_s)

    def work(self, progress: Progress) -> None:
        progress(3)
        self._phase("work", self.work_s)

    def read(self) -> list[str]:
        self._phase("read", self.read_s)
        return list(self.states)

    def close(self) -> None:
        self._phase("close", 1_000)

    def returned(self) -> list[str]:
        return list(self.values)

    def facts(self) -> Facts:
        self._phase("facts", 1_000)
        return Facts(
            cpu_s=0.25, calls=self.calls, instances=self.instances, actors=2, at_once=2,
            cpus=2, settings={"cpus_per_actor": 0.5}, sample=self.sample, made=self.made,
            aside_s=self.aside_s, process_s=self.process_s,
        )  # fmt: skip

    def stop(self) -> None:
        self._phase("stop", 1_000)

    def settle(self) -> None:
        self._phase("settle", 1_000)


ONE_TRIAL = ["prepare", "start", "work", "read", "facts", "stop", "settle"]


@pytest.fixture
def world() -> World:
    return World()


def pair(world: World) -> list[Strategy]:
    return [Fake(world), Fake(world, "actors", startup_s=1.25, work_s=2.0, read_s=0.03125)]


def trials(results: Results) -> list[tuple[str, int, bool]]:
    return [(trial.strategy, trial.index, trial.warmup) for trial in results.trials]


# --- order


def test_strategies_take_turns_and_each_trial_ends_before_the_next_begins(world: World) -> None:
    run(world.runner(trials=2), pair(world))
    assert world.events == [
        f"{name} {phase}" for name in ("serial", "actors") * 2 for phase in ONE_TRIAL
    ]


def test_instances_are_closed_once_all_that_is_known_of_a_trial_is_there(world: World) -> None:
    results = run(world.runner(trials=1, close="close"), pair(world))
    closed = [*ONE_TRIAL[:5], "close", *ONE_TRIAL[5:]]
    assert world.events == [f"{name} {phase}" for name in ("serial", "actors") for phase in closed]
    assert [trial.elapsed_s for trial in results.trials] == [9.5, 3.28125]


def test_warm_ups_come_first_and_are_marked(world: World) -> None:
    results = run(world.runner(trials=2, warmups=1), pair(world))
    assert trials(results) == [
        ("serial", 0, True),
        ("actors", 0, True),
        ("serial", 0, False),
        ("actors", 0, False),
        ("serial", 1, False),
        ("actors", 1, False),
    ]


def test_each_trial_is_watched_with_the_calls_it_will_make(world: World) -> None:
    run(world.runner(warmups=1), pair(world))
    assert world.watched == [(name, turn, 8) for turn in (0, 1) for name in ("serial", "actors")]
    assert world.told == 4 * 3


@pytest.mark.parametrize(("turns_in_budget", "turns"), [(1, 7), (10.5, 10), (1_000, 30)])
def test_automatic_trials_end_with_the_budget_but_carry_an_interval(
    world: World, turns_in_budget: float, turns: int
) -> None:
    fake = Fake(world)
    whole_turn_s = 4 * 1_000 + fake.startup_s + fake.work_s + fake.read_s
    budget_s = turns_in_budget * whole_turn_s
    assert len(run(world.runner(trials="auto", budget_s=budget_s), [fake]).trials) == turns


# --- figures


def test_only_the_three_phases_are_timed_and_exactly(world: World) -> None:
    _, actors = run(world.runner(), pair(world)).trials
    assert (actors.startup_s, actors.work_s, actors.read_s) == (1.25, 2.0, 0.03125)
    assert actors.elapsed_s == 3.28125


def test_what_the_clock_stood_still_for_is_no_work(world: World) -> None:
    (trial,) = run(world.runner(), [Fake(world, work_s=8.0, aside_s=3.0, values=["a"])]).trials
    assert (trial.work_s, trial.read_s, trial.elapsed_s) == (5.0, 0.5, 6.5)
    assert (trial.aside_s, trial.returned) == (3.0, digest(["a"]))


def test_a_trial_holds_what_the_strategy_knows_of_it(world: World) -> None:
    (trial,) = run(world.runner(), [Fake(world, states=["1", "2", "3", "4"])]).trials
    assert (trial.cpu_s, trial.calls, trial.actors, trial.at_once, trial.cpus) == (0.25, 8, 2, 2, 2)
    assert trial.settings == {"cpus_per_actor": 0.5}
    assert trial.states == ("1", "2", "3", "4")
    assert trial.digest == digest(["1", "2", "3", "4"])
    assert not trial.estimated


def test_a_sample_of_the_instances_is_scaled_up_to_all_and_marked(world: World) -> None:
    ran = Sample(numbers=(2,), each_s=(8.0,))
    sample = Fake(world, instances=1, states=["2"], sample=ran)
    trial, whole = run(world.runner(), [sample, Fake(world, "actors")]).trials
    assert (trial.startup_s, trial.work_s, trial.read_s) == (4.0, 32.0, 2.0)
    assert (trial.elapsed_s, trial.cpu_s, trial.estimated) == (38.0, 1.0, True)
    assert (trial.calls, trial.instances, trial.numbers) == (2, 1, (2,))
    assert not whole.estimated
    assert whole.numbers == range(INSTANCES)


def test_of_a_loop_that_was_cut_short_the_startup_was_that_of_all(world: World) -> None:
    ran = Sample(numbers=(1, 3), each_s=(3.0, 4.0))
    cut = Fake(world, instances=2, states=["2"] * 2, sample=ran, made=INSTANCES)
    (trial,) = run(world.runner(), [cut]).trials
    assert (trial.startup_s, trial.work_s, trial.read_s) == (1.0, 14.0, 1.0)


def test_the_process_of_a_sampled_loops_actor_takes_no_longer_for_all(world: World) -> None:
    ran = Sample(numbers=(2,), each_s=(8.0,))
    sample = Fake(world, instances=1, states=["2"], sample=ran, process_s=0.75)
    (trial,) = run(world.runner(), [sample]).trials
    assert trial.startup_s == 0.75 + 4 * 0.25


def test_the_states_of_a_sample_are_compared_with_those_of_the_same_instances(
    world: World,
) -> None:
    ran = Sample(numbers=(1, 3), each_s=(3.0, 4.0))
    states = ["a", "b", "c", "d"]
    for found in (["b", "d"], ["b", "x"]):
        cut = Fake(world, instances=2, states=found, sample=ran)
        both = [cut, Fake(world, "actors", states=states)]
        if found[1] == "d":
            run(world.runner(), both)
            continue
        with pytest.raises(DisagreementError, match="instance 3 is x after serial and d after"):
            run(world.runner(), both)


def test_what_the_serial_loop_took_is_told_to_those_after_it(world: World) -> None:
    actors, serial = Fake(world, "actors"), Fake(world)
    run(world.runner(trials=2), [actors, serial])
    first, second = actors.profiles
    assert first is None
    assert second is not None
    assert (second.calls, second.wall_s, second.cpu_s) == (8, 8.0, 0.25)


def test_the_drivers_core_is_looked_at_again_after_each_trial_and_the_best_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([0.003, 0.0015, 0.002])
    monkeypatch.setattr("job.running.runner.core_s", lambda: next(looks))
    found = run(world.runner(trials=3), [Fake(world)])
    assert found.environment.core_s == 0.0015
    assert next(looks, None) is None


# --- agreement


def test_a_difference_between_two_strategies_ends_the_comparison(world: World) -> None:
    runner = world.runner(trials=3)
    other = Fake(world, "actors", states=["2", "2", "7", "8"])
    with pytest.raises(DisagreementError) as raised:
        run(runner, [Fake(world), other])
    assert raised.value.message == (
        "states disagree: instance 2 is 2 after serial and 7 after actors"
    )
    assert raised.value.exit_code == 5
    assert raised.value.hint
    assert runner.results.status == "disagree"
    assert runner.results.problem == raised.value.message
    assert trials(runner.results) == [("serial", 0, False), ("actors", 0, False)]


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_where_threads_disagree_to_leave_them_out_is_advised(world: World, name: str) -> None:
    with pytest.raises(DisagreementError) as raised:
        run(world.runner(), [Fake(world), Fake(world, name, states=["2", "2", "7", "8"])])
    assert ("leave threads out" in raised.value.hint) == (name == "threads")


def test_calls_that_returned_other_values_end_the_comparison_too(world: World) -> None:
    runner = world.runner()
    other = Fake(world, "actors", values=["a", "b", "x", "y"])
    with pytest.raises(DisagreementError) as raised:
        run(runner, [Fake(world, values=["a", "b", "c", "d"]), other])
    assert raised.value.message == (
        "calls disagree: those of instance 2 returned other values under actors than under serial"
    )
    assert runner.results.status == "disagree"
    assert len(runner.results.trials) == 2


def test_of_a_sample_what_its_calls_returned_is_compared(world: World) -> None:
    sample = Fake(world, states=["2"] * 2, values=["a", "b"], instances=2)
    both = [Fake(world, name, values=["a", "b", "c", "d"]) for name in ("actors", "sharded")]
    assert run(world.runner(), [sample, *both]).status == "complete"
    both[1].values[3] = "x"
    with pytest.raises(DisagreementError, match="instance 3 returned"):
        run(world.runner(), [sample, *both])


def test_a_strategy_must_agree_with_itself_as_well(world: World) -> None:
    class Forgetful(Fake):
        def read(self) -> list[str]:
            return [*super().read()[:-1], str(len(self.profiles))]

    with pytest.raises(DisagreementError, match="instance 3 is 1 after serial and 2 after serial"):
        run(world.runner(trials=2), [Forgetful(world)])


@pytest.mark.parametrize("sample_first", [True, False])
def test_a_sample_is_compared_in_the_instances_it_ran(world: World, sample_first: object) -> None:
    both = [Fake(world, instances=2, states=["2", "9"]), Fake(world, "actors")]
    with pytest.raises(DisagreementError, match="instance 1 is"):
        run(world.runner(), both if sample_first else both[::-1])


def test_those_that_ran_all_must_agree_beyond_the_sample(world: World) -> None:
    sample = Fake(world, instances=1, states=["2"])
    with pytest.raises(DisagreementError, match="instance 3 is 2 after actors and 5 after sharded"):
        run(
            world.runner(),
            [sample, Fake(world, "actors"), Fake(world, "sharded", states=["2", "2", "2", "5"])],
        )


def test_long_states_are_cut_in_the_message(world: World) -> None:
    other = Fake(world, "actors", states=["x" * 10**5] * INSTANCES)
    with pytest.raises(DisagreementError) as raised:
        run(world.runner(), [Fake(world), other])
    assert len(raised.value.message) < 400


# --- what is kept


def test_the_document_is_kept_after_each_trial_and_at_the_end(world: World) -> None:
    results = run(world.runner(trials=2), pair(world))
    assert [len(kept.trials) for kept in world.kept] == [1, 2, 3, 4, 4]
    assert [kept.status for kept in world.kept] == ["running"] * 4 + ["complete"]
    assert world.kept[-1] == results


def test_a_trial_is_kept_before_the_next_one_begins(world: World) -> None:
    seen: list[int] = []

    class Counting(Fake):
        def prepare(self, profile: Profile | None) -> None:
            seen.append(len(self.world.kept))
            super().prepare(profile)

    run(world.runner(trials=2), [Counting(world)])
    assert seen == [0, 1]


# --- failures


PHASES = ["prepare", "start", "work", "read", "facts", "close"]


def failing(
    world: World, phase: str, error: BaseException, kind: type[BaseException]
) -> tuple[Runner, BaseException]:
    runner = world.runner(trials=2, close="close")
    with pytest.raises(kind) as raised:
        run(runner, [Fake(world), Fake(world, "actors", fails={phase: error})])
    return runner, raised.value


def assert_ended_after_the_first_trial(world: World, runner: Runner, status: str) -> None:
    assert world.events[-1] == "actors stop"
    assert world.events.count("actors stop") == 1
    assert trials(runner.results) == [("serial", 0, False)]
    assert runner.results.status == status
    assert world.kept[-1] == runner.results


@pytest.mark.parametrize("phase", PHASES)
def test_an_interrupt_in_any_phase_keeps_what_was_measured(world: World, phase: str) -> None:
    runner, _ = failing(world, phase, KeyboardInterrupt(), KeyboardInterrupt)
    assert_ended_after_the_first_trial(world, runner, "interrupted")


@pytest.mark.parametrize("phase", PHASES)
def test_a_failure_in_any_phase_keeps_what_was_measured(world: World, phase: str) -> None:
    error = TrialError("actors: too slow", "Allow more.")
    runner, raised = failing(world, phase, error, TrialError)
    assert raised is error
    assert_ended_after_the_first_trial(world, runner, "failed")
    assert runner.results.problem == "actors: too slow"


@pytest.mark.parametrize("phase", PHASES)
def test_even_after_a_bug_nothing_is_left_behind(world: World, phase: str) -> None:
    failing(world, phase, ZeroDivisionError(), ZeroDivisionError)
    assert world.events[-1] == "actors stop"
    assert len(world.kept[-1].trials) == 1


@pytest.mark.parametrize("phase", ["start", "work", "read", "close"])
def test_what_the_target_raised_becomes_the_failure_of_a_trial(world: World, phase: str) -> None:
    error = TargetRaisedError(3, "f()", 2, "ValueError: no", "m.py, line 7, in f")
    _, raised = failing(world, phase, error, TrialError)
    assert isinstance(raised, JobError)
    assert raised.message == "actors: instance 3, call 2, f(): ValueError: no (on the driver)"
    assert raised.hint == "The target raised it in m.py, line 7, in f."
    assert raised.exit_code == 4


def test_an_error_of_the_cluster_keeps_its_exit_code(world: World) -> None:
    _, raised = failing(world, "start", ClusterError("gone"), ClusterError)
    assert isinstance(raised, JobError)
    assert raised.exit_code == 3


def test_after_a_disagreement_the_strategy_is_stopped(world: World) -> None:
    with pytest.raises(DisagreementError):
        run(world.runner(), [Fake(world), Fake(world, "actors", states=["0"] * INSTANCES)])
    assert "actors stop" in world.events


def test_results_that_cannot_be_kept_end_the_comparison(world: World) -> None:
    class Full(Listener):
        def keep(self, document: Results | Sweep) -> None:
            message = f"no space left for {len(document.model_dump_json())} characters"
            raise FileError(message)

    runner = world.runner(Full())
    with pytest.raises(FileError):
        run(runner, pair(world))
    assert "actors start" not in world.events
    assert len(runner.results.trials) == 1


@pytest.mark.parametrize("fails", [{}, {"work": TrialError("no")}, {"work": KeyboardInterrupt()}])
def test_what_there_is_is_shown_once_whatever_the_end(
    world: World, fails: dict[str, BaseException]
) -> None:
    runner = world.runner()
    with contextlib.suppress(TrialError, KeyboardInterrupt):
        run(runner, [Fake(world), Fake(world, "actors", fails=fails)])
    assert world.shown == [runner.results]
