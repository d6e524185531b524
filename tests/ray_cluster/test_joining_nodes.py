"""A cluster that cannot host an actor yet, and a node that joins while a comparison waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.ray_cluster.nodes import Nodes


def test_gpus_alone_host_no_actor(nodes: Nodes) -> None:
    ended = nodes.command.run()
    assert ended.code == 3, ended
    assert "an actor needs 1 CPU on one node, and none has as many" in ended.stderr
    assert re.search(r"gpus \(\S+\) has 0 CPUs and 2 GPUs", ended.stderr)
    assert "--wait-for-cpus" in ended.stderr  # what to do where nodes are to join


def test_cpus_that_do_not_come_in_time_are_told(nodes: Nodes) -> None:
    ended = nodes.command.run("--wait-for-cpus", "2", "--scale-timeout", "1")
    assert ended.code == 3, ended
    assert "the nodes did not come within 1 s: 0 of 2 CPUs are there" in ended.stderr


# Last here, and before the next file: the cluster has CPUs then.
def test_a_node_that_joins_while_it_waits_is_used(nodes: Nodes) -> None:
    running = nodes.command.start("--workload", "bank", "--wait-for-cpus", "2")
    assert running.process.stderr
    for line in running.process.stderr:
        if "0 of 2 CPUs are there" in line:
            break
    else:
        raise AssertionError(running.end())
    nodes.add("large", cpus=3)
    ended = running.end()
    assert ended.code == 0, ended
    assert "The nodes are there: 3 CPUs on 3 nodes." in ended.stderr
    assert "large" in ended.stdout
    assert " agree" in ended.stdout
