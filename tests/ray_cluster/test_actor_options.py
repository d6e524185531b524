"""What an actor asks for besides CPUs: it is placed where that is, or refused with who has what."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray_cluster.nodes import Nodes

LEDGER = (
    "--target", "ledgers:Ledger(start=instance)", "--call", "book(7) * 5", "--call", "reverse()",
    "--call", "book(instance)", "--read", "total", "--instances", "4",
)  # fmt: skip
ALL = (
    "num_cpus=0, num_gpus=0.5, memory=1e6, resources={'slot': 0.5}, "
    "label_selector={'zone': 'in(east, west)'}"
)


def test_actors_are_placed_where_all_is_that_they_ask_for(nodes: Nodes, tmp_path: Path) -> None:
    saved = tmp_path / "results.json"
    ended = nodes.command.run(
        *LEDGER, "--actor-options", ALL, "--shards", "4", "--serial-on", "actor", "--wide",
        "--output", str(saved),
    )  # fmt: skip
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout
    document = json.loads(saved.read_text())
    names = {node["node_id"]: node["host"] for node in document["cluster"]["nodes"]}
    placed = [
        {names[each["node_id"]]: each["actors"] for each in trial["placement"]}
        for trial in document["trials"]
    ]
    assert placed == [{"gpus": 1}, {"gpus": 4}, {"gpus": 4}]
    assert ended.stdout.count("num_gpus=0.5") == 3  # beside the workload, and in two rows
    assert "waiting for the others" not in ended.stderr  # what an ended actor held is waited for


@pytest.mark.release
def test_a_sweep_shows_what_share_of_a_gpu_is_enough(nodes: Nodes, tmp_path: Path) -> None:
    saved = tmp_path / "sweep.json"
    ended = nodes.command.run(
        "sweep", "--over", "num_gpus=1,0.5", *LEDGER, "--actor-options", "num_cpus=0, num_gpus=1",
        "--strategies", "serial,sharded", "--shards", "2", "--output", str(saved),
    )  # fmt: skip
    assert ended.code == 0, ended
    points = json.loads(saved.read_text())["points"]
    asked = [point["results"]["trials"][-1]["settings"]["actor_options"] for point in points]
    assert asked == ["num_cpus=0, num_gpus=0.5", "num_cpus=0, num_gpus=1"]


@pytest.mark.quick("GPUs-compared", "GPUs-checked")
@pytest.mark.parametrize("command", [(), ("check",)], ids=["compared", "checked"])
@pytest.mark.parametrize(
    ("options", "asked", "has"),
    [
        ("num_cpus=0, num_gpus=3", "0 CPUs and 3 GPUs", "0 CPUs and 2 GPUs"),
        ("num_cpus=0, resources={'slot': 4}", "0 CPUs and 4 slot", "0 CPUs, 3 slot and 2 GPUs"),
        (
            "num_cpus=0, num_gpus=1, label_selector={'zone': '!east'}",
            "0 CPUs, 1 GPU and label zone=!east",
            "0 CPUs, 2 GPUs and label zone=east",
        ),
    ],
    ids=["GPUs", "a resource of one's own", "a label"],
)
def test_what_no_node_has_is_refused_with_what_each_has_of_it(
    nodes: Nodes, command: tuple[str, ...], options: str, asked: str, has: str
) -> None:
    ended = nodes.command.run(*command, *LEDGER, "--actor-options", options)
    assert ended.code == 3, ended
    said = " ".join((ended.stdout + ended.stderr).split())
    assert f"an actor needs {asked} on one node" in said, ended
    assert re.search(rf"gpus \(\S+\) has {re.escape(has)}", said), ended
