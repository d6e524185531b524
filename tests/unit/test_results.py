"""The Results document: kept whole, never half written, and readable for ever."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import FileError
from job.results.document import (
    MOST_CHARACTERS,
    MOST_STATES,
    Results,
    Trial,
    keepable,
)
from job.results.storage import check_writable, load, save
from job.results.sweep import parse_any

GOLDEN = Path(__file__).parents[1] / "data" / "results-v1.json"
TRIAL = Trial(
    strategy="serial", index=0, warmup=False, startup_s=0.5, work_s=8.0, read_s=0.25,
    elapsed_s=8.75, cpu_s=0.125, calls=8, instances=4, actors=0, at_once=1, cpus=1,
    states=("2", "2", "2", "2"), digest="d",
)  # fmt: skip


@pytest.fixture
def results() -> Results:
    return load(GOLDEN)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- the schema


def test_a_file_of_version_1_keeps_loading(results: Results) -> None:
    assert results.schema_version == 1
    assert results.status == "complete"
    assert [(t.strategy, t.index, t.warmup) for t in results.trials] == [
        ("serial", 0, True),
        ("actors", 0, True),
        ("serial", 0, False),
        ("actors", 0, False),
    ]
    last = results.trials[-1]
    assert (last.elapsed_s, last.states, last.losses) == (3.28, ("2", "2", "2", "2"), 0)
    assert last.placement[0].processes == (211, 212, 213)
    assert results.cluster.cpus == 6


def test_a_version_1_file_written_again_keeps_every_key(results: Results, tmp_path: Path) -> None:
    def paths(value: Any, at: str = "") -> set[str]:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {at}.union(*(paths(inner, f"{at}.{key}") for key, inner in value.items()))
        if isinstance(value, list):
            return {at}.union(*(paths(inner, f"{at}[]") for inner in value))
        return {at}

    save(results, tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_bytes())
    assert paths(json.loads(GOLDEN.read_bytes())) <= paths(again)


def test_keys_of_later_versions_are_passed_over(results: Results, tmp_path: Path) -> None:
    document = json.loads(GOLDEN.read_bytes())
    document["later"] = document["trials"][0]["later"] = document["cluster"]["later"] = [1]
    path = tmp_path / "later.json"
    path.write_text(json.dumps(document))
    assert load(path) == results


def test_a_document_of_another_version_is_refused(tmp_path: Path) -> None:
    document = json.loads(GOLDEN.read_bytes()) | {"schema_version": 2}
    path = tmp_path / "two.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileError, match=r"two\.json: it was written by a later version") as refused:
        load(path)
    assert "its schema_version is 2, and this version of the program reads 1" in str(refused.value)
    with pytest.raises(FileError, match="a later version"):
        parse_any('{"schema_version": 2, "over": "loops", "unknown": []}', "sweep.json")


# --- saved and loaded


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    times=st.lists(st.floats(0, 10**7), min_size=4, max_size=4),
    states=st.lists(st.text(max_size=5).map(repr), max_size=4).map(tuple),
    problem=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
)
def test_what_is_saved_loads_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    times: list[float], states: tuple[str, ...], problem: str,
) -> None:  # fmt: skip
    keys = dict(zip(("startup_s", "work_s", "read_s", "elapsed_s"), times, strict=True))
    trial = Trial.model_validate(TRIAL.model_dump() | keys | {"states": states})
    results = load(GOLDEN).with_(trials=(trial,), problem=problem, status="failed")
    path = tmp_path_factory.getbasetemp() / "round-trip.json"
    save(results, path)
    assert load(path) == results


def test_only_the_document_is_left_behind(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    save(results, path)
    save(results.with_(trials=()), path)
    assert names(tmp_path) == ["results.json"]
    assert load(path).trials == ()


def test_a_reader_of_the_old_document_sees_it_whole(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    save(results, path)
    with path.open("rb") as opened:
        save(results.with_(trials=()), path)
        assert Results.model_validate_json(opened.read()) == results


def test_a_document_that_cannot_be_written_leaves_the_place_as_it_was(
    results: Results, tmp_path: Path
) -> None:
    folder = tmp_path / "results.json"
    folder.mkdir()
    with pytest.raises(FileError, match=r"results\.json: cannot be written"):
        save(results, folder)
    assert names(tmp_path) == ["results.json"]
    assert names(folder) == []


def test_changes_make_a_new_document_and_leave_the_old_one(results: Results) -> None:
    assert results.with_(status="failed").status == "failed"
    assert results.status == "complete"


def test_a_problem_that_is_no_utf8_is_saved_all_the_same(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    save(results.with_(problem="no file 'caf\udce9'", status="failed"), path)
    assert load(path).status == "failed"


# --- what cannot be read


@pytest.mark.parametrize("share", [0, 0.01, 0.25, 0.5, 0.75, 0.99])
def test_a_file_cut_short_is_refused(share: float, tmp_path: Path) -> None:
    whole = GOLDEN.read_bytes().rstrip()
    path = tmp_path / "half.json"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FileError) as refused:
        load(path)
    assert refused.value.message.startswith(f"{path}: not a complete results document (")
    assert refused.value.hint == "Name a file that `--output` wrote; it may be cut short."
    assert refused.value.exit_code == 6


@pytest.mark.parametrize(
    "text", ["[]", "null", "{}", "7", '{"schema_version": 1}', "\x00\x01", "strategy,work_s\n"]
)
def test_a_file_that_is_something_else_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "else.json"
    path.write_text(text)
    with pytest.raises(FileError, match="not a complete results document"):
        load(path)


@pytest.mark.parametrize("value", [-1, "NaN", "soon", None])
def test_a_time_that_is_none_is_named(value: object, tmp_path: Path) -> None:
    document = json.loads(GOLDEN.read_bytes())
    document["trials"][2]["work_s"] = value
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileError, match=r"\(trials\.2\.work_s: "):
        load(path)


def test_a_file_that_is_missing_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileError) as refused:
        load(tmp_path / "none.json")
    assert refused.value.message == (
        f"{tmp_path / 'none.json'}: cannot be read (No such file or directory)"
    )


# --- whether it could be written


def test_finding_out_whether_a_file_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    check_writable(tmp_path / "new.json")
    check_writable(tmp_path / "old.json")
    assert names(tmp_path) == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


@pytest.mark.parametrize("place", ["missing/results.json", "file/results.json", "folder"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError) as refused:
        check_writable(tmp_path / place)
    assert refused.value.message.startswith(f"--output {tmp_path / place}: cannot be written (")
    assert refused.value.hint
    assert names(tmp_path) == ["file", "folder"]


def test_what_is_no_regular_file_is_never_replaced(results: Results, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FileError):
        check_writable(pipe)
    assert pipe.is_fifo()
    link, real = tmp_path / "link.json", tmp_path / "real.json"
    real.write_text("old")
    link.symlink_to(real)
    save(results, link)
    assert link.is_symlink()
    assert load(real) == results


# --- states that are kept


def test_many_and_long_states_are_cut_to_what_a_reader_can_use() -> None:
    assert keepable(["1", "2"]) == ("1", "2")
    assert len(keepable(["1"] * 10**5)) == MOST_STATES
    (kept,) = keepable(["x" * 10**6])
    assert (len(kept), kept.replace("x", "")) == (MOST_CHARACTERS, "…")
