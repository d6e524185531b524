"""What a sweep goes over and in which order; what it says limits the best layout; its text."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.analysis import causes, figures, report
from job.analysis.report import analyse
from job.analysis.sweep import analyse_sweep
from job.errors import FileError, UsageError
from job.page.page import page
from job.planning.points import at, check, expected_s, order, parse_over
from job.report.sweep import BAR, bar
from job.report.sweep import render_sweep as render
from job.results.document import (
    Cluster,
    Computed,
    Environment,
    Node,
    NodeShare,
    Results,
    Sample,
    Trial,
)
from job.results.sweep import Over, Point, Sweep, parse_any
from job.workload.reading import build
from tests.samples import comparison, cost_sweep

if TYPE_CHECKING:
    from types import ModuleType

    from job.analysis.causes import Cause
    from job.workload.model import Plan, Workload

GOLDEN = Path(__file__).parents[1] / "data" / "results-v1.json"
SPINNER = "job.targets.spinner:Spinner(seed=instance, rounds=10)"


def planned(**keys: Any) -> tuple[Workload, Plan]:  # noqa: ANN401 - its keys
    return build({"target": SPINNER, "calls": ["spin() * 10"], "instances": 8} | keys, {})


# --- what is varied


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("shards=1,2,4,8", (1, 2, 4, 8)),
        ("instances=100,1", (1, 100)),
        ("threads=1, 8", (1, 8)),
        ("call-cost=1ms,10us,0.5s", (1e-5, 1e-3, 0.5)),
    ],
)
def test_values_are_read_and_put_in_order(text: str, values: tuple[float, ...]) -> None:
    assert parse_over(text).values == values


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("shards", "names no values"),
        ("size", "'size' cannot be varied"),
        ("cpus=1,2", "'cpus' cannot be varied"),
        ("shards=1", "2 to 100 values"),
        ("shards=2,2", "each once"),
        ("shards=1,two", "'two' is not a whole number"),
        ("shards=0,1", "'0' is not a whole number"),
        ("threads=1,1001", "1 to 1,000"),
        ("shards=1,²", "'²' is not a whole number"),
        ("call-cost=1,2", "'1' is no cost of a call"),
        ("call-cost=1ms,2h", "'2h' is no cost of a call"),
        ("call-cost=0ms,2s", "'0ms' is no cost of a call"),
        ("instances=" + ",".join(map(str, range(1, 102))), "2 to 100 values"),
    ],
)
def test_what_cannot_be_varied_is_told(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match="--over") as raised:
        parse_over(text)
    assert reason in raised.value.message


def test_values_are_spelled_as_they_are_written() -> None:
    assert parse_over("call-cost=10us,0.5ms,2s").spelled(5e-4) == "500us"
    assert parse_over("shards=1,2000").spelled(2000) == "2,000"


@pytest.mark.parametrize(
    ("text", "weak", "keys", "reason"),
    [
        ("shards=1,2", False, {"strategies": "serial,actors"}, "only `sharded` has shards"),
        ("shards=1,16", False, {}, "need as many instances"),
        ("instances=1,2", True, {}, "instances grow with shards"),
        ("shards=1,10000000", True, {}, "more than allowed"),
        ("call-cost=1ms,2ms", False, {"target": "m:C", "calls": ["f()"]}, "cannot be chosen"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(
    text: str, *, weak: bool, keys: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError) as raised:
        check(*planned(**keys), parse_over(text, weak=weak))
    assert reason in raised.value.message
    assert raised.value.hint


def test_each_key_changes_what_it_names_and_nothing_else() -> None:
    workload, plan = planned()
    assert at(workload, plan, parse_over("shards=1,2"), 2, 0)[1].shards == 2
    assert at(workload, plan, parse_over("threads=1,3"), 3, 0)[1].threads_per_shard == 3
    assert at(workload, plan, parse_over("instances=1,5"), 5, 0)[0].instances == 5
    computed, same = at(workload, plan, parse_over("call-cost=1ms,2ms"), 0.001, 77)
    assert str(computed.target) == "job.targets.spinner:Spinner(seed=instance, rounds=77)"
    assert computed.calls_per_instance == 10
    assert same == plan
    closed = workload.model_copy(update={"close": "close"})
    assert at(closed, plan, parse_over("call-cost=1ms,2ms"), 0.001, 77)[0] == computed


def test_weak_scaling_gives_every_shard_as_many_instances() -> None:
    computed, plan = at(*planned(), parse_over("shards=1,4", weak=True), 4, 0)
    assert (computed.instances, plan.shards) == (32, 4)


# --- the order, and the time


@given(st.integers(1, 100))
def test_every_point_has_its_turn_once_ends_first(count: int) -> None:
    found = order(count)
    assert sorted(found) == list(range(count))
    assert set(found[:2]) == {0, count - 1}


def test_after_the_ends_come_the_middles() -> None:
    assert order(5) == [0, 4, 2, 1, 3]


def test_a_point_is_expected_to_take_what_its_neighbours_tell() -> None:
    assert expected_s(2, {0: 10.0, 4: 2.0}) == pytest.approx(6.0)
    assert expected_s(4, {0: 10.0}) == 10.0
    assert expected_s(0, {}) == 0.0


# --- the document


def trial(strategy: str, work_s: float, **figures: Any) -> Trial:  # noqa: ANN401 - its keys
    usual: dict[str, Any] = {
        "strategy": strategy, "index": 0, "warmup": False, "startup_s": 0.1, "work_s": work_s,
        "read_s": 0.0, "elapsed_s": work_s + 0.1, "cpu_s": 8.0, "calls": 80, "instances": 8,
        "actors": 2, "at_once": 2, "cpus": 2.0, "switches": 0, "driver_cpu_s": 0.0,
        "slowest_s": 1.0, "states": (), "digest": "", "settings": {"threads_per_shard": 1},
        "placement": (share("a", 1.0, busy_s=8.0),),
    }  # fmt: skip
    return Trial.model_validate(usual | figures)


def share(host: str, core_s: float, busy_s: float = 4.0) -> NodeShare:
    return NodeShare(node_id=host, address=host, host=host, actors=1, busy_s=busy_s, core_s=core_s)


SLOW = {"work_s": 8.0, "elapsed_s": 8.1}  # half of the ideal
TURNS = {"settings": {"threads_per_shard": 4}, "cpu_s": 15.9, "switches": 900}
UNLIKE = {"placement": (share("a", 0.002), share("b", 0.004))}
SERIAL = trial("serial", 8.0, actors=0, at_once=1, cpus=1.0, settings={}, placement=())


def results(*trials: Trial, instances: int = 8) -> Results:
    node = Node(node_id="a", address="a", host="a", cpus=2)
    return Results(
        workload=Computed(target="m:C", instances=instances, calls=("f() * 10",)),
        plan={},
        environment=Environment(
            python_version="3", platform="p", driver_address="a", started_at=""
        ),
        cluster=Cluster(kind="embedded", address="", ray_version="2", nodes=(node,)),
        trials=trials,
        status="complete",
    )


def point(shards: int, work_s: float) -> Point:
    layout = trial("sharded", work_s, actors=shards, at_once=shards)
    return Point(value=shards, results=results(SERIAL, layout))


def test_points_stand_in_the_order_of_their_values_whenever_they_were_measured() -> None:
    sweep = Sweep(over="shards", left_out=(1, 2, 4))
    for shards in (4, 1):
        sweep = sweep.with_point(point(shards, 1.0))
    assert [each.value for each in sweep.points] == [1, 4]
    assert sweep.left_out == (2,)


def test_a_sweep_and_a_comparison_are_told_apart_when_they_are_loaded() -> None:
    sweep = Sweep(over="shards").with_point(point(1, 8.0))
    assert parse_any(sweep.model_dump_json(), "a file") == sweep
    assert isinstance(parse_any(GOLDEN.read_bytes(), "a file"), Results)
    with pytest.raises(FileError, match="a file: not a complete"):
        parse_any(sweep.model_dump_json()[:100], "a file")


# --- what limits


def limit(made: Results, strategy: str) -> Cause:
    return analyse(made).causes[strategy]


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({}, "CPUs"),
        (SLOW | TURNS, "the GIL"),
        (SLOW | {"settings": {"threads_per_shard": 4}}, "overhead"),  # none saw them take turns
        ({"settings": {"threads_per_shard": 4}}, "CPUs"),  # at its ideal anyway
        ({"startup_s": 9.0, "elapsed_s": 13.1}, "startup"),
        ({"work_s": 40.0, "elapsed_s": 40.1, "driver_cpu_s": 35.0}, "the driver"),
        (SLOW | {"placement": (share("a", 0.002), share("b", 0.004))}, "a slow node"),
        ({"placement": (share("a", 0.002), share("b", 0.004))}, "CPUs"),  # at its ideal anyway
        (SLOW | {"actors": 6}, "imbalance"),
        ({"work_s": 8.0, "elapsed_s": 8.1, "slowest_s": 5.0}, "imbalance"),
        ({"work_s": 40.0, "elapsed_s": 40.1}, "overhead"),
        # From which bound on:
        (SLOW | {"placement": (share("a", 0.002), share("b", 0.0025))}, "overhead"),
        (SLOW | {"placement": (share("a", 0.002), share("b", 0.00251))}, "a slow node"),
        (SLOW | {"placement": (share("a", 1.0, busy_s=24.0),), "slowest_s": 4.5}, "overhead"),
        (SLOW | {"placement": (share("a", 1.0, busy_s=24.0),), "slowest_s": 4.51}, "imbalance"),
        ({"work_s": 40.0, "elapsed_s": 40.1, "driver_cpu_s": 28.0}, "overhead"),
        # Where several apply, the first:
        (SLOW | TURNS | UNLIKE, "the GIL"),
        ({"work_s": 40.0, "elapsed_s": 40.1, "driver_cpu_s": 35.0} | UNLIKE, "the driver"),
        (SLOW | UNLIKE | {"actors": 6}, "a slow node"),
    ],
)
def test_the_figures_tell_what_limits(figures: dict[str, Any], name: str) -> None:
    made = results(SERIAL, trial("sharded", 4.0).model_copy(update=figures))
    assert limit(made, "sharded").name == name


def test_what_threads_do_at_once_is_no_imbalance() -> None:
    waits = SERIAL.model_copy(update={"cpu_s": 0.01, "switches": 80})
    uneven = SLOW | {"actors": 6, "at_once": 8, "settings": {"threads_per_shard": 2}}
    made = results(waits, trial("sharded", 8.0).model_copy(update=uneven))
    assert limit(made, "sharded").name == "overhead"


def test_one_cpu_is_written_as_one() -> None:
    alone = {"cpus": 1.0, "at_once": 1, "work_s": 8.2, "elapsed_s": 8.3}
    made = results(SERIAL, trial("sharded", 8.2).model_copy(update=alone))
    assert "more CPUs than 1 would shorten it" in limit(made, "sharded").said


# --- the text


def render_sweep(sweep: Sweep) -> str:
    return render(analyse_sweep(sweep))


def test_a_sweep_is_one_table_with_a_bar_for_each_point() -> None:
    sweep = Sweep(over="shards", left_out=(1, 2, 4, 8), status="complete")
    for shards, work_s in ((1, 8.0), (2, 4.1), (4, 4.2)):
        sweep = sweep.with_point(point(shards, work_s))
    text = render_sweep(sweep)
    assert max(map(len, text.splitlines())) <= 100
    assert "left out: 8" in text
    assert text.count("  serial  ") == 1, "it ran once, for all"
    assert "Best      shards=2: 4.20 s, 1.93 times as fast as the loop." in text
    assert "Limit     CPUs, for sharded at shards=2: its work reached 98% of the" in text


def test_a_sweep_over_call_costs_says_where_the_winner_changes() -> None:
    sweep = Sweep(over="call-cost", status="complete")
    for cost, work_s in ((1e-3, 9.0), (1e-2, 4.0)):
        made = results(SERIAL, trial("sharded", work_s))
        sweep = sweep.with_point(Point(value=cost, results=made))
    text = render_sweep(sweep)
    assert "serial from call-cost=1ms on, then sharded from call-cost=10ms on." in text


def test_what_is_estimated_or_doubtful_is_marked_in_a_sweep_too() -> None:
    guessed = SERIAL.model_copy(update={"estimated": True, "instances": 8})
    made = results(guessed, trial("sharded", 4.0))
    doubtful = made.with_(advisories=("The machine was busy.",))
    sweep = Sweep(over="shards", status="complete").with_point(Point(value=2, results=doubtful))
    sweep = sweep.with_point(Point(value=4, results=made))
    text = render_sweep(sweep)
    assert "~1.98x" in text
    assert "about 1.98 times as fast" in text
    assert "Advisory  The machine was busy. (1 of 2 points)" in text


def test_a_loop_that_ran_a_sample_predicts_what_one_that_ran_all_does() -> None:
    def sampled(trial: Trial) -> Trial:
        if trial.strategy != "serial":
            return trial
        ran = Sample(numbers=(0, 1, 3), each_s=(trial.work_s / 4,) * 3)
        keys = {"sample": ran, "instances": 3, "calls": 6, "estimated": True}
        return trial.model_copy(update=keys)

    whole = cost_sweep()
    points = tuple(
        Point(value=p.value, results=p.results.with_(trials=tuple(map(sampled, p.results.trials))))
        for p in whole.points
    )
    expected = analyse_sweep(whole)
    found = analyse_sweep(whole.model_copy(update={"points": points}))
    assert expected.pays_off
    assert (found.pays_off, found.checked) == (expected.pays_off, expected.checked)


def test_how_many_advisories_of_a_sweep_are_left_out_is_said() -> None:
    made = results(SERIAL, trial("sharded", 4.0)).with_(advisories=tuple("ABCDEFG"))
    text = render_sweep(Sweep(over="shards", points=(Point(value=2, results=made),)))
    assert "Advisory  E\n          The results hold 2 more." in text
    assert "Advisory  F" not in text


def test_an_interrupted_sweep_says_so() -> None:
    sweep = Sweep(over="shards", status="interrupted").with_point(point(1, 8.0))
    assert "interrupted" in render_sweep(sweep)
    assert "over shards, 1 point\n" in render_sweep(sweep)
    assert "nothing was measured" in render_sweep(Sweep(over="shards", status="interrupted"))


def test_the_largest_bar_is_full_and_half_of_it_is_half_as_long() -> None:
    assert len(bar(3.0, 3.0)) == BAR
    assert len(bar(1.5, 3.0)) == BAR // 2
    assert bar(0.0, 3.0) == bar(0.0, 0.0) == ""


def test_threads_and_shards_share_one_serial_loop_unless_instances_grow() -> None:
    assert Over("threads", (1, 2)).reuses_serial
    assert Over("shards", (1, 2)).reuses_serial
    assert not Over("shards", (1, 2), weak=True).reuses_serial
    assert not Over("call-cost", (1, 2)).reuses_serial


# --- computed once


def test_the_page_and_the_table_of_a_sweep_compute_every_figure_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed: Counter[str] = Counter()

    def watch(module: ModuleType, name: str) -> None:
        function = getattr(module, name)

        def counted(*args: object) -> object:
            computed[name] += 1
            return function(*args)

        monkeypatch.setattr(module, name, counted)

    watch(figures, "_row")
    watch(report, "break_even")
    watch(causes, "_cause")
    measured = cost_sweep()  # of the serial loop, actors and sharded at each point
    analysed = analyse_sweep(measured)
    assert render(analysed)
    assert page(analysed)
    points = len(measured.points)
    assert computed == {"_row": 3 * points, "break_even": points, "_cause": 2 * points}


def test_every_line_of_the_break_even_is_told_in_the_table_and_on_the_page() -> None:
    measured = Sweep(over="call-cost", status="complete")
    for cost in (0.5, 1.0):
        measured = measured.with_point(Point(value=cost, results=comparison(2)))
    analysed = analyse_sweep(measured)
    assert [text.split()[0] for text in analysed.pays_off] == ["actors", "sharded"]
    for shown in (" ".join(render(analysed).split()), html.unescape(page(analysed))):
        assert all(text in shown for text in (*analysed.pays_off, analysed.checked))
