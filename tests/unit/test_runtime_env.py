"""What actors are started in, as it is named, and `uv run`, which an embedded Ray leaves out."""

from __future__ import annotations

import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from job.cluster import private
from job.cluster.connection import kinds_of

UV_RUN = "uv run --with emoji --python 3.11.7 python"


@pytest.mark.parametrize(
    ("environment", "kinds"),
    [
        ({}, ()),
        ({"env_vars": {}, "config": {"eager_install": True}, "_ray_commit": "c"}, ()),
        (
            {"working_dir": "gcs://a.zip", "pip": {"packages": ["x"]}, "excludes": ["/docs/"]},
            ("pip", "working_dir"),
        ),
        ({"uv": {"packages": ["x"]}, "env_vars": {"A": "1"}}, ("env_vars", "uv")),
        ({"conda": "there", "image_uri": "i"}, ("conda", "image_uri")),
        ({"py_executable": UV_RUN, "working_dir": "gcs://a.zip"}, ("uv run", "working_dir")),
        ({"py_executable": f"/opt/my/bin/{UV_RUN}"}, ("uv run",)),
        ({"py_executable": "uv"}, ("py_executable",)),
        ({"py_executable": "/opt/python -X dev"}, ("py_executable",)),
    ],
)
def test_a_runtime_environment_is_named_by_what_it_brings(
    environment: dict[str, Any], kinds: tuple[str, ...]
) -> None:
    assert kinds_of(environment) == kinds


@pytest.fixture
def constants(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return what Ray has read when it was imported, here by somebody else before us."""
    monkeypatch.delenv(private.UV_RUN, raising=False)
    read = SimpleNamespace(**{private.UV_RUN: True})
    for name, known in (("ray", {}), ("ray._private", {"ray_constants": read})):
        module = ModuleType(name)
        vars(module).update(known)
        monkeypatch.setitem(sys.modules, name, module)
    return read


def test_an_embedded_ray_leaves_uv_run_out_and_others_keep_it(constants: SimpleNamespace) -> None:
    with private.plain_workers():
        assert not getattr(constants, private.UV_RUN)
    assert getattr(constants, private.UV_RUN)
    assert private.UV_RUN not in os.environ


@pytest.mark.parametrize("value", ["0", "1"])
def test_the_users_own_word_on_uv_run_is_kept(
    constants: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(private.UV_RUN, value)
    with private.plain_workers():
        assert getattr(constants, private.UV_RUN)


def test_uv_run_is_back_after_a_ray_that_does_not_start(constants: SimpleNamespace) -> None:
    with pytest.raises(ZeroDivisionError), private.plain_workers():
        raise ZeroDivisionError
    assert getattr(constants, private.UV_RUN)


def test_a_ray_that_knows_no_uv_run_gets_no_such_constant(constants: SimpleNamespace) -> None:
    delattr(constants, private.UV_RUN)
    with private.plain_workers():
        assert not vars(constants)
    assert not vars(constants)
