"""Dask: an actor per instance on a local cluster with a process per core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distributed import Client, LocalCluster

from benchmarks import machine

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Call all actors at once, round by round."""
    target, arguments = scenario.target()
    with (
        LocalCluster(
            n_workers=machine.cpus(), threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        laps.connected()
        counters = client.gather(
            [client.submit(target, **arguments, actor=True) for _ in range(scenario.instances)]
        )
        laps.started()
        for _ in range(scenario.calls):
            for answer in [counter.increment() for counter in counters]:
                answer.result()
        laps.worked()
        states = [answer.result() for answer in [counter.read() for counter in counters]]
        laps.finished()
    return states
