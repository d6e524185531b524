"""What an autoscaler was asked for is taken back, also where the driver was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from ray.experimental.internal_kv import _internal_kv_get

from tests.ray_local.running import ROOT, Head, poll

if TYPE_CHECKING:
    from pathlib import Path

    from job.cluster.connection import Site

ASK = """
import os, sys
from job.cluster.guard import Request
from job.planning.placement import Demand
os.chdir(sys.argv[2])
with Request(sys.argv[1]) as request:
    request.ask([Demand(0.5)])
    print("asked", flush=True)
    sys.stdin.read()
"""
PATIENCE_S = 60


def is_asked() -> bool:
    """Return whether an autoscaler of version 1, as this Ray's is, was asked for something."""
    return _internal_kv_get("autoscaler_resource_request") not in (None, b"[]")


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "ended"])
def test_nothing_is_asked_for_when_the_driver_is_gone(
    site: Site,
    head: Head,
    tmp_path: Path,
    killed: bool,  # noqa: FBT001 - one of two rows
) -> None:
    (tmp_path / "job.py").write_text("'A module of somebody else, where the driver stands.'")
    with subprocess.Popen(
        [sys.executable, "-c", ASK, site.cluster.address, tmp_path], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": head.token},
    ) as driver:  # fmt: skip
        assert driver.stdout
        assert driver.stdout.readline() == "asked\n"
        assert is_asked()
        if killed:
            driver.kill()
    poll(lambda: not is_asked(), "the request is withdrawn", PATIENCE_S)
