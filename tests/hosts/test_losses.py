"""Actors, raylets, hosts and cables are lost while a job works: its states are right still."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from job.results.storage import load
from job.shard.states import canonical, digest
from tests.e2e.support import eventually
from tests.targets.ledgers import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from job.results.document import Trial
    from tests.e2e.support import Outcome
    from tests.hosts.conftest import Up
    from tests.hosts.lab import Host

INSTANCES, CALLS = 8, 500  # of 20 ms: ten seconds, however many at once
OPTIONS = (
    f"--target 'ledgers:Sleepy(start=instance)' --call 'book(instance) * {CALLS}' --read total"
    f" --instances {INSTANCES} --strategies sharded --threads-per-shard 8"
)


@dataclass(frozen=True)
class Told:
    """What a job came to during which something was lost.

    Attributes:
        done: What `make submit` printed, and its code.
        trial: What was measured.
    """

    done: Outcome
    trial: Trial


def serial() -> str:
    """Return the digest of the states that the plain loop over plain objects ends in."""
    totals = []
    for number in range(INSTANCES):
        ledger = Ledger(number)
        for _ in range(CALLS):
            ledger.book(number)
        totals.append(canonical(ledger.total))
    return digest(totals)


def asked(up: Up, path: str) -> Any:  # noqa: ANN401 - JSON
    """Ask the head's Jobs API."""
    header = f"-H 'Authorization: Bearer {up.token}'"
    return json.loads(up.head.run(f"curl -s {header} http://127.0.0.1:8265{path}").stdout)


def log_of_the_last_job(up: Up, known: set[str]) -> str:
    jobs = [job for job in asked(up, "/api/jobs/") if job.get("submission_id")]
    new = [job["submission_id"] for job in jobs if job["submission_id"] not in known]
    return str(asked(up, f"/api/jobs/{new[0]}/logs")["logs"]) if new else ""


def lose(up: Up, what: Callable[[], None]) -> Told:
    """Run a job, and let something be lost once it has made calls."""
    known = {job.get("submission_id") for job in asked(up, "/api/jobs/")}
    with ThreadPoolExecutor(1) as pool:
        # With every worker: what is lost must have held actors.
        job = pool.submit(up.submit, f"{OPTIONS} --wait-for-cpus {up.cpus}")
        eventually(
            lambda: job.done() or "sharded, trial 1:" in log_of_the_last_job(up, known),
            "the first calls", 120,
        )  # fmt: skip
        what()
        lost_at = time.monotonic()
        eventually(
            lambda: job.done() or " died (" in log_of_the_last_job(up, known), "the notice", 90
        )
        noticed_s = time.monotonic() - lost_at
        done = job.result()
    assert done.code == 0, done.text
    newest = max((up.terminal.folder / "results").glob("*.json"), key=lambda p: p.stat().st_mtime)
    (trial,) = load(newest).trials
    assert trial.losses >= 1, done.text
    assert trial.digest == serial()
    assert "Losses    sharded: " in done.text
    back = [death.resumed_s for death in trial.deaths if death.resumed_s is not None]
    assert len(back) == len(trial.deaths), done.text
    again_s = noticed_s + max(back)
    print(f"noticed after {noticed_s:.1f} s, at work again after {again_s:.1f} s: {done.text}")  # noqa: T201
    return Told(done, trial)


def back(up: Up, *names: str) -> None:
    """Wait until hosts are in the cluster again: its autoscaler starts Ray on them by ssh."""
    for name in names:
        if not up.lab.hosts[name].pid:
            up.lab.power_on(name)
    wanted = {up.lab.hosts[name].address for name in names}
    eventually(lambda: wanted <= alive(up).keys(), f"{names} among the nodes", 120)


def alive(up: Up) -> dict[str, str]:
    """Return the ids of the nodes that are alive, by address."""
    nodes = asked(up, "/nodes?view=summary")["data"]["summary"]
    living = [node for node in nodes if node["raylet"].get("state") == "ALIVE"]
    return {node["ip"]: node["raylet"]["nodeId"] for node in living}


def kill_actors(host: Host) -> None:
    for pid, _ in host.processes("ray::Shard"):
        os.kill(pid, signal.SIGKILL)


def test_the_processes_of_actors_are_killed(onprem: Up) -> None:
    lose(onprem, lambda: kill_actors(onprem.lab.hosts["h2"]))


def test_a_raylet_is_killed(onprem: Up) -> None:
    lose(onprem, onprem.lab.hosts["h2"].kill_raylet)
    back(onprem, "h2")


def test_a_host_is_powered_off(onprem: Up) -> None:
    lose(onprem, onprem.lab.hosts["h3"].power_off)
    back(onprem, "h3")


def test_a_cable_is_cut(onprem: Up) -> None:
    host = onprem.lab.hosts["h2"]
    try:
        lose(onprem, host.cut)
    finally:
        host.mend()
    back(onprem, "h2")


def test_all_workers_are_lost_and_come_back_later(onprem: Up) -> None:
    before = alive(onprem)

    def kill_all() -> None:
        for name in ("h2", "h3"):
            onprem.lab.hosts[name].kill_raylet()

    told = lose(onprem, kill_all)
    assert not {share.node_id for share in told.trial.placement} & set(before.values())
    back(onprem, "h2", "h3")


def test_a_node_is_drained_as_before_a_preemption_and_then_lost(onprem: Up) -> None:
    host = onprem.lab.hosts["h2"]

    before = {job.get("submission_id") for job in asked(onprem, "/api/jobs/")}

    def preempt() -> None:
        drained = onprem.head.run(
            f"RAY_AUTH_MODE=token ray drain-node --address {onprem.head.address}:6379 "
            f"--node-id {alive(onprem)[host.address]} --reason DRAIN_NODE_REASON_PREEMPTION "
            "--reason-message 'spot capacity is wanted back' --deadline-remaining-seconds 60"
        )
        assert drained.code == 0, drained.text
        kill_actors(host)  # of a node that still runs, and takes no new ones
        eventually(lambda: " died (" in log_of_the_last_job(onprem, before), "the notice", 60)
        host.kill_raylet()

    told = lose(onprem, preempt)
    others = {each.address for each in onprem.lab.hosts.values()} - {host.address}
    assert {share.address for share in told.trial.placement} <= others
    back(onprem, "h2")
