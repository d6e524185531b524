"""What a submitted job takes along, packaged by Ray itself."""

from __future__ import annotations

import contextlib
import os
import zipfile
from typing import TYPE_CHECKING

import pytest
import yaml
from ray._private.runtime_env.packaging import create_package
from ray._private.runtime_env.working_dir import upload_working_dir_if_needed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEGABYTE = 1_000_000
LEFT_AT_HOME = (
    *(".git/objects", ".mypy_cache/3.11", ".hypothesis/examples", ".cluster"),
    *("benchmarks/results", "docs/images", "node_modules/plotly", "tests/data"),
)


@pytest.fixture
def package(checkout: Path, tmp_path: Path) -> Iterator[Path]:
    """Yield the archive that `--working-dir . --runtime-env runtime_env.yaml` uploads."""
    archive = tmp_path / "package.zip"

    def keep(folder: str, excludes: list[str] | None, is_file: bool = False) -> None:  # noqa: FBT001, FBT002 - as Ray calls it
        assert not is_file
        create_package(folder, archive, include_gitignore=True, excludes=excludes)

    asked = yaml.safe_load((checkout / "runtime_env.yaml").read_text())
    asked["working_dir"] = str(checkout)
    with contextlib.ExitStack() as blobs:
        # What a developer's tree holds besides, each alone too much to be taken along.
        for name in LEFT_AT_HOME:
            blob = checkout / name / "blob"
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(os.urandom(MEGABYTE))
            blobs.callback(blob.unlink)
        upload_working_dir_if_needed(asked, include_gitignore=True, upload_fn=keep)
        yield archive


def test_the_upload_stays_under_a_megabyte(package: Path) -> None:
    assert package.stat().st_size < MEGABYTE


def test_the_upload_is_the_package_and_little_else(package: Path, checkout: Path) -> None:
    names = {name for name in zipfile.ZipFile(package).namelist() if not name.endswith("/")}
    job = {
        str(path.relative_to(checkout))
        for path in (checkout / "job").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert job <= names
    others = {name.partition("/")[0] for name in names - job}
    assert others <= {
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "runtime_env.yaml",
        ".gitignore",
        "e2e_targets.py",
    }
