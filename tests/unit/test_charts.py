"""The charts' data: what is drawn from what was measured, without plotly or a browser."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from job.actors.timeline import MOST_ACTORS, MOST_STRETCHES
from job.analysis.breakeven import Answer, BreakEven
from job.analysis.report import analyse
from job.analysis.sweep import analyse_sweep
from job.page.breakeven import pay_off
from job.page.charts import charts, sweep_charts
from job.page.drawing import Chart, log_axis, plain, seconds, written
from job.page.timeline import arrange, divide, timeline
from job.planning.costs import Bound, Cost
from job.results.document import Results, Stretch
from tests.samples import (
    ACTORS,
    DEATH,
    IMAGE,
    SEED,
    changed,
    comparison,
    cost_sweep,
    hostile,
    kept,
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
    *bars, _, labels = chart.traces
    assert labels["x"][0] >= sum(bar["x"][0] for bar in bars)


def test_the_phases_add_up_to_elapsed_and_the_line_is_where_the_ideal_ends() -> None:
    results = comparison(1)
    startup, work, read, ideal, _ = drawn(results)["phases"].traces
    row = analyse(results).rows[1]
    ends = [sum(parts) for parts in zip(startup["x"], work["x"], read["x"], strict=True)]
    assert ends[1] == pytest.approx(row.elapsed_s, rel=1e-4)
    assert ideal["x"][1] == pytest.approx(row.startup_s + row.ideal_s, rel=1e-4)


def test_the_description_names_every_strategy_with_its_time() -> None:
    assert "by phase: serial 8.02 s, actors 3.28 s." in drawn(SEED)["phases"].said


def test_trials_are_drawn_in_percent_off_their_median_with_the_interval() -> None:
    trials = [changed(ACTORS, index=n, startup_s=0, read_s=0, work_s=w) for n, w in enumerate(
        (1.0, 0.9, 1.1, 1.0, 1.0, 1.0))]  # fmt: skip
    chart = drawn(SEED.with_(trials=tuple(trials)))["samples"]
    bands, strips = chart.traces
    assert strips["x"] == pytest.approx([0, -10, 10, 0, 0, 0])
    assert strips["y"] == sorted(strips["y"])  # from top to bottom in the order of the trials
    assert bands["error_x"]["arrayminus"] == pytest.approx([10])
    assert bands["error_x"]["array"] == pytest.approx([10])
    assert [*chart.table[0].values()] == [
        "actors", 6, *map(pytest.approx, (1, 0.9, 1.1, 0.9, 1.1))
    ]  # fmt: skip
    assert "the band is the median's 95 % confidence interval" in chart.said


def test_of_few_trials_no_interval_is_drawn_and_that_is_said() -> None:
    chart = drawn(comparison(2))["samples"]
    assert set(chart.traces[0]["error_x"]["array"]) == {0}
    assert "too few for the median's 95 % confidence" in chart.said
    assert [*chart.table[0].values()][-2:] == [None, None]


def test_little_noise_is_not_drawn_as_if_it_mattered() -> None:
    trials = [changed(ACTORS, index=n, work_s=2 + n / 1e6) for n in range(3)]
    low, high = drawn(SEED.with_(trials=tuple(trials)))["samples"].layout["xaxis"]["range"]
    assert low < -5
    assert high > 5


def test_a_trial_with_losses_is_a_ring() -> None:
    chart = drawn(comparison())["samples"]
    strips = chart.traces[1]
    rings = [n for n, colour in enumerate(strips["marker"]["color"]) if colour == "@paper"]
    assert [strips["text"][n].partition(":")[0] for n in rings] == ["actors, trial 9"]
    assert strips["marker"]["line"]["color"][rings[0]] == "@danger"
    assert "ring" in chart.said


def test_the_curve_passes_1_where_the_break_even_is_and_the_run_s_own_point_is_on_it() -> None:
    results = comparison()
    chart, model = drawn(results)["pay-off"], analyse(results).model
    assert isinstance(model, BreakEven)
    sharded = next(trace for trace in chart.traces if trace["name"].startswith("sharded from "))
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
    chart = pay_off(BreakEven(8, 0.0, {"serial": loop, "actors": never}, (answer,)), ["never"], [])
    assert [trace["name"] for trace in chart.traces if trace["x"]] == ["actors"]
    assert [[*row.values()] for row in chart.table] == [["actors", "never", "never", 1.0, 0.0]]


def test_a_sweep_over_shards_shows_the_speedup_and_what_it_would_be_at_the_ideal() -> None:
    report = analyse_sweep(scaling_sweep())
    (chart,) = sweep_charts(report)
    ideal, sharded = chart.traces
    assert [ideal["name"], sharded["name"]] == ["ideal", "sharded"]
    assert sharded["x"] == [1, 2, 3, 4, 6, 8]
    rows = [row for _, at in report.points if (row := at.row("sharded"))]
    assert sharded["y"] == pytest.approx([row.speedup for row in rows], rel=1e-4)
    assert all(best >= times for best, times in zip(ideal["y"], sharded["y"], strict=True))
    alone_s = (rows[0].speedup or 0) * rows[0].elapsed_s
    quickest_s = rows[0].startup_s + rows[0].ideal_s + rows[0].read_s
    assert ideal["y"][0] == pytest.approx(alone_s / quickest_s, rel=1e-4)
    assert "no longer than the ideal" in chart.said


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
    assert plain_one.layout["xaxis"]["ticktext"] == ["10ms", "100ms", "1s"]


def test_an_actor_that_was_on_two_nodes_has_a_row_on_each() -> None:
    moved = [
        Stretch(actor=0, node_id=node, since_s=n, until_s=n + 1, calls=1)
        for n, node in enumerate(("a1", "b2"))
    ]
    lanes = divide(moved)
    assert lanes == {("a1", 0): moved[:1], ("b2", 0): moved[1:]}
    assert arrange(lanes, room=1) == ({("a1", 0): 1, ("b2", 0): 3}, {"a1": 0, "b2": 2})


def test_where_rows_are_thin_a_node_s_heading_takes_the_room_of_several() -> None:
    places, headings = arrange(divide(stretches(4, 1, 1.0)), room=5)
    assert list(places.values()) == [5, 6, 12, 13]
    assert list(headings.values()) == [2, 9]


def test_a_loss_is_a_cross_on_the_row_of_its_actor_where_it_was() -> None:
    chart = drawn(comparison())["timeline-actors"]
    bars, _, crosses = chart.traces
    assert crosses["x"] == [0.8, 1.15, None]
    assert crosses["marker"]["size"] == [10, 0, 0]  # a cross, and a line to where it went on
    assert "SIGKILL" in crosses["text"][0]
    assert crosses["y"][0] in {
        y for y, (actor, _) in zip(bars["y"], bars["customdata"], strict=True) if actor == 1
    }
    assert "A cross is a loss (1)" in chart.said


def test_a_loss_of_an_actor_of_which_nothing_is_known_has_no_place() -> None:
    still = stretches(1, 1, 1.0)
    chart = timeline(changed(ACTORS, timeline=still, deaths=(DEATH,)), SEED.cluster)
    assert chart.traces[-1]["y"] == [None, None, None]


@pytest.mark.parametrize("actors", [1, 40, 41, 200, 1_000])
def test_any_number_of_actors_is_one_kind_of_chart_of_bounded_size(actors: int) -> None:
    trial = changed(ACTORS, actors=actors, timeline=kept(stretches(actors, 20, 0.1)))
    chart = timeline(trial, SEED.cluster)
    bars = chart.traces[0]
    assert bars["type"] == "bar"
    assert len(bars["x"]) <= MOST_STRETCHES
    assert len({actor for actor, _ in bars["customdata"]}) == min(actors, MOST_ACTORS)
    assert chart.height_px < 1_100
    assert ("the first 200 of 1,000 actors" in chart.said) == (actors == 1_000)


def test_a_large_comparison_has_a_bounded_number_of_marks() -> None:
    found = drawn(large())
    assert len(json.dumps([chart.traces for chart in found.values()])) < 1_000_000


def test_a_work_phase_of_no_time_at_all_has_a_chart() -> None:
    still = Stretch(actor=0, node_id="a1", since_s=0, until_s=0, calls=3)
    assert timeline(changed(ACTORS, timeline=(still,)), SEED.cluster)


def test_texts_of_the_target_and_the_cluster_are_escaped_for_plotly() -> None:
    written = json.dumps([(c.traces, c.layout) for c in drawn(hostile()).values()])
    assert "&lt;script" in written
    assert "<script" not in written
    assert "<img" not in written


def renamed(results: Results) -> Results:
    """Return results whose strategy `sharded` bears a name that would like to be a tag."""
    names = {"sharded": IMAGE}
    trials = (t.model_copy(update={"strategy": names.get(t.strategy, t.strategy)})
              for t in results.trials)  # fmt: skip
    return results.with_(trials=tuple(trials))


def test_names_of_strategies_are_escaped_too_for_a_file_may_come_from_anybody() -> None:
    sweep = scaling_sweep()
    points = tuple(p.model_copy(update={"results": renamed(p.results)}) for p in sweep.points)
    swept = sweep_charts(analyse_sweep(sweep.model_copy(update={"points": points})))
    found = {**drawn(renamed(comparison())), "swept": swept[0]}
    texts = {key: json.dumps((each.traces, each.layout)) for key, each in found.items()}
    named = [key for key, text in texts.items() if "&lt;img" in text]
    assert named == ["phases", "samples", "pay-off", "swept"]
    assert [key for key, text in texts.items() if "<img" in text] == []


def test_names_are_cut_before_they_are_escaped() -> None:
    assert plain("<" * 99, 3) == "&lt;&lt;…"
    assert plain("a & b") == "a &amp; b"


def test_colours_are_those_of_the_page() -> None:
    style = resources.files("job.page").joinpath("page.css").read_text("utf-8")
    charts = [*drawn(comparison()).values(), *sweep_charts(analyse_sweep(scaling_sweep()))]
    drawn_in = json.dumps([(c.traces, c.layout) for c in charts])
    script = resources.files("job.page").joinpath("page.js").read_text("utf-8")
    named = re.findall(r'"@([a-z]+)"', drawn_in + script.partition('"@accent" is')[0])
    assert set(named) <= set(re.findall(r"--([a-z]+):", style))
    assert len(set(named)) > 5


def test_times_have_prefixes_below_a_second_and_are_whole_seconds_above() -> None:
    assert seconds(0.05).endswith("s")  # d3's SI prefixes: 50m, before a unit of s
    assert seconds(8_000).endswith("r")  # 8,000, for nobody says 8 ks


def test_no_more_powers_of_ten_are_marked_than_there_is_room_for() -> None:
    assert [log_axis("", [1, 10**n])["dtick"] for n in (0, 1, 6, 7, 13)] == [1, 1, 1, 2, 3]


def test_cells_are_written_with_digits_enough() -> None:
    cells = ("a", "", None, 3, 12_345, 0.123456, 12_345.0)
    assert [written(cell) for cell in cells] == ["a", "-", "-", "3", "12,345", "0.12", "12,300"]
