"""Every command of README.md and docs/ runs as it stands, and prints what the page says."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PASSING, Put, Step, kept, masked, read, rewritten
from tests.tree import ROOT

if TYPE_CHECKING:
    from tests.docs.reader import Reader

PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
# What is not run here, without its comment (… stands for the rest), and why, or what runs it.
ELSEWHERE = {
    "make up": "makes machines: tests/hosts/test_aws.py, tests/hosts/test_onprem.py",
    "make down": "likewise",
    "ray job submit -- python job/main.py": "tests/e2e/test_make_cluster.py",
    "make submit": "needs those machines: likewise",
    "make submit ADDRESS=http://host:8265…": "tests/e2e/test_own_code.py",
    "make submit WITH=../mypackage…": "likewise",
    ".venv/bin/python deploy/submit.py --address http://host:8265…": "tests/e2e/test_only_ray.py",
    "ray job submit --working-dir . --runtime-env job_env.yaml…": "tests/e2e/test_own_code.py",
    "make test": "runs these very tests",
    "make test-all": "likewise",
    "make test-cluster": "needs root and some minutes: .ci/run",
    "make test-rays": "installs older Rays: .ci/run",
    "make lint": "needs no reader: .ci/run",
    "make bench-quick": "takes a quiet machine: .ci/run",
    "make bench": "takes half an hour, and installs the peers",
    ".venv/bin/python benchmarks/two_nodes.py": "takes root, and minutes",
    "make soak": "takes ten minutes: tests/ray_local/test_losses.py",
    "export RAY_AUTH_MODE=token": "belongs to the next one",
    "ray job submit --address http://host:8265 --runtime…": "tests/e2e/test_installed.py",
    "uv run…": "brings other versions into .venv: likewise",
    "uvx…": "likewise",
    "kubectl…": "needs Kubernetes: tests/unit/test_cluster_files.py checks the file",
    "cluster=$(kubectl…": "likewise",
    "until curl…": "likewise",
    "make submit ADDRESS=http://localhost:8265 WITH=../mypackage ARGS=…": "likewise",
    "kill %1; kubectl…": "likewise",
    "python job/main.py fetch raysubmit_…": "likewise; tests/e2e/test_make_cluster.py fetches",
}


def runs_elsewhere(command: str) -> bool:
    """Return whether a command is one of those that are not run here."""
    typed = command.partition(" #")[0].strip()
    begins = tuple(each.removesuffix("…") for each in ELSEWHERE if each.endswith("…"))
    return typed in ELSEWHERE or typed.startswith(begins)


def test_what_the_table_names_is_on_a_page_and_its_tests_are_there() -> None:
    steps = [each for page in PAGES for each in read((ROOT / page).read_text("utf-8"))]
    typed = [each.command for each in steps if isinstance(each, Step)]
    for name, reason in ELSEWHERE.items():
        assert any(each.startswith(name.removesuffix("…")) for each in typed), name
        assert all((ROOT / file).exists() for file in re.findall(r"[\w/.]+\.py|\.ci/run", reason))


def test_what_a_busy_machine_adds_is_worded_so() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "job" / "analysis").glob("*.py"))
    assert [each for each in PASSING if each not in source] == []


def test_words_count_and_figures_do_not() -> None:
    report = [
        "Cluster   1 node",
        "",
        "Advisory  It costs 1.5 s",
        "          a call.",
        "",
        "exit code 7",
    ]
    other = ["Cluster   2 node", "", "Advisory  It costs 20 ms a call.", "", "exit code 7"]
    assert masked(report) == masked(other)
    for index in (0, 2, 5):
        changed = [line + "1s" if n == index else line for n, line in enumerate(report)]
        assert masked(changed) != masked(other)


def test_an_ellipsis_leaves_out_paragraphs_up_to_the_next_word_that_is_shown() -> None:
    real = ["a 1", "", "b 1", "b 2", "", "c 1", "", "d 1"]
    assert kept(real, ("…", "", "b", "", "…")) == ["…", "", "b 1", "b 2", "", "…"]
    assert kept(real, ("a", "", "…", "", "d")) == ["a 1", "", "…", "", "d 1"]
    assert kept(real, ("a",)) == real


@pytest.mark.quick("docs/command-line.md")
@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_print_what_it_says(page: str, reader: Reader) -> None:
    text = (ROOT / page).read_text("utf-8")
    blocks = []
    for each in read(text):
        if isinstance(each, Put):
            reader.put(each)
            continue
        if runs_elsewhere(each.command):
            continue
        done = reader.type(each.command)
        assert done.code == each.code, f"{each.command}\n{done.text}"
        if each.shown is not None:
            blocks.append((each, kept(reader.as_shown(done.stdout), each.shown)))
    if os.environ.get("UPDATE_DOCS"):
        (ROOT / page).write_text(rewritten(text, blocks), "utf-8")
        return
    for step, real in blocks:
        assert masked(real) == masked(list(step.shown or ())), step.command
