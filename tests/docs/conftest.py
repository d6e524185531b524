"""A clone of the repository for each page, in which its commands are typed as they stand."""

from __future__ import annotations

import faulthandler
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.docs.reader import Reader
from tests.e2e.conftest import borrow, environment, fresh  # noqa: F401 - two are fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def reader(
    fresh: Path,  # noqa: F811 - the fixture of that name
    environment: dict[str, str],  # noqa: F811 - likewise
    tmp_path: Path,
) -> Iterator[Reader]:
    """Return somebody who has cloned and installed the repository; no cluster outlives them."""
    faulthandler.cancel_dump_traceback_later()  # a page takes minutes; each command has a deadline
    clone = tmp_path / "ray-actor-comparison"
    shutil.copytree(fresh, clone)
    borrow(clone / ".venv")
    (clone / ".venv" / ".installed-html").touch()
    person = Reader(clone, environment)
    yield person
    if (clone / ".cluster").exists():
        person.type("make cluster-stop")
