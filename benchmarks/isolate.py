"""Runs one contender in a process of its own and ends all that it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import IO, Any

import psutil

from benchmarks.outcomes import Outcome, Status
from benchmarks.scenarios import LIMIT_S

ROOT = Path(__file__).resolve().parents[1]
_CONNECT_S = 60.0
_KINDLY_S = 2.0
_END_S = 20.0
_LOOK_S = 0.05
_MARK = "BENCHMARK_RUN"


def measure(scenario: str, contender: str, rounds: int) -> Outcome:
    """Run one contender in one scenario.

    Args:
        scenario: Its name.
        contender: Its name.
        rounds: How much fixed work makes up the CPU cost of a call.
    """
    request = json.dumps({"scenario": scenario, "contender": contender, "rounds": rounds})
    mark = uuid.uuid4().hex
    with (
        tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as errors,
    ):
        environment = os.environ | {
            _MARK: mark,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": folder,  # what it leaves in files goes too
            "JOBLIB_TEMP_FOLDER": folder,
            "RAY_TMPDIR": folder,
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns of a change to come
        }
        return asyncio.run(_run(request, environment, errors))


async def _run(request: str, environment: dict[str, str], errors: IO[bytes]) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.measure",
        request,
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )
    event: dict[str, Any] | None = None
    try:
        if await _event(process, _CONNECT_S):
            event = await _event(process, LIMIT_S)
    except asyncio.TimeoutError:
        return Outcome(Status.TOO_LONG, "tried, and ended after that time")
    finally:
        # First all that holds the other end of the pipe, else there is no end to wait for.
        end_all(process.pid, environment[_MARK])
        await process.wait()
    return _outcome(event) if event else _failure(errors)


async def _event(process: asyncio.subprocess.Process, seconds: float) -> dict[str, Any] | None:
    """Return the next line of the process, None if it ended without one."""
    if process.stdout is None:
        return None
    line = await asyncio.wait_for(process.stdout.readline(), seconds)
    return dict(json.loads(line)) if line else None


def _outcome(event: dict[str, Any]) -> Outcome:
    if event["wrong"]:
        return Outcome(Status.WRONG, event["wrong"])
    status = Status.ESTIMATED if event["estimated"] else Status.OK
    return Outcome(status, seconds=event["seconds"], megabytes=event["megabytes"])


def _failure(errors: IO[bytes]) -> Outcome:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it ended without a word"
    missing = last.startswith("ModuleNotFoundError")
    return Outcome(Status.NOT_INSTALLED if missing else Status.FAILED, last)


def end_all(session: int, mark: str) -> None:
    """End every process of a run, however far down it is and whoever its parent is by now.

    Most share the run's session; those that began one of their own have inherited its mark, unless
    they wrote over it, as a process that changes its title does. They are asked first: some have
    shared memory to give back.
    """
    now = time.monotonic()
    kindly, until = now + _KINDLY_S, now + _END_S
    while now < until:
        left = [process for process in psutil.process_iter() if _belongs(process, session, mark)]
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.terminate() if now < kindly else process.kill()
        time.sleep(_LOOK_S)
        now = time.monotonic()


def _belongs(process: psutil.Process, session: int, mark: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if os.getsid(process.pid) == session:
            return True
        return bool(process.environ().get(_MARK) == mark)
    except (psutil.Error, OSError):
        return False  # another user's, or already gone
