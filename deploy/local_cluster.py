"""A real Ray cluster of one node on this machine: `make cluster`, `make cluster-stop`.

It requires a token, since Ray listens on every address of the machine, and it knows its own
processes, so that stopping it ends exactly these: `ray stop` would end every Ray on the machine.
To stop it, which any Python does, also when its virtualenv is gone, the standard library is enough.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from job.errors import ClusterError  # noqa: E402 - found by the line above, as all of it below

if TYPE_CHECKING:
    from job.cluster.jobs import JobsApi

FOLDER = ROOT / ".cluster"  # ignored by git
STATE = FOLDER / "state.json"
LOG = FOLDER / "ray.log"
HOST = "127.0.0.1"
# Ray's unix sockets lie some 70 characters below its folder, and may be 107 long (103 on macOS,
# whose own temporary folder has 49).
LONGEST_PARENT = 20
START_TIMEOUT_S = 120.0
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
GRACE_S = 6.0  # from SIGTERM to SIGKILL; the gcs_server takes a few seconds to leave


@dataclass(frozen=True)
class Process:
    """One process, known by its start time as well, since a pid is given out again."""

    pid: int
    parent: int
    started: float
    command: str

    def is_remembered_as(self, pid: int, started: float) -> bool:
        """Two seconds apart are the same: ps computes a start time anew each time, and rounds."""
        return self.pid == pid and abs(self.started - started) < 3  # noqa: PLR2004


@dataclass(frozen=True)
class State:
    """What `stop` must know; written before the first process is started."""

    temp_dir: str
    dashboard_port: int
    processes: tuple[tuple[int, float], ...] = ()  # pid and start time

    @property
    def venv(self) -> Path:
        """The virtualenv, linked to by a path without spaces, in which all that is Ray's is called.

        Ray starts the workers of a job by a shell command that does not quote its Python's path.
        """
        return Path(self.temp_dir, "venv")


def start(port: int, dashboard_port: int) -> State:
    """Start the cluster and return when its Jobs API answers those who bring the token."""
    from job.cluster.address import ensure_token
    from job.cluster.jobs import JobsApi

    if (state := load_state()) and members(state):
        raise ClusterError("This folder's cluster runs already.", what_to_type(state))
    if not shutil.which("ps"):
        raise ClusterError("The command `ps` is needed to stop a cluster later: install procps.")
    require_free(port, "PORT")
    require_free(dashboard_port, "DASHBOARD_PORT")
    ensure_token()
    parent = tempfile.gettempdir()
    if len(parent) > LONGEST_PARENT:
        parent = "/tmp"  # noqa: S108 - mkdtemp makes a folder of our own in it
    state = State(tempfile.mkdtemp(prefix="ray-", dir=parent), dashboard_port)
    save_state(state)
    try:
        state.venv.symlink_to(sys.prefix)
        start_ray(state, port)
        wait_for_jobs_api(JobsApi(f"http://{HOST}:{dashboard_port}"))
        remembered = tuple((each.pid, each.started) for each in members(state))
        state = replace(state, processes=remembered)
        save_state(state)
    except BaseException:  # Ctrl-C too: nothing is left behind
        stop()
        raise
    return state


def stop() -> int:
    """End this folder's cluster, wait until it is gone; return how many processes that were."""
    state = load_state()
    if state is None:
        return 0
    known = dict(state.processes)
    ended: set[int] = set()
    begin = time.monotonic()
    while alive := members(replace(state, processes=tuple(known.items()))):
        waited = time.monotonic() - begin
        if waited > STOP_TIMEOUT_S:
            pids = ", ".join(str(each.pid) for each in alive)
            raise ClusterError(f"Processes of the cluster that do not end: {pids}.")
        for each in alive:
            # Once its parent has ended, a worker can be found by its pid only.
            known[each.pid] = each.started
            if waited > GRACE_S or each.pid not in ended:
                send(each.pid, signal.SIGKILL if waited > GRACE_S else signal.SIGTERM)
            ended.add(each.pid)
        time.sleep(0.2)
    shutil.rmtree(state.temp_dir, ignore_errors=True)
    shutil.rmtree(FOLDER)
    return len(ended)


def members(state: State) -> list[Process]:
    """Find what runs of the cluster: what is remembered or was called for it, and descendants."""
    everything = all_processes()
    found = {
        each.pid
        for each in everything
        if any(each.is_remembered_as(pid, started) for pid, started in state.processes)
        or each.command.startswith(f"{state.venv}/")
    }
    while children := {each.pid for each in everything if each.parent in found} - found:
        found |= children
    return [each for each in everything if each.pid in found]


def all_processes() -> list[Process]:
    """List the machine's processes as ps tells them, on Linux and on macOS, zombies left out."""
    listing = subprocess.run(
        ["ps", "-Aww", "-opid=", "-oppid=", "-ostat=", "-olstart=", "-oargs="],  # noqa: S607
        env={**os.environ, "LC_ALL": "C"},  # a date that can be read
        check=True,
        capture_output=True,
        text=True,
        errors="replace",
    ).stdout
    found = []
    for line in listing.splitlines():
        pid, parent, state, *date, command = [*line.split(None, 8), ""][:9]
        if not state.startswith("Z"):
            started = datetime.strptime(" ".join(date), "%a %b %d %H:%M:%S %Y").astimezone()
            found.append(Process(int(pid), int(parent), started.timestamp(), command))
    return found


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process, which may have ended by itself meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def require_free(port: int, variable: str) -> None:
    """Refuse a port that is taken; Ray would say so later, and in a log."""
    with socket.socket() as probe:
        # As Ray's servers do: connections that have just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise ClusterError(
                f"Port {port} cannot be had ({error}): choose another, "
                f"as in `make cluster {variable}={port + 1000}`."
            ) from error


def start_ray(state: State, port: int) -> None:
    """Start the head in the repository's root, where jobs without a working directory run.

    The virtualenv's folder is first on PATH; what Ray says is shown only if it fails.
    """
    from job.cluster.address import free_port
    from job.cluster.private import COMMAND

    scripts = state.venv / "bin"
    path = os.pathsep.join([str(scripts), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "RAY_AUTH_MODE": "token"}
    environment.setdefault("RAY_raylet_start_wait_time_s", "100")  # 30 are not enough when busy
    environment.pop("RAY_ADDRESS", None)  # of another cluster
    command: list[str | Path] = [
        scripts / "python", *COMMAND[1:], "start", "--head",
        f"--port={port}",
        f"--dashboard-host={HOST}",
        f"--dashboard-port={state.dashboard_port}",
        # These two have a fixed number by default, which a second cluster here finds taken. The
        # first takes 0 for "any"; the second, of use to ray:// only, must be given a number.
        "--dashboard-agent-listen-port=0",
        f"--ray-client-server-port={free_port()}",
        f"--temp-dir={state.temp_dir}",
        "--disable-usage-stats",  # no question, nothing sent
    ]  # fmt: skip
    with LOG.open("w+") as log:
        try:
            result = subprocess.run(  # noqa: S603
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=START_TIMEOUT_S,
                start_new_session=True,  # so that closing the terminal does not end the cluster
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ClusterError(f"`ray start` did not run: {error}.") from error
        if result.returncode:
            log.seek(0)
            raise ClusterError(f"`ray start` failed, saying:\n{log.read().strip()}")


def wait_for_jobs_api(api: JobsApi) -> None:
    """Wait until the Jobs API answers, and make sure that it does so for the token only."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            api.knock()
            break
        except ClusterError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    if api.is_open():
        raise ClusterError(f"{api.address}: the Jobs API does not require the token.")


def load_state() -> State | None:
    """Return what the last start remembered, None if there is nothing to stop."""
    try:
        kept = json.loads(STATE.read_text())
        return State(**{**kept, "processes": tuple(map(tuple, kept["processes"]))})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ClusterError(f"{STATE} cannot be read: {error}.") from error


def save_state(state: State) -> None:
    """Keep the state, whole or not at all."""
    FOLDER.mkdir(exist_ok=True)
    beside = STATE.with_suffix(".new")
    beside.write_text(json.dumps(asdict(state)))
    beside.replace(STATE)


def what_to_type(state: State) -> str:
    """Say what is typed next; the last two lines are meant to be copied."""
    activate = shlex.quote(os.path.relpath(Path(sys.prefix, "bin", "activate"), ROOT))
    address = f"http://{HOST}:{state.dashboard_port}"  # without http:// Ray hangs for 41 s
    return (
        f"A Ray cluster runs here, its Jobs API on port {state.dashboard_port} requires a token; "
        "`make cluster-stop` ends it.\nNow type, in this folder:\n\n"
        f". {activate}; export RAY_AUTH_MODE=token RAY_API_SERVER_ADDRESS={address}\n"
        "ray job submit -- python job/main.py"
    )


def main() -> int:
    """Start or stop, as the command line says; a sentence instead of a traceback."""
    parser = argparse.ArgumentParser(description="A Ray cluster of one node on this machine.")
    parser.add_argument("what", choices=["start", "stop"])
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--dashboard-port", type=int, default=8265)
    options = parser.parse_args()
    try:
        if options.what == "start":
            print(what_to_type(start(options.port, options.dashboard_port)))
        else:
            print(f"Ended {count} processes." if (count := stop()) else "No cluster runs here.")
    except ClusterError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
