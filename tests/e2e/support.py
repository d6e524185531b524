"""What the end-to-end tests stand on: a terminal, the Jobs API over HTTP, processes, reports."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import ray  # noqa: F401 - brings its own psutil

import psutil  # isort: skip

from tests.tree import ROOT, tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOST = "127.0.0.1"
JOB_TIMEOUT_S = 240.0
INSTALL_TIMEOUT_S = 600.0  # of which a quiet machine needs 40
WIDTH = 100
LASTING = ("gcs_server", "raylet", "dashboard.py")  # a cluster's workers come and go, these stay

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything it wrote; the text that explains a failed assertion."""
        return f"{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class LocalRun:
    """A `make local`, and what still ran in its folder when it had ended."""

    outcome: Outcome
    left_behind: list[str]


@dataclass(frozen=True)
class Terminal:
    """A folder and an environment in which a person types."""

    folder: Path
    environment: Mapping[str, str]

    def bash(self, script: str, timeout_s: float = JOB_TIMEOUT_S) -> Outcome:
        """Type lines into a shell that knows nothing but the environment."""
        return self.run("bash", "--noprofile", "--norc", "-c", script, timeout_s=timeout_s)

    def run(self, *command: str | Path, timeout_s: float = JOB_TIMEOUT_S) -> Outcome:
        """Run a command; when the time is over, end it and all that is of its session."""
        # Files, since a daemon that has inherited a pipe would keep us reading for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                code = process.wait(timeout_s)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                out.seek(0)
                err.seek(0)
                sys.stderr.write(f"{command} was ended:\n{out.read()}\n{err.read()}")
                raise
            out.seek(0)
            err.seek(0)
            return Outcome(code, out.read(), err.read())


@dataclass(frozen=True)
class JobsApi:
    """A cluster's Jobs API, asked over plain HTTP."""

    port: int
    token: str

    @property
    def address(self) -> str:
        """What a person gives to `ray job submit`."""
        return f"http://{HOST}:{self.port}"

    def status(self, method: str, path: str, token: str | None, body: str | None = None) -> int:
        """Return the HTTP status of a request with that token, or with none."""
        return self._request(method, path, token, body)[0]

    def submit(self, entrypoint: str) -> str:
        """Submit a job that has no working directory of its own; return its id."""
        answer = self._ask("POST", "/api/jobs/", json.dumps({"entrypoint": entrypoint}))
        return str(answer["submission_id"])

    def jobs(self) -> list[dict[str, Any]]:
        """List the submitted jobs, the newest last."""
        listed = [job for job in self._ask("GET", "/api/jobs/") if job["type"] == "SUBMISSION"]
        return sorted(listed, key=lambda job: int(job["start_time"]))

    def job(self, number: str) -> dict[str, Any]:
        """Tell about one job."""
        return dict(self._ask("GET", f"/api/jobs/{number}"))

    def log(self, number: str) -> str:
        """Return what the job has written."""
        return str(self._ask("GET", f"/api/jobs/{number}/logs")["logs"])

    def ended(self, number: str) -> dict[str, Any]:
        """Wait until the job has ended; tell about it."""

        def job_that_ended() -> dict[str, Any] | None:
            job = self.job(number)
            return job if job["status"] in ("SUCCEEDED", "FAILED", "STOPPED") else None

        return eventually(job_that_ended, f"the end of {number}", JOB_TIMEOUT_S)

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:  # noqa: ANN401 - JSON
        status, text = self._request(method, path, self.token, body)
        assert status == http.client.OK, f"{method} {path}: {status} {text}"
        return json.loads(text)

    def _request(
        self, method: str, path: str, token: str | None, body: str | None
    ) -> tuple[int, str]:
        # Without a User-Agent Ray 2.48 answers 500 to a POST.
        headers = {"Content-Type": "application/json", "User-Agent": "tests"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def answers(api: JobsApi) -> bool:
    """Return whether the Jobs API lists jobs yet."""
    try:
        return api.status("GET", "/api/jobs/", api.token) == 200
    except OSError:
        return False


@dataclass(frozen=True)
class Cluster:
    """A running cluster, the terminal beside it and what its processes carry."""

    terminal: Terminal
    jobs_api: JobsApi
    mark: Mark
    printed: str = ""


@dataclass(frozen=True)
class Mark:
    """What processes are found by: a value in their environment, a folder in their command."""

    value: str
    folder: str = ""

    def processes(self) -> list[psutil.Process]:
        """Find the marked processes and their descendants, zombies left out."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and self._is_on(process):
                    family = [process, *process.children(recursive=True)]
                    found |= {each.pid: each for each in family}
        found.pop(os.getpid(), None)
        return list(found.values())

    def end(self) -> None:
        """End them by pid, and those that they start meanwhile."""
        for _ in range(3):
            kill(self.processes())

    def _is_on(self, process: psutil.Process) -> bool:
        in_command = self.folder and any(self.folder in part for part in process.cmdline())
        return bool(in_command or self.value in process.environ().values())


def clone_into(folder: Path) -> Path:
    """Copy the repository as a clone would hold it, with what is not committed yet."""
    for path in tracked():
        copied = folder / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)
    return folder


def alive(processes: list[psutil.Process]) -> list[str]:
    """Return the command lines of those that still run."""
    lines = []
    for process in processes:
        with suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                lines.append(f"{process.pid} {' '.join(process.cmdline())[:150]}")
    return lines


def kill(processes: list[psutil.Process]) -> None:
    """End them, by pid, and wait until they are gone."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    eventually(lambda: not alive(processes), "the end of killed processes")


def lasting(processes: list[psutil.Process]) -> dict[str, psutil.Process]:
    """Find those among them that a cluster keeps as long as it lives, by name."""
    found: dict[str, psutil.Process] = {}
    for process in processes:
        with suppress(psutil.Error):
            names = {Path(part).name for part in process.cmdline()[:3]}
            found |= dict.fromkeys(names & set(LASTING), process)
    return found


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Find the processes whose current directory is that folder or below it.

    A Ray worker that has lost its parent is found by nothing else: its title hides the rest.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


def eventually(probe: Callable[[], T | None], what: str, timeout_s: float = 30.0) -> T:
    """Ask again until there is an answer that counts, at most until the time is over."""
    deadline = time.monotonic() + timeout_s
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"{what} did not come within {timeout_s:.0f} s"
        time.sleep(0.1)
    return answer


def free_ports(count: int) -> list[int]:
    """Return as many different ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def report_in(log: str) -> list[str]:
    """Return the lines of the report, of which none may be wider than promised."""
    lines = log.splitlines()
    begins = [number for number, line in enumerate(lines) if line.startswith("Cluster  ")]
    assert len(begins) == 1, f"one report expected in:\n{log}"
    verdict = next((n for n, line in enumerate(lines) if line.startswith("Verdict  ")), None)
    assert verdict is not None, f"a report without verdict:\n{log}"
    report = lines[begins[0] : verdict + 1]
    assert not [line for line in report if len(line) > WIDTH]
    return report


def table_in(log: str) -> dict[str, dict[str, str]]:
    """Return the report's table, row by row, by strategy; whole, or the test fails."""
    report = report_in(log)
    begin = next(n for n, line in enumerate(report) if line.startswith("strategy "))
    titles = re.split(r"\s{2,}", report[begin].strip())
    rows = {}
    for line in report[begin + 2 : report.index("", begin)]:
        cells = re.split(r"\s{2,}", line.strip())
        rows[cells[0]] = dict(zip(titles, cells, strict=True))
    return rows


def check_default_report(log: str) -> None:
    """Check the report of the default workload: each strategy's states, its figures, agreement."""
    rows = table_in(log)
    assert {"serial", "actors"} <= rows.keys()
    report = "\n".join(report_in(log))
    for name, row in rows.items():
        assert re.search(rf"^(States)?\s+{name}\s+\[2, 2, 2, 2\]$", report, re.MULTILINE)
        assert float(row["elapsed s"]) >= float(row["work s"]) > 0
    # At the same time instead of one after the other: a quarter, were the machine idle.
    assert float(rows["actors"]["work s"]) < 0.75 * float(rows["serial"]["work s"])
    assert rows["actors"]["workers"] == "4"
    assert " agree" in report
