"""What runs without Ray on the driver's machine ends in the states of a plain loop, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.others.cases import CLASSES, LOCAL, NEIGHBOURS, REFUSED, Case
from tests.others.support import check_states

if TYPE_CHECKING:
    from tests.others.support import Drivers, Plain

ONLY_IN_A_MAIN_THREAD = [case for case in REFUSED if "main" in " ".join(case.words)]


@pytest.mark.parametrize(
    ("case", "where"),
    [pytest.param(case, LOCAL, id=case.name) for case in [*CLASSES, *NEIGHBOURS]],
)
def test_threads_and_processes_end_in_the_states_of_a_plain_loop(
    case: Case, where: str, drivers: Drivers, plain: Plain
) -> None:
    check_states(case, where, drivers, plain)


@pytest.mark.parametrize(
    ("case", "where"), [pytest.param(case, LOCAL, id=case.name) for case in ONLY_IN_A_MAIN_THREAD]
)
def test_what_only_a_main_thread_may_do_is_told_with_the_way_out(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    assert found["code"] == case.told, found["text"]
    assert "leave threads out of --strategies" in found["text"]
