"""Clusters of several nodes on this machine, by `ray.cluster_utils`, that demand a token."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from ray._raylet import Config  # type: ignore[attr-defined]
from ray.cluster_utils import Cluster

from tests.ray_local.running import Command, free_port, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY = 4  # processes beside a node's own: so many that other load hides none of it
TOKEN = secrets.token_hex(32)  # one for all: a process that has sent it sends it for ever


class Nodes:
    """A cluster to which nodes can be added, and the command that is run against it."""

    def __init__(self, folder: Path) -> None:
        """Start the head, which has no CPU for actors."""
        self._ids: dict[str, str] = {}
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0, "node_name": "head",
                "gcs_server_port": free_port(), "temp_dir": str(folder / "ray"),
                "include_dashboard": False, "dashboard_agent_listen_port": 0,
            },
        )  # fmt: skip
        self.address = self._cluster.address
        self.command = Command(folder, address=self.address, token=TOKEN)

    def add(self, name: str, cpus: int, **more: Any) -> None:  # noqa: ANN401 - Ray's own
        """Let a node join, unless it is there; `more` is what else it declares, in Ray's words."""
        if name in self._ids:
            return
        node = self._cluster.add_node(
            node_name=name, num_cpus=cpus, dashboard_agent_listen_port=0, **more
        )
        self._ids[name] = str(node.node_id)

    def ids(self) -> dict[str, str]:
        """Return the ids of the nodes that have joined, by name."""
        return dict(self._ids)

    def end(self) -> None:
        """End every node's processes, each by its pid."""
        self._cluster.shutdown()


@contextlib.contextmanager
def cluster(**settings: str) -> Iterator[Nodes]:
    """Start a cluster of a head alone; it and all that joined it are ended.

    Args:
        settings: Ray's own, by name without the RAY_ before it.
    """
    with short_folder() as folder, pytest.MonkeyPatch.context() as patch:
        (folder / "venv").symlink_to(sys.prefix)
        for name in [name for name in os.environ if name.startswith("RAY_")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(f"RAY_{name}", value)
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("RAY_TMPDIR", str(folder))  # where Ray notes the newest cluster's address
        patch.setenv("RAY_raylet_start_wait_time_s", "100")  # 30 are not enough when busy
        # Its workers are started by a shell command that does not quote their Python's path.
        patch.setattr(sys, "executable", str(folder / "venv" / "bin" / "python"))
        Config.initialize("")  # or this process would not send the token
        nodes = Nodes(folder)
        try:
            yield nodes
        finally:
            nodes.end()


@contextlib.contextmanager
def confined_to(cpus: set[int]) -> Iterator[None]:
    """Let what is started meanwhile share these CPUs of the machine for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def others_at_work(cpus: set[int]) -> Iterator[None]:
    """Keep these CPUs of the machine busy with what is none of Ray's."""
    with confined_to(cpus):
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
