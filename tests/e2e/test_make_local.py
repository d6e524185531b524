"""What a person sees who has just cloned the repository: `make help` and `make local`."""

from __future__ import annotations

import pytest

from tests.e2e.support import LocalRun, Outcome, check_default_report
from tests.tree import ROOT


def test_make_help_lists_every_target_before_anything_is_installed(
    help_before_all: Outcome,
) -> None:
    assert help_before_all.code == 0, help_before_all.text
    makefile = (ROOT / "Makefile").read_text().splitlines()
    phony = [line.split()[1] for line in makefile if line.startswith(".PHONY:")]
    assert len(phony) > 5
    for target in phony:
        assert f"make {target} " in help_before_all.stdout
    assert not help_before_all.stderr


@pytest.mark.release
def test_make_local_in_a_fresh_clone_prints_the_report_and_exits_0(made_local: LocalRun) -> None:
    assert made_local.outcome.code == 0, made_local.outcome.text
    check_default_report(made_local.outcome.stdout)


@pytest.mark.release
def test_make_local_writes_nothing_but_the_report_to_stdout(made_local: LocalRun) -> None:
    assert made_local.outcome.stdout.startswith("Cluster  ")
    assert "Traceback" not in made_local.outcome.stderr


@pytest.mark.release
def test_make_local_leaves_no_process_behind(made_local: LocalRun) -> None:
    assert made_local.outcome.code == 0
    assert not made_local.left_behind
