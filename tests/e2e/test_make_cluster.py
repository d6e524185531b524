"""`make cluster`, the line that it prints, the literal command, and `make cluster-stop`."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from job.results.storage import load
from tests.e2e.support import (
    LASTING,
    Cluster,
    Outcome,
    alive,
    check_default_report,
    eventually,
    lasting,
    report_in,
    table_in,
)

STATUS = {0: "complete", 4: "failed", 5: "disagree", 7: "complete"}
LITERAL = "ray job submit -- python job/main.py"


def typed_after(cluster: Cluster) -> str:
    """Return the one line that is to be typed before the literal command."""
    before, literal = cluster.printed.rstrip().splitlines()[-2:]
    assert literal == LITERAL
    return before


def fetch(cluster: Cluster, number: str, *options: str) -> Outcome:
    """Type `fetch` beside the cluster."""
    words = ("fetch", number, "--address", cluster.jobs_api.address, *options)
    return cluster.terminal.run(".venv/bin/python", "job/main.py", *words)


def test_the_printed_line_is_the_documented_one(made_cluster: Cluster) -> None:
    address = made_cluster.jobs_api.address
    line = f". .venv/bin/activate; export RAY_AUTH_MODE=token RAY_API_SERVER_ADDRESS={address}"
    assert typed_after(made_cluster) == line


def test_the_token_is_for_its_owner_alone(
    made_cluster: Cluster, environment: dict[str, str]
) -> None:
    assert made_cluster
    assert Path(environment["HOME"], ".ray", "auth_token").stat().st_mode & 0o077 == 0


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


@pytest.mark.release
def test_an_unknown_option_ends_the_literal_command_in_failure_with_code_2(
    made_cluster: Cluster,
) -> None:
    done = made_cluster.terminal.bash(f"{typed_after(made_cluster)}\n{LITERAL} --nonsense 1")
    assert done.code == 1  # whatever the job's code, Ray's command says 1
    assert "--nonsense" in done.text
    job = made_cluster.jobs_api.jobs()[-1]
    assert (job["status"], job["driver_exit_code"]) == ("FAILED", 2)
    assert "Traceback" not in made_cluster.jobs_api.log(job["submission_id"])


# All at once: two that hold one of the two CPUs each would wait for the other's.
TOGETHER = "--strategies serial,actors --cpus-per-actor 0.1"
OF_A_TARGET = f"--call 'book() * 4' --read read --instances 2 {TOGETHER}"
ENDINGS = {
    0: (f"--workload bank {TOGETHER}", "Verdict "),
    3: ("--cpus-per-actor 1000", "1000|1,000"),
    4: (
        f"--target e2e_targets:Fragile {OF_A_TARGET}",
        "instance [0-3], call 3, .*the third is one too many",
    ),
    5: (f"--target e2e_targets:Elsewhere {OF_A_TARGET}", "states disagree: instance 0 is"),
    7: (
        f"--workload bank {TOGETHER} --require-speedup 1000",
        "Gate      ✗ --require-speedup 1000: actors is .* as fast, 1000 demanded",
    ),
}


@pytest.fixture(scope="module")
def ended(made_cluster: Cluster) -> dict[int, str]:
    """Submit a job for each exit code, all at once; return their ids by code."""
    api = made_cluster.jobs_api
    jobs = {
        code: api.submit(f"python job/main.py --emit-json {options}")
        for code, (options, _) in ENDINGS.items()
    }
    for number in jobs.values():
        api.ended(number)
    return jobs


@pytest.mark.release
@pytest.mark.parametrize("code", ENDINGS)
def test_an_ending_is_told_in_the_log_and_fetched_with_its_document(
    made_cluster: Cluster, ended: dict[int, str], code: int, tmp_path: Path
) -> None:
    api, number = made_cluster.jobs_api, ended[code]
    log = api.log(number)
    assert api.job(number)["driver_exit_code"] == code, log
    assert re.search(ENDINGS[code][1], log)
    assert "Traceback" not in log
    done = fetch(made_cluster, number, "--output", str(tmp_path / "fetched.json"))
    assert done.code == code, done.text
    assert re.search(ENDINGS[code][1], done.text)
    # What could not even begin has measured nothing.
    assert (tmp_path / "fetched.json").exists() == (code != 3)
    if code != 3:
        results = load(tmp_path / "fetched.json")
        assert results.status == STATUS[code]
        # Of a comparison that failed before its first trial the error says all.
        assert ("\n".join(report_in(done.stdout)) in log) == bool(results.trials)


def test_a_job_that_nobody_submitted_cannot_be_fetched(made_cluster: Cluster) -> None:
    done = fetch(made_cluster, "raysubmit_nobody")
    assert done.code == 3
    assert "there is no job 'raysubmit_nobody'" in done.stderr


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


@pytest.mark.release
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
    early = fetch(made_cluster, number)
    assert (early.code, "has not ended yet" in early.stderr) == (3, True), early.text
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
@pytest.mark.release
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
