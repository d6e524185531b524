"""What runs without Ray on the driver's machine ends in the states of a plain loop, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.others.cases import ADVISED, CLASSES, LOCAL, NEIGHBOURS, REFUSED, Case
from tests.others.support import at, check_states

if TYPE_CHECKING:
    from tests.others.support import Drivers, Plain

SHARED = [replace(case, plan={}) for case in ADVISED if case.target.startswith("shared:")]
ONLY_IN_A_MAIN_THREAD = [case for case in REFUSED if "main" in " ".join(case.words)]


@at(LOCAL, [*CLASSES, *NEIGHBOURS])
def test_threads_and_processes_end_in_the_states_of_a_plain_loop(
    case: Case, where: str, drivers: Drivers, plain: Plain
) -> None:
    check_states(case, where, drivers, plain)


@at(LOCAL, ONLY_IN_A_MAIN_THREAD)
def test_what_only_a_main_thread_may_do_is_told_with_the_way_out(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    assert found["code"] == case.told, found["text"]
    assert "leave threads out of --strategies" in found["text"]


@at(LOCAL, SHARED)
def test_what_instances_share_is_told_or_the_states_are_those_of_fresh_processes(
    case: Case, where: str, drivers: Drivers
) -> None:
    found = drivers.answer(case, where)
    assert found["code"] in {0, 5}, found["text"]  # 5: two instances in a process, or one in each
    said = " ".join([found["text"], *found["notes"]])
    assert [word for word in case.words if word not in said] == []
    if case.read is None:
        assert found.get("agreement") != "they agree"
