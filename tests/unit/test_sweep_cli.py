"""`sweep` on the command line without a cluster: a sentence for every wrong option."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from job.cli import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '--over'"),
        (["--over", "shards=1,x"], "'x' is not a whole number"),
        (["--over", "size=1,2"], "'size' cannot be varied"),
        (["--over", "shards=1,64"], "need as many instances"),
        (
            ["--over", "threads=1,2", "--strategies", "serial"],
            "only `sharded` and `threads` have threads, and neither is",
        ),
        (["--over", "instances=1,2", "--weak"], "instances grow with shards"),
        (["--over", "call-cost=1ms,2ms", "--target", "m:C", "--call", "f"], "cannot be chosen"),
        (["--over", "shards=1,2", "--format", "nice"], "--format nice"),
        (["--over", "shards=1,2", "--trials", "0"], "trials"),
        (["--over", "shards=1,2", "--target", "nowhere:C", "--call", "f"], "'nowhere'"),
    ],
)
def test_a_wrong_sweep_is_told_in_a_sentence(
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["job/main.py", "sweep", *words])
    with pytest.raises(SystemExit) as left:
        run()
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert said in err
    assert out == ""


def test_a_place_that_cannot_be_written_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "missing" / "sweep.json"
    words = ["sweep", "--over", "shards=1,2", "--output", str(place)]
    monkeypatch.setattr(sys, "argv", ["job/main.py", *words])
    with pytest.raises(SystemExit) as left:
        run()
    assert left.value.code == 6
    assert "cannot be written" in capsys.readouterr().err
