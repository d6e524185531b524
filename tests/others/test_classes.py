"""Classes as people write them end in the states of a plain loop, whatever runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.others.cases import CLASSES, CONNECTED, EMBEDDED, Case
from tests.others.support import check_states, everywhere

if TYPE_CHECKING:
    from tests.others.support import Drivers, Plain


@pytest.mark.parametrize(("case", "where"), everywhere(CLASSES))
def test_a_class_ends_in_the_states_of_a_plain_loop(
    case: Case, where: str, drivers: Drivers, plain: Plain
) -> None:
    check_states(case, where, drivers, plain)


def test_these_are_many_classes() -> None:
    for where in (EMBEDDED, CONNECTED):
        assert len({case.target for case in CLASSES if where in case.where}) >= 40


# --- what a class brings along


def chosen(start: str, where: str, name: str) -> pytest.MarkDecorator:
    case = next(case for case in CLASSES if case.target.startswith(start))
    param = pytest.param(case, where, id=name)
    return pytest.mark.parametrize(("case", "where"), [param])


@chosen("lazy_model", EMBEDDED, "a first call that loads")
def test_what_a_first_call_loads_is_part_of_the_work_of_all(
    case: Case, where: str, drivers: Drivers
) -> None:
    work = drivers.answer(case, where)["work_s"]
    assert min(work.values()) > 0.2 * max(work.values())  # without it a thousandth


@chosen("audit", CONNECTED, "said how it travelled")
def test_the_report_says_how_a_class_got_to_workers_that_cannot_import_it(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    said = " ".join([found["text"], *found["notes"]])
    assert "py_modules" in said or "by value" in said
