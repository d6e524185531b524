"""Results in places that smart_open knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from job.errors import FileError
from job.results.storage import check_writable, is_uri, load, read, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_uri_is_written_and_read_like_a_file(tmp_path: Path) -> None:
    place = f"file://{tmp_path}/results.json"
    check_writable(place)
    write("text\n", place)
    assert (tmp_path / "results.json").read_text() == "text\n"
    assert read(place) == b"text\n"
    check_writable(place)
    assert read(place) == b"text\n"  # what is there is left alone


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("file:///nowhere/at/all.json", "--output file:///nowhere/at/all.json: cannot be written"),
        ("nothing://bucket/key", "nothing is known that reads and writes this"),
        ("azure://bucket/key", r"azure:// is not installed"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    place: str, words: str
) -> None:
    with pytest.raises(FileError, match=words):
        check_writable(place)


def test_a_windows_path_or_a_colon_is_no_uri() -> None:
    assert [is_uri(place) for place in ("a:b", "a:/b", "./a://b", "s3://a/b")] == [False] * 3 + [
        True
    ]


def test_a_place_that_cannot_be_read_is_named() -> None:
    with pytest.raises(FileError, match=r"file:///nowhere\.json: cannot be read"):
        load("file:///nowhere.json")
