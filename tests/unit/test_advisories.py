"""Advisories: each is shown to fire, and to stay silent where things are nearly the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from job.analysis import advisories
from job.analysis.advisories import CHECKS, advise
from job.analysis.figures import figures_of
from job.cli import commands
from job.results.document import NodeShare, Results, Trial, Tried
from job.results.storage import load
from job.workload.model import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

GOLDEN = load(Path(__file__).parents[1] / "data" / "results-v1.json")
PLAN = Plan().model_dump(mode="json")
BRINGING = GOLDEN.workload.model_copy(update={"returns": "bring"})
PREDICTING = GOLDEN.workload.model_copy(update={"calls": ("predict(1) * 50", "close()")})
NAMES = [check.__name__.removeprefix("_") for check in CHECKS]
OPTIONS = {name for option in commands.commands["run"].params for name in option.opts}


def trial(strategy: str = "actors", elapsed_s: float = 2.0, **more: Any) -> Trial:  # noqa: ANN401 - any key
    """Return a trial of 100 calls that compute for as long as they take."""
    on_ray = strategy != "serial"
    settings = {"cpus_per_actor": 1.0, "threads_per_shard": 1, "calls_per_batch": 1}
    keys: dict[str, Any] = {
        "strategy": strategy, "index": 0, "warmup": False, "startup_s": 0.0,
        "work_s": elapsed_s, "read_s": 0.0, "elapsed_s": elapsed_s, "cpu_s": elapsed_s,
        "calls": 100, "instances": 4, "actors": 4 * on_ray, "at_once": 4 if on_ray else 1,
        "cpus": 4 if on_ray else 1, "switches": 0, "driver_cpu_s": 0.1, "states": ("2",) * 4,
        "digest": "d", "settings": settings if on_ray else {},
    }  # fmt: skip
    return Trial.model_validate(keys | more)


def share(core_s: float | None, busy_s: float = 2.0) -> NodeShare:
    return NodeShare(
        node_id="a1", address="10.0.0.5", host="a", actors=4, busy_s=busy_s, core_s=core_s
    )


def times(strategy: str, *elapsed_s: float) -> list[Trial]:
    return [trial(strategy, seconds) for seconds in elapsed_s]


def document(trials: Sequence[Trial], plan: dict[str, Any], **changes: Any) -> Results:  # noqa: ANN401 - any key
    """Return results in which nothing is doubtful but what is changed."""
    environment = GOLDEN.environment.model_copy(update=changes.pop("environment", {}))
    sizes = changes.pop("cpus", (4.0, 4.0))
    free = changes.pop("cpus_free", sizes)
    head = changes.pop("head", "")
    node = GOLDEN.cluster.nodes[0]
    nodes = tuple(
        node.model_copy(
            update={
                "node_id": f"{letter}1",
                "cpus": cpus,
                "cpus_free": left,
                "head": letter == head,
            }
        )
        for letter, cpus, left in zip("ab", sizes, free, strict=False)
    )
    of_cluster = {"nodes": nodes, "open": changes.pop("open", False)}
    cluster = GOLDEN.cluster.model_copy(update=of_cluster)
    return GOLDEN.with_(
        trials=tuple(trials), plan=PLAN | plan, environment=environment, cluster=cluster,
        advisories=(), **changes,
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Results that fire one advisory, and nearly equal ones that do not.

    Attributes:
        fires: The trials, or nothing for a serial loop and actors of six trials each.
        silent: Likewise.
        said: What the sentence has to hold.
        changed: What else differs from sound results where it fires.
        unchanged: What else differs from sound results where it stays silent.
        plan: The plan of both, as far as it matters.
    """

    said: str
    fires: Sequence[Trial] = ()
    silent: Sequence[Trial] = ()
    changed: dict[str, Any] = field(default_factory=dict)
    unchanged: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)


SIX = (2.0, 2.01, 1.99, 2.02, 1.98, 2.0)
SOUND = [*times("serial", *SIX), *times("actors", *SIX)]
THREADS = {"cpus_per_actor": 1.0, "threads_per_shard": 2}
SLEEPY = {"cpu_s": 0.19, "switches": 100}  # of 2 s: more than ten times as long as it computes


def driven(strategy: str, driver_cpu_s: float, **more: Any) -> list[Trial]:  # noqa: ANN401 - any key
    """Return six trials of little computing on the workers."""
    keys = {"driver_cpu_s": driver_cpu_s, "cpu_s": 0.4} | more
    return [trial(strategy, seconds, **keys) for seconds in SIX]


def serial_is(**more: Any) -> list[Trial]:  # noqa: ANN401 - any key
    """Return sound trials with another serial loop."""
    return [*(trial("serial", seconds, **more) for seconds in SIX), *times("actors", *SIX)]


def threaded(number: int, **more: Any) -> list[Trial]:  # noqa: ANN401 - any key
    """Return the serial loop as it is told, and shards of so many threads."""
    settings = {"cpus_per_actor": 1.0, "threads_per_shard": number}
    sharded = [trial("sharded", seconds, settings=settings) for seconds in SIX]
    return [*(trial("serial", seconds, **more) for seconds in SIX), *sharded]


def placed(core_s: float) -> list[Trial]:
    return [trial("actors", seconds, placement=(share(core_s),)) for seconds in SIX]


def on_cpus(cpus_per_actor: float) -> list[Trial]:
    settings = {"cpus_per_actor": cpus_per_actor}
    return [trial("actors", seconds, settings=settings) for seconds in SIX]


CASES: dict[str, list[Case]] = {
    "unchanged": [
        Case(
            "The calls change nothing that is read: states that agree say nothing of them. Name "
            "with --read what they change.",
            changed={"tried": Tried(unchanged=True, returned_bytes=(0,))},
            unchanged={"tried": Tried()},
        ),
        Case(
            "or compare what they return: --returns bring.",
            changed={"tried": Tried(unchanged=True, returned_bytes=(5,))},
            unchanged={"tried": Tried(returned_bytes=(5,))},
        ),
        Case(
            "what they returned, which was compared, is all that tells of them.",
            changed={"tried": Tried(unchanged=True, returned_bytes=(5,)), "workload": BRINGING},
            unchanged={"tried": Tried(returned_bytes=(5,)), "workload": BRINGING},
        ),
    ],
    "returns_dropped": [
        Case(
            "predict(1) * 50 returns 4.19 MB a call. What the calls return, in all 839 MB, stays",
            changed={"tried": Tried(returned_bytes=(4_194_304, 10)), "workload": PREDICTING},
            unchanged={"tried": Tried(returned_bytes=(1_000, 10)), "workload": PREDICTING},
        ),
    ],
    "shared": [
        Case(
            "Instances share Bank.rates and bank.total, and calls change it",
            changed={"tried": Tried(shared=("Bank.rates", "bank.total"))},
            unchanged={"tried": Tried()},
        ),
    ],
    "by_value": [
        Case(
            "The target travelled by value",
            changed={"environment": {"travel": "by value"}},
            unchanged={"environment": {"travel": "as py_modules"}},
        ),
    ],
    "omitted": [
        Case(
            "actors was left out, not started: 9,000 actors do not fit. ",
            changed={"omitted": {"actors": "9,000 actors do not fit"}},
        ),
    ],
    "serial_estimated": [
        Case(
            "estimated from 3 of 4 instances, and only their states were checked",
            fires=serial_is(estimated=True, instances=3),
            silent=serial_is(estimated=False),
        ),
    ],
    "others_on_cluster": [
        Case(
            "Other actors or jobs held 0.5 of the cluster's 8 CPUs",
            changed={"cpus_free": (4.0, 3.5)},
            unchanged={"cpus_free": (4.0, 3.9999)},
        ),
    ],
    "machine_loaded": [
        Case(
            "The driver's machine was 26% busy",
            changed={"environment": {"busy_share": 0.26}},
            unchanged={"environment": {"busy_share": 0.25}},
        ),
    ],
    "avoidable": [
        Case(
            "actors: the driver limits it, busy with sending for 75% of the work",
            fires=driven("actors", 1.5),
            silent=driven("actors", 1.38),
        ),
        Case(
            "sharded: the driver limits it, busy with sending for 75% of the work",
            fires=driven("sharded", 1.5),
            # As busy, but so are the workers.
            silent=driven("sharded", 1.5, cpu_s=4 * 1.5),
        ),
        Case(
            "actors: the driver limits it",
            fires=driven("actors", 1.9),
            silent=driven("actors", 1.9, actors=0),  # a strategy without actors sends nothing
        ),
        Case(
            "actors: the driver limits it",
            fires=driven("actors", 1.9),
            silent=[trial("actors", 2.0, driver_cpu_s=None)],  # an old document
        ),
        Case(
            "sharded: the calls compute, so the 2 threads of a shard take turns",
            fires=threaded(2),
            silent=threaded(1),
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the calls compute",
            fires=threaded(2, cpu_s=1.4, switches=100),
            silent=threaded(2, cpu_s=1.3, switches=100),  # they wait half as long again
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the calls compute",
            fires=[trial("sharded", settings=THREADS, placement=(share(None, busy_s=2.0),))],
            # Without the serial loop what the shards took tells: 8 s of calls, 2 s of computing.
            silent=[
                trial(
                    "sharded", settings=THREADS, switches=100, placement=(share(None, busy_s=8.0),)
                )
            ],
            plan={"threads_per_shard": 2},
        ),
    ],
    "many_threads": [
        Case(
            "sharded: each shard has 1,000 threads, the most there may be",
            fires=threaded(1_000, **SLEEPY),
            silent=threaded(999, **SLEEPY),
        ),
    ],
    "unlike_nodes": [
        Case(
            "The nodes are unlike: they have 2, 4 CPUs",
            changed={"cpus": (4.0, 2.0)},
            unchanged={"cpus": (4.0, 0.0)},  # a head that takes no actors
        ),
    ],
    "unlike_cores": [
        Case(
            "A worker's core was 1.3 times slower than the driver's",
            fires=placed(0.0026),
            silent=placed(0.0025),
            changed={"environment": {"core_s": 0.002}},
            unchanged={"environment": {"core_s": 0.002}},
        ),
        Case(
            "A worker's core was 1.3 times faster than the driver's",
            fires=placed(0.002),
            silent=placed(0.00209),
            changed={"environment": {"core_s": 0.0026}},
            unchanged={"environment": {"core_s": 0.0026}},
        ),
        Case(
            "times slower",
            fires=placed(0.9),
            silent=placed(0.9),
            changed={"environment": {"core_s": 0.002}},
            unchanged={"environment": {"core_s": None}},  # an old document
        ),
    ],
    "actors_on_head": [
        Case(
            "hosted actors, which compete there with the driver",
            fires=placed(0.002),
            silent=placed(0.002),
            changed={"head": "a"},
            unchanged={"head": "b"},
        ),
        Case(
            "The head",
            fires=placed(0.002),
            silent=placed(0.002),
            changed={"head": "a"},
            unchanged={"head": "a", "cpus": (4.0,)},  # there is no other node
        ),
    ],
    "open_cluster": [
        Case(
            "The cluster is open: it demands no token",
            changed={"open": True},
            unchanged={"open": None},  # an embedded Ray, or an old document
        ),
        Case("The cluster is open", changed={"open": True}, unchanged={"open": False}),
    ],
    "blas_threads": [
        Case(
            "numpy may use 2 threads in the serial loop and 1 in an actor",
            fires=on_cpus(1.0),
            silent=on_cpus(2.0),
            changed={"environment": {"blas_threads": 2}},
            unchanged={"environment": {"blas_threads": 2}},
        ),
        Case(
            "numpy may use 2 threads in the serial loop and 1 in an actor",
            fires=on_cpus(0.25),
            silent=on_cpus(0.25),
            changed={"environment": {"blas_threads": 2}},
            unchanged={"environment": {"blas_threads": 1}},
        ),
    ],
    "wide_spread": [
        Case(
            "actors: the trials spread by 15% around their median",
            # Of 2 s, with a median deviation of 0.2 s, which is 0.3 s of a normal distribution.
            fires=times("actors", 1.8, 2.2, 2.0, 2.2, 1.8, 2.0, 1.8),
            silent=times("actors", 1.9, 2.1, 2.0, 2.1, 1.9, 2.0, 1.9),
        ),
        Case(
            "actors: the trials spread",
            fires=times("actors", 1.5, 2.5, 2.0, 2.5, 1.5),
            silent=times("actors", 1.5, 2.5, 2.0, 2.5),  # too few to tell
        ),
    ],
    "slow_first": [
        Case(
            "actors: its first trial took 1.3 times as long as the others",
            fires=times("actors", 2.6, 2.0, 2.0),
            silent=times("actors", 2.5, 2.0, 2.0),
        ),
        Case(
            "actors: its first trial",
            fires=times("actors", 9.0, 2.0, 2.0),
            silent=times("actors", 2.0, 9.0, 2.0),  # slow, and not the first
        ),
        Case(
            "actors: its first trial",
            fires=times("actors", 9.0, 2.0, 2.0),
            silent=times("actors", 9.0, 2.0),  # nobody can tell which is odd
        ),
    ],
    "outliers": [
        Case(
            "actors: trial 3 of 6 lies far from the others",
            fires=times("actors", 2.0, 2.01, 2.3, 1.99, 2.02, 1.98),
            silent=times("actors", 2.0, 2.01, 2.05, 1.99, 2.02, 1.98),
        ),
        Case(
            "actors: trial 2, 5 of 8 lies far from the others",
            fires=times("actors", 2.0, 3.0, 2.01, 1.99, 4.0, 2.0, 2.02, 1.98),
            silent=times("actors", *SIX),
        ),
    ],
    "waiting": [
        Case(
            "the figures show scheduling, not CPU capacity",
            fires=serial_is(**SLEEPY),
            silent=serial_is(**SLEEPY | {"cpu_s": 0.21}),
        ),
        Case(
            "the figures show scheduling",
            fires=serial_is(**SLEEPY),
            silent=serial_is(**SLEEPY | {"switches": 0}),  # the machine kept them waiting
        ),
    ],
    "few_trials": [
        Case(
            "5 trials of each strategy carry no confidence interval",
            fires=times("actors", *SIX[:5]),
            silent=times("actors", *SIX),
        ),
        Case(
            "1 trial of each strategy",
            fires=[*times("serial", *SIX), *times("actors", 2.0)],
            silent=SOUND,
        ),
    ],
}
ALL = [
    pytest.param(name, case, id=f"{name} {number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases, 1)
]


def of_check(name: str, results: Results) -> tuple[str, ...]:
    """Return what one check alone says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(advisories, "CHECKS", (CHECKS[NAMES.index(name)],))
        return advise(figures_of(results))


def test_every_advisory_is_shown_here_and_no_other() -> None:
    assert sorted(CASES) == sorted(NAMES)
    assert all(CASES.values())


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_advisory_fires(name: str, case: Case) -> None:
    (said,) = of_check(name, document(case.fires or SOUND, case.plan, **case.changed))
    assert case.said in said


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_advisory_stays_silent_where_things_are_nearly_the_same(name: str, case: Case) -> None:
    assert of_check(name, document(case.silent or SOUND, case.plan, **case.unchanged)) == ()


def test_sound_results_carry_no_advisory() -> None:
    assert advise(figures_of(document(SOUND, {}))) == ()


def test_before_the_first_trial_there_is_nothing_to_doubt() -> None:
    doubtful = document([], {}, environment={"busy_share": 0.9}, cpus_free=(0.0, 0.0))
    assert advise(figures_of(doubtful)) == ()


def test_warmups_are_not_judged() -> None:
    warmup = trial("actors", 50.0, warmup=True)
    assert advise(figures_of(document([warmup, *SOUND], {"warmups": 1}))) == ()
    assert advise(figures_of(document([warmup], {"warmups": 1}, cpus_free=(0.0, 0.0)))) == ()


def test_several_advisories_stand_in_one_order() -> None:
    bad = document(
        [trial("serial", 2.0, **SLEEPY), *times("actors", 9.0, 2.0, 2.0)],
        {},
        cpus=(4.0, 2.0),
        environment={"busy_share": 0.9},
    )
    said = advise(figures_of(bad))
    assert [text.split()[0] for text in said] == ["The", "The", "actors:", "The", "1"]
    assert said == tuple(text for name in NAMES for text in of_check(name, bad))


# --- the advice


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_advisory_is_whole_sentences_without_a_line_break(name: str, case: Case) -> None:
    (said,) = of_check(name, document(case.fires or SOUND, case.plan, **case.changed))
    assert re.fullmatch(r"[^\n]+\. [^\n]+\.", said), said
    assert "  " not in said


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_advisory_names_only_options_that_there_are(name: str, case: Case) -> None:
    (said,) = of_check(name, document(case.fires or SOUND, case.plan, **case.changed))
    assert set(re.findall(r"--[a-z-]+", said)) <= OPTIONS


def test_to_actors_it_is_advised_to_shard_and_to_shards_to_send_larger_batches() -> None:
    (of_actors,) = of_check(
        "avoidable", document(driven("actors", 1.5), {"strategies": ["actors"]})
    )
    (of_sharded,) = of_check("avoidable", document(driven("sharded", 1.5), {}))
    assert "--strategies serial,sharded" in of_actors
    assert "--calls-per-batch" not in of_actors
    assert "--calls-per-batch" in of_sharded
    assert "--strategies" not in of_sharded


def test_a_driver_that_sends_no_calls_is_not_the_bottleneck_of_them() -> None:
    nothing = [each.model_copy(update={"calls": 0}) for each in driven("actors", 1.5)]
    assert of_check("avoidable", document(nothing, {})) == ()


def test_to_be_submitted_as_a_job_is_advised_where_actors_ran_elsewhere() -> None:
    beside, apart = (
        of_check(
            "unlike_cores",
            document(placed(0.0026), {}, environment={"core_s": 0.002, "driver_address": address}),
        )[0]
        for address in ("10.0.0.5", "10.0.0.6")
    )
    assert beside.endswith(
        "It is the same machine, so something else ran: compare again when it is idle."
    )
    assert apart.endswith(
        "Submit the comparison as a job, so that the driver runs on such a node too."
    )


def test_warmups_are_not_advised_where_there_were_some() -> None:
    slow = times("actors", 9.0, 2.0, 2.0)
    assert "--warmups 1" in of_check("slow_first", document(slow, {"warmups": 0}))[0]
    assert of_check("slow_first", document(slow, {"warmups": 1})) == ()


def test_more_trials_are_not_advised_where_their_number_was_left_open() -> None:
    few = times("actors", 2.0)
    assert "--trials auto" in of_check("few_trials", document(few, {"trials": 1}))[0]
    assert of_check("few_trials", document(few, {"trials": "auto"})) == ()


def test_the_number_of_trials_that_is_advised_is_enough() -> None:
    (said,) = of_check("few_trials", document(times("actors", 2.0), {}))
    (number,) = re.findall(r"--trials (\d+)", said)
    enough = [*times("serial", *[2.0] * int(number)), *times("actors", *[2.0] * int(number))]
    assert of_check("few_trials", document(enough, {"trials": int(number)})) == ()


def test_automatic_threads_are_not_advised_where_they_were_automatic() -> None:
    chosen = document(threaded(2), {"threads_per_shard": 2})
    assert "to auto" in of_check("avoidable", chosen)[0]
    automatic = document(threaded(2), {"threads_per_shard": "auto"})
    assert not any("to auto" in said for said in of_check("avoidable", automatic))


def test_sharding_is_not_advised_where_it_is_compared_already() -> None:
    both = [*driven("actors", 1.5), *times("sharded", *SIX)]
    (said,) = of_check("avoidable", document(both, {}))
    assert "actors: the driver limits it" in said
    assert "--strategies" not in said
