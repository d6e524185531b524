"""Which Rays are taken, noted and refused, and what a driver is told that is not its cluster's."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from job.cluster import connection
from job.cluster.reasons import mismatch
from job.cluster.versions import Versions, check_alike, check_tested, unlike
from job.errors import ClusterError
from job.signals import Leaving

OURS = Versions("2.60.0", "3.11.7")
SUBMIT = "`make submit ADDRESS=http://10.0.0.5:8265`"
# As Ray 2.48 to 2.60 say it.
SAID = """Version mismatch: The cluster was started with:
    Ray: 2.54.0
    Python: 3.11.9
This process on node 10.0.0.7 was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


@pytest.mark.parametrize("version", ["2.48.0", "2.54.1", "2.60.0", "2.60.3rc1"])
def test_of_a_ray_in_the_range_nothing_is_said(version: str) -> None:
    assert check_tested(version) == ""


@pytest.mark.parametrize("version", ["2.9.3", "2.40.0", "2.47.1", "1.13.0"])
def test_an_older_ray_is_refused_with_what_to_install(version: str) -> None:
    with pytest.raises(ClusterError) as refused:
        check_tested(version)
    assert refused.value.message == (
        f"Ray {version} is older than 2.48, the oldest that this was tested with"
    )
    assert "2.48 to 2.60" in refused.value.hint


@pytest.mark.parametrize("version", ["2.61.0", "2.100.0", "3.0.0.dev0"])
def test_a_newer_ray_is_taken_with_a_note(version: str) -> None:
    noted = f"Ray {version} is newer than what this was tested with, 2.48 to 2.60."
    assert check_tested(version) == noted


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a Ray that has nothing but a version, in the place of the real one."""
    bare = ModuleType("ray")
    monkeypatch.setitem(sys.modules, "ray", bare)
    return bare


@pytest.mark.parametrize("address", ["local", "job", "auto", "10.0.0.5:6379"])
def test_whatever_the_way_in_an_older_ray_is_refused_before_anything_of_it_is_used(
    ray: ModuleType, address: str
) -> None:
    vars(ray)["__version__"] = "2.40.0"
    refused = pytest.raises(ClusterError, match=r"^Ray 2\.40\.0 is older")
    with refused, connection.connect(address, Leaving(), pytest.fail):
        pytest.fail("it was connected")


def test_a_newer_ray_is_noted_and_gone_on_with(ray: ModuleType) -> None:
    vars(ray)["__version__"] = "2.99.0"
    noted: list[str] = []
    gone_on = pytest.raises(AttributeError, match="'ray' has no attribute")
    with gone_on, connection.connect("local", Leaving(), noted.append):
        pytest.fail("it was connected")
    assert noted == [check_tested("2.99.0")]


@pytest.mark.parametrize(
    "theirs", [Versions("2.54.0", "3.11.7"), Versions("2.60.0", "3.12.7")], ids=["ray", "python"]
)
def test_a_driver_that_is_not_the_clusters_is_told_of_both_and_of_make_submit(
    theirs: Versions,
) -> None:
    with pytest.raises(ClusterError) as refused:
        check_alike("10.0.0.5:6379", theirs, OURS)
    assert refused.value.message == (
        f"10.0.0.5:6379: the cluster has {theirs}, and this driver Ray 2.60.0, Python 3.11.7"
    )
    assert SUBMIT in refused.value.hint


@pytest.mark.parametrize("theirs", [OURS, Versions("2.60.0", "3.11.9")], ids=["same", "patch"])
def test_pythons_last_figure_is_left_to_ray(theirs: Versions) -> None:
    check_alike("10.0.0.5:6379", theirs, OURS)


def test_a_cluster_older_than_the_range_is_to_be_brought_up_and_not_submitted_to() -> None:
    refusal = unlike("10.0.0.5:6379", Versions("2.40.0", "3.11.7"), OURS)
    assert "the cluster has Ray 2.40.0" in refusal.message
    assert "make submit" not in refusal.hint
    assert "2.48 to 2.60" in refusal.hint


def test_a_job_is_told_of_its_runtime_environment() -> None:
    assert "runtime environment" in unlike("job", Versions("2.54.0", "3.11.7"), OURS).hint


def test_rays_own_words_are_understood() -> None:
    assert mismatch(RuntimeError(SAID)) == Versions("2.54.0", "3.11.9")
    assert mismatch(RuntimeError("the raylet did not start")) is None
