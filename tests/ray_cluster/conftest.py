"""One cluster for all tests here, to which they add nodes: each costs seconds to start."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.ray_cluster.nodes import Nodes, cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    """Start a cluster of a head and a node with GPUs, neither of which gives a CPU to actors."""
    # Ended by SIGTERM, as a time limit does it, pytest would leave the nodes behind.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with cluster() as nodes:
        nodes.add("gpus", cpus=0, num_gpus=2, resources={"slot": 3}, labels={"zone": "east"})
        yield nodes
    signal.signal(signal.SIGTERM, previous)
