"""Bank accounts on several nodes end their processes in every way: each balance is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.results.storage import load
from job.shard.states import canonical, digest
from job.targets.bank import Account
from tests.targets.mortals import Heir

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray_cluster.nodes import Nodes

INSTANCES, ROUNDS = len(Heir.WAYS), 5


def serial() -> str:
    """Return the digest of what the plain loop over accounts that do not die ends in."""
    accounts = [Account(number) for number in range(INSTANCES)]
    for number, account in enumerate(accounts):
        for _ in range(ROUNDS):
            account.withdraw(30)
        account.deposit(100)
        account.deposit(number)
        for _ in range(ROUNDS):
            account.withdraw(30)
    return digest([canonical(account.statement()) for account in accounts])


@pytest.mark.quick("sharded")
@pytest.mark.parametrize("strategy", ["actors", "sharded"])
def test_accounts_that_die_in_every_way_lose_no_cent(
    nodes: Nodes, tmp_path: Path, strategy: str
) -> None:
    nodes.add("large", cpus=3)
    nodes.add("small", cpus=1)
    output = tmp_path / "results.json"
    ended = nodes.command.run(
        "--target", f"mortals:Heir(instance, {2 * ROUNDS}, {str(tmp_path)!r})",
        "--call", f"withdraw(30) * {ROUNDS}", "--call", "deposit(100)",
        "--call", "deposit(instance)", "--call", f"withdraw(30) * {ROUNDS}", "--read", "statement",
        "--instances", str(INSTANCES), "--strategies", strategy,
        "--threads-per-shard", "1",  # else an actor whose calls are only timed would be the first
        "--output", str(output),
    )  # fmt: skip
    assert ended.code == 0, ended
    (trial,) = load(output).trials
    assert trial.digest == serial()
    assert trial.losses == INSTANCES, ended
    assert all(loss.resumed_s is not None for loss in trial.deaths)
