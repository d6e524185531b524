"""cluster.yaml against AWS's API: from `make up` to `make down`, with workers made on demand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from tests.e2e.support import check_default_report, eventually
from tests.hosts.aws import MAY_CHANGE, without_sizes
from tests.hosts.support import LITERAL, ORDERED, check_spread, codes
from tests.tree import ROOT

if TYPE_CHECKING:
    from tests.hosts.conftest import Up
    from tests.hosts.lab import Host


def requested(head: Host) -> str:
    """Return what is asked of the autoscaler."""
    said = head.run("ray status").stdout
    return said.partition("From request_resources:")[2].split("Pending")[0]


def withdrawn(head: Host) -> bool:
    """Return whether nothing is."""
    return "(none)" in requested(head)


def test_only_what_a_lab_must_replace_is_replaced(aws_cluster: Up) -> None:
    written = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    assert aws_cluster.aws
    changes = aws_cluster.aws.overlay(written)
    assert set(changes) <= MAY_CHANGE
    for kind in ("head", "worker"):
        key = f"{kind}_start_ray_commands"
        assert without_sizes(changes[f"{key}.1"]) == without_sizes(written[key][1])


def test_workers_are_made_for_the_plan_while_the_job_tells_of_it(aws_cluster: Up) -> None:
    assert aws_cluster.aws
    assert aws_cluster.aws.running() == [aws_cluster.head.address]
    done = aws_cluster.head.run(LITERAL, 400)
    assert done.code == 0, done.text
    check_default_report(done.stdout)
    check_spread(aws_cluster, done.stdout)
    assert re.search(r"Waiting for nodes: .*\d x worker on the way", done.text), done.text
    assert set(aws_cluster.aws.running()) == {h.address for h in aws_cluster.lab.hosts.values()}


def test_no_request_for_nodes_is_left_behind(aws_cluster: Up) -> None:
    eventually(lambda: withdrawn(aws_cluster.head), "the withdrawal of the request", 60)


def test_make_submit_finds_the_head_by_the_cluster_file(aws_cluster: Up) -> None:
    done = aws_cluster.submit(ORDERED)
    assert done.code == 0, done.text
    assert " agree" in done.stdout
    check_spread(aws_cluster, done.stdout)


def test_the_world_reaches_nothing_but_ssh(aws_cluster: Up) -> None:
    assert aws_cluster.aws
    rules = [rule for group in aws_cluster.aws.groups() for rule in group.ip_permissions]
    assert rules
    wide = [rule for rule in rules for each in rule["IpRanges"] if each["CidrIp"] == "0.0.0.0/0"]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in wide} <= {(22, 22)}


def test_only_the_right_token_opens_the_jobs_api(aws_cluster: Up) -> None:
    assert codes(aws_cluster) == ["401", "403", "200"]


def test_a_job_that_is_stopped_while_it_waits_leaves_no_request_behind(aws_cluster: Up) -> None:
    head = aws_cluster.head
    job = "ray job submit --no-wait --submission-id waits -- python job/main.py --wait-for-cpus"
    done = head.run(f"cd ray-actor-comparison && {job} {aws_cluster.cpus + 1}")
    assert done.code == 0, done.text
    eventually(lambda: "Waiting for" in head.run("ray job logs waits").stdout, "the request", 90)
    assert not withdrawn(head)
    stopped = head.run("ray job stop waits")
    assert stopped.code == 0, stopped.text
    eventually(lambda: withdrawn(head), "its withdrawal", 60)


def test_the_autoscaler_is_asked_for_all_that_an_actor_asks_for(aws_cluster: Up) -> None:
    head = aws_cluster.head
    job = "ray job submit --no-wait --submission-id asks -- python job/main.py --strategies actors"
    options = "num_gpus=0.5, memory=1e8, resources={'slot': 1}"
    asks = f'--instances 2 --call increment*60 --actor-options "{options}"'
    done = head.run(f"cd ray-actor-comparison && {job} {asks}")
    assert done.code == 0, done.text
    eventually(lambda: not withdrawn(head), "the request", 90)
    asked = requested(head)
    assert [name for name in ("CPU", "GPU", "memory", "slot") if name not in asked] == [], asked
    stopped = head.run("ray job stop asks")
    assert stopped.code == 0, stopped.text
    eventually(lambda: withdrawn(head), "its withdrawal", 60)


def test_what_no_kind_of_node_has_is_refused_and_not_asked_for(aws_cluster: Up) -> None:
    job = "ray job submit -- python job/main.py --actor-options num_gpus=2"
    done = aws_cluster.head.run(f"cd ray-actor-comparison && {job}")
    assert done.code != 0, done.text
    said = " ".join(done.text.split())
    assert re.search(r"an actor needs 1 CPU and 2 GPUs on one node.* CPUs and 1 GPU", said), said
    assert withdrawn(aws_cluster.head)


def test_nothing_runs_and_nothing_is_paid_for_after_make_down(aws_cluster: Up) -> None:
    assert aws_cluster.aws
    done = aws_cluster.clusters("down")
    assert done.code == 0, done.text
    assert aws_cluster.aws.running() == []
    # Of a machine that is terminated nothing is left; one of the lab's stays, and what ran there
    # ends by itself.
    eventually(lambda: not aws_cluster.of_ray(), "the end of Ray on all hosts", 120)
