"""What is wrong with a class is told in words, and by an exit code, before anything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.others.cases import ADVISED, CONNECTED, REFUSED, Case
from tests.others.support import at

if TYPE_CHECKING:
    from tests.others.support import Drivers


@at(CONNECTED, REFUSED)
def test_it_is_refused_with_what_is_wrong_and_how_to_go_on(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    assert found["code"] == case.told, found["text"]
    assert [word for word in case.words if word.lower() not in found["text"].lower()] == []


@at(CONNECTED, ADVISED)
def test_it_is_advised_of_what_makes_the_states_worth_nothing(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    assert found["code"] in {0, 2}
    said = " ".join([found["text"], *found["notes"]])
    assert [word for word in case.words if word not in said] == []
    if case.read is None:  # the whole object, which does not hold what calls change
        assert found.get("agreement") != "they agree"
