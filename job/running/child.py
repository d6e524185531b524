"""A process of our own on this machine, as whoever started it sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = str(Path(__file__).parents[2])
BOOT = (
    f"import sys; sys.path.insert(0, {ROOT!r}); from job.shard.serving import main; "
    "main(int(sys.argv[1]))"
)
PACKER = "ray.cloudpickle"  # what actors pickle by
LOOK_S = 0.2  # how long one wait may last: an end that a fork hides is seen in between
GONE_S = 5.0  # how long a process that has closed its pipe may take to end


class EndedError(Exception):
    """The process ended, or will not answer any more; its text says how."""


class Child:
    """A process that is told what to do through a pipe; it ends with `end`, or with the driver."""

    def __init__(self, native_threads: int = 0) -> None:
        """Start it.

        Libraries such as numpy's may have so many threads there, unless the user has said how many;
        0 leaves that to them.
        """
        threads = {"OMP_NUM_THREADS": str(native_threads)} if native_threads else {}
        self.pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own code
                [sys.executable, "-c", BOOT, str(theirs.fileno())],
                env=threads | os.environ, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),),
                start_new_session=True,  # what a terminal signals is ours to heed
            )  # fmt: skip

    def begin(self, act: Callable[..., None], *args: object) -> None:
        """Have it call `act` with its end of the pipe and with what else is given.

        What is large waits until it is there to take it: start all of several before.
        """
        self.tell([path or os.getcwd() for path in sys.path])  # noqa: PTH109
        self.tell((act, args))

    @property
    def pid(self) -> int:
        """Which process it is."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is gone; what it has sent before may still be heard."""
        return self._process.poll() is not None

    def tell(self, message: object) -> None:
        """Send it something; whether it is there shows when an answer is waited for."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(message)

    def hear(self, timeout_s: float) -> Any:  # noqa: ANN401 - anything
        """Return what it sends next.

        Raises:
            TimeoutError: Nothing came in that time.
            EndedError: Nothing will come any more.
        """
        if not self.pipe.poll(timeout_s):
            if not self.has_ended:
                raise TimeoutError
            if not self.pipe.poll():  # a process that it has forked may hold the other end
                raise EndedError(self._how())
        try:
            return self.pipe.recv()
        except (EOFError, OSError):  # the latter in the middle of an answer
            raise EndedError(self._how()) from None

    def end(self) -> None:
        """End it, with what the target has started there."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self.pipe.close()

    def _how(self) -> str:
        try:
            code = self._process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            return "does not answer any more"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"exited with code {code}"


def heard_from(children: Sequence[Child], timeout_s: float) -> list[Child]:
    """Return those that have sent something, or have ended, within so many seconds."""
    ready = wait([child.pipe for child in children], timeout_s)
    return [child for child in children if child.pipe in ready or child.has_ended]
