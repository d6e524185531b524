"""Classes of the same kinds as those of `test_classes` do as well as they."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.others.cases import CONNECTED, NEIGHBOURS, TOLERATED, Case
from tests.others.support import at, check_states, everywhere

if TYPE_CHECKING:
    from tests.others.support import Drivers, Plain


@pytest.mark.parametrize(("case", "where"), everywhere(NEIGHBOURS))
def test_a_neighbour_ends_in_the_states_of_a_plain_loop(
    case: Case, where: str, drivers: Drivers, plain: Plain
) -> None:
    check_states(case, where, drivers, plain)


@at(CONNECTED, TOLERATED)
def test_a_tolerance_holds_whatever_the_numbers_are_in(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    assert not found["code"], found["text"]
    assert found["agreement"].startswith("they agree")
