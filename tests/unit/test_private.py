"""A Ray that has lost what it kept private is answered for, without an ImportError."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from job.cluster import private

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _no_such_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ray", *(name for name in sys.modules if name.startswith("ray."))):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (private.gcs_addresses, ()),
        (private.reload_settings, None),
        (lambda: private.plain_workers().__enter__(), None),
        (lambda: private.ask_cluster_id("a:1", "", 1.0), ""),
        (private.draining_nodes, frozenset()),
        (lambda: private.request_cpus("a:1", [1.0], 1), None),
        (lambda: private.autoscaler_status(1), None),
    ],
)
def test_without_a_name_there_is_an_answer(ask: Callable[[], object], answer: object) -> None:
    assert ask() == answer


def test_another_error_is_not_taken_for_a_name_that_is_gone() -> None:
    @private.without(None)
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
