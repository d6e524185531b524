"""One driver on a cluster and one on an embedded Ray, which go through all classes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.others.cases import CONNECTED, EMBEDDED, Case
from tests.others.support import Driver, Plain
from tests.ray_local.conftest import command, embedded, folder, head
from tests.ray_local.running import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.ray_local.running import Head

__all__ = ["command", "embedded", "folder", "head"]


def wanted(session: pytest.Session) -> dict[str, list[Case]]:
    """Return the cases of the tests that were selected, by where they are to be run."""
    found: dict[str, list[Case]] = {EMBEDDED: [], CONNECTED: []}
    for item in session.items:
        given = getattr(item, "callspec", None)
        if given and "case" in given.params and not item.get_closest_marker("skip"):
            case = given.params["case"]
            if case not in found[given.params["where"]]:
                found[given.params["where"]].append(case)
    return found


@pytest.fixture(scope="session")
def drivers(request: pytest.FixtureRequest, head: Head) -> Iterator[Mapping[str, Driver]]:
    """Go through all cases that are wanted, embedded and connected side by side."""
    with short_folder() as folder:
        made = {}
        for where, cases in wanted(request.session).items():
            mine = folder / where[0]
            mine.mkdir()
            made[where] = Driver(mine, where, cases, head if where == CONNECTED else None)
        yield made
        for driver in made.values():
            driver.end()


@pytest.fixture(scope="session")
def plain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plain]:
    """Loop over the classes of the cases that are wanted."""
    cases = {case.name: case for cases in wanted(request.session).values() for case in cases}
    calm = [case for case in cases.values() if not case.words]
    made = Plain(tmp_path_factory.mktemp("plain"), calm)
    yield made
    made.end()
