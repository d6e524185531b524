"""Two runs against each other: what is called changed, what is noise, and what is refused."""
# ruff: noqa: S311 -- seeded noise, no secrets

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from job.analysis.changes import PHASES, Comparison, PhaseChange
from job.analysis.changes import compare_runs as compare_figures
from job.analysis.figures import figures_of
from job.errors import UsageError
from job.report.changes import render_comparisons, verdict
from job.report.table import WIDTH
from job.results.document import NodeShare, Results, Trial
from job.results.storage import load
from job.workload.model import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = load(Path(__file__).parents[1] / "data" / "results-v1.json")
TYPICAL = {"serial": (0.0001, 8.0, 0.0002), "actors": (1.0, 2.0, 0.01), "sharded": (0.7, 2.0, 0.01)}
NOISES: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda rng: max(0.1, rng.gauss(1, 0.05)),
    "lognormal": lambda rng: rng.lognormvariate(0, 0.3),
    "spikes": lambda rng: rng.gauss(1, 0.02) * (3 if rng.random() < 0.1 else 1),
}


def compare_runs(old: Results, new: Results, *, force: bool = False, file: str = "") -> Comparison:
    return compare_figures(figures_of(old), figures_of(new), force=force, file=file)


def trial(strategy: str, index: int, phases: tuple[float, ...], **more: Any) -> Trial:  # noqa: ANN401 - any key
    startup_s, work_s, read_s = phases
    keys: dict[str, Any] = {
        "strategy": strategy, "index": index, "warmup": False, "startup_s": startup_s,
        "work_s": work_s, "read_s": read_s, "elapsed_s": sum(phases), "cpu_s": 0.0, "calls": 8,
        "instances": 4, "actors": 0 if strategy == "serial" else 4, "at_once": 4, "cpus": 4,
        "states": ("2",) * 4, "digest": "d",
    }  # fmt: skip
    return Trial.model_validate(keys | more)


def run_of(
    rng: random.Random, trials: int, *, slowed: float = 1.0, noise: str = "normal"
) -> Results:
    """Return a session of all strategies whose work takes `slowed` times as long."""
    made = [
        trial(name, i, tuple(part * NOISES[noise](rng) for part in (s, slowed * w, r)))
        for i in range(trials)
        for name, (s, w, r) in TYPICAL.items()
    ]
    return GOLDEN.with_(trials=tuple(made))


def found(comparison: Comparison, strategy: str, phase: str) -> PhaseChange:
    (change,) = (
        each for each in comparison.changes if (each.strategy, each.phase) == (strategy, phase)
    )
    return change


def text(*comparisons: Comparison, style: str = "simple", wide: bool = False) -> str:
    new = [(each.file or "b.json", GOLDEN, each) for each in comparisons]
    return render_comparisons(("a.json", GOLDEN), new, style, wide=wide)


# --- noise and more than noise


@pytest.mark.parametrize("noise", NOISES)
def test_of_1000_pairs_of_like_runs_at_most_70_are_called_changed(noise: str) -> None:
    # In any of three strategies' elapsed, and likewise in any of their nine phases.
    rng = random.Random(20_261)
    elapsed = phases = 0
    for _ in range(1_000):
        changes = compare_runs(run_of(rng, 7, noise=noise), run_of(rng, 7, noise=noise)).changes
        claimed = {each.phase for each in changes if each.finding != "not significant"}
        elapsed += "elapsed" in claimed
        phases += bool(claimed - {"elapsed"})
    assert elapsed <= 70
    assert phases <= 70


def test_of_200_runs_slowed_by_30_percent_nearly_all_are_found() -> None:
    rng = random.Random(20_262)
    pairs = ((run_of(rng, 7), run_of(rng, 7, slowed=1.3)) for _ in range(200))
    findings = [found(compare_runs(*pair), "serial", "elapsed").finding for pair in pairs]
    assert findings.count("slower") >= 198


def test_two_runs_of_the_same_workload_differ_by_nothing_significant() -> None:
    comparison = compare_runs(run_of(random.Random(1), 7), run_of(random.Random(2), 7))
    assert {each.finding for each in comparison.changes} == {"not significant"}
    assert verdict(comparison) == "Not significant: the two runs differ by no more than noise."
    assert text(comparison).count("not significant") == 12


def test_thirty_percent_slower_work_is_found_where_it_is_and_nowhere_else() -> None:
    rng = random.Random(3)
    comparison = compare_runs(run_of(rng, 7), run_of(rng, 7, slowed=1.3))
    work = found(comparison, "actors", "work")
    assert work.finding == "slower"
    assert work.interval is not None
    assert work.interval[0] < 0.3 < work.interval[1]
    assert found(comparison, "actors", "startup").finding == "not significant"
    assert found(comparison, "serial", "elapsed").finding == "slower"
    assert verdict(comparison).startswith("In NEW serial is 3")
    assert "; actors is " in verdict(comparison)


def test_faster_is_called_faster() -> None:
    rng = random.Random(4)
    comparison = compare_runs(run_of(rng, 7, slowed=1.3), run_of(rng, 7))
    assert found(comparison, "serial", "work").finding == "faster"


def test_a_change_is_that_of_the_medians() -> None:
    old = GOLDEN.with_(trials=[trial("serial", i, (0.0, w, 0.0)) for i, w in enumerate([2, 9, 3])])
    new = GOLDEN.with_(trials=[trial("serial", i, (0.0, w, 0.0)) for i, w in enumerate([6, 1, 7])])
    change = found(compare_runs(old, new), "serial", "work")
    assert (change.old_s, change.new_s, change.relative, change.trials) == (3.0, 6.0, 1.0, (3, 3))


def test_a_phase_that_changed_alone_is_told_apart_from_elapsed() -> None:
    old, new = (
        GOLDEN.with_(
            trials=[trial("actors", i, (s + i / 100, 8 + i * i / 9, 0.0)) for i in range(9)]
        )
        for s in (1.0, 1.3)
    )
    assert verdict(compare_runs(old, new)) == (
        "In NEW actors takes as long as before, not significantly more or less, but startup 28.8% "
        "slower."
    )


def test_too_few_trials_claim_nothing_and_say_so() -> None:
    rng = random.Random(5)
    comparison = compare_runs(run_of(rng, 4), run_of(rng, 4, slowed=9.0))
    change = found(comparison, "serial", "elapsed")
    assert (change.finding, change.enough, change.interval) == ("not significant", False, None)
    assert comparison.least == 6
    assert "too few to tell. 6 of each strategy in either run could" in verdict(comparison)
    assert "not significant, too few trials" in text(comparison)


def test_a_change_of_less_than_1_percent_of_elapsed_is_never_significant() -> None:
    # Sleeping varies by next to nothing within a session, and by more from one to the next.
    old = GOLDEN.with_(
        trials=[trial("serial", i, (0.0, 8 + i / 1e4, 0.001 + i / 1e6)) for i in range(9)]
    )
    new = GOLDEN.with_(
        trials=[trial("serial", i, (0.0, 8.05 + i / 1e4, 0.002 + i / 1e6)) for i in range(9)]
    )
    comparison = compare_runs(old, new)
    assert found(comparison, "serial", "read").interval is not None
    assert {each.finding for each in comparison.changes} == {"not significant"}


def test_a_saved_file_of_version_1_is_compared_with_itself() -> None:
    comparison = compare_runs(GOLDEN, GOLDEN)
    assert [(each.strategy, each.phase) for each in comparison.changes] == [
        (name, phase) for name in ("serial", "actors") for phase in PHASES
    ]
    assert {each.relative for each in comparison.changes} == {0.0}
    assert (comparison.differs, comparison.notes, comparison.missing) == ((), (), ())


# --- what cannot be compared


def cored(factor: float) -> Results:
    share = NodeShare(node_id="a", address="10.0.0.5", host="a", actors=4, core_s=factor * 0.01)
    return GOLDEN.with_(trials=[trial("actors", 0, (1.0, 2.0, 0.1), placement=(share,))])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"workload": {"target": "m:Other"}}, "Counter(delay=1.0) and m:Other"),
        ({"workload": {"target": "job.targets.counter:Counter(delay=2.0)"}}, "target job."),
        ({"workload": {"instances": 5}}, "instances 4 and 5"),
        ({"workload": {"calls": ("increment() * 3",)}}, "calls increment() * 2 and increment() "),
        ({"workload": {"read": None}}, "read read and the whole object"),
        ({"workload": {"returns": "bring"}}, "--returns drop and bring"),
        ({"cluster": {"ray_version": "2.61.0"}}, "Ray 2.60.0 and 2.61.0"),
        ({"cluster": {"nodes": GOLDEN.cluster.nodes[:1]}}, "nodes 2 and 1; CPUs 6 and 4"),
        ({"environment": {"python_version": "3.13.2"}}, "Python 3.11 and 3.13"),
    ],
)
def test_other_workloads_and_clusters_are_refused_by_name(
    changed: dict[str, dict[str, object]], says: str
) -> None:
    new = GOLDEN.with_(
        **{key: getattr(GOLDEN, key).model_copy(update=parts) for key, parts in changed.items()}
    )
    with pytest.raises(UsageError) as refused:
        compare_runs(GOLDEN, new)
    assert says in refused.value.message
    assert "--force" in refused.value.hint
    forced = compare_runs(GOLDEN, new, force=True)
    assert says in "; ".join(forced.differs)
    assert "\nDiffers   " in text(forced)


@pytest.mark.parametrize(
    ("knob", "says"),
    [
        ("shards", "--shards auto and 3"),
        ("calls_per_batch", "--calls-per-batch auto and 3"),
        ("threads_per_shard", "--threads-per-shard auto and 3"),
        ("cpus_per_actor", "--cpus-per-actor auto and 3"),
        ("actor_options", "--actor-options none and 3"),
        ("serial_on", "--serial-on driver and 3"),
    ],
)
def test_other_knobs_are_refused_by_name(knob: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        compare_runs(GOLDEN, GOLDEN.with_(plan=GOLDEN.plan | {knob: 3}))


def test_a_plan_of_before_says_what_one_without_options_does() -> None:
    assert "serial_on" not in GOLDEN.plan
    plan = Plan().model_dump(mode="json")
    assert compare_runs(GOLDEN, GOLDEN.with_(plan=plan)).differs == ()


def test_more_trials_warm_ups_and_time_are_no_other_workload() -> None:
    plan = GOLDEN.plan | {"trials": 9, "warmups": 3, "budget_s": 5.0, "timeout_s": 9.0}
    assert compare_runs(GOLDEN, GOLDEN.with_(plan=plan)).differs == ()


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.09, ""), (0.92, ""), (1.2, "1.2 times slower"), (0.77, "1.3 times faster")],
)
def test_a_core_of_another_speed_is_noted(factor: float, said: str) -> None:
    workers = compare_runs(cored(1), cored(factor))
    driver = [
        GOLDEN.with_(environment=GOLDEN.environment.model_copy(update={"core_s": core_s}))
        for core_s in (0.01, 0.01 * factor)
    ]
    own = compare_runs(driver[0], driver[1])
    for whose, found in (("the driver's", own), ("the median node's", workers)):
        notes = [f"{whose} core was {said} in NEW: what computes may differ by as much."]
        assert list(found.notes) == (notes if said else [])


def test_a_node_is_as_fast_as_at_its_least_disturbed() -> None:
    busy = [*cored(1.4).trials, *cored(1).trials, *cored(1.5).trials]
    assert compare_runs(cored(1), cored(1).with_(trials=busy)).notes == ()


def test_runs_without_a_strategy_in_common_are_refused() -> None:
    serial, actors = (
        GOLDEN.with_(trials=[t for t in GOLDEN.trials if t.strategy == name])
        for name in ("serial", "actors")
    )
    with pytest.raises(UsageError, match=r"no strategy in common .*OLD has serial, NEW has actors"):
        compare_runs(serial, actors, force=True)


# --- what is noted


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ((), ("pip", "working_dir"), "none in OLD, pip and working_dir in NEW"),
        (("uv run",), (), "uv run in OLD, none in NEW"),
        (("pip",), ("conda",), "pip in OLD, conda in NEW"),
        (("pip",), ("pip",), ""),
        (None, ("pip",), ""),  # of an older version, which did not keep it
    ],
)
def test_a_runtime_environment_that_only_one_run_had_is_noted(
    old: tuple[str, ...] | None, new: tuple[str, ...], said: str
) -> None:
    runs = [
        GOLDEN.with_(environment=GOLDEN.environment.model_copy(update={"runtime_env": kinds}))
        for kinds in (old, new)
    ]
    note = f"The runtime environment was {said}: startup has it in it."
    assert compare_runs(*runs).notes == ((note,) if said else ())


def test_a_strategy_that_only_one_run_has_is_noted() -> None:
    serial = GOLDEN.with_(trials=[t for t in GOLDEN.trials if t.strategy == "serial"])
    comparison = compare_runs(GOLDEN, serial)
    assert comparison.missing == ("actors",)
    assert comparison.notes == ("actors: only OLD has trials of it.",)
    assert compare_runs(serial, GOLDEN).missing == ()


def test_knobs_that_auto_turned_otherwise_are_noted() -> None:
    old = GOLDEN.with_(trials=[trial("sharded", 0, (1, 2, 0), settings={"threads_per_shard": 3})])
    new = GOLDEN.with_(trials=[trial("sharded", 0, (1, 2, 0), settings={"threads_per_shard": 8})])
    assert compare_runs(old, new).notes == ("sharded: threads per shard: 3 in OLD, 8 in NEW.",)


def test_other_states_are_noted_where_they_should_be_equal() -> None:
    old = GOLDEN.with_(trials=[trial("serial", 0, (0, 2, 0))])
    new = GOLDEN.with_(trials=[trial("serial", 0, (0, 2, 0), digest="e")])
    (note,) = compare_runs(old, new).notes
    assert note.startswith("serial: it ended in other states")
    one, another, dropped = (
        GOLDEN.with_(trials=[trial("serial", 0, (0, 2, 0), returned=digest)])
        for digest in ("d", "e", "")
    )
    (note,) = compare_runs(one, another).notes
    assert note.startswith("serial: its calls returned other values")
    assert compare_runs(one, dropped).notes == ()
    loose = [
        each.with_(workload=each.workload.model_copy(update={"agree": {"none": "random"}}))
        for each in (old, new)
    ]
    assert compare_runs(loose[0], loose[1]).notes == ()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("running", "NEW ended before its time."),
        ("interrupted", "NEW was interrupted."),
        ("failed", "NEW failed."),
        ("disagree", "NEW ended in a disagreement."),
    ],
)
def test_a_run_that_was_not_completed_is_noted(status: str, says: str) -> None:
    comparison = compare_runs(GOLDEN, GOLDEN.with_(status=status))
    assert comparison.unfinished == says
    assert says in text(comparison)


# --- as text


@pytest.mark.parametrize("style", ["simple", "github", "plain", "rounded_outline"])
@pytest.mark.parametrize("trials", [1, 7])
def test_a_comparison_fits_into_100_columns(style: str, trials: int) -> None:
    rng = random.Random(6)
    comparison = compare_runs(run_of(rng, trials), run_of(rng, trials, slowed=40.0))
    assert max(map(len, text(comparison, style=style).splitlines())) <= WIDTH


def test_a_wide_comparison_adds_the_trials() -> None:
    narrow, wide = (text(compare_runs(GOLDEN, GOLDEN), wide=wide) for wide in (False, True))
    assert "old trials" not in narrow
    assert "old trials" in wide


def test_an_estimate_is_marked() -> None:
    sample = GOLDEN.with_(trials=[trial("serial", 0, (0, 2, 0), estimated=True)])
    assert "~2.00" in text(compare_runs(sample, sample))


# --- several runs, each compared with the first


def compare_several(
    rng: random.Random, *trials: int, slowed: float = 1.3
) -> tuple[Comparison, ...]:
    """Compare a run with others, of which the last is slower."""
    base, names = run_of(rng, trials[0]), "bcdefgh"
    news = [run_of(rng, each) for each in trials[1:-1]]
    news.append(run_of(rng, trials[-1], slowed=slowed))
    return tuple(
        compare_runs(base, new, file=f"{name}.json") for name, new in zip(names, news, strict=False)
    )


def test_several_runs_stand_in_one_table_by_their_elapsed_and_with_a_verdict_each() -> None:
    comparisons = compare_several(random.Random(7), 7, 7, 7)
    shown = text(*comparisons)
    rows = re.findall(r"^(serial|actors|sharded) +(\w\.json) .* (\S+)$", shown, re.MULTILINE)
    assert [row[:2] for row in rows] == [
        (name, file) for name in TYPICAL for file in ("b.json", "c.json")
    ]
    assert [found for _, file, found in rows if file == "c.json"] == ["slower"] * 3
    assert "phase" not in shown
    assert "Verdict   b.json: Not significant: " in shown
    assert "\nVerdict   c.json: In NEW serial is " in shown


def test_of_several_runs_all_phases_are_shown_where_all_is() -> None:
    comparisons = compare_several(random.Random(8), 7, 7, 7)
    shown = text(*comparisons, wide=True)
    assert "old trials" in shown
    for phase in PHASES:
        assert len(re.findall(rf"^\w+ +\w\.json +{phase} ", shown, re.MULTILINE)) == 6


def test_each_of_several_says_what_it_alone_would() -> None:
    rng = random.Random(9)
    base, new = run_of(rng, 7), run_of(rng, 7, slowed=1.3)
    alone, among = compare_runs(base, new), compare_runs(base, new, file="c.json")
    assert among.changes == alone.changes
    assert verdict(among) == verdict(alone)


def test_what_differs_of_several_is_told_with_the_file() -> None:
    other = GOLDEN.workload.model_copy(update={"target": "m:Other"})
    new = GOLDEN.with_(workload=other, status="failed")
    with pytest.raises(UsageError, match=r"OLD and NEW \(b\.json\) cannot be compared"):
        compare_runs(GOLDEN, new, file="b.json")
    shown = text(*(compare_runs(GOLDEN, new, force=True, file=f"{name}.json") for name in "bc"))
    for name in "bc":
        assert f"\nDiffers   {name}.json: target job.targets.counter:" in shown
        assert f"\nNote      {name}.json: NEW failed.\n" in shown


@pytest.mark.parametrize("style", ["simple", "github", "plain", "rounded_outline"])
@pytest.mark.parametrize("trials", [(1, 1, 1), (7, 7, 1, 7)])
def test_several_comparisons_fit_into_100_columns(style: str, trials: tuple[int, ...]) -> None:
    comparisons = compare_several(random.Random(10), *trials, slowed=40.0)
    assert max(map(len, text(*comparisons, style=style).splitlines())) <= WIDTH
