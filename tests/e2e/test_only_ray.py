"""A cluster on which nothing but `ray[default]` is installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.support import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.support import Cluster


@pytest.mark.release
def test_make_submit_brings_along_what_the_cluster_lacks(
    only_ray_cluster: Cluster, checkout: Path, environment: dict[str, str]
) -> None:
    api = only_ray_cluster.jobs_api
    done = Terminal(checkout, environment).run(
        "make", "submit", f"ADDRESS={api.address}", "ARGS=--workload bank"
    )
    assert done.code == 0, done.text
    assert "they agree" in done.stdout
    job = api.jobs()[-1]
    assert (job["status"], job["driver_exit_code"]) == ("SUCCEEDED", 0)
    assert job["runtime_env"]["working_dir"].startswith("gcs://")
    assert "they agree" in api.log(job["submission_id"])


@pytest.mark.release
def test_the_literal_command_names_the_missing_package_and_the_remedy(
    only_ray_cluster: Cluster,
) -> None:
    api = only_ray_cluster.jobs_api
    done = only_ray_cluster.terminal.bash(
        f"export RAY_API_SERVER_ADDRESS={api.address}\nray job submit -- python job/main.py"
    )
    assert done.code == 1, done.text
    job = api.jobs()[-1]
    assert (job["status"], job["driver_exit_code"]) == ("FAILED", 3)
    log = api.log(job["submission_id"])
    named = re.search(r"^Error: .*package '(\w+)' is not installed", log, re.MULTILINE)
    assert named, log
    assert named[1] == "tabulate"  # ray brings all else
    assert "--working-dir . --runtime-env runtime_env.yaml -- python job/main.py" in log
    assert "Traceback" not in log
