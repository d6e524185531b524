"""Results -> Report: figures computed by hand, and the sentence that says what they mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from job.analysis.report import Report, analyse
from job.results.document import NodeShare, Results, Trial, Tried
from job.results.storage import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from job.analysis.figures import Row

GOLDEN = load(Path(__file__).parents[1] / "data" / "results-v1.json")


def trial(strategy: str, startup_s: float, work_s: float, read_s: float, **more: Any) -> Trial:  # noqa: ANN401 - any key
    """Return a trial of 4 instances: the serial loop on one CPU, others with 4 actors on 4."""
    width = 1 if strategy == "serial" else 4
    keys: dict[str, Any] = {
        "strategy": strategy, "index": 0, "warmup": False, "startup_s": startup_s,
        "work_s": work_s, "read_s": read_s, "elapsed_s": startup_s + work_s + read_s,
        "cpu_s": 0.0, "calls": 8, "instances": 4, "actors": 0 if strategy == "serial" else 4,
        "at_once": width, "cpus": width, "states": ("2",) * 4, "digest": "d",
        "settings": {"cpus_per_actor": 1.0, "threads_per_shard": 1, "calls_per_batch": 1},
    }  # fmt: skip
    return Trial.model_validate(keys | more)


def results(*trials: Trial, **changes: object) -> Results:
    return GOLDEN.with_(trials=trials, advisories=(), **changes)


def report(*trials: Trial, **changes: object) -> Report:
    return analyse(results(*trials, **changes))


def rows(*trials: Trial) -> Mapping[str, Row]:
    return {row.strategy: row for row in report(*trials).rows}


SERIAL = trial("serial", 0.0, 8.0, 0.0)
ACTORS = trial("actors", 1.0, 2.0, 0.2)


# --- figures


def test_speedup_is_of_elapsed_and_speedup_of_work_of_work() -> None:
    actors = rows(SERIAL, ACTORS)["actors"]
    assert actors.speedup == pytest.approx(8.0 / 3.2)
    assert actors.speedup_of_work == pytest.approx(4.0)
    assert (actors.startup_s, actors.work_s, actors.read_s) == (1.0, 2.0, 0.2)
    assert actors.elapsed_s == pytest.approx(3.2)
    assert actors.calls_per_s == 4.0


def test_the_serial_loop_has_no_actors_and_a_speedup_of_1() -> None:
    serial = rows(SERIAL, ACTORS)["serial"]
    assert serial.last.actors == 0
    assert serial.speedup == 1.0
    assert serial.interval is None


def test_without_the_serial_loop_there_is_no_speedup() -> None:
    actors = rows(ACTORS)["actors"]
    assert (actors.speedup, actors.speedup_of_work, actors.interval) == (None, None, None)


@pytest.mark.parametrize(
    ("serial", "actors", "ideal_s"),
    [
        # 4 at once on 4 CPUs: each of the 4 instances needs a quarter of 8 s.
        ({}, {}, 2.0),
        # 2 actors: a quarter of the calls at once would need 4 of them.
        ({}, {"at_once": 2, "cpus": 2}, 4.0),
        # Threads beyond the instances help nobody: an instance takes its 2 s.
        ({}, {"at_once": 64}, 2.0),
        # 6 of 8 s are computing, and there are 2 CPUs.
        ({"cpu_s": 6.0}, {"cpus": 2}, 3.0),
    ],
)
def test_the_ideal_is_the_largest_of_its_three_bounds(
    serial: Mapping[str, object], actors: Mapping[str, object], ideal_s: float
) -> None:
    found = rows(trial("serial", 0.0, 8.0, 0.0, **serial), ACTORS.model_copy(update=dict(actors)))
    assert found["actors"].ideal_s == ideal_s
    assert found["actors"].efficiency == ideal_s / 2.0


def test_without_the_serial_loop_the_ideal_rests_on_what_the_actors_took() -> None:
    share = NodeShare(node_id="a", address="10.0.0.5", host="a", actors=4, calls=8, busy_s=8.4)
    actors = rows(ACTORS.model_copy(update={"placement": (share,)}))["actors"]
    assert actors.ideal_s == pytest.approx(2.1)


def test_where_no_time_passed_nothing_is_divided_by_it() -> None:
    nothing = trial("actors", 0.0, 0.0, 0.0)
    actors = rows(trial("serial", 0.0, 0.0, 0.0), nothing)["actors"]
    assert (actors.speedup, actors.efficiency, actors.calls_per_s) == (None, None, None)


def test_figures_are_medians_of_the_trials() -> None:
    trials = [trial("actors", 1.0, work, 0.0, index=i) for i, work in enumerate([2.0, 9.0, 3.0])]
    actors = rows(SERIAL, *trials)["actors"]
    assert (actors.trials, actors.work_s, actors.elapsed_s) == (3, 3.0, 4.0)
    assert actors.speedup == 2.0
    assert actors.interval is None


def test_seven_trials_a_side_carry_an_interval() -> None:
    both = [
        trial(name, 0.0, factor * (1 + i / 100), 0.0, index=i)
        for i in range(7)
        for name, factor in (("serial", 8.0), ("actors", 2.0))
    ]
    actors = rows(*both)["actors"]
    assert actors.interval is not None
    assert actors.speedup is not None
    assert actors.interval[0] < actors.speedup < actors.interval[1]


def test_warm_ups_are_shown_nowhere() -> None:
    warm = trial("actors", 9.0, 9.0, 9.0, warmup=True, states=("9",), placement=())
    cold = replace(report(warm, SERIAL, ACTORS), results=results(SERIAL, ACTORS))
    assert cold == report(SERIAL, ACTORS)


def test_losses_and_replayed_calls_are_summed() -> None:
    more = {"losses": 1, "replayed_calls": 3}
    actors = rows(trial("actors", 1, 2, 0, **more), trial("actors", 1, 2, 0, **more))["actors"]
    assert (actors.losses, actors.replayed_calls) == (2, 6)


# --- what stands around them


def test_the_head_names_cluster_and_workload() -> None:
    said = analyse(GOLDEN)
    assert said.cluster == "10.0.0.5:6379: 2 nodes, 6 CPUs; Ray 2.60.0, Python 3.11.9"
    assert said.workload == (
        "4 x job.targets.counter:Counter(delay=1.0): increment() * 2, then read"
    )


def test_where_the_actors_ran_is_that_of_the_last_trial() -> None:
    placement = analyse(GOLDEN).placement
    assert [(name, s.host, s.address, s.actors, s.calls) for name, s in placement] == [
        ("actors", "host-a1", "10.0.0.5", 3, 6),
        ("actors", "host-b2", "10.0.0.6", 1, 2),
    ]


def test_states_are_shown_per_strategy_and_shortened_when_many() -> None:
    many = {"instances": 1_000, "states": tuple(str(n) for n in range(1_000))}
    said = report(
        SERIAL,
        trial("actors", 1.0, 2.0, 0.0, **many),
        workload=GOLDEN.workload.model_copy(update={"instances": 1_000}),
    )
    (first, plain), (second, short) = said.states
    assert (first, plain, second) == ("serial", "[2, 2, 2, 2]", "actors")
    assert short.startswith("[0, 1, 2, ")
    assert "(1,000 in all)" in short
    assert len(short) <= 76


BRINGING = GOLDEN.workload.model_copy(update={"returns": "bring"})
WHOLE, READ = (GOLDEN.workload.model_copy(update={"read": read}) for read in (None, "total"))


@pytest.mark.parametrize(
    ("trials", "changes", "agreement"),
    [
        ((SERIAL, ACTORS), {}, "they agree"),
        ((SERIAL,), {}, "nothing to compare them with"),
        (
            (SERIAL, ACTORS),
            {"status": "disagree", "problem": "states disagree: instance 2 is 2 after serial …"},
            "states disagree: instance 2 is 2 after serial …",
        ),
        (
            (SERIAL, ACTORS),
            {"tried": Tried(unchanged=True)},
            "they agree, but the calls change nothing that is read",
        ),
        (
            (SERIAL, ACTORS),
            {"tried": Tried(returned_bytes=(5,)), "workload": BRINGING},
            "they agree, and so does what the calls returned",
        ),
        (
            (SERIAL, ACTORS),
            {"tried": Tried(unchanged=True, returned_bytes=(5,)), "workload": BRINGING},
            "they agree, and so does what the calls returned; "  # noqa: ISC004 - one text
            "the calls change nothing that is read",
        ),
        (
            (SERIAL, ACTORS),
            {"tried": Tried(unchanged=True, returned_bytes=(0,)), "workload": BRINGING},
            "they agree, but the calls change nothing that is read",
        ),
        (
            (SERIAL, ACTORS),
            {"tried": Tried(shared=("Bank.rates",)), "workload": WHOLE},
            "they agree, but instances share Bank.rates, which no state shows",
        ),
        (
            (SERIAL, ACTORS),
            {"tried": Tried(shared=("Bank.rates",)), "workload": READ},
            "they agree",
        ),
    ],
)
def test_whether_states_agree_is_said(
    trials: tuple[Trial, ...], changes: Mapping[str, object], agreement: str
) -> None:
    assert report(*trials, **changes).agreement == agreement


def test_where_the_serial_loop_was_sampled_it_is_said_how_far_states_were_checked() -> None:
    sample = trial("serial", 0.0, 8.0, 0.0, instances=3, states=("2",) * 3, estimated=True)
    said = report(sample, ACTORS)
    assert "3 instances" in said.agreement
    assert "~" not in said.answer + said.because
    assert "about" in said.answer
    assert [row.estimated for row in said.rows] == [True, False]


def test_a_report_can_be_made_before_any_trial_has_ended() -> None:
    said = report(status="running")
    assert (said.rows, said.placement, said.states) == ((), (), ())


def test_what_kind_of_actors_ran_stands_beside_what_was_computed() -> None:
    plan = GOLDEN.plan | {"actor_options": "num_gpus=0.25", "serial_on": "actor"}
    said = analyse(GOLDEN.with_(plan=plan)).workload
    kind = "; actors with num_gpus=0.25; the serial loop in an actor"
    assert said == analyse(GOLDEN).workload + kind
