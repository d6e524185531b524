"""Each check ends in the right word, and says what to do where it is not ok."""

from __future__ import annotations

from dataclasses import replace

import pytest

from job.analysis import checks
from job.analysis.checks import Answer, Finding, slow_nodes
from job.errors import ClusterError
from job.planning.layout import Arrangement, Layout
from job.planning.placement import Demand, Fit
from job.results.document import Cluster, Node

DRIVER = Answer("the driver", 0, "2.60.0", "3.11.7")
SOUND = Answer("a", 4, "2.60.0", "3.11.7", round_trip_s=0.001, start_s=0.5, core_s=0.002)


def nodes(*names: str) -> list[Answer]:
    return [replace(SOUND, name=name) for name in names]


def node(name: str, cpus: float = 4, free: float | None = None, *, head: bool = False) -> Node:
    left = cpus if free is None else free
    return Node(
        node_id=name, address=f"10.0.0.{ord(name)}", host=name, cpus=cpus, cpus_free=left,
        memory_bytes=16 * 10**9, head=head,
    )  # fmt: skip


def cluster(*nodes: Node, open_: bool | None = None) -> Cluster:
    return Cluster(kind="job", address="a:1", ray_version="2.60.0", nodes=nodes, open=open_)


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


# --- what nodes answer


def test_nodes_that_all_answer_are_sound() -> None:
    assert checks.answers(nodes("a", "b")) == Finding("nodes", "ok", "all 2 nodes answered")
    assert checks.answers(nodes("a")).text == "the one node answered"


def test_a_node_that_does_not_answer_is_named_with_the_reason() -> None:
    silent = Answer("b", 4, silent="not within 60 s")
    found = checks.answers([SOUND, silent])
    assert (found.level, found.text) == ("failure", "no answer from b (not within 60 s)")
    assert found.advice


@pytest.mark.parametrize(
    ("theirs", "level"),
    [
        (("2.60.0", "3.11.7"), "ok"),
        (("2.60.0", "3.11.9"), "warning"),
        (("2.60.0", "3.12.7"), "failure"),
        (("2.60.0", "3.1.7"), "failure"),
        (("2.59.0", "3.11.7"), "failure"),
    ],
)
def test_versions_may_differ_in_pythons_last_figure_alone(
    theirs: tuple[str, str], level: str
) -> None:
    found = checks.versions([SOUND, Answer("b", 4, *theirs)], DRIVER)
    assert found.level == level
    if level != "ok":
        assert f"b has Ray {theirs[0]}, Python {theirs[1]}" in found.text
        assert "the driver has Ray 2.60.0, Python 3.11.7" in found.text
        assert "a has" not in found.text


def test_the_node_where_the_target_cannot_be_loaded_is_named() -> None:
    lame = replace(SOUND, name="b", problem="No module named 'ledger'")
    found = checks.importable([SOUND, lame], "ledger:Ledger")
    assert found.level == "failure"
    assert found.text == "ledger:Ledger cannot be loaded on b (No module named 'ledger')"
    assert "make submit WITH=PATH for your own, PIP=NAME" in found.advice


def test_of_many_nodes_a_few_are_named() -> None:
    found = checks.answers([Answer(f"n{i}", 1, silent="gone") for i in range(9)])
    assert found.text.endswith("n4 (gone), and 4 more")


# --- room


def test_cpus_that_others_hold_are_a_warning() -> None:
    sound = checks.capacity(cluster(node("a"), node("b", 0)))
    assert (sound.level, sound.text) == ("ok", "4 CPUs and 16 GB for actors on 1 of 2 nodes")
    held = checks.capacity(cluster(node("a", free=2.5)))
    assert (held.level, held.text.endswith("others hold 1.5 CPUs")) == ("warning", True)
    assert checks.capacity(cluster(node("a", 0))).level == "warning"


def test_a_plan_that_fits_now_later_or_after_scaling() -> None:
    fits = {"actors": Fit("scaling", "why"), "sharded": Fit("now"), "more": Fit("later", "busy")}
    made = dict.fromkeys(fits, Layout(2, Demand(1)))
    found = list(checks.placement(Arrangement(made, fits, {"x": "no memory"})))
    assert levels(found) == ["warning", "ok", "warning", "warning"]
    assert found[1].text == "sharded: there is room for 2 actors of 1 CPU"
    assert all(finding.advice for finding in found if finding.level == "warning")


def test_a_plan_that_never_fits_fails_with_its_advice() -> None:
    found = list(checks.placement(ClusterError("cannot be placed", "Ask for less.")))
    assert found == [Finding("placement", "failure", "cannot be placed", "Ask for less.")]


# --- the cluster


@pytest.mark.parametrize(("open_", "expected"), [(True, ["warning"]), (False, ["ok"]), (None, [])])
def test_an_open_cluster_is_a_warning(open_: bool | None, expected: list[str]) -> None:  # noqa: FBT001
    assert levels(list(checks.token(cluster(node("a"), open_=open_)))) == expected


def test_a_head_that_gives_cpus_is_a_warning_where_there_are_other_nodes() -> None:
    assert levels(list(checks.head(cluster(node("a", head=True), node("b"))))) == ["warning"]
    assert levels(list(checks.head(cluster(node("a", 0, head=True), node("b"))))) == ["ok"]
    assert list(checks.head(cluster(node("a", head=True)))) == []


# --- speed


def test_a_node_with_a_slow_core_is_named() -> None:
    (found,) = checks.speed([*nodes("a", "b", "c"), replace(SOUND, name="d", core_s=0.004)], 0.002)
    assert found.level == "warning"
    assert found.text == "d is slow: the same Python takes 2 times as long as on the others"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"core_s": 0.0024}, False),  # a fifth slower: nobody would notice
        ({"core_s": 0.0026}, True),
        ({"core_s": 0.001}, False),  # faster is not slow
        ({"core_s": 0.009, "cpus": 0}, False),  # it hosts no actors
        ({"round_trip_s": 0.1, "start_s": 9.0}, False),  # shown, and not judged
    ],
)
def test_only_a_core_that_is_a_quarter_slower_than_the_others_names_a_node(
    changed: dict[str, float],
    named: bool,  # noqa: FBT001
) -> None:
    found = checks.speed([*nodes("a", "b"), replace(SOUND, name="d", **changed)], 0.002)  # type: ignore[arg-type]
    assert any(finding.text.startswith("d is slow") for finding in found) == named


def test_of_two_nodes_the_slower_one_is_named() -> None:
    (found,) = checks.speed([SOUND, replace(SOUND, name="b", core_s=0.003)], 0.0025)
    assert found.text == "b is slow: the same Python takes 1.5 times as long as on the others"
    assert levels(checks.speed(nodes("a", "b"), 0.002)) == ["ok"]


def test_a_slow_node_does_not_hide_among_several() -> None:
    assert slow_nodes({"a": 2.0, "b": 2.1, "c": 5.0, "d": 6.0, "e": 1.9}).keys() == {"c", "d"}


@pytest.mark.parametrize(("driver_s", "word"), [(0.001, "slower"), (0.004, "faster")])
def test_a_driver_that_is_unlike_the_nodes_is_told(driver_s: float, word: str) -> None:
    (found,) = checks.speed(nodes("a", "b", "c"), driver_s)
    assert found.text == f"the nodes' cores are 2 times {word} than the driver's"


def test_one_node_is_compared_with_the_driver_alone() -> None:
    assert levels(checks.speed(nodes("a"), 0.002)) == ["ok"]
    assert checks.speed([], 0.002) == []
