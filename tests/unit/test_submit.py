"""make submit: it waits for a head that is starting, and says what else keeps a job out."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from deploy.luggage import Upload
from deploy.submit import last_words, submit
from job.cluster.jobs import JobsApi
from job.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence

API = JobsApi("http://127.0.0.1:8265", token="")
STARTING = """\
RuntimeError: Request failed with status code 500: No available agent to submit job, please try \
again later.
.
"""
TOO_LARGE = "Traceback:\n\x1b[31mValueError: it is too large\x1b[39m\n----\n.\n"


class Head:
    """Answers `ray job submit` with these, the last one over and over, each after a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, str]) -> None:
        self.answers, self.asked, self.now = list(answers), 0, 100.0
        self.typed: list[str] = []
        monkeypatch.setattr("deploy.submit.subprocess.run", self.run)
        monkeypatch.setattr("deploy.submit.time.sleep", self.sleep)
        monkeypatch.setattr("deploy.submit.time.monotonic", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def run(self, command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        """Answer."""
        self.asked, self.now, self.typed = self.asked + 1, self.now + 1, list(command)
        code, said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return subprocess.CompletedProcess(command, code, "", said)


def test_a_job_is_handed_in_once_the_agent_of_a_starting_head_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head = Head(monkeypatch, (1, STARTING), (1, STARTING), (0, ""))
    submit(API, "one", Upload(), [])
    assert head.asked == 3
    said = capsys.readouterr().err
    assert said == "http://127.0.0.1:8265: its agent is starting; waiting …\n"


def test_an_agent_that_never_starts_is_waited_for_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = Head(monkeypatch, (1, STARTING))
    with pytest.raises(ClusterError, match=r"the job was not taken .*No available agent"):
        submit(API, "one", Upload(), [])
    assert 30 < head.now - 100 < 35


def test_what_else_keeps_a_job_out_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Head(monkeypatch, (1, TOO_LARGE))
    with pytest.raises(ClusterError, match=r"was not taken \(ValueError: it is too large\)"):
        submit(API, "one", Upload(), [])
    assert head.asked == 1


def test_what_goes_along_is_said_to_rays_command(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Head(monkeypatch, (0, ""))
    upload = Upload("own.zip", "merged.yaml", ("--entrypoint-num-cpus", "1"))
    submit(API, "one", upload, ["--trials", "2"])
    typed = " ".join(head.typed)
    assert (
        "--working-dir own.zip --runtime-env merged.yaml --entrypoint-num-cpus 1 -- "
        "python job/main.py --emit-json --trials 2" in typed
    )


@pytest.mark.parametrize("text", ["", ".", " \n.\n---- 12 ----\n"])
def test_where_nothing_is_said_there_is_no_reason(text: str) -> None:
    assert last_words(text) == "no reason"
