"""Drivers on a cluster and on embedded Rays, which go through all classes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.others.cases import CONNECTED, EMBEDDED, LOCAL, Case
from tests.others.support import Drivers, Plain
from tests.ray_local.conftest import command, embedded, folder, head
from tests.ray_local.running import short_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command", "embedded", "folder", "head"]

EMBEDDED_DRIVERS = 2


def wanted(session: pytest.Session) -> dict[str, list[Case]]:
    """Return the cases of the tests that were selected, by where they are to be run."""
    found: dict[str, list[Case]] = {EMBEDDED: [], CONNECTED: [], LOCAL: []}
    for item in session.items:
        given = getattr(item, "callspec", None)
        if given and "case" in given.params and not item.get_closest_marker("skip"):
            case = given.params["case"]
            if case not in found[given.params["where"]]:
                found[given.params["where"]].append(case)
    return found


@pytest.fixture(scope="session")
def drivers(request: pytest.FixtureRequest) -> Iterator[Drivers]:
    """Go through all cases that are wanted, embedded and connected side by side."""
    cases, made = wanted(request.session), Drivers()
    with short_folder() as folder:
        try:
            # Before the cluster is up; an embedded Ray each keeps the second core busy.
            for each in range(EMBEDDED_DRIVERS):
                share = cases[EMBEDDED][each::EMBEDDED_DRIVERS]
                made.start(folder / f"e{each}", EMBEDDED, share, None)
            head = request.getfixturevalue("head")
            for where in (CONNECTED, LOCAL):
                made.start(folder / where[0], where, cases[where], head)
            yield made
        finally:
            made.end()


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
