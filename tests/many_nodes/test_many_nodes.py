"""Many nodes on one machine: all are checked and host shards, and one of them is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.results.storage import load
from job.shard.states import canonical, digest
from tests.ray_cluster.nodes import Nodes, cluster
from tests.targets.ledgers import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NODES, SHARDS = 24, 48
INSTANCES, CALLS = 240, 500  # of 20 ms, all of a shard's at once: 10 s, in which a node is lost
SLEEPY = (
    "--target", "ledgers:Sleepy(instance)", "--call", f"book(instance) * {CALLS}",
    "--read", "total", "--instances", str(INSTANCES), "--threads-per-shard", "5",
)  # fmt: skip


SETTINGS = {  # those of our cluster files: a lost raylet is noticed in seconds
    "health_check_period_ms": "1000",
    "health_check_timeout_ms": "5000",  # 24 nodes on a few cores take long to answer
    "health_check_failure_threshold": "3",
}


@pytest.fixture(scope="module")
def many() -> Iterator[Nodes]:
    """Start a head without CPUs, and nodes that declare two each."""
    with cluster(**SETTINGS) as nodes:
        for number in range(NODES):
            nodes.add(f"node{number}", cpus=2)
        yield nodes


def test_every_one_of_many_nodes_is_checked(many: Nodes) -> None:
    ended = many.command.run("check", "--shards", str(SHARDS), "--strategies", "sharded",
                             "--instances", str(SHARDS))  # fmt: skip
    assert ended.code == 0, ended
    assert f"all {NODES + 1} nodes answered" in ended.stdout
    assert f"there is room for {SHARDS} actors of 1 CPU" in ended.stdout


def test_shards_on_many_nodes_survive_the_loss_of_one(many: Nodes, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    ended = many.command.run(
        *SLEEPY, "--strategies", "sharded", "--shards", str(SHARDS),
        "--chaos", "node=1,seed=1,interval=1", "--output", str(output),
    )  # fmt: skip
    assert ended.code == 0, ended
    (trial,) = load(output).trials
    ledgers = [Ledger(number) for number in range(INSTANCES)]
    for number, ledger in enumerate(ledgers):
        for _ in range(CALLS):
            ledger.book(number)
    assert trial.digest == digest([canonical(ledger.total) for ledger in ledgers])
    assert trial.actors == SHARDS
    assert len(trial.placement) == NODES - 1
    assert trial.losses >= 2  # both of its actors; more where others were slow to answer
