"""The charts' data: what is drawn from what was measured, without plotly or a browser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.analysis.breakeven import Answer, BreakEven
from job.analysis.report import analyse
from job.analysis.sweep import analyse_sweep
from job.page.breakeven import pay_off
from job.page.charts import charts, samples
from job.page.drawing import Chart, listed, plain, unit_for
from job.page.sweep import sweep_charts
from job.page.timeline import BINS, MOST_BARS, MOST_LANES, lanes_of, merged, rates, timeline
from job.planning.costs import Bound, Cost
from job.results.document import Results, Stretch
from tests.samples import (
    ACTORS,
    SEED,
    changed,
    comparison,
    cost_sweep,
    hostile,
    large,
    scaling_sweep,
    stretches,
)


def drawn(results: Results) -> dict[str, Chart]:
    return {chart.key: chart for chart in charts(analyse(results))}


def test_a_comparison_has_a_chart_of_phases_of_trials_and_of_each_timeline() -> None:
    assert list(drawn(comparison())) == [
        "phases", "samples", "pay-off", "timeline-actors", "timeline-sharded"
    ]  # fmt: skip


def test_one_trial_each_has_no_chart_of_trials_and_no_record_no_timeline() -> None:
    assert list(drawn(SEED)) == ["phases"]
    assert drawn(SEED.with_(trials=())) == {}


def test_a_label_stands_behind_its_bar_where_medians_do_not_add_up() -> None:
    one, two = (
        ACTORS.model_copy(update={"index": i, "startup_s": s, "work_s": w, "elapsed_s": s + w})
        for i, (s, w) in enumerate([(1.0, 4.0), (4.0, 1.0)])
    )
    three = ACTORS.model_copy(update={"index": 2, "startup_s": 4.0, "work_s": 4.0, "elapsed_s": 5})
    chart = drawn(SEED.with_(trials=(one, two, three)))["phases"]
    assert chart.layout["annotations"][0]["x"] >= sum(trace["x"][0] for trace in chart.traces[:3])


def test_the_phases_add_up_to_elapsed_and_the_line_is_where_the_ideal_ends() -> None:
    results = comparison(1)
    startup, work, read, ideal = drawn(results)["phases"].traces
    row = analyse(results).rows[1]
    ends = [sum(parts) for parts in zip(startup["x"], work["x"], read["x"], strict=True)]
    assert ends[1] == pytest.approx(row.elapsed_s, rel=1e-4)
    assert ideal["x"][1] == pytest.approx(row.startup_s + row.ideal_s, rel=1e-4)


def test_the_description_names_every_strategy_with_its_time() -> None:
    assert "by phase: serial 8.02 s and actors 3.28 s." in drawn(SEED)["phases"].said


def test_trials_are_drawn_in_percent_off_their_median_with_the_interval() -> None:
    trials = [changed(ACTORS, index=n, startup_s=0, read_s=0, work_s=w) for n, w in enumerate(
        (1.0, 0.9, 1.1, 1.0, 1.0, 1.0))]  # fmt: skip
    chart = samples(analyse(SEED.with_(trials=tuple(trials))))
    assert chart.traces[0]["x"] == pytest.approx([0, -10, 10, 0, 0, 0])
    (band, _) = chart.layout["shapes"]
    assert (band["x0"], band["x1"]) == pytest.approx((-10, 10))
    assert chart.table.rows[0] == ("actors", "6", "1", "0.9", "1.1", "0.9 to 1.1")


def test_little_noise_is_not_drawn_as_if_it_mattered() -> None:
    trials = [changed(ACTORS, index=n, work_s=2 + n / 1e6) for n in range(3)]
    low, high = samples(analyse(SEED.with_(trials=tuple(trials)))).layout["xaxis"]["range"]
    assert low < -5
    assert high > 5


def test_a_trial_with_losses_is_a_ring() -> None:
    chart = drawn(comparison())["samples"]
    assert chart.traces[1]["marker"]["color"][-2:] == ["@accent", "@paper"]
    assert "ring" in chart.said


def test_the_curve_passes_1_where_the_break_even_is_and_the_run_s_own_point_is_on_it() -> None:
    results = comparison()
    chart, model = drawn(results)["pay-off"], analyse(results).model
    assert isinstance(model, BreakEven)
    sharded = next(trace for trace in chart.traces if trace["name"] == "sharded")
    threshold = next(a.call_s for a in model.answers if a.strategy == "sharded") or 0
    below = [x for x, y in zip(sharded["x"], sharded["y"], strict=True) if y < 1]
    above = [x for x, y in zip(sharded["x"], sharded["y"], strict=True) if y > 1]
    assert max(below) < threshold < min(above)
    measured = next(trace for trace in chart.traces if trace["name"] == "measured")
    place = measured["text"].index("sharded")
    assert measured["x"][place] == pytest.approx(1.0, rel=0.02)
    assert measured["y"][place] == pytest.approx(2.9, rel=0.02)
    assert "Sharded from" in chart.said


def test_a_strategy_that_never_pays_has_a_curve_and_no_threshold() -> None:
    loop = Cost(0.0, (Bound("loop", 1e-7, 1.0),))
    never = Cost(1.0, (Bound("fullest actor", 1e-6, 1.0),))
    answer = Answer("actors", None, None, 1.0, 1.0, 0.0, 0.0)
    chart = pay_off(BreakEven(8, 0.0, {"serial": loop, "actors": never}, (answer,)), ["never"])
    assert [trace["name"] for trace in chart.traces] == ["actors"]
    assert chart.table.rows == (("actors", "never", "never", "1", "0"),)


def test_a_sweep_over_shards_shows_the_ideal_the_fit_and_what_was_measured() -> None:
    scaling, speedups = sweep_charts(analyse_sweep(scaling_sweep()))
    ideal, fitted, measured = scaling.traces
    assert [trace["name"] for trace in scaling.traces] == ["ideal", "USL fit", "measured"]
    assert measured["x"] == [2, 4, 6, 8, 12, 16]
    assert all(best >= rate for best, rate in zip(ideal["y"], measured["y"], strict=True))
    assert (fitted["x"][0], fitted["x"][-1]) == (2, 16)
    assert "contention" in scaling.said
    assert [trace["name"] for trace in speedups.traces] == ["sharded"]


def test_too_few_points_have_no_fit_and_the_reason_is_told() -> None:
    few = scaling_sweep()
    few = few.model_copy(update={"points": few.points[:3]})
    scaling = sweep_charts(analyse_sweep(few))[0]
    assert [trace["name"] for trace in scaling.traces] == ["ideal", "measured"]
    assert "No curve is fitted: only 3 numbers of calls at once were measured" in scaling.said


def test_a_sweep_over_call_costs_shows_its_points_beside_the_model() -> None:
    (chart,) = sweep_charts(analyse_sweep(cost_sweep()))
    measured = next(trace for trace in chart.traces if trace["name"] == "measured")
    assert chart.key == "pay-off"
    assert sorted(set(measured["x"])) == pytest.approx([0.01, 0.1, 1.0], rel=0.01)
    bare = cost_sweep()
    points = tuple(p.model_copy(update={"results": p.results.with_(calibration=None)})
                   for p in bare.points)  # fmt: skip
    (plain_one,) = sweep_charts(analyse_sweep(bare.model_copy(update={"points": points})))
    assert plain_one.key == "speedups"


def test_an_actor_that_was_on_two_nodes_has_a_row_on_each() -> None:
    moved = [
        Stretch(actor=0, node_id=node, since_s=n, until_s=n + 1, calls=1)
        for n, node in enumerate(("a1", "b2"))
    ]
    lanes, headers = lanes_of(moved)
    assert [(lane.node_id, lane.actors, lane.place) for lane in lanes] == [
        ("a1", (0,), 1.0), ("b2", (0,), 3.0)
    ]  # fmt: skip
    assert headers == {"a1": 0, "b2": 2}


def test_many_actors_share_rows_of_which_each_is_of_one_node() -> None:
    lanes, _ = lanes_of(stretches(1_000, 2, 0.1))
    assert len(lanes) <= MOST_LANES + 2
    assert sum(len(lane.actors) for lane in lanes) == 1_000
    assert all({s.node_id for s in lane.stretches} == {lane.node_id} for lane in lanes)


@given(st.integers(1, 3_000), st.integers(1, 500))
def test_merging_keeps_all_calls_and_all_time(number: int, most: int) -> None:
    (one,) = stretches(1, 1, 1.0)
    row = [one.model_copy(update={"since_s": n, "until_s": n + 1}) for n in range(number)]
    kept = merged(row, most)
    assert len(kept) <= most
    assert sum(each.calls for each in kept) == number
    assert (kept[0].since_s, kept[-1].until_s) == (0, number)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1), st.integers(0, 100)), max_size=30))
def test_the_rates_over_time_add_up_to_the_calls(drafts: list[tuple[float, float, int]]) -> None:
    made = [
        Stretch(actor=0, node_id="a", since_s=since, until_s=since + took, calls=calls)
        for since, took, calls in drafts
    ]
    total = sum(rate * 10 / BINS for rate in rates(made, 10.0))
    assert total == pytest.approx(sum(stretch.calls for stretch in made), rel=1e-6, abs=1e-6)


def test_a_death_is_a_cross_on_the_row_of_its_actor_where_it_died() -> None:
    chart = drawn(comparison())["timeline-actors"]
    gaps, crosses = chart.traces[-2:]
    assert crosses["x"] == [0.8]
    assert crosses["y"] == gaps["y"][:1]
    assert gaps["x"] == [0.8, 1.15, None]
    assert "SIGKILL" in crosses["text"][0]
    assert "A cross is a death (1)" in chart.said


def test_a_large_comparison_has_a_bounded_number_of_marks() -> None:
    found = drawn(large())
    (shades,) = found["timeline-actors"].traces
    assert shades["type"] == "heatmap"
    assert len(shades["z"]) <= MOST_LANES + 4
    bars = found["timeline-sharded"].traces
    assert sum(len(trace["x"]) for trace in bars) <= MOST_BARS
    assert len(json.dumps([chart.traces for chart in found.values()])) < 1_000_000


def test_a_work_phase_of_no_time_at_all_has_a_chart() -> None:
    still = Stretch(actor=0, node_id="a1", since_s=0, until_s=0, calls=3)
    assert timeline(changed(ACTORS, timeline=(still,)), SEED.cluster)
    assert sum(rates([still], 1e-6)) > 0


def test_texts_of_the_target_and_the_cluster_are_escaped_for_plotly() -> None:
    written = json.dumps([(c.traces, c.layout) for c in drawn(hostile()).values()])
    assert "&lt;script" in written
    assert "<script" not in written
    assert "<img" not in written


def test_names_are_cut_before_they_are_escaped() -> None:
    assert plain("<" * 99, 3) == "&lt;&lt;…"
    assert plain("a & b") == "a &amp; b"


@pytest.mark.parametrize(("seconds", "name"), [(8.0, "s"), (0.05, "ms"), (2e-6, "µs"), (0, "µs")])
def test_times_are_in_a_unit_that_suits_them(seconds: float, name: str) -> None:
    assert unit_for(seconds).name == name


def test_words_are_listed_as_a_sentence_has_them() -> None:
    assert [listed(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
