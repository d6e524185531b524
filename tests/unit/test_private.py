"""A Ray that has lost what it kept private is answered for, without an ImportError."""

from __future__ import annotations

import inspect
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest

from job.cluster import private
from job.planning.placement import Demand

if TYPE_CHECKING:
    from collections.abc import Callable

WITHOUT: dict[str, tuple[Callable[[], object], object]] = {
    "gcs_addresses": (private.gcs_addresses, ()),
    "reload_settings": (private.reload_settings, None),
    "ask_cluster_id": (lambda: private.ask_cluster_id("a:1", "", 1.0), ""),
    "ask_versions": (lambda: private.ask_versions("a:1", "", 1.0), None),
    "_ray_constants": (lambda: private.plain_workers().__enter__(), None),
    "free_resources": (private.free_resources, {"a": {"CPU": 4.0}, "head": {}}),
    "driver_cpus": (private.driver_cpus, 0.0),
    "draining_nodes": (private.draining_nodes, frozenset()),
    "request_resources": (lambda: private.request_resources("a:1", [Demand()], 1), None),
    "_runs_v2": (lambda: private._runs_v2(None, 1), False),  # noqa: SLF001 - it has names too
    "autoscaler_status": (lambda: private.autoscaler_status(1), None),
}


@pytest.fixture
def _no_such_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave of Ray what is public and used beside them."""
    nodes = [
        {"NodeID": "a", "Alive": True, "Resources": {"CPU": 4.0}},
        {"NodeID": "head", "Alive": True, "Resources": {}},
        {"NodeID": "b", "Alive": False, "Resources": {"CPU": 2.0}},
    ]
    bare = ModuleType("ray")
    vars(bare)["nodes"] = lambda: nodes
    for name in [name for name in sys.modules if name.startswith("ray.")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "ray", bare)


@pytest.mark.usefixtures("_no_such_names")
@pytest.mark.parametrize("name", WITHOUT)
def test_without_a_name_there_is_an_answer(name: str) -> None:
    ask, answer = WITHOUT[name]
    assert ask() == answer


def test_every_function_that_uses_a_name_is_asked_here() -> None:
    users = {
        name
        for name, function in vars(private).items()
        if isinstance(function, FunctionType) and "    from ray" in inspect.getsource(function)
    }
    assert users == WITHOUT.keys()


def test_another_error_is_not_taken_for_a_name_that_is_gone() -> None:
    @private.without(None)
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
