"""Ask an autoscaler for resources, and take the request back even if the driver is killed.

A request stays with the cluster until another one replaces it, whoever made it and whatever has
become of them: forgotten, it keeps paid machines running. So a process of its own holds the other
end of a pipe, and withdraws the request when the driver is gone without having done so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from job.cluster.private import request_resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from job.planning.placement import Demand

ANSWER_S = 10  # how long a busy head may take
HURRIED_S = 1  # likewise on leaving: a signal leaves 1.5 s in all
ROOT = Path(__file__).parents[2]
GUARDED_S = 60.0  # for how long the guard tries
DONE = b"done"


class Request:
    """What we have asked the cluster's autoscaler for; withdrawn on leaving, however that is."""

    def __init__(self, address: str) -> None:
        """Nothing has been asked of the cluster at this address."""
        self._address = address
        self._leash: IO[bytes] | None = None

    def ask(self, demands: Sequence[Demand]) -> None:
        """Ask for these instead of what was asked for before."""
        if self._leash is None:  # before there is anything to withdraw
            guard = subprocess.Popen(  # noqa: S603 - this very module
                [sys.executable, "-m", "job.cluster.guard", self._address], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                cwd=ROOT,  # where a driver stands a module of our name may lie
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            with contextlib.suppress(subprocess.TimeoutExpired):  # a busy machine
                guard.wait(ANSWER_S)  # it has left us by then
            self._leash = guard.stdin
        request_resources(self._address, demands, ANSWER_S)

    def __enter__(self) -> Self:
        """Have nothing asked of the cluster any more when the block is left."""
        return self

    def __exit__(self, *_: object) -> None:
        """Withdraw the request, if there is one."""
        self.withdraw()

    def withdraw(self) -> None:
        """Take back what was asked for, if anything; where that fails the guard does it."""
        leash, self._leash = self._leash, None
        if leash:
            with contextlib.suppress(Exception), leash:
                request_resources(self._address, (), HURRIED_S)
                leash.write(DONE)


def watch(address: str) -> None:
    """Withdraw the request when the driver has gone without a word."""
    if os.fork():  # Ray kills a stopped job's children and theirs: be nobody's
        return
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)  # they are the driver's to heed
    if sys.stdin.buffer.read() == DONE:
        return
    until = time.monotonic() + GUARDED_S
    while time.monotonic() < until:
        with contextlib.suppress(Exception):  # the head is busy, or gone, and all with it
            request_resources(address, (), ANSWER_S)
            return
        time.sleep(1)


if __name__ == "__main__":
    watch(sys.argv[1])
