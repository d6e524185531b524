"""The try-out: a process of its own makes the target's first calls, before anything is measured."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from job.errors import StateError, TargetRaisedError, TrialError, UsageError
from job.planning.estimate import Profile
from job.results.document import Tried

if TYPE_CHECKING:
    from job.running.listener import Listener
    from job.workload.model import Plan, Workload

ROOT = str(Path(__file__).parents[2])
# Our own package is found before any folder of that name, and the target as it is here.
BOOT = (
    f"import pickle, sys; sys.path.insert(0, {ROOT!r}); from job.shard.tryout import serve; "
    "sys.path[:] = pickle.load(sys.stdin.buffer); serve()"
)
EXTRA_S = 3.0  # for what is good to know, once everything that must be known is
LATER = "a call after the first ones"
POLL_S = 0.2  # how long one wait may last: a signal is seen in between
SAY_S = 10.0  # between two notes that something is waited for


def try_out(
    workload: Workload, plan: Plan, packed: bytes, listener: Listener
) -> tuple[Tried, frozenset[str]]:
    """Try out a target whose recipe is `packed`; return what was found, and what is to be awaited.

    Raises:
        UsageError: The target cannot be compared, or its state not; or it ended its process.
        TrialError: It raised, or took too long.
    """
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,  # what a terminal signals is ours to heed
    ) as process:  # fmt: skip
        try:
            found = _await(process, workload, plan, packed, listener)
        finally:
            with contextlib.suppress(ProcessLookupError):  # with what the target has started
                os.killpg(process.pid, signal.SIGKILL)
    awaited = found.pop("awaited", frozenset())
    return Tried.model_validate(found), awaited


def profile_of(workload: Workload, tried: Tried) -> Profile:
    """Return what the calls of one instance take, as each kind of them was timed."""
    pairs = [
        (call.times / timed.calls, timed)
        for call, timed in zip(workload.calls, tried.calls, strict=True)
        if timed.calls
    ]
    return Profile(
        workload.calls_per_instance,
        sum(scale * timed.wall_s for scale, timed in pairs),
        sum(scale * timed.cpu_s for scale, timed in pairs),
        round(sum(scale * timed.switches for scale, timed in pairs)),
        load_s=tried.load_s,
    )


def _await(
    process: subprocess.Popen[bytes], workload: Workload, plan: Plan, packed: bytes,
    listener: Listener,
) -> dict[str, Any]:  # fmt: skip
    """Return what the process found; of one that takes long over what is extra, what it had."""
    assert process.stdin  # noqa: S101 - both are pipes
    assert process.stdout  # noqa: S101
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        pickle.dump([path or os.getcwd() for path in sys.path], stdin)  # noqa: PTH109
        stdin.write(packed)
    answers: queue.Queue[tuple[str | None, dict[str, Any], Exception | None] | None]
    answers = queue.Queue()
    threading.Thread(target=_hear, args=(process.stdout, answers), daemon=True).start()
    began, found = time.monotonic(), dict[str, Any]()
    doing: str | None = "starting Python"
    said, until = began, began + plan.most_s
    while True:
        now = time.monotonic()
        try:
            answer = answers.get(timeout=POLL_S)
        except queue.Empty:
            if now > until:
                if doing:
                    raise _late(workload, plan, doing) from None
                return found
            if now > said + SAY_S:
                said = now
                listener.note(f"Trying out {workload.target}: {doing}, for {now - began:.0f} s")
            continue
        if answer is None:
            if doing or "serial" in plan.strategies:
                what = f"its process {_end(process)} in {doing or LATER}"
                hint = "What ends its process cannot be compared: have it raise."
                raise UsageError(f"target {workload.target}: {what}", hint)
            return found  # actors may die
        doing, found, error = answer
        if not found:
            _check(error)
        if doing is None:
            return found
        until = until if doing else min(until, time.monotonic() + EXTRA_S)


def _late(workload: Workload, plan: Plan, doing: str) -> TrialError:
    message = f"trying out {workload.target}: {doing} took longer than {plan.most_s:g} s"
    return TrialError(message, "Allow more with --timeout.")


def _check(error: Exception | None) -> None:
    if isinstance(error, TargetRaisedError):
        if error.error.startswith("TypeError") and not error.line:  # in no code but the call itself
            hint = "Give it what its def line asks for; `self` is not counted."
            raise UsageError(f"{error.doing}: {error.error}", hint)
        raise error.told("the target", "tried out")
    if isinstance(error, StateError):  # told before anything was measured
        raise UsageError(error.message, error.hint)
    if error:
        raise error


def _hear(stdout: IO[bytes], answers: queue.Queue[Any]) -> None:
    """Pass on what the process answers, and None when it ends."""
    # The pipe's end may come in the middle of an answer, or be ours: ValueError.
    with contextlib.suppress(EOFError, pickle.UnpicklingError, OSError, ValueError):
        while True:
            answers.put(pickle.load(stdout))  # noqa: S301 - our own process wrote it
    answers.put(None)


def _end(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
