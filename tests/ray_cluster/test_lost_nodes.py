"""Nodes are lost, or run out of memory, while actors work: the states are right all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ray._common.utils import get_system_memory
from ray._private.utils import get_used_memory

from job.results.storage import load
from job.shard.states import canonical, digest
from tests.ray_cluster.nodes import Nodes, cluster
from tests.targets.ledgers import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from job.results.document import Trial
    from tests.ray_local.running import Ended

INSTANCES, CALLS = 4, 300  # of 20 ms: an actor outlives its raylet by seconds
WORK = (
    "--target", "ledgers:Sleepy(instance)", "--call", f"book(instance) * {CALLS}",
    "--read", "total", "--instances", str(INSTANCES), "--threads-per-shard", "4",
)  # fmt: skip
SETTINGS = {  # those of our cluster files: a lost raylet is noticed in seconds
    "health_check_period_ms": "1000",
    "health_check_timeout_ms": "2000",
    "health_check_failure_threshold": "3",
}
HOG_BYTES = 1_500_000_000


@pytest.fixture(scope="module")
def lonely() -> Iterator[Nodes]:
    """Start a cluster of its own, whose nodes can be lost: a head alone."""
    with cluster(**SETTINGS) as nodes:
        yield nodes


def serial(instances: int = INSTANCES, calls: int = CALLS) -> str:
    """Return the digest of the states that the plain loop over plain objects ends in."""
    states = []
    for number in range(instances):
        ledger = Ledger(number)
        for _ in range(calls):
            ledger.book(number)
        states.append(canonical(ledger.total))
    return digest(states)


def only_trial(ended: Ended, output: Path) -> Trial:
    assert ended.code == 0, ended
    (trial,) = load(output).trials
    return trial


@pytest.mark.release
def test_a_node_that_is_lost_leaves_its_actors_to_the_others(lonely: Nodes, tmp_path: Path) -> None:
    for name in ("one", "two", "left"):  # the actors' trial loses one of them, the shards' another
        lonely.add(name, cpus=1)
    output = tmp_path / "results.json"
    ended = lonely.command.run(
        *WORK, "--strategies", "actors,sharded", "--wait-for-cpus", "3",
        "--chaos", "node=1,seed=3,interval=1", "--output", str(output),
    )  # fmt: skip
    assert ended.code == 0, ended
    actors, sharded = load(output).trials
    assert {actors.digest, sharded.digest} == {serial()}
    assert min(actors.losses, sharded.losses) >= 1
    assert (actors.cpus, sharded.cpus) == (2, 1)  # those that were left
    assert all(loss.resumed_s is not None for loss in (*actors.deaths, *sharded.deaths))


@pytest.mark.release
def test_work_goes_on_when_all_nodes_were_lost_and_one_comes_later(
    lonely: Nodes, tmp_path: Path
) -> None:
    lonely.add("three", cpus=1)
    output = tmp_path / "results.json"
    running = lonely.command.start(
        *WORK, "--strategies", "sharded", "--shards", "2", "--wait-for-cpus", "2",
        "--chaos", "node=9,seed=3,interval=0.2", "--output", str(output),
    )  # fmt: skip
    assert running.process.stderr
    for line in running.process.stderr:
        if "waiting for 2 of 2 actors" in line:
            break
    else:
        raise AssertionError(running.end())
    lonely.add("late", cpus=2)
    trial = only_trial(running.end(), output)
    assert trial.digest == serial()
    assert {share.node_id for share in trial.placement} == {lonely.ids()["late"]}
    assert trial.losses >= 2


@pytest.mark.release
def test_an_actor_that_is_killed_for_lack_of_memory_is_replaced(
    tmp_path: Path,
) -> None:
    allowed = (get_used_memory() + HOG_BYTES) / get_system_memory()
    output, grave = tmp_path / "results.json", tmp_path / "it died here"
    with cluster(memory_usage_threshold=f"{allowed:.3f}") as nodes:
        nodes.add("narrow", cpus=2)
        ended = nodes.command.run(
            "--target", f"ledgers:Hog(instance, {str(grave)!r}, {2 * HOG_BYTES})",
            "--call", "book(instance) * 5", "--read", "total", "--instances", "2",
            "--strategies", "sharded", "--shards", "2", "--threads-per-shard", "1",
            "--output", str(output),
        )  # fmt: skip
    trial = only_trial(ended, output)
    assert grave.exists()
    assert {loss.cause for loss in trial.deaths} == {"killed for lack of memory"}, ended
    assert trial.digest == serial(instances=2, calls=5)
