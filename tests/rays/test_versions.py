"""The ways in which people run the comparison, on each Ray of the tested range."""

from __future__ import annotations

import ast
import json
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import ray

from job.cluster import private
from job.results.storage import load
from tests.e2e.support import check_default_report
from tests.ray_local.running import COMMAND_S, CPUS, ROOT, Command

if TYPE_CHECKING:
    from tests.ray_local.running import Head

BANK = ("--workload", "bank")
LEDGER = (
    "--target",
    "ledgers:Sleepy(instance)",
    "--call",
    "book(instance) * 20",
    "--read",
    "total",
)

TILL = """
class Till:
    total = 1

    def book(self, amount):
        self.total = self.total * 31 + amount
"""

# Of what is private, what it answers: the autoscaler's request is one of version 2 here.
ASKED = """
import json, sys, ray
from job.cluster import private
from job.planning.placement import Demand

def requested():
    state = private.autoscaler_status(10).cluster_resource_state
    return [
        [each.count, each.request.resources_bundle["CPU"]]
        for constraint in state.cluster_resource_constraints
        for each in constraint.resource_requests
    ]

address, token = sys.argv[1:]
ray.init(address, log_to_driver=False)
private._runs_v2 = lambda *_: True
private.request_resources(address, [Demand(1.0), Demand(1.0), Demand(2.0)], 10)
before = requested()
private.request_resources(address, [], 10)
cpus = [each.get("CPU", 0.0) for each in private.free_resources().values()]
door = private.ask_cluster_id(address, token, 3)
print(json.dumps([before, requested(), cpus, list(private.draining_nodes()), door]))
print(json.dumps(private.ask_versions(address, token, 3)))
"""


def test_every_private_name_is_there(venv: str) -> None:
    tree = ast.parse(Path(private.__file__).read_text())
    names = "\n".join(
        f"from {node.module} import {alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ray.")
        for alias in node.names
    )
    assert "_raylet" in names
    subprocess.run([f"{venv}/bin/python", "-c", names], check=True, timeout=COMMAND_S)


def test_what_is_private_answers(head: Head, version: str) -> None:
    done = subprocess.run(
        [head.bin / "python", "-c", ASKED, head.address, head.token], cwd=ROOT,
        env=head.environment, check=True, stdout=subprocess.PIPE, text=True, timeout=COMMAND_S,
    )  # fmt: skip
    answers, versions = map(json.loads, done.stdout.splitlines())
    assert answers == [[[2, 1.0], [1, 2.0]], [], [CPUS], [], "OK"]
    assert versions == [version, platform.python_version()]


def test_the_main_job_runs_on_a_ray_of_its_own(embedded: Command, version: str) -> None:
    ended = embedded.run()
    assert ended.code == 0, ended
    check_default_report(ended.stdout)
    assert f"Ray {version}," in ended.stdout
    assert "newer" not in ended.stderr


def test_the_literal_command_runs_it_as_a_job(head: Head, version: str) -> None:
    done = subprocess.run(
        [head.bin / "python", "-m", "ray.scripts.scripts", "job", "submit", "--",
         "python", "job/main.py"],
        env=head.environment | {"RAY_API_SERVER_ADDRESS": head.api},
        check=False, capture_output=True, text=True, timeout=COMMAND_S,
    )  # fmt: skip
    assert done.returncode == 0, done
    check_default_report(done.stdout)
    assert f"Ray {version}," in done.stdout


def test_make_submit_runs_ones_own_code_there_from_the_newest_client(
    head: Head, version: str, folder: Path
) -> None:
    client = Command(folder, token=head.token)
    submit = str(ROOT / "deploy" / "submit.py")
    (folder / "own").mkdir()
    (folder / "own" / "till.py").write_text(TILL)
    own = (f"--with={folder / 'own'}", "--submit=--entrypoint-num-cpus 1")
    till = ("--target", "till:Till", "--call", "book(instance) * 20", "--read", "total")
    ended = client.run("--address", head.api, *own, "--", *till, by=(submit,), cwd=folder)
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout
    (saved,) = (folder / "results").iterdir()
    results = load(saved)
    assert (results.status, results.cluster.ray_version) == ("complete", version)
    assert results.environment.travel == "by reference"
    assert results.cluster.cpus == CPUS - 1  # the driver's


def test_check_finds_the_cluster_fit(command: Command, version: str) -> None:
    ended = command.run("check")
    assert ended.code == 0, ended
    assert f"Ray {version}, Python" in ended.stdout
    assert "failure" not in ended.stdout


def test_an_actor_that_is_killed_is_replaced(command: Command, folder: Path) -> None:
    output = folder / "results.json"
    ended = command.run(
        *LEDGER, "--instances", "4", "--strategies", "serial,actors",
        "--chaos", "kill=1,seed=7,interval=0.1", "--output", str(output),
    )  # fmt: skip
    assert ended.code == 0, ended
    assert "they agree" in ended.stdout
    trial = json.loads(output.read_text())["trials"][-1]
    assert [loss["cause"] for loss in trial["deaths"]] == ["killed by --chaos"], ended
    assert trial["replayed_calls"] > 0, ended


def test_a_driver_of_another_ray_is_told_of_make_submit(
    head: Head, version: str, folder: Path
) -> None:
    if version == ray.__version__:
        pytest.skip("the driver's own Ray")
    ended = Command(folder, address=head.address, token=head.token).run(*BANK)
    assert ended.code == 3, ended
    assert f"the cluster has Ray {version}, Python" in ended.stderr
    assert f"this driver Ray {ray.__version__}," in ended.stderr
    assert "make submit ADDRESS=http://" in ended.stderr
    assert "Traceback" not in ended.stderr


# Last: the cluster has two nodes then.
def test_a_node_that_joins_while_it_waits_is_used(head: Head, command: Command) -> None:
    running = command.start(*LEDGER, "--wait-for-cpus", "4", "--instances", "4")
    assert running.process.stderr
    for line in running.process.stderr:
        if "2 of 4 CPUs are there" in line:
            break
    else:
        raise AssertionError(running.end())
    head.join("--num-cpus=2", "--node-name=joined")
    ended = running.end()
    assert ended.code == 0, ended
    assert "The nodes are there: 4 CPUs on 2 nodes." in ended.stderr
    assert "joined" in ended.stdout  # in the table of who hosted which actors
    assert "they agree" in ended.stdout
