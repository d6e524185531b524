"""Environments of older Rays, as `make test-rays` makes them, and a cluster of each.

Everything here runs once per version, and where none was made it says what makes them.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.support import JobsApi, eventually
from tests.ray_local.running import ROOT, Command, Head, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MADE = ROOT / ".venv" / "rays"
AGENT_S = 60.0  # until a head takes jobs


def versions() -> list[str]:
    """Return the Rays that are asked for, or else those that are there, or one that is missing."""
    made = sorted(stamp.parent.name for stamp in MADE.glob("*/.made"))
    return os.environ.get("RAYS", "").split() or made or ["none"]


@pytest.fixture(scope="session", params=versions())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def venv(version: str) -> str:
    folder = MADE / version
    assert (folder / "bin" / "python").exists(), f"{folder} is missing: `make test-rays` makes it"
    return str(folder)


@pytest.fixture(scope="session")
def head(venv: str) -> Iterator[Head]:
    """Start a cluster of that Ray, where jobs run in the repository's root."""
    # Ended by SIGTERM, as a time limit does it, pytest would leave the head behind.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with short_folder() as folder:
        head = Head(folder, venv, jobs_in=ROOT)
        try:
            api = jobs_api(head)
            eventually(lambda: takes_jobs(api), "a head that takes jobs", AGENT_S)
            yield head
        finally:
            head.end()
    signal.signal(signal.SIGTERM, previous)


def jobs_api(head: Head) -> JobsApi:
    return JobsApi(int(head.api.rpartition(":")[2]), head.token)


def takes_jobs(api: JobsApi) -> bool:
    """Return whether the head's agent has started, without which no job is taken."""
    try:
        return api.status("POST", "/api/jobs/", api.token, '{"entrypoint": "true"}') == 200
    except OSError:
        return False


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def embedded(folder: Path, venv: str) -> Iterator[Command]:
    """Run the command by that environment's Python, with a Ray of its own."""
    (folder / "venv").symlink_to(venv)
    command = Command(folder, python=f"{folder}/venv/bin/python")
    yield command
    assert command.left_behind() == []


@pytest.fixture
def command(head: Head, folder: Path) -> Command:
    """Run the command by that environment's Python, against the cluster."""
    python = str(head.bin / "python")
    return Command(folder, address=head.address, token=head.token, python=python)
