"""deploy/onprem.yaml on three hosts: from `make up` to `make down`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from job.results.storage import load
from tests.e2e.support import check_default_report, eventually, free_ports
from tests.hosts.support import LITERAL, ORDERED, check_spread, codes

if TYPE_CHECKING:
    from tests.hosts.conftest import Up


def test_make_submit_waits_for_workers_that_are_still_to_join_and_brings_the_results_home(
    onprem: Up,
) -> None:
    done = onprem.submit(f"{ORDERED} --wait-for-cpus {onprem.cpus}")
    assert done.code == 0, done.text
    assert " agree" in done.stdout
    check_spread(onprem, done.stdout)
    (document,) = (onprem.terminal.folder / "results").glob("*.json")
    assert load(document).status == "complete"


def test_the_literal_command_runs_actors_on_every_node_but_the_head(onprem: Up) -> None:
    done = onprem.head.run(LITERAL)
    assert done.code == 0, done.text
    check_default_report(done.stdout)
    check_spread(onprem, done.stdout)


def test_an_interrupted_make_submit_says_how_to_fetch_or_stop_its_job(onprem: Up) -> None:
    long = ("--target", "ledgers:Sleepy", "--call", "book(1)*9000", "--strategies", "serial")
    words = ("deploy/submit.py", "--cluster", onprem.file, "--", *long, "--serial", "full")
    with onprem.typed(*words) as submission:
        assert submission.stderr
        next(line for line in submission.stderr if line.startswith("Job comparison_"))
        submission.send_signal(signal.SIGINT)
        said = submission.communicate(timeout=30)[1]
    assert submission.returncode == 130, said
    assert f"make dashboard CLUSTER={onprem.file}" in said
    (port,) = free_ports(1)
    fetch, stop = said.replace(":8265", f":{port}").splitlines()[-2:]
    with onprem.typed("deploy/clusters.py", "dashboard", onprem.file, "--port", str(port)):
        eventually(lambda: "not ended" in onprem.terminal.bash(fetch).stderr, "the dashboard", 60)
        stopped = onprem.terminal.bash(stop)
        assert stopped.code == 0, stopped.text
        ended = onprem.terminal.bash(fetch)
        assert ended.code == 143, ended.text


def test_only_the_right_token_opens_the_jobs_api(onprem: Up) -> None:
    assert codes(onprem) == ["401", "403", "200"]


def test_nobody_but_the_head_reaches_the_dashboard(onprem: Up) -> None:
    away = onprem.lab.hosts["h2"].run(f"curl -s -m 5 http://{onprem.head.address}:8265/")
    assert away.code == 7, away.text  # curl: could not connect


def test_nothing_runs_any_more_after_make_down(onprem: Up) -> None:
    assert len([line for line in onprem.of_ray() if "raylet/raylet" in line]) == 3
    done = onprem.clusters("down")
    assert done.code == 0, done.text
    assert onprem.of_ray() == []
