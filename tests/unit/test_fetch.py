"""`fetch` of jobs that ended in every way, from a Jobs API that says so."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from job.cli import commands
from job.errors import ClusterError, FileError, UsageError
from job.results.document import Judged
from job.results.log import marked
from tests.samples import SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    Fetch = Callable[..., Result]

GATE = Judged(met=False, text="--require-speedup 9: sharded is 2 times as fast, 9 demanded")


@pytest.fixture
def fetch() -> Iterator[Fetch]:
    """Return what fetches a job of whose state and log an API tells."""
    told: dict[str, Any] = {}

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer as a dashboard does."""
            self.send_response(200)
            self.end_headers()
            is_log = self.path.endswith("/logs")
            answer = {"logs": told["log"]} if is_log else told["job"]
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def run(log: str, *, submission_id: str = "one", **job: object) -> Result:
            told.update(job=job, log=log)
            address = f"http://127.0.0.1:{server.server_port}"
            return CliRunner().invoke(commands, ["fetch", submission_id, "--address", address])

        yield run
        server.shutdown()
        thread.join()


def document() -> str:
    return "\n".join(marked(SEED.as_line()))


def test_the_report_the_gates_and_the_drivers_code_come_home(fetch: Fetch) -> None:
    document = "\n".join(marked(SEED.with_(gates=(GATE,)).as_line()))
    log = f"{document}\nError: 1 of 1 gates missed"
    done = fetch(log, status="FAILED", driver_exit_code=7)
    assert done.exit_code == 7
    assert "Verdict" in done.stdout
    assert f"Gate      {GATE}" in done.stdout
    assert "Error: 1 of 1 gates missed" in done.stderr


def test_a_job_that_was_stopped_counts_as_ended_by_its_signal(fetch: Fetch) -> None:
    assert fetch("said", status="STOPPED", driver_exit_code=None).exit_code == 143


def test_a_job_whose_driver_never_started_is_told_with_rays_reason(fetch: Fetch) -> None:
    done = fetch("", status="FAILED", message="the supervisor did not start")
    assert isinstance(done.exception, ClusterError)
    assert "Ray knows no exit code of it" in done.exception.message
    assert "the supervisor did not start" in str(done.exception)


def test_results_that_are_not_whole_keep_the_drivers_code_and_the_logs_end(fetch: Fetch) -> None:
    log = document().replace("schema", "schemx", 1)
    done = fetch(f"said before\n{log}", status="FAILED", driver_exit_code=5)
    assert isinstance(done.exception, FileError)
    assert "said before" in done.stdout
    assert "its driver exited with 5" in done.stderr


def test_no_id_at_all_is_refused(fetch: Fetch) -> None:
    assert isinstance(fetch("", submission_id="").exception, UsageError)
