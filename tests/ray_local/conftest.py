"""One Ray for all tests here: a head with a token, joined by commands and by this process."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from job.cluster import connection
from job.signals import SIGNALS, Leaving
from tests.ray_local.running import Command, Head, short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from job.cluster.connection import Site


@pytest.fixture(scope="session")
def head() -> Iterator[Head]:
    # Ended by SIGTERM, as a time limit does it, pytest would leave the head behind.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with short_folder() as folder:
        head = Head(folder)
        yield head
        head.end()
    signal.signal(signal.SIGTERM, previous)


@pytest.fixture(scope="module")
def site(head: Head) -> Iterator[Site]:
    """Let this process be a driver on the shared Ray, by the package's own way in."""
    handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
    environment = dict(os.environ)
    os.environ["RAY_AUTH_TOKEN"] = head.token
    try:
        with connection.session(head.address, Leaving(), note=lambda _: None) as site:
            for signum, handler in handlers.items():  # Ctrl-C is pytest's
                signal.signal(signum, handler)
            yield site
    finally:
        os.environ.clear()
        os.environ.update(environment)


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def command(head: Head, folder: Path) -> Command:
    """Run the command against the shared Ray."""
    return Command(folder, address=head.address, token=head.token)


@pytest.fixture
def embedded(folder: Path) -> Iterator[Command]:
    """Run the command with a Ray of its own."""
    command = Command(folder)
    yield command
    assert command.left_behind() == []


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Return where a Marker makes its files."""
    made = tmp_path / "marks"
    made.mkdir()
    return made
