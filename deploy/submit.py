"""Submits the comparison as a job, follows it, and brings its results and exit code home.

`make submit ADDRESS=http://host:8265`, or without an address to the head of a cluster file, by a
tunnel of its own; luggage.py reads WITH, PIP and SUBMIT. Ray lets RAY_API_SERVER_ADDRESS and
RAY_ADDRESS win over --address without a word and sends a token only if told that there is one;
both are seen to here.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deploy.luggage import Upload, packed, read_submit, read_with, split  # noqa: E402
from job.cluster.address import free_port, own_token  # noqa: E402
from job.cluster.jobs import DEFAULT, ENDED, JobsApi, choose_api  # noqa: E402
from job.cluster.private import COMMAND  # noqa: E402
from job.errors import ClusterError, JobError, UsageError  # noqa: E402
from job.results.log import unmarked  # noqa: E402 - found by the line above

if TYPE_CHECKING:
    from collections.abc import Iterator

TUNNEL_S = 120.0  # AWS is asked where the head is, before ssh begins
SUBMIT_S = 300.0  # for up to 100 MiB to be uploaded
AGENT_S = 30.0  # how long a head's agent takes to start, at most, once the head answers
STARTING = (
    "No available agent",
    "Agent info not found",
)  # as the Jobs API says it
COLOURS, WORD = re.compile(r"\x1b\[[\d;]*m"), re.compile(r"[^\W\d_]{3}")
LOOK_S = 1.0
OUTAGE_S = 60.0  # how long the Jobs API may be silent while a job is followed
RESULTS = Path("results")


def environment() -> dict[str, str]:
    """Return what Ray's commands are to see: no other address, and that there is a token."""
    kept = {
        k: v for k, v in os.environ.items() if k not in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
    }
    return kept | ({"RAY_AUTH_MODE": "token"} if own_token() else {})


@contextlib.contextmanager
def tunnel(cluster: str) -> Iterator[str]:
    """Bring the Jobs API of a cluster file's head to a port of this machine.

    Raises:
        ClusterError: The head is not to be found, or not to be reached.
    """
    port = free_port()
    print(f"Looking for the head of {cluster} …", file=sys.stderr, flush=True)
    # A file, since ssh leaves a process behind for some seconds that would keep a pipe open.
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(  # noqa: S603
            [*COMMAND, "dashboard", "--port", str(port), cluster],
            env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            _await_port(process, port, cluster, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)  # ssh is its child
            process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int, cluster: str, log: TextIO) -> None:
    until = time.monotonic() + TUNNEL_S
    while time.monotonic() < until:
        if process.poll() is not None:
            log.seek(0)
            message = f"{cluster}: its head cannot be reached ({last_words(log.read())})"
            raise ClusterError(message, f"Start it with: make up CLUSTER={cluster}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    message = f"{cluster}: no way to its head within {TUNNEL_S:g} s"
    raise ClusterError(message, "Is it up, and may this machine log in there?")


def submit(api: JobsApi, submission_id: str, upload: Upload, options: list[str]) -> None:
    """Hand the job in with what it takes along, once the head's agent has started.

    Raises:
        ClusterError: The cluster did not take it; Ray has said why.
        TimeoutExpired: It did not in time, though it answered before.
    """
    until, told = time.monotonic() + AGENT_S, False
    while said := _hand_in(api, submission_id, upload, options):
        if time.monotonic() > until or not any(words in said for words in STARTING):
            message = f"{api.address}: the job was not taken ({last_words(said)})"
            hint = "The address, the token, SUBMIT and the size of this folder matter."
            raise ClusterError(message, hint)
        if not told:
            told = True
            print(f"{api.address}: its agent is starting; waiting …", file=sys.stderr, flush=True)
        time.sleep(LOOK_S)


def _hand_in(api: JobsApi, submission_id: str, upload: Upload, options: list[str]) -> str:
    """Return what Ray says where it does not take the job, and nothing where it does."""
    done = subprocess.run(  # noqa: S603
        [
            *COMMAND, "job", "submit", "--address", api.address, "--submission-id", submission_id,
            "--no-wait", "--working-dir", upload.working_dir, "--runtime-env", upload.runtime_env,
            *upload.options, "--", "python", "job/main.py", "--emit-json", *options,
        ],
        env=environment(), cwd=ROOT, check=False, capture_output=True, text=True, errors="replace",
        timeout=SUBMIT_S,
    )  # fmt: skip
    return f"{done.stdout}\n{done.stderr}" if done.returncode else ""


def last_words(text: str) -> str:
    """Return the last line that says something: Ray's errors may end in a full stop of its own."""
    lines = COLOURS.sub("", text).splitlines()
    return next((line.strip() for line in reversed(lines) if WORD.search(line)), "no reason")


def follow(api: JobsApi, submission_id: str) -> None:
    """Show the job's log until it has ended, but for the results in it.

    Raises:
        ClusterError: The Jobs API was silent for too long.
    """
    shown, silent_since = 0, 0.0
    while True:
        try:
            ended = api.job(submission_id).get("status") in ENDED
            log = api.log(submission_id)
            silent_since = 0.0
        except ClusterError:
            silent_since = silent_since or time.monotonic()
            if time.monotonic() > silent_since + OUTAGE_S:
                raise
            time.sleep(LOOK_S)
            continue
        whole = log if ended else log[: log.rfind("\n") + 1]
        lines = unmarked(whole.splitlines())
        if len(lines) > shown:
            print("\n".join(lines[shown:]), flush=True)
            shown = len(lines)
        if ended:
            return
        time.sleep(LOOK_S)


def bring_home(api: JobsApi, submission_id: str) -> int:
    """Save the job's results here, and return its driver's exit code; the log had the report."""
    RESULTS.mkdir(exist_ok=True)
    place = RESULTS / f"{submission_id}.json"
    done = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "job" / "main.py", "fetch", submission_id, "--address", api.address,
         "--output", place],
        check=False, stdout=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    if place.exists():
        print(f"Results: {place} (python job/main.py report {place})", file=sys.stderr)
    return done.returncode


def run(api: JobsApi, upload: Upload, options: list[str], cluster: str = "") -> int:
    """Submit, follow and fetch; what to type is told where the job is left to itself.

    Args:
        api: Where.
        upload: What goes along.
        options: The comparison's.
        cluster: The cluster file whose head a tunnel leads to, if one does.

    Raises:
        ClusterError: The job was not taken, or can be followed no longer.
    """
    api.knock()
    submission_id = f"comparison_{datetime.now():%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"  # noqa: DTZ005
    try:
        submit(api, submission_id, upload, options)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        print(f"\nThe job may have been taken.{how_to_go_on(api, submission_id, cluster)}",
              file=sys.stderr)  # fmt: skip
        return 130
    try:
        print(f"Job {submission_id}", file=sys.stderr, flush=True)
        follow(api, submission_id)
        return bring_home(api, submission_id)
    except (KeyboardInterrupt, ClusterError) as left:
        print(f"\nThe job goes on.{how_to_go_on(api, submission_id, cluster)}", file=sys.stderr)
        if isinstance(left, ClusterError):
            raise
        return 130


def how_to_go_on(api: JobsApi, submission_id: str, cluster: str) -> str:
    """Return what to type, here, for a job that is left to itself.

    The address and the token are put before Ray's command, which heeds other variables else.
    """
    first = f"In another terminal `make dashboard CLUSTER={cluster}`. " if cluster else ""
    address = DEFAULT if cluster else api.address  # the tunnel's end is closed by then
    python, mode = ".venv/bin/python", "RAY_AUTH_MODE=token " if own_token() else ""
    return (
        f" {first}To bring its results home, or to stop it:\n"
        f"  {python} job/main.py fetch {submission_id} --address {address}\n"
        f"  {mode}RAY_API_SERVER_ADDRESS={address} {python} {' '.join(COMMAND[1:])} job stop "
        f"{submission_id}"
    )


def main() -> int:
    """Do what was typed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="")
    parser.add_argument("--cluster", default="cluster.yaml")
    parser.add_argument("--with", dest="own", default="", help="one's own code: paths")
    parser.add_argument("--pip", default="", help="requirements")
    parser.add_argument("--submit", default="", help="further options of `ray job submit`")
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    for signum in (signal.SIGTERM, signal.SIGHUP):  # or tunnel and temporary files would stay
        signal.signal(signum, signal.default_int_handler)
    try:
        if given.address and not given.address.startswith(("http://", "https://")):
            message = f"ADDRESS={given.address} is not an address of the Jobs API"
            raise UsageError(message, "Write it as ADDRESS=http://host:8265.")
        own, further = read_with(given.own), read_submit(given.submit)
        with packed(own, split("PIP", given.pip), further) as upload:
            if given.address:
                return run(choose_api(given.address), upload, given.options)
            with tunnel(given.cluster) as address:
                return run(choose_api(address), upload, given.options, given.cluster)
    except JobError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
