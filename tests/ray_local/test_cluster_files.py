"""What Ray itself says to the cluster files, and `make up` where there can be no token."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private import util
from ray.autoscaler._private.util import prepare_config, validate_config

from deploy import clusters
from tests.ray_local.running import COMMAND_S, ROOT

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


def mounted(file: str) -> dict[str, str]:
    """Return what a file mounts of this repository, by where it lies on a node."""
    mounts: dict[str, str] = read(file)["file_mounts"]
    return {there: here for there, here in mounts.items() if not here.startswith("~")}


@pytest.mark.parametrize("file", FILES)
def test_a_cluster_is_sent_what_a_job_needs_and_no_more(file: str) -> None:
    sources = [ROOT / here for here in mounted(file).values()]
    files = [
        each
        for source in sources
        for each in ([source] if source.is_file() else source.rglob("*"))
        if each.is_file() and "__pycache__" not in each.parts
    ]
    assert len(files) < 150
    assert sum(each.stat().st_size for each in files) < 10**6
    assert {"main.py", "runtime_env.yaml", "constraints.txt"} <= {each.name for each in files}


@pytest.mark.parametrize("file", FILES)
def test_only_a_change_of_what_is_mounted_makes_ray_set_a_node_up_anew(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unseen = shutil.ignore_patterns(".*", "__pycache__", "results")
    shutil.copytree(ROOT, tmp_path / "here", ignore=unseen)
    monkeypatch.chdir(tmp_path / "here")

    def seen() -> str:
        util._hash_cache.clear()  # noqa: SLF001 - Ray's own, for one `ray up`
        runtime, _ = util.hash_runtime_conf(mounted(file), None, [])
        return str(runtime)

    before = seen()
    Path("tests/unit/test_cli.py").write_text("# changed\n")
    Path("README.md").write_text("changed\n")
    assert seen() == before
    Path("job/words.py").write_text("# changed\n")
    assert seen() != before


def test_make_up_clears_what_python_leaves_where_ray_looks_for_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "job" / "report" / "__pycache__"
    left.mkdir(parents=True)
    (tmp_path / "token").write_text("a secret that was there before")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clusters, "problems", lambda *_: [])
    monkeypatch.setattr(clusters, "TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setattr(clusters, "_ray", lambda *_: 0)
    assert clusters.up(ROOT / "cluster.yaml", []) == 0
    assert not left.exists()


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
