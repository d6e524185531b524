"""Gates: each one met and missed, what cannot be judged, and bounds that are none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from job.analysis.changes import compare_runs
from job.analysis.figures import figures_of
from job.analysis.gates import demand, judge_slower, parse_gates, parse_slower
from job.analysis.report import analyse
from job.errors import GateError, UsageError
from job.report.table import render_junit
from job.results.document import Judged, Sample
from job.results.storage import load

if TYPE_CHECKING:
    from job.results.document import Results

# Elapsed 8.02 s serially and 3.28 s with actors, whose work reached 99.3 % of the ideal.
GOLDEN = load(Path(__file__).parents[1] / "data" / "results-v1.json")
BETTER = GOLDEN.with_(
    trials=(
        *GOLDEN.trials,
        GOLDEN.trials[-1].model_copy(
            update={"strategy": "sharded", "elapsed_s": 2.005, "work_s": 8.0}
        ),
    )
)


def without(name: str) -> Results:
    return GOLDEN.with_(trials=tuple(t for t in GOLDEN.trials if t.strategy != name))


def lines(results: Results, *, speedup: str = "", efficiency: str = "") -> list[str]:
    gates = parse_gates([speedup] * bool(speedup), [efficiency] * bool(efficiency))
    return [str(each) for each in analyse(results, gates).gates]


# --- met and missed


@pytest.mark.parametrize(
    ("bound", "line"),
    [
        ("2", "✓ --require-speedup 2: sharded is 4 times as fast, 2 demanded"),
        ("4", "✓ --require-speedup 4: sharded is 4 times as fast, 4 demanded"),
        ("4.01", "✗ --require-speedup 4.01: sharded is 4 times as fast, 4.01 demanded"),
        ("actors:2", "✓ --require-speedup actors:2: actors is 2.45 times as fast, 2 demanded"),
        (
            "actors:2.446",
            (
                "✗ --require-speedup actors:2.446: actors is just under 2.446 times as fast, 2.446 "
                "demanded"
            ),
        ),
        ("actors:4", "✗ --require-speedup actors:4: actors is 2.45 times as fast, 4 demanded"),
    ],
)
def test_a_speedup_is_demanded_of_the_best_or_of_the_one_that_is_named(
    bound: str, line: str
) -> None:
    assert lines(BETTER, speedup=bound) == [line]


@pytest.mark.parametrize(
    ("bound", "line"),
    [
        ("99%", "✓ --require-efficiency 99%: actors reached 99.3%, 99% demanded"),
        ("0.99", "✓ --require-efficiency 0.99: actors reached 99.3%, 99% demanded"),
        ("99.5%", "✗ --require-efficiency 99.5%: actors reached 99.3%, 99.5% demanded"),
        ("sharded:20%", "✓ --require-efficiency sharded:20%: sharded reached 25.1%, 20% demanded"),
        ("sharded:0.3", "✗ --require-efficiency sharded:0.3: sharded reached 25.1%, 30% demanded"),
    ],
)
def test_an_efficiency_is_demanded_as_a_percentage_or_a_share(bound: str, line: str) -> None:
    assert lines(BETTER, efficiency=bound) == [line]


def test_an_efficiency_needs_no_serial_loop() -> None:
    (line,) = lines(without("serial"), efficiency="actors:50%")
    assert line.startswith("✓ ")


def test_missed_gates_are_an_error_that_names_them_and_no_others() -> None:
    judged = analyse(GOLDEN, parse_gates(["2", "1000"], ["99%"])).gates
    with pytest.raises(GateError) as missed:
        demand(judged)
    assert missed.value.exit_code == 7
    assert missed.value.message == (
        "1 of 3 gates missed: --require-speedup 1000: actors is 2.45 times as fast, 1000 demanded"
    )
    demand(analyse(GOLDEN, parse_gates(["2"], ["99%"])).gates)
    demand(())


def sampled(*each_s: float, of: int = 40, **keys: object) -> Results:
    """Return a comparison whose serial loop, of about 8 s, is estimated from these instances."""
    kept = Sample(numbers=tuple(range(0, 4 * len(each_s), 4)), each_s=each_s) if each_s else None
    work_s = of * sum(each_s) / max(1, len(each_s)) if each_s else 8.0
    serial = {"estimated": True, "instances": 10, "sample": kept, "work_s": work_s}
    serial |= {"elapsed_s": work_s, "startup_s": 0.0, "read_s": 0.0}
    trials = [
        trial.model_copy(update=serial if trial.strategy == "serial" else keys)
        for trial in GOLDEN.trials
    ]
    workload = GOLDEN.workload.model_copy(update={"instances": of})
    return GOLDEN.with_(trials=trials, workload=workload)


def test_an_estimated_baseline_whose_interval_carries_the_bound_is_allowed_and_said() -> None:
    like = sampled(*[0.199, 0.201] * 5)
    assert lines(like, speedup="2") == [
        (
            "✓ --require-speedup 2: actors is about 2.44 times as fast, 2 demanded, the serial "
            "time being estimated: 2.43 at least (95%)"
        )
    ]
    assert lines(like, efficiency="90%")[0].startswith("✓ --require-efficiency 90%: ")


def test_no_gate_passes_on_an_estimate_that_may_be_below_the_bound() -> None:
    unlike = sampled(*[0.02, 0.03, 0.05, 0.1, 0.1, 0.1, 0.2, 0.3, 0.4, 0.7])
    (said,) = lines(unlike, speedup="2")
    assert said.startswith("✗ --require-speedup 2: actors is about 2.44 times as fast, 2 demanded")
    (said,) = lines(unlike, efficiency="90%")
    assert said.startswith("✗ --require-efficiency 90%: actors reached about 99.")


def test_no_gate_passes_on_an_estimate_of_which_nobody_knows_how_far_it_is_off() -> None:
    (said,) = lines(sampled(), speedup="2")
    assert said.startswith("✗ --require-speedup 2: ")
    assert said.endswith("the serial time being estimated: nothing tells how far it is off")


# --- not judged


@pytest.mark.parametrize(
    ("results", "bound", "reason"),
    [
        (without("serial"), "2", "serial was not run"),
        (without("actors"), "2", "another strategy than serial was not run"),
        (GOLDEN, "sharded:2", "sharded was not run"),
        (
            GOLDEN.with_(omitted={"sharded": "no memory"}),
            "sharded:2",
            "sharded was left out: no memory",
        ),
        (GOLDEN.with_(status="interrupted"), "2", "it was interrupted"),
        (GOLDEN.with_(status="failed", problem="it broke"), "2", "it failed"),
        (GOLDEN.with_(status="disagree"), "2", "it ended in a disagreement"),
        (GOLDEN.with_(status="running", trials=()), "2", "it ended before its time"),
    ],
)
def test_a_gate_that_cannot_be_judged_is_missed_with_the_reason(
    results: Results, bound: str, reason: str
) -> None:
    assert lines(results, speedup=bound) == [
        f"✗ --require-speedup {bound}: cannot be judged: {reason}"
    ]


def test_work_that_took_no_time_cannot_be_judged() -> None:
    trials = tuple(t.model_copy(update={"elapsed_s": 0.0, "work_s": 0.0}) for t in GOLDEN.trials)
    nothing = GOLDEN.with_(trials=trials)
    for found in (lines(nothing, speedup="2"), lines(nothing, efficiency="2%")):
        assert found[0].endswith("cannot be judged: no time passed")


# --- bounds that are none


@pytest.mark.parametrize("bound", ["", "x", "0", "-1", "nan", "inf", "2x", "50%", "actors:"])
def test_what_is_no_speedup_is_refused(bound: str) -> None:
    with pytest.raises(UsageError, match=r"--require-speedup .*: not a factor"):
        parse_gates([bound], [])


@pytest.mark.parametrize("bound", ["", "x", "0", "-0.1", "80", "101%", "nan", "0%", "%", "actors:"])
def test_what_is_no_efficiency_is_refused(bound: str) -> None:
    with pytest.raises(UsageError, match=r"--require-efficiency .*: not a share"):
        parse_gates([], [bound])


@pytest.mark.parametrize("bound", ["", "x", "5", "-1%", "nan%", "1001%", "inf", "serial:5%"])
def test_what_is_no_slowdown_is_refused(bound: str) -> None:
    with pytest.raises(UsageError, match=r"--fail-if-slower .*: not a share"):
        parse_slower(bound)


@pytest.mark.parametrize("bound", ["0", "0%", "0.5%", "0.99%", "0.009"])
def test_a_slowdown_that_is_never_called_one_cannot_be_held_to(bound: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_slower(bound)
    said = "a change of under 1% of elapsed is never called one"
    assert refused.value.message == f"--fail-if-slower {bound}: {said}"
    assert refused.value.hint == "It takes 1% to 1000%, such as 5%."
    assert refused.value.exit_code == 2
    least = parse_slower("1%")
    assert least is not None
    assert least.bound == 0.01


@pytest.mark.parametrize("name", ["serial", "shraded", ""])
def test_a_strategy_that_is_not_judged_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no strategy that is judged"):
        parse_gates([f"{name}:2"], [])


def test_a_strategy_that_is_not_to_be_run_is_refused() -> None:
    with pytest.raises(UsageError, match="sharded is not among") as refused:
        parse_gates(["sharded:2"], [], ("serial", "actors"))
    assert refused.value.hint == "--strategies serial,actors,sharded runs it."


# --- slower


def session(works: list[float]) -> Results:
    """Return a run of the serial loop alone, a trial for each time."""
    first = GOLDEN.trials[2]
    return GOLDEN.with_(
        trials=tuple(
            first.model_copy(update={"index": i, "work_s": work, "elapsed_s": work})
            for i, work in enumerate(works)
        )
    )


STEADY = [8.0 + i / 100 for i in range(7)]


def slower(bound: str, old: list[float], new: list[float]) -> str:
    gate = parse_slower(bound)
    assert gate is not None
    (judged,) = judge_slower(gate, compare_runs(figures_of(session(old)), figures_of(session(new))))
    return str(judged)


def test_no_slowdown_is_demanded_where_none_is_named() -> None:
    assert parse_slower(None) is None


def test_thirty_percent_slower_is_missed_where_10_percent_are_allowed() -> None:
    assert slower("10%", STEADY, [1.3 * each for each in STEADY]) == (
        "✗ --fail-if-slower 10%: serial +30.0% in elapsed, significant"
    )


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1.3, "serial +30.0% in elapsed, significant"),  # and allowed
        (1.0, "serial 0.0% in elapsed, not significant"),
        (0.5, "serial -50.0% in elapsed, significant"),
    ],
)
def test_what_is_allowed_or_faster_is_met(factor: float, said: str) -> None:
    line = slower("0.4", STEADY, [factor * each for each in STEADY])
    assert line == f"✓ --fail-if-slower 0.4: {said}"


def test_what_may_be_noise_is_met_however_large() -> None:
    noisy = [4.0, 5.0, 6.0, 10.4, 14.0, 16.0, 18.0]
    assert slower("10%", STEADY, noisy).endswith("+29.5% in elapsed, not significant")
    assert slower("10%", STEADY, noisy).startswith("✓ ")


@pytest.mark.parametrize(("new", "tick"), [(8.7, "✓"), (8.9, "✗")])
def test_single_trials_are_judged_by_the_plain_ratio_and_it_is_said(new: float, tick: str) -> None:
    line = slower("10%", [8.0], [new])
    assert line.startswith(f"{tick} --fail-if-slower 10%: serial +")
    assert line.endswith(" in elapsed, the plain ratio of 1 and 1 trials")


def test_each_strategy_has_its_line_and_one_that_new_lacks_is_missed() -> None:
    gate = parse_slower("5%")
    assert gate is not None
    judged = judge_slower(gate, compare_runs(figures_of(BETTER), figures_of(GOLDEN)))
    assert [each.met for each in judged] == [True, True, False]
    assert judged[-1].text == "--fail-if-slower 5%: cannot be judged: NEW has no trial of sharded"


def test_a_run_that_was_not_completed_cannot_be_judged() -> None:
    gate = parse_slower("5%")
    assert gate is not None
    (judged,) = judge_slower(
        gate, compare_runs(figures_of(GOLDEN), figures_of(GOLDEN.with_(status="failed")))
    )
    assert str(judged) == "✗ --fail-if-slower 5%: cannot be judged: NEW failed."


# --- as JUnit's XML


def cases(text: str) -> dict[str, str | None]:
    """Return each test case's name and what its failure says, None where it has none."""
    (suite,) = ET.fromstring(text.encode())  # noqa: S314 - what was written a line before
    found = {}
    for case in suite:
        failure = case.find("failure")
        found[str(case.get("name"))] = None if failure is None else failure.get("message")
    assert (suite.get("tests"), suite.get("errors")) == (str(len(found)), "0")
    assert suite.get("failures") == str(sum(said is not None for said in found.values()))
    return found


def test_each_gate_is_a_test_case_whose_name_no_figure_is_part_of() -> None:
    judged = analyse(GOLDEN, parse_gates(["2", "1000"], ["99%"])).gates
    assert cases(render_junit(judged)) == {
        "--require-speedup 2": None,
        "--require-speedup 1000": judged[1].text,
        "--require-efficiency 99%": None,
    }


def test_a_case_of_compare_names_the_file_and_the_strategy() -> None:
    gate = parse_slower("5%")
    assert gate
    figures = figures_of(GOLDEN)
    one, among = (
        judge_slower(gate, compare_runs(figures, figures, file=f)) for f in ("", "b.json")
    )
    lost = compare_runs(figures, figures_of(without("actors")))
    assert set(cases(render_junit(judge_slower(gate, lost)))) == {each.name for each in one}
    assert [*cases(render_junit([*one, *among]))] == [
        "--fail-if-slower 5%: serial",
        "--fail-if-slower 5%: actors",
        "--fail-if-slower 5%: b.json: serial",
        "--fail-if-slower 5%: b.json: actors",
    ]


def test_text_is_escaped_and_what_xml_forbids_is_removed() -> None:
    allowed = "<b> & \"quotes\" 'é' \U0001f600 \ufffd ]]>"
    forbidden = "".join(map(chr, (0, 7, 0x0B, 0x1F, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF)))
    judged = [Judged(met=met, text=allowed + forbidden, name=f"{met}<") for met in (True, False)]
    text = render_junit(judged)
    assert cases(text) == {"True<": None, "False<": allowed}
    assert ET.fromstring(text.encode()).findtext(".//system-out") == allowed  # noqa: S314


def test_a_gate_that_an_older_file_kept_without_a_name_goes_by_its_line() -> None:
    assert cases(render_junit([Judged(met=True, text="--require-speedup 2: yes")])) == {
        "--require-speedup 2: yes": None
    }
