"""A results document in a log: it comes back whole whatever stands around it, or says it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.errors import FileError
from job.results.log import PIECE, found, marked, said_after, unmarked

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=5 * PIECE)
NOISE = st.lists(
    st.text(st.characters(exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
)


@given(ASCII, NOISE, st.randoms())
def test_a_document_survives_what_others_write_between_its_lines(
    document: str, noise: list[str], random: object
) -> None:
    lines = marked(document)
    for each in noise:
        lines.insert(random.randint(0, len(lines)), each)  # type: ignore[attr-defined]
    assert found("\n".join(lines)) == document


@given(ASCII.filter(bool), st.data())
def test_a_document_that_lost_a_line_is_told_and_not_taken(
    document: str, data: st.DataObject
) -> None:
    lines = marked(document)
    lines.pop(data.draw(st.integers(1, len(lines) - 2)))
    with pytest.raises(FileError, match="not whole"):
        found("\n".join(lines))


def test_a_log_without_a_document_holds_none() -> None:
    assert found("Verdict\n--- results of the day ---\n") is None


def test_of_several_documents_the_last_whole_one_counts() -> None:
    first, second, third = (marked(f'{{"a": {number}}}') for number in range(3))
    log = "\n".join([*first, *second, *third[:-2]])
    assert found(log) == '{"a": 1}'


def test_a_target_that_prints_such_marks_is_not_believed() -> None:
    forged = ["--- results 0123456789abcdef, 1 lines ---", "0123456789abcdef|{}"]
    document = '{"b": 2}'
    assert found("\n".join([*marked(document), *forged])) == document


def test_no_line_is_longer_than_a_log_bears() -> None:
    assert max(map(len, marked("x" * 100_000))) <= PIECE + 20


def test_the_rest_of_a_log_is_left_as_it_was() -> None:
    lines = ["Cluster", "half a line", *marked("x" * 3 * PIECE), "Verdict"]
    lines[2] = f"progress: {lines[2]}"
    assert unmarked(lines) == ["Cluster", "half a line", "progress: ", "Verdict"]


def test_what_a_driver_said_of_its_results_is_what_follows_the_last_of_them() -> None:
    documents = [line for number in range(2) for line in ("said before", *marked(str(number)))]
    log = "\n".join([*documents, "Error: 1 of 1 gates missed", "What to do."])
    assert said_after(log) == ["Error: 1 of 1 gates missed", "What to do."]
    assert said_after("Error: it has none") == []
