"""Ask an autoscaler for resources, and take the request back even if the driver is killed.

A request stays with the cluster until another one replaces it, whoever made it and whatever has
become of them: forgotten, it keeps paid machines running. So a process of its own holds the other
end of a pipe, and withdraws the request when the driver is gone without having done so.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ANSWER_S = 10  # how long a busy head may take
HURRIED_S = 1  # likewise on leaving: a signal leaves 1.5 s in all
GUARDED_S = 60.0  # for how long the guard tries
DONE = b"done"


def ask(address: str, cpus: Sequence[float], answer_s: int = ANSWER_S) -> None:
    """Ask the cluster's autoscaler, of either version, for nodes that have room for these CPUs.

    Each figure must lie on one node. It replaces what was asked for before; nothing withdraws it.
    `ray.autoscaler.sdk.request_resources` does the same, but goes by the driver's own settings
    where the cluster runs the other version, and needs a connection.

    Args:
        address: The cluster's.
        cpus: What is asked for; nothing withdraws what was.
        answer_s: How long each of two answers may take, in seconds.

    Raises:
        RpcError: The head did not answer in time.
    """
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL as CHANNEL
    from ray._raylet import GcsClient  # type: ignore[attr-defined]
    from ray.autoscaler.v2.sdk import request_cluster_resources

    bundles = [{"CPU": figure} for figure in cpus]
    client = GcsClient(address=address)
    if is_v2(client, answer_s):
        wanted = [{"resources": bundle, "label_selector": {}} for bundle in bundles]
        request_cluster_resources(address, wanted, timeout=answer_s)
    else:
        client.internal_kv_put(CHANNEL, json.dumps(bundles).encode(), True, None, answer_s)  # noqa: FBT003 - overwrite, by position


def is_v2(client: object, answer_s: int = ANSWER_S) -> bool:
    """Return whether the cluster's autoscaler is of version 2.

    Raises:
        RpcError: The head did not answer in time.
    """
    from ray import _raylet as names

    key: str = names.GCS_AUTOSCALER_V2_ENABLED_KEY  # type: ignore[attr-defined]
    space: str = names.GCS_AUTOSCALER_STATE_NAMESPACE  # type: ignore[attr-defined]
    answer: bytes | None = client.internal_kv_get(key.encode(), space.encode(), answer_s)  # type: ignore[attr-defined]
    return answer == b"1"


class Request:
    """What we have asked the cluster's autoscaler for; withdrawn on leaving, however that is."""

    def __init__(self, address: str) -> None:
        """Nothing has been asked of the cluster at this address."""
        self._address = address
        self._leash: IO[bytes] | None = None

    @property
    def made(self) -> bool:
        """Whether something was asked for and not withdrawn."""
        return self._leash is not None

    def ask(self, cpus: Sequence[float]) -> None:
        """Ask for these CPUs instead of what was asked for before."""
        if self._leash is None:  # before there is anything to withdraw
            guard = subprocess.Popen(  # noqa: S603 - this very file
                [sys.executable, __file__, self._address], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            with contextlib.suppress(subprocess.TimeoutExpired):  # a busy machine
                guard.wait(ANSWER_S)  # it has left us by then
            self._leash = guard.stdin
        ask(self._address, cpus)

    def withdraw(self) -> None:
        """Take back what was asked for, if anything; where that fails the guard does it."""
        leash, self._leash = self._leash, None
        if leash:
            with contextlib.suppress(Exception), leash:
                ask(self._address, (), HURRIED_S)
                leash.write(DONE)


@contextlib.contextmanager
def asking(address: str) -> Iterator[Request]:
    """Have nothing asked of the cluster any more when the block is left."""
    request = Request(address)
    try:
        yield request
    finally:
        request.withdraw()


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
            ask(address, ())
            return
        time.sleep(1)


if __name__ == "__main__":
    watch(sys.argv[1])
