"""By which way a target travels, from where its source lies."""

from __future__ import annotations

import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from job.cluster.travel import find_source, find_way

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of installed packages, this package and another one in it."""
    folder = tmp_path / "site-packages"
    for name in ("job/__init__", "job/targets/__init__", "job/targets/bank", "elses/__init__"):
        (folder / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text(f"# {name}\n")
    (tmp_path / "mine.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(folder), *sys.path])
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))
    return folder


def test_a_bundled_target_of_an_installed_package_is_sent_to_nodes_that_lack_it(site: Path) -> None:
    source = find_source("job.targets.bank")
    assert source.file == str(site / "job")
    assert source.may_lack_here
    assert find_way(source, [source.digest, ""]) == "by value"
    assert find_way(source, [source.digest]) == "by reference"


def test_another_version_of_the_package_on_a_node_is_another_source(site: Path) -> None:
    before = find_source("job.targets.bank").digest
    (site / "job" / "targets" / "bank.py").write_text("# of another version\n")
    assert find_source("job.targets.bank").digest != before


@pytest.mark.usefixtures("site")
def test_what_else_is_installed_is_not_sent_and_what_lies_on_a_path_is_found_by_it() -> None:
    elses, mine = find_source("elses"), find_source("mine")
    assert (elses.file, find_way(elses, [""])) == ("", "by reference")
    assert mine.file.endswith("mine.py")
    assert not elses.may_lack_here
    assert not mine.may_lack_here
