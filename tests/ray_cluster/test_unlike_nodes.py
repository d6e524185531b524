"""Nodes that are unlike: where actors go, what can never be placed, and which node is slow."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.ray_cluster.nodes import confined_to, others_at_work

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray_cluster.nodes import Nodes

ORDERED = (
    "--target", "ledgers:Ledger(start=instance)", "--call", "book(7) * 5", "--call", "reverse()",
    "--call", "book(instance)", "--read", "total",
)  # fmt: skip
FIRST, *MORE = sorted(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def unlike(nodes: Nodes) -> Nodes:
    """Have a head without CPUs, three nodes with some, and one with GPUs alone."""
    nodes.add("large", cpus=3)
    nodes.add("small", cpus=1)
    with confined_to({FIRST}):
        nodes.add("narrow", cpus=1)
    return nodes


@pytest.mark.quick("sharded-20-expected1")
@pytest.mark.parametrize(
    ("strategy", "instances", "expected"),
    [
        ("actors", 5, {"large": 3, "small": 1, "narrow": 1}),
        ("sharded", 20, {"large": 3, "small": 1, "narrow": 1}),
    ],
)
def test_actors_go_where_cpus_are_as_many_as_there_are(
    unlike: Nodes, tmp_path: Path, strategy: str, instances: int, expected: dict[str, int]
) -> None:
    saved = tmp_path / "results.json"
    ended = unlike.command.run(
        *ORDERED, "--instances", str(instances), "--strategies", f"serial,{strategy}",
        "--shards", "5", "--output", str(saved),
    )  # fmt: skip
    assert ended.code == 0, ended
    assert " agree" in ended.stdout
    document = json.loads(saved.read_text())
    names = {node["node_id"]: node["host"] for node in document["cluster"]["nodes"]}
    trial = document["trials"][-1]
    assert trial["strategy"] == strategy
    assert {names[each["node_id"]]: each["actors"] for each in trial["placement"]} == expected
    assert sum(each["calls"] for each in trial["placement"]) == 7 * instances
    assert all(re.search(rf"^{strategy} +{name} ", ended.stdout, re.MULTILINE) for name in expected)


@pytest.mark.release
def test_where_calls_wait_fewer_shards_than_declared_cpus_do_and_the_report_says_why(
    unlike: Nodes, tmp_path: Path
) -> None:
    saved = tmp_path / "results.json"
    with confined_to({FIRST}):  # all nodes are of this machine, which has one core then
        ended = unlike.command.run(
            "--target", "job.targets.counter:Counter(delay=0.01)", "--call", "increment() * 20",
            "--instances", "40", "--strategies", "serial,sharded", "--output", str(saved),
        )  # fmt: skip
    assert ended.code == 0, ended
    document = json.loads(saved.read_text())
    chosen, trial = document["chosen"], document["trials"][-1]
    assert (chosen["shards"], chosen["most"], trial["actors"]) == (1, 5, 1)
    assert chosen["elapsed_s"] < chosen["most_elapsed_s"]
    said = "1 actor of at most 5, as the calls wait: by the cost model they take"
    assert f"sharded: {said}" in ended.stderr
    assert re.search(rf"^Shards +{said}", ended.stdout, re.MULTILINE)
    assert "5 CPUs on 1 core;" in ended.stdout
    assert "they agree" in ended.stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            ("--cpus-per-actor", "4"),
            r"an actor needs 4 CPUs on one node, and none has as many \(large \(\S+\) has 3 CPUs",
        ),
        (
            ("--cpus-per-actor", "2", "--instances", "3", "--strategies", "actors"),
            r"3 actors of 2 CPUs are asked for, and 1 fit into the .*large \(\S+\) has 3 CPUs",
        ),
    ],
)
def test_a_plan_that_can_never_fit_is_refused_at_once(
    unlike: Nodes, options: tuple[str, ...], reason: str
) -> None:
    ended = unlike.command.run(*options)
    assert ended.code == 3, ended
    assert re.search(reason, ended.stderr), ended


@pytest.mark.release
@pytest.mark.skipif(not MORE, reason="a slow CPU needs a second one to be compared with")
def test_check_names_the_node_that_is_slow_and_what_can_never_fit(unlike: Nodes) -> None:
    with others_at_work({FIRST}), confined_to(set(MORE)):
        ended = unlike.command.run("check", "--cpus-per-actor", "4")
    said = " ".join(ended.stdout.split())
    assert re.search(r"warning narrow \(\S+\) is slow: the same Python takes", said), ended
    assert said.count("is slow: the same Python takes") == 1
    assert re.search(r"failure .*an actor needs 4 CPUs .*\(large \(\S+\) has 3 CPUs", said), ended
    assert ended.code == 3, ended
    assert "not fit for this comparison: placement" in ended.stderr
