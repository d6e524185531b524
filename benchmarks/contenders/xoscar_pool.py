"""xoscar: an actor per instance in a pool with a process per core."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import xoscar

from benchmarks import machine

if TYPE_CHECKING:
    from benchmarks.laps import Laps
    from benchmarks.scenarios import Arguments, Scenario, Target


class CounterActor(xoscar.Actor):
    """Hosts one instance; a call runs on the event loop of its process."""

    def __init__(self, target: Target, arguments: Arguments) -> None:
        """Make the instance."""
        self._counter = target(**arguments)

    async def increment(self) -> None:
        """Call the instance."""
        self._counter.increment()

    async def read(self) -> int:
        """Read the instance."""
        return self._counter.read()


class WaitingActor(CounterActor):
    """Hosts one instance that waits: a call runs on a thread, so that the loop goes on."""

    async def increment(self) -> None:
        """Call the instance."""
        await asyncio.to_thread(self._counter.increment)


def run(scenario: Scenario, laps: Laps) -> list[int]:
    """Run the event loop."""
    return asyncio.run(run_async(scenario, laps))


async def run_async(scenario: Scenario, laps: Laps) -> list[int]:
    """Deal the actors to the pool's processes and await every actor's calls in turn."""
    actor = WaitingActor if scenario.cost == "sleep" else CounterActor
    pool = await xoscar.create_actor_pool("127.0.0.1", n_process=machine.cpus())
    async with pool:
        laps.connected()
        counters = await asyncio.gather(
            *(
                xoscar.create_actor(
                    actor,
                    *scenario.target(),
                    address=pool.external_address,
                    allocate_strategy=xoscar.allocate_strategy.ProcessIndex(
                        number % machine.cpus() + 1
                    ),
                )
                for number in range(scenario.instances)
            )
        )
        laps.started()
        await asyncio.gather(*(call(counter, scenario.calls) for counter in counters))
        laps.worked()
        states = await asyncio.gather(*(counter.read() for counter in counters))
        laps.finished()
    return list(states)


async def call(counter: xoscar.ActorRefType[CounterActor], calls: int) -> None:
    """Call one actor so many times, each when the one before is done."""
    for _ in range(calls):
        await counter.increment()
