"""Signals: the first one ends a comparison in order, and within the grace whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from job.signals import SIGNALS, Leaving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

WAITING = """
import signal, sys
from job.signals import Leaving
with Leaving().watching() as leaving:
    try:
        print("ready", flush=True)
        signal.pause()
        print("slept on", flush=True)
    except KeyboardInterrupt:
        print("leaving", flush=True)
        sys.stdin.readline()
        print("cleaned up", flush=True)
sys.exit(leaving.exit_code)
"""

# A mutex that is locked twice waits for ever, and no signal gets it out of there.
STUCK = """
import ctypes, sys
from job.signals import Leaving
with Leaving().watching() as leaving:
    leaving.grace_s = 0.1
    leaving.abandon = lambda: print("abandoned", flush=True)
    mutex, c = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    c.pthread_mutex_lock(mutex)
    try:
        print("ready", flush=True)
        c.pthread_mutex_lock(mutex)
    except KeyboardInterrupt:  # the signal came before the main thread was stuck
        c.pthread_mutex_lock(mutex)
print("never")
"""

# What Ray does: it puts a handler of its own in place.
REARMED = WAITING.replace(
    "    try:", "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    leaving.rearm()\n    try:"
)


@contextmanager
def running(script: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-S", "-c", script]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert line(process) == "ready"
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_a_second_one_lets_the_cleaning_up_end(
    signum: signal.Signals,
) -> None:
    with running(WAITING) as process:
        process.send_signal(signum)
        assert line(process) == "leaving"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate("\n", timeout=60)
        assert out == "cleaned up\n"
        assert process.returncode == 128 + signum


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_stuck_in_foreign_code_it_is_abandoned_after_the_grace(signum: signal.Signals) -> None:
    with running(STUCK) as process:
        process.send_signal(signum)
        out, _ = process.communicate(timeout=60)
        assert out == "abandoned\n"
        assert process.returncode == 128 + signum


def test_signals_that_others_have_taken_are_taken_back() -> None:
    with running(REARMED) as process:
        process.send_signal(signal.SIGTERM)
        assert line(process) == "leaving"
        process.communicate("\n", timeout=60)
        assert process.returncode == 143


def test_other_signals_are_no_reason_to_leave() -> None:
    script = STUCK.replace(
        "    mutex,",
        "    import signal; signal.signal(signal.SIGUSR1, lambda *_: None)\n    mutex,",
    )
    with running(script) as process:
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        assert out == "abandoned\n"
        assert process.returncode == 143


def test_afterwards_everybody_has_their_signals_back() -> None:
    before = [signal.getsignal(signum) for signum in SIGNALS]
    with Leaving().watching():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(signum) for signum in SIGNALS] == before
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    assert wakeup == -1


def test_a_signal_ends_a_forked_child_at_once_and_is_not_taken_for_one_of_ours() -> None:
    with Leaving().watching() as leaving:
        codes = []
        for _ in range(20):  # some while the child is still being made ready
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            os.kill(pid, signal.SIGTERM)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        assert set(codes) == {-signal.SIGTERM}
        assert not leaving.signum


def test_within_the_grace_the_main_thread_leaves_by_itself() -> None:
    with Leaving().watching() as leaving:
        leaving.grace_s = 60.0
        leaving.abandon = lambda: pytest.fail("abandoned")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert leaving.signum == signal.SIGTERM
        assert leaving.exit_code == 143


def test_nothing_is_left_open() -> None:
    folder = Path("/proc/self/fd")
    with Leaving().watching():
        during = len(list(folder.iterdir()))
    for _ in range(5):
        with Leaving().watching():
            pass
    assert len(list(folder.iterdir())) <= during
