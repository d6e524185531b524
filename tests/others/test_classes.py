"""Classes as people write them end in the states of a plain loop, whatever runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.results.document import keepable
from tests.others.cases import CLASSES, CONNECTED, EMBEDDED, TOLERATED, Case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.others.support import Driver, Plain

STRATEGIES = ["serial", "actors", "sharded"]


def param(case: Case, where: str) -> object:
    return pytest.param(case, where, id=f"{where} {case.name}")


@pytest.mark.parametrize(
    ("case", "where"), [param(case, where) for case in CLASSES for where in case.where]
)
def test_a_class_ends_in_the_states_of_a_plain_loop(
    case: Case, where: str, drivers: Mapping[str, Driver], plain: Plain
) -> None:
    expected = plain.states(case)
    found = drivers[where].answer(case)
    assert not found["code"], found["text"]
    if case.actor and where == EMBEDDED:
        assert found["actor"] == expected[1]
    cut = list(keepable(expected[: found["instances"]]))
    assert found["states"] == dict.fromkeys(STRATEGIES, cut)
    assert found["agreement"] == "they agree"
    actors, sharded = found["processes"]["actors"], found["processes"]["sharded"]
    assert len({*actors, *sharded, found["driver"]}) == found["instances"] + 2


def test_these_are_many_classes() -> None:
    for where in (EMBEDDED, CONNECTED):
        assert len({case.target for case in CLASSES if where in case.where}) >= 40


@pytest.mark.parametrize(("case", "where"), [param(case, CONNECTED) for case in TOLERATED])
def test_a_tolerance_holds_whatever_the_numbers_are_in(
    case: Case, where: str, drivers: Mapping[str, Driver]
) -> None:
    found = drivers[where].answer(case)
    assert not found["code"], found["text"]
    assert found["agreement"].startswith("they agree")


# --- what a class brings along


def chosen(start: str, where: str, name: str) -> pytest.MarkDecorator:
    case = next(case for case in CLASSES if case.target.startswith(start))
    param = pytest.param(case, where, id=name)
    return pytest.mark.parametrize(("case", "where"), [param])


@chosen("lazy_model", EMBEDDED, "a first call that loads")
def test_what_a_first_call_loads_is_part_of_the_work_of_all(
    case: Case, where: str, drivers: Mapping[str, Driver]
) -> None:
    work = drivers[where].answer(case)["work_s"]
    assert min(work.values()) >= 0.4


@chosen("audit", CONNECTED, "said how it travelled")
def test_the_report_says_how_a_class_got_to_workers_that_cannot_import_it(
    case: Case, where: str, drivers: Mapping[str, Driver]
) -> None:
    found = drivers[where].answer(case)
    said = " ".join([found["text"], *found["notes"]])
    assert "py_modules" in said or "by value" in said
