"""`make cluster`, the line that it prints, the literal command, and `make cluster-stop`."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.e2e.support import (
    LASTING,
    Cluster,
    alive,
    check_default_report,
    eventually,
    lasting,
    report_in,
    table_in,
)

if TYPE_CHECKING:
    from pathlib import Path

LITERAL = "ray job submit -- python job/main.py"


def typed_after(cluster: Cluster) -> str:
    """Return the one line that is to be typed before the literal command."""
    before, literal = cluster.printed.rstrip().splitlines()[-2:]
    assert literal == LITERAL
    return before


def test_the_printed_line_is_the_documented_one(made_cluster: Cluster) -> None:
    address = made_cluster.jobs_api.address
    line = f". .venv/bin/activate; export RAY_AUTH_MODE=token RAY_API_SERVER_ADDRESS={address}"
    assert typed_after(made_cluster) == line


def test_the_literal_command_after_the_printed_line_runs_the_comparison(
    made_cluster: Cluster,
) -> None:
    done = made_cluster.terminal.bash(f"{typed_after(made_cluster)}\n{LITERAL}")
    assert done.code == 0, done.text
    check_default_report(done.stdout)
    job = made_cluster.jobs_api.jobs()[-1]
    assert (job["entrypoint"], job["status"]) == ("python job/main.py", "SUCCEEDED")
    assert job["driver_exit_code"] == 0
    check_default_report(made_cluster.jobs_api.log(job["submission_id"]))


def test_an_unknown_option_ends_the_literal_command_in_failure_with_code_2(
    made_cluster: Cluster,
) -> None:
    done = made_cluster.terminal.bash(f"{typed_after(made_cluster)}\n{LITERAL} --nonsense 1")
    assert done.code == 1  # whatever the job's code, Ray's command says 1
    assert "--nonsense" in done.text
    job = made_cluster.jobs_api.jobs()[-1]
    assert (job["status"], job["driver_exit_code"]) == ("FAILED", 2)
    assert "Traceback" not in made_cluster.jobs_api.log(job["submission_id"])


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        pytest.param("--cpus-per-actor 1000", 3, "1000|1,000", id="actor-bigger-than-every-node"),
        pytest.param(
            "--strategies actors --target e2e_targets:Fragile --call 'book() * 4' --read read",
            4,
            "instance [0-3], call 3, .*the third is one too many",
            id="target-raises",
        ),
    ],
)
def test_a_failure_is_told_in_the_log_and_by_the_exit_code(
    made_cluster: Cluster, options: str, code: int, words: str
) -> None:
    api = made_cluster.jobs_api
    number = api.submit(f"python job/main.py {options}")
    job = api.ended(number)
    log = api.log(number)
    assert (job["status"], job["driver_exit_code"]) == ("FAILED", code), log
    assert re.search(words, log)
    assert "Traceback" not in log


@pytest.mark.parametrize(("kind", "status"), [("none", 401), ("wrong", 403), ("right", 200)])
def test_a_job_can_be_submitted_with_the_token_only(
    made_cluster: Cluster, kind: str, status: int
) -> None:
    api = made_cluster.jobs_api
    token = {"none": None, "wrong": "f" * 64, "right": api.token}[kind]
    before = len(api.jobs())
    body = json.dumps({"entrypoint": "true"})
    assert api.status("POST", "/api/jobs/", token, body) == status
    assert len(api.jobs()) - before == (status == 200)


def test_ray_job_stop_leaves_the_partial_report_in_the_log(
    made_cluster: Cluster, tmp_path: Path
) -> None:
    api = made_cluster.jobs_api
    target = shlex.quote(f"e2e_targets:Slow({str(tmp_path)!r})")
    comparison = (
        f"python job/main.py --strategies actors,serial --target {target} "
        "--call 'book() * 2' --read read --instances 2"
    )
    # A stopped job has no driver_exit_code: the shell, which lives on, writes it into the log.
    script = f'trap : TERM; {comparison}; echo "The exit code was $?."'
    number = api.submit(f"sh -c {shlex.quote(script)}")
    eventually((tmp_path / "begun").exists, "the second strategy's first call", 60)
    stopped = made_cluster.terminal.bash(f"{typed_after(made_cluster)}\nray job stop {number}")
    assert stopped.code == 0, stopped.text
    assert api.ended(number)["status"] == "STOPPED"
    log = api.log(number)
    assert table_in(log).keys() == {"actors"}
    assert any("[2, 2]" in line for line in report_in(log))
    assert "The exit code was 143." in log
    assert "SIGTERM" in log


def test_a_second_make_cluster_is_refused_and_the_first_goes_on(made_cluster: Cluster) -> None:
    again = made_cluster.terminal.run("make", "cluster")
    assert again.code != 0
    assert "make cluster-stop" in again.stderr
    assert "Traceback" not in again.stderr
    assert made_cluster.jobs_api.status("GET", "/api/jobs/", made_cluster.jobs_api.token) == 200


# Last: it ends the cluster that all tests before it use.
def test_make_cluster_stop_ends_that_cluster_and_no_other(
    made_cluster: Cluster, only_ray_cluster: Cluster
) -> None:
    ours = made_cluster.mark.processes()
    assert lasting(ours).keys() == set(LASTING)
    others = lasting(only_ray_cluster.mark.processes())
    assert others.keys() == set(LASTING)
    first = made_cluster.terminal.run("make", "cluster-stop")
    assert first.code == 0, first.text
    assert not alive(ours)
    assert not alive(made_cluster.mark.processes())
    assert len(alive(list(others.values()))) == len(LASTING)
    api = only_ray_cluster.jobs_api
    assert api.status("GET", "/api/jobs/", api.token) == 200
    with pytest.raises(ConnectionRefusedError):
        made_cluster.jobs_api.status("GET", "/api/jobs/", None)
    second = made_cluster.terminal.run("make", "cluster-stop")
    assert second.code == 0, second.text
