"""Deaths in sentences: how many, of what, what was made again, and the price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from job.analysis.report import analyse
from job.results.document import Loss, Results, Trial
from job.results.storage import load

SEED = load(Path(__file__).parents[1] / "data" / "results-v1.json")
ACTORS = SEED.trials[-1]


def death(cause: str = "its process ended unexpectedly", **more: Any) -> Loss:  # noqa: ANN401
    told = {"actor": 0, "incarnation": 1, "address": "10.0.0.7", "since_s": 0.5, "resumed_s": 1.5}
    return Loss.model_validate(told | {"cause": cause, "replayed_calls": 3} | more)


def marred(*deaths: Loss, elapsed_s: float = 6.0) -> Trial:
    again = sum(each.replayed_calls for each in deaths)
    return ACTORS.model_copy(
        update={
            "deaths": deaths, "losses": len(deaths), "replayed_calls": again,
            "elapsed_s": elapsed_s,
        }
    )  # fmt: skip


def with_trials(*trials: Trial) -> Results:
    return SEED.with_(trials=(SEED.trials[0], *trials))


def sentences(results: Results) -> tuple[str, ...]:
    return analyse(results).losses


def test_without_deaths_nothing_is_said() -> None:
    assert sentences(SEED) == ()


def test_deaths_are_told_with_their_causes_and_what_they_cost() -> None:
    all_three = marred(death(), death(resumed_s=2.5), death("killed by --chaos"))
    (told,) = sentences(with_trials(all_three))
    assert told == (
        "actors: 3 actors died (its process ended unexpectedly on 10.0.0.7, 2 times; killed by "
        "--chaos on 10.0.0.7); 9 calls that had been answered were made again; work went on after "
        "a median of 1.50 s, at most 2.50 s; all of its times hold their price."
    )


def test_deaths_that_were_noticed_late_are_told_as_such() -> None:
    (told,) = sentences(with_trials(marred(death(), death(unheard_s=9.4))))
    assert "a median of 1.50 s, at most 1.50 s, noticed at most 9.40 s late" in told


def test_trials_on_fewer_cpus_than_the_first_do_not_count() -> None:
    fewer = ACTORS.model_copy(update={"cpus": ACTORS.cpus / 2, "elapsed_s": 99.0})
    results = with_trials(ACTORS, marred(death()), fewer)
    assert results.analysed()["actors"] == [ACTORS]
    assert "1 trial on fewer CPUs than the first did not count" in sentences(results)[0]


def test_trials_with_deaths_are_not_mixed_with_those_without() -> None:
    results = with_trials(ACTORS, marred(death(), elapsed_s=60.0), ACTORS)
    assert [trial.losses for trial in results.analysed()["actors"]] == [0, 0]
    report = analyse(results)
    row = next(row for row in report.rows if row.strategy == "actors")
    assert (row.trials, row.losses, row.replayed_calls) == (2, 1, 3)
    assert row.elapsed_s == ACTORS.elapsed_s
    assert "1 trial with deaths took 60.0 s, the others 3.28 s, which alone" in report.losses[0]


def test_where_no_trial_was_without_deaths_they_count() -> None:
    results = with_trials(marred(death()))
    assert [trial.losses for trial in results.analysed()["actors"]] == [1]


def test_a_death_before_anything_was_known_is_told_too() -> None:
    (told,) = sentences(with_trials(marred(death(address="", resumed_s=None))))
    assert "1 actor died (its process ended unexpectedly); 3 calls" in told
    assert "work went on" not in told


def test_one_call_is_told_as_one() -> None:
    alone = SEED.with_(trials=(*SEED.trials[:-1], marred(death(replayed_calls=1))))
    assert "; 1 call that had been answered was made again; " in sentences(alone)[0]


def test_where_no_call_was_made_again_none_is_told() -> None:
    alone = SEED.with_(trials=(*SEED.trials[:-1], marred(death(replayed_calls=0))))
    assert "again" not in sentences(alone)[0]


def test_deaths_that_were_asked_for_are_told_with_what_was_asked() -> None:
    results = with_trials(marred(death())).with_(plan=SEED.plan | {"chaos": "kill=1,seed=7"})
    assert sentences(results)[-1] == "--chaos kill=1,seed=7 brought deaths about."
