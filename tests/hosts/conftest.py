"""Clusters that `ray up` starts on three real hosts, from deploy/onprem.yaml and cluster.yaml.

What the files are given here is what a person would put in: addresses, a key. The hosts have no way
to the outside, so of cluster.yaml what fetches and what asks for real machines is replaced as well.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ray._private.utils import get_num_cpus

from tests.hosts.aws import BASHRC, Aws, moto
from tests.hosts.lab import Host, Lab, hosts, missing
from tests.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.support import Outcome, Terminal

TARGETS = ROOT / "tests" / "targets" / "ledgers.py"
UP_S = 300.0


@dataclass(frozen=True)
class Up:
    """A cluster that runs on the lab's hosts.

    Attributes:
        terminal: The launcher's shell, in the repository that was mounted.
        file: The cluster file, as a person would give it to make.
        aws: AWS's API, where the cluster came from it.
    """

    lab: Lab
    terminal: Terminal
    file: str
    aws: Aws | None = None

    @property
    def head(self) -> Host:
        """The host of driver and Jobs API."""
        return self.lab.hosts["h1"]

    @property
    def cpus(self) -> int:
        """What the workers have once all have joined: each has all CPUs of this machine."""
        return int(get_num_cpus()) * (len(self.lab.hosts) - 1)

    @property
    def token(self) -> str:
        """What the cluster demands."""
        return (self.lab.home / ".ray" / "auth_token").read_text().strip()

    def clusters(self, command: str, *more: str) -> Outcome:
        """Type `make up` or `make down`, without the installation, which is the tests' own."""
        python = self.lab.folder / "venv" / "bin" / "python"
        return self.terminal.run(
            python, "deploy/clusters.py", command, self.file, "-y", *more, timeout_s=UP_S
        )

    def submit(self, options: str) -> Outcome:
        """Type `make submit`, likewise."""
        python = self.lab.folder / "venv" / "bin" / "python"
        words = ["--cluster", self.file, "--", *shlex.split(options)]
        return self.terminal.run(python, "deploy/submit.py", *words, timeout_s=UP_S)

    @contextlib.contextmanager
    def typed(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Have something of deploy/ run meanwhile, and end it as Ctrl-C does."""
        process = subprocess.Popen(
            # Whoever runs the tests may ignore Ctrl-C.
            ["env", "--default-signal=INT", self.lab.folder / "venv" / "bin" / "python", *words],  # noqa: S607
            cwd=self.terminal.folder, env=dict(self.terminal.environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=30)

    def of_ray(self) -> list[str]:
        """Return what of Ray runs on any host."""
        found = [line for host in self.lab.hosts.values() for _, line in host.processes()]
        return [line for line in found if "raylet/raylet" in line or "gcs_server" in line]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail, with the reason, where this machine cannot play several hosts."""
    if items and (reason := missing()):
        pytest.exit(f"tests/hosts cannot run here: {reason}", returncode=3)


def repository(lab: Lab) -> Path:
    """Copy the repository as a clone would hold it."""
    folder = lab.folder / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(TARGETS, folder / "ledgers.py")
    # What make would install is what the tests run in.
    (folder / ".venv").symlink_to(lab.folder / "venv")
    return folder


def filled(file: Path, changes: dict[str, Any]) -> None:
    """Put other values into a cluster file, by dotted keys."""
    config = yaml.safe_load(file.read_text())
    for key, value in changes.items():
        place = key.split(".")
        at: Any = config
        for name in place[:-1]:
            at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
        last = place[-1]
        at[int(last) if isinstance(at, list) else last] = value
    file.write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.fixture(scope="session", autouse=True)
def ended_in_order() -> Iterator[None]:
    """Take the hosts down after a SIGTERM too, which else would leave them behind."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, previous)


@pytest.fixture(scope="module")
def onprem() -> Iterator[Up]:
    """Start a cluster of deploy/onprem.yaml by `make up`; its workers join a little later."""
    with hosts({}) as lab:
        folder = repository(lab)
        filled(
            folder / "deploy" / "onprem.yaml",
            {
                "provider.head_ip": lab.hosts["h1"].address,
                "provider.worker_ips": [lab.hosts[name].address for name in ("h2", "h3")],
                "auth.ssh_user": "root",
                "auth.ssh_private_key": str(lab.key),
            },
        )
        yield started(Up(lab, lab.terminal(folder), "deploy/onprem.yaml"))


@pytest.fixture(scope="module")
def aws_cluster() -> Iterator[Up]:
    """Start the head of cluster.yaml on AWS's API; its workers are made when they are asked for."""
    with hosts(BASHRC) as lab, moto(lab) as aws:
        folder = repository(lab)
        file = folder / "cluster.yaml"
        filled(file, aws.overlay(yaml.safe_load(file.read_text())))
        yield started(Up(lab, lab.terminal(folder, **aws.variables), "cluster.yaml", aws))


def started(up: Up) -> Up:
    """Type `make up`."""
    made = up.clusters("up", "--no-config-cache")
    assert made.code == 0, made.text[-4000:]
    return up
