"""What Ray itself says to the cluster files, and `make up` where there can be no token."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.ray_local.running import COMMAND_S, ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("cluster.yaml", "deploy/onprem.yaml")


def read(file: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())
    return config


@pytest.mark.parametrize("file", FILES)
def test_ray_finds_a_cluster_file_valid(file: str) -> None:
    validate_config(prepare_config(read(file)))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(("key", "value"), [("max_worker", 4), ("idle_timeout_minutes", "soon")])
def test_ray_finds_a_misspelt_key_or_another_type(file: str, key: str, value: object) -> None:
    config = copy.deepcopy(read(file)) | {key: value}
    with pytest.raises(Exception, match=key if key not in read(file) else "soon"):
        validate_config(prepare_config(config))


def make_up(file: Path | str, home: Path) -> subprocess.CompletedProcess[str]:
    """Type what `make up` types, in a home of its own and far from AWS."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "deploy/clusters.py", "up", str(file), "-y"],
        cwd=ROOT, env=kept | {"HOME": str(home)}, check=False, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=COMMAND_S,
    )  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_started_where_no_token_can_be_made(file: str, tmp_path: Path) -> None:
    (tmp_path / ".ray").write_text("a file where the folder should be")
    done = make_up(file, tmp_path)
    assert done.returncode == 3
    assert "holds no token, and none can be made: nothing was started" in done.stderr
    assert "Cluster" not in done.stdout  # the first word of Ray's own


def test_nothing_is_started_of_a_file_that_is_open(tmp_path: Path) -> None:
    file = tmp_path / "open.yaml"
    file.write_text((ROOT / "cluster.yaml").read_text().replace("RAY_AUTH_MODE=token", ""))
    done = make_up(file, tmp_path)
    assert done.returncode == 3
    assert "without RAY_AUTH_MODE=token" in done.stderr
    assert not (tmp_path / ".ray").exists()
