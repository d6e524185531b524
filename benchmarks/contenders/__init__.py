"""The contenders, each as its users would write it.

A contender is a module with `run(scenario, laps)`, which returns every instance's state. It is
imported only in the process that measures it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.laps import Laps
    from benchmarks.scenarios import Scenario


class Run(Protocol):
    """What a contender's module offers."""

    def __call__(self, scenario: Scenario, laps: Laps) -> Sequence[object]:
        """Do the work, tell the clock the phases, return the states."""


@dataclass(frozen=True)
class Contender:
    """One way of doing the work.

    Attributes:
        name: How options and JSON call it.
        title: How tables call it.
        module: Where its `run` is, below this package.
        package: The distribution whose version is told; None for Python's own.
        ours: Whether it is this package, not a peer.
        processes: Whether it uses more than one.
        process_mb: What each instance costs in memory, where each is a process of its own.
        process_s: What starting one takes, at least, where each is a process of its own.
        threaded: Whether each instance is a thread of its own.
    """

    name: str
    title: str
    module: str
    package: str | None = None
    ours: bool = False
    processes: bool = True
    process_mb: float = 0.0
    process_s: float = 0.0
    threaded: bool = False

    def load(self) -> Run:
        """Import and return its `run`."""
        return cast("Run", importlib.import_module(f"{__name__}.{self.module}").run)


# An actor of Ray took 50-100 MB and, 100 at a time on 2 cores, 0.39 s; a forked process of
# Python's own 1.8 MB and 1.6 ms (both seen on Linux with Python 3.11). What is told ahead counts
# on a little less.
SERIAL = Contender("serial", "serial loop", "serial", processes=False)
HAND = Contender(
    "hand", "hand-written Ray actors", "ray_actors", "ray", process_mb=80, process_s=0.3
)
ACTORS = Contender(
    "actors", "our `actors`", "our_actors", "ray", ours=True, process_mb=80, process_s=0.3
)
SHARDED = Contender("sharded", "our `sharded`", "our_shards", "ray", ours=True)
THREADS = Contender("threads", "our `threads`", "our_threads", ours=True)
PROCESSES = Contender("processes", "our `processes`", "our_processes", ours=True)
POOL = Contender(
    "pool", "ThreadPoolExecutor, thread per instance", "thread_pool", processes=False, threaded=True
)
SPAWNED = Contender("spawned", "multiprocessing, process per core", "process_pool")
PIPES = Contender(
    "pipes",
    "multiprocessing, process per instance",
    "pipes",
    process_mb=1.8,
    process_s=0.0015,
)
LOKY = Contender("joblib", "joblib (loky)", "loky", "joblib")
DASK = Contender("dask", "Dask actors", "dask_actors", "distributed")
XOSCAR = Contender("xoscar", "xoscar actor pool", "xoscar_pool", "xoscar")
PYKKA = Contender(
    "pykka", "pykka threads", "pykka_threads", "pykka", processes=False, threaded=True
)
CONTENDERS = {
    contender.name: contender
    for contender in (
        SERIAL,
        THREADS,
        PROCESSES,
        HAND,
        ACTORS,
        SHARDED,
        POOL,
        SPAWNED,
        PIPES,
        LOKY,
        DASK,
        XOSCAR,
        PYKKA,
    )
}

BARE = Contender("bare", "bare Ray actors, one per CPU", "ray_bare", "ray")
"""Not a contender but a yardstick: what starting a process per CPU takes at least."""

ALL = CONTENDERS | {BARE.name: BARE}
