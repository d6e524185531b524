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
from job.report.table import labelled
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
SLEEPY: dict[str, Any] = {
    "cpu_s": 0.19,
    "switches": 100,
}  # of 2 s: more than ten times as long as it computes


def driven(strategy: str, driver_cpu_s: float, **more: Any) -> list[Trial]:  # noqa: ANN401 - any key
    """Return six trials of little computing on the workers."""
    keys = {"driver_cpu_s": driver_cpu_s, "cpu_s": 0.4} | more
    return [trial(strategy, seconds, **keys) for seconds in SIX]


def serial_is(**more: Any) -> list[Trial]:  # noqa: ANN401 - any key
    """Return sound trials with another serial loop."""
    return [*(trial("serial", seconds, **more) for seconds in SIX), *times("actors", *SIX)]


def threaded(
    number: int,
    rate: float = 1.0,
    turns: int = 50,
    **more: Any,  # noqa: ANN401 - any key
) -> list[Trial]:
    """Return the serial loop as it is told, and 4 shards of so many threads on `rate` CPUs each."""
    settings = {"cpus_per_actor": 1.0, "threads_per_shard": number}
    keys = {"settings": settings, "switches": turns}
    sharded = [trial("sharded", each, **keys, cpu_s=4 * rate * each) for each in SIX]
    return [*(trial("serial", seconds, **more) for seconds in SIX), *sharded]


def apart(work_s: float, actors_cpu_s: float = 0.4, **more: Any) -> list[Trial]:  # noqa: ANN401 - any key
    """Return 2 s of serial loop, that waits if not told, and 4 actors of a quarter as ideal."""
    placement = more.pop("placement", ())
    actors = trial("actors", work_s, cpu_s=actors_cpu_s, placement=placement)
    return [trial("serial", 2.0, **{"cpu_s": 0.4, "switches": 100} | more), actors]


def placed(core_s: float) -> list[Trial]:
    return [trial("actors", seconds, placement=(share(core_s),)) for seconds in SIX]


def on_cpus(cpus_per_actor: float) -> list[Trial]:
    settings = {"cpus_per_actor": cpus_per_actor}
    return [trial("actors", seconds, settings=settings) for seconds in SIX]


def started(*startup_s: float, warmups: int = 0) -> list[Trial]:
    """Return trials of 6 s of work whose actors took so long to start, the first ones warm-ups."""
    return [
        trial("actors", seconds + 6.0, startup_s=seconds, work_s=6.0, warmup=index < warmups)
        for index, seconds in enumerate(startup_s)
    ]


CASES: dict[str, list[Case]] = {
    "unchanged": [
        Case(
            "The calls change nothing that is read: states that agree say nothing of them. Name "
            "with --read what they change.",
            changed={"tried": Tried(unchanged=True, returned_bytes=(0,))},
            unchanged={"tried": Tried()},
        ),
        Case(
            "The calls change nothing that is read",
            changed={"tried": Tried(unchanged=True)},
            unchanged={
                "tried": Tried(unchanged=True, shared=("Ticket.made",))
            },  # they changed that
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
            "actors was left out: 9,000 actors do not fit. ",
            changed={"omitted": {"actors": "9,000 actors do not fit"}},
        ),
    ],
    "not_as_actors": [
        Case(
            "it would not fit: 4 processes of about 8.08 GB are more than the nodes' 32 GB.",
            fires=times("sharded", *SIX),
            changed={"tried": Tried(held_bytes=8e9)},
            silent=times("actors", *SIX),
            unchanged={"tried": Tried(held_bytes=8e9)},
        ),
        Case(
            "As `actors` it would not fit",
            fires=times("sharded", *SIX),
            changed={"tried": Tried(held_bytes=8e9)},
            silent=times("sharded", *SIX),
            unchanged={"tried": Tried(held_bytes=7e9)},
        ),
    ],
    "serial_estimated": [
        Case(
            "estimated from 3 of 4 instances: nothing tells how far it is off",
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
            "sharded: the 2 threads of a shard take turns: together they computed on 1 CPU.",
            fires=threaded(2),
            silent=threaded(1),
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the 2 threads of a shard take turns: together they computed on 1.2 CPUs.",
            fires=threaded(2, 1.19),
            silent=threaded(2, 1.21),  # they did not
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the 2 threads of a shard take turns: together they computed on 1 CPU.",
            fires=threaded(2, turns=50),  # of 100 calls
            silent=threaded(2, turns=49),  # the machine, not each other, kept them waiting
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the 2 threads of a shard take turns: together they computed on 0.71 CPUs.",
            fires=threaded(2, 0.71),
            silent=threaded(2, 0.69),  # something else kept them
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the 2 threads of a shard take turns",
            fires=threaded(2, cpu_s=1.4, switches=100),
            silent=threaded(2, cpu_s=1.3, switches=100),  # they wait half as long again
            plan={"threads_per_shard": 2},
        ),
        Case(
            "sharded: the 2 threads of a shard take turns",
            # Without the serial loop what the shards took tells: 8 s of computing.
            fires=[
                trial(
                    "sharded",
                    settings=THREADS,
                    switches=60,
                    cpu_s=8.0,
                    placement=(share(None, busy_s=8.0),),
                )
            ],
            silent=[
                trial(
                    "sharded",
                    settings=THREADS,
                    switches=100,
                    cpu_s=8.0,
                    placement=(share(None, busy_s=16.0),),
                )
            ],
            plan={"threads_per_shard": 2},
        ),
    ],
    "held_up": [
        Case(
            "The serial loop took 1.3 times as long as it computed, and its calls do not wait",
            fires=serial_is(cpu_s=1.58),
            silent=serial_is(cpu_s=1.61),
        ),
        Case(
            "something else had its CPU, so speedups may be too large",
            fires=serial_is(cpu_s=0.5, switches=0),
            silent=serial_is(cpu_s=0.5, switches=1),  # of 100 calls: they wait
        ),
        Case(
            "something else had its CPU",
            fires=serial_is(cpu_s=0.5),
            silent=serial_is(cpu_s=0.5, switches=None),  # an old document
        ),
        Case(
            "something else had its CPU",
            fires=serial_is(cpu_s=0.5, preemptions=3),
            silent=serial_is(cpu_s=0.5, preemptions=2),  # no other keeps it for 0.75 s at a time
        ),
        Case(
            "something else had its CPU",
            fires=serial_is(cpu_s=0.5),
            silent=[trial("actors", cpu_s=0.5)],  # it was not run
        ),
    ],
    "above_ideal": [
        Case(
            "actors: its work reached 106% of the ideal: nothing that was measured tells why. ",
            fires=apart(0.472),
            silent=apart(0.478),
        ),
        Case(
            "of the ideal: the serial loop took 1.3 times as long as it computed, as something",
            fires=apart(0.4, cpu_s=1.57, actors_cpu_s=1.57, switches=0),
            silent=apart(0.5, cpu_s=1.57, actors_cpu_s=1.57, switches=0),
        ),
        Case(
            "of the ideal: a worker's core is 1.3 times faster than the driver's",
            fires=apart(0.4, placement=(share(0.002),)),
            silent=apart(0.5, placement=(share(0.002),)),
            changed={"environment": {"core_s": 0.0026}},
            unchanged={"environment": {"core_s": 0.0026}},
        ),
        Case(
            "its calls computed on 5.8 CPUs, and 4 were counted",
            fires=apart(0.344, actors_cpu_s=2.0),
            silent=apart(0.5, actors_cpu_s=2.9),
        ),
        Case(
            "its calls computed for 1.60 s, the loop's for 2.00 s, in warmer caches",
            fires=apart(0.42, cpu_s=2.0, actors_cpu_s=1.6),
            silent=apart(0.5, cpu_s=2.0, actors_cpu_s=1.6),
        ),
        Case(
            "without the loop's own threads, which may compute while they wait. ",
            fires=apart(0.42, cpu_s=2.0, actors_cpu_s=1.6, elsewhere_share=0.5),
            silent=apart(0.5, cpu_s=2.0, actors_cpu_s=1.6, elsewhere_share=0.5),
        ),
        Case(
            "of the ideal: the serial time is an estimate. ",
            fires=apart(0.4, estimated=True),
            silent=apart(0.5, estimated=True),
        ),
        Case(
            "actors: its work reached 200% of the ideal",
            fires=apart(0.25),
            silent=[trial("serial", 0.2, cpu_s=0.2), trial("actors", 0.025)],  # too short to tell
        ),
    ],
    "elsewhere": [
        Case(
            "Of the calls' CPU time 5% is that of threads or child processes they start",
            fires=serial_is(elsewhere_share=0.05),
            silent=serial_is(elsewhere_share=0.049),
        ),
        Case(
            "Of the calls' CPU time 90% is that of threads or child processes they start",
            fires=[trial("actors", elsewhere_share=0.9, placement=(share(None),))],
            silent=[trial("actors", elsewhere_share=None, placement=(share(None),))],  # an old one
        ),
        Case(
            "A call computes on 3 CPUs at once, so more than 3 calls at once gain nothing.",
            fires=serial_is(cpu_s=6.0, elsewhere_share=0.9),
            silent=serial_is(cpu_s=6.0, elsewhere_share=0.0),
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
    "runtime_env": [
        Case(
            "Startup has the runtime environment in it (pip and working_dir), which is not the",
            changed={"environment": {"runtime_env": ("pip", "working_dir")}},
            unchanged={"environment": {"runtime_env": ()}},
        ),
        Case(
            "Where the nodes have what it brings, set RAY_ENABLE_UV_RUN_RUNTIME_ENV=0.",
            changed={"environment": {"runtime_env": ("uv run", "working_dir")}},
            unchanged={"environment": {"runtime_env": None}},
        ),
        Case(
            "Startup has the runtime environment in it",
            fires=times("actors", *SIX),
            silent=times("serial", *SIX),  # no actor started in it
            changed={"environment": {"runtime_env": ("pip",)}},
            unchanged={"environment": {"runtime_env": ("pip",)}},
        ),
    ],
    "slow_first": [
        Case(
            "actors: startup took 8.00 s in the first trial and 1.10 s later: the nodes were cold.",
            fires=started(8.0, 1.0, 1.2),
            silent=started(1.9, 1.0, 1.0),
        ),
        Case(
            "actors: startup took 8.00 s in the warm-up and 1.00 s later: the nodes were cold.",
            fires=started(8.0, 1.0, warmups=1),
            silent=started(8.0, 1.0),  # nobody can tell which is odd
            plan={"warmups": 1},
        ),
        Case(
            "the nodes were cold, or made the runtime environment ready (pip). --warmups 1 leaves",
            fires=started(8.0, 1.0, 1.0),
            silent=started(0.3, 0.1, 0.1),  # of which a trial takes little notice
            changed={"environment": {"runtime_env": ("pip",)}},
        ),
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
            "Trials far from the others: actors 3 of 6. ",
            fires=times("actors", 2.0, 2.01, 2.3, 1.99, 2.02, 1.98),
            silent=times("actors", 2.0, 2.01, 2.05, 1.99, 2.02, 1.98),
        ),
        Case(
            "Trials far from the others: actors 2 and 5 of 8. ",
            fires=times("actors", 2.0, 3.0, 2.01, 1.99, 4.0, 2.0, 2.02, 1.98),
            silent=times("actors", *SIX),
        ),
    ],
    "reach": [
        Case(
            "The calls wait: the figures say nothing of CPUs.",
            fires=serial_is(**SLEEPY),
            silent=serial_is(**SLEEPY | {"cpu_s": 0.21}),
        ),
        Case(
            "The calls wait",
            fires=serial_is(**SLEEPY),
            silent=serial_is(**SLEEPY | {"switches": 0}),  # the machine kept them waiting
        ),
        Case(
            "5 trials give no interval (--trials 7).",
            fires=times("actors", *SIX[:5]),
            silent=times("actors", *SIX),
        ),
        Case(
            "1 trial gives no interval",
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
    assert [text.split()[0] for text in said] == ["The", "The", "actors:", "1"]
    assert said == tuple(text for name in NAMES for text in of_check(name, bad))


# --- the advice


@pytest.mark.parametrize(("name", "case"), ALL)
def test_an_advisory_is_whole_sentences_without_a_line_break(name: str, case: Case) -> None:
    (said,) = of_check(name, document(case.fires or SOUND, case.plan, **case.changed))
    sentences = 1 if name == "reach" else 2  # what is wrong, and what to do about it
    assert re.fullmatch(rf"[^\n]+(\. [^\n]+){{{sentences - 1},}}\.", said), said
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
        "Submit the comparison as a job, so that the driver runs on such a node too; or run the "
        "serial loop on one: --serial-on actor."
    )


@pytest.mark.parametrize(("worker_s", "said"), [(0.0021, None), (0.0026, "1.3 times slower")])
def test_the_core_of_a_serial_loops_actor_counts_and_not_the_drivers(
    worker_s: float, said: str | None
) -> None:
    own = trial("serial", 10.0, actors=0, at_once=1, placement=(share(0.002),))
    plan, driver = {"serial_on": "actor"}, {"core_s": 0.004, "blas_threads": 8}
    found = document([own, *placed(worker_s)], plan, environment=driver)
    core = (
        f"A worker's core was {said} than that of the serial loop's actor. Use nodes of one kind."
    )
    assert of_check("unlike_cores", found) == ((core,) if said else ())
    assert of_check("blas_threads", found) == ()


def test_warmups_are_not_advised_where_there_were_some() -> None:
    slow = times("actors", 9.0, 2.0, 2.0)
    assert "--warmups 1" in of_check("slow_first", document(slow, {"warmups": 0}))[0]
    assert of_check("slow_first", document(slow, {"warmups": 1})) == ()


def test_more_trials_are_not_advised_where_their_number_was_left_open() -> None:
    few = times("actors", 2.0)
    assert "--trials" in of_check("reach", document(few, {"trials": 1}))[0]
    assert of_check("reach", document(few, {"trials": "auto"})) == ()


def test_the_number_of_trials_that_is_advised_is_enough() -> None:
    (said,) = of_check("reach", document(times("actors", 2.0), {}))
    (number,) = re.findall(r"--trials (\d+)", said)
    enough = [*times("serial", *[2.0] * int(number)), *times("actors", *[2.0] * int(number))]
    assert of_check("reach", document(enough, {"trials": int(number)})) == ()


def test_a_first_run_of_calls_that_wait_is_told_so_in_one_line() -> None:
    first = document([trial("serial", 2.0, **SLEEPY), *times("actors", 2.0)], {"trials": 1})
    (said,) = advise(figures_of(first))
    assert said.startswith("1 trial gives no interval")
    assert "The calls wait" in said
    assert "\n" not in labelled("Advisory", said)


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
