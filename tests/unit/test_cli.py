"""The command line without a cluster: help at once, and a sentence for every wrong option."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from job.cli import run
from job.results import load, save

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "results-v1.json"
HELP = "`--help` lists the options and what they take.\n"


@pytest.fixture(autouse=True)
def _no_cluster_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("RAY_ADDRESS", "RAY_JOB_CONFIG_JSON_ENV_VAR"):
        monkeypatch.delenv(variable, raising=False)


class Shell:
    """Types a command line in this process; Ray must not be reached by it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Take what a command line changes."""
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def types(self, *words: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr."""
        self._monkeypatch.setattr(sys, "argv", ["job/main.py", *words])
        try:
            run()
            code: object = 0
        except SystemExit as left:
            code = left.code or 0
        out, err = self._capsys.readouterr()
        assert isinstance(code, int)
        assert "ray" not in sys.modules
        return code, out, err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def imported(*words: str) -> tuple[set[str], str]:
    """Run the real command; return the top-level modules it loaded, and its output."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "job" / "main.py"), *words],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}, done.stdout


# --- what is loaded


def test_help_loads_nothing_that_takes_long() -> None:
    modules, text = imported("--help")
    assert "click" in modules
    assert modules.isdisjoint({"ray", "pydantic", "yaml", "tabulate", "tqdm", "numpy"})
    assert "Usage: " in text
    for word in ("--instances", "--target", "--output", "--address", "report"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_saved_file_is_reported_without_ray() -> None:
    modules, text = imported("report", str(GOLDEN))
    assert "tabulate" in modules
    assert "ray" not in modules
    assert text.startswith("Cluster ")
    assert "Verdict " in text


# --- workload files


def test_workloads_lists_the_bundled_ones(shell: Shell) -> None:
    code, out, err = shell.types("workloads")
    assert (code, err) == (0, "")
    assert "counter" in out
    assert max(map(len, out.splitlines())) <= 100


def test_schema_prints_what_editors_take(shell: Shell) -> None:
    code, out, err = shell.types("schema")
    assert (code, err) == (0, "")
    assert json.loads(out)["required"] == ["target", "instances", "calls"]


# --- wrong options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--instances", "0"],
            f"Error: --instances: 0 is out of range: 1 to 10,000,000 is allowed\n{HELP}",
        ),
        (
            ["--instances", "-1"],
            f"Error: --instances: -1 is out of range: 1 to 10,000,000 is allowed\n{HELP}",
        ),
        (
            ["--instances", "1000000000"],
            "Error: --instances: 1,000,000,000 is out of range: 1 to 10,000,000 is allowed\n"
            + HELP,
        ),
        (
            ["--instances", "x"],
            f"Error: --instances: 'x' is not allowed: it takes a whole number\n{HELP}",
        ),
        (
            ["--address", "http://10.0.0.5:8265"],
            (
                "Error: --address http://10.0.0.5:8265: a http:// address cannot be used here\n"
                "That is the address of the Jobs API. Submit a job to it (ray job submit --address "
                "http://10.0.0.5:8265 -- python job/main.py), or name Ray's own port: "
                "10.0.0.5:6379.\n"
            ),
        ),
        (
            ["--address", "ray://10.0.0.5:10001"],
            (
                "Error: --address ray://10.0.0.5:10001: a ray:// address cannot be used here\n"
                "Ray Client is not supported. Name Ray's own port instead: 10.0.0.5:6379.\n"
            ),
        ),
        (
            ["--address", "10.0.0.5"],
            (
                "Error: --address '10.0.0.5': not an address\n"
                "It is local, auto or HOST:PORT, such as 10.0.0.5:6379.\n"
            ),
        ),
    ],
)
def test_a_wrong_value_gets_its_sentences_and_exit_code_2(
    shell: Shell, words: list[str], message: str
) -> None:
    assert shell.types(*words) == (2, "", message)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--instnaces", "4"], "No such option"),
        (["run", "--nonsense"], "No such option"),
        (["--instances"], "--instances"),
        (["repotr"], "repotr"),
        (["report"], "FILE"),
        (["--call", "book(open('x'))"], "--call: \"book(open('x'))\": open('x') "),
        (["--target", "Counter"], "--target: 'Counter' is no target"),
        (["--strategies", "seriall"], "--strategies: 'seriall' is no strategy"),
        (["--format", "fancy"], "--format fancy: no such format"),
        (["report", str(GOLDEN), "--format", "fancy"], "--format fancy: no such format"),
        (
            ["--target", "no_such_module_here:Counter"],
            "module 'no_such_module_here' cannot be imported",
        ),
        (["--target", "collections:Countre"], "'collections' has no 'Countre'"),
    ],
)
def test_whatever_else_is_wrong_is_named_with_exit_code_2(
    shell: Shell, words: list[str], says: str
) -> None:
    code, out, err = shell.types(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_an_unknown_format_is_answered_with_those_there_are(shell: Shell) -> None:
    _, _, err = shell.types("--format", "fancy")
    assert "github" in err
    assert "simple" in err


@pytest.mark.parametrize("address", ["http://10.0.0.5:8265", "ray://10.0.0.5:10001"])
def test_an_address_from_the_environment_is_refused_by_its_name(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    code, _, err = shell.types()
    assert code == 2
    assert err.startswith(f"Error: RAY_ADDRESS {address}: ")


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    shell: Shell, tmp_path: Path
) -> None:
    place = tmp_path / "missing" / "results.json"
    # The target does not exist either: nothing was even imported when the output was refused.
    code, out, err = shell.types("--output", str(place), "--target", "no_such_module_here:C")
    assert (code, out) == (6, "")
    assert err == (
        f"Error: --output {place}: cannot be written (No such file or directory)\n"
        "Name a file in a folder that exists and is yours.\n"
    )


# --- saved files


def test_a_results_file_cut_in_half_is_told_with_exit_code_6(shell: Shell, tmp_path: Path) -> None:
    path, whole = tmp_path / "half.json", GOLDEN.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    code, out, err = shell.types("report", str(path))
    assert (code, out) == (6, "")
    assert err.startswith(f"Error: {path}: not a complete results document (")
    assert err.endswith("\nName a file that `--output` wrote; it may be cut short.\n")


def test_a_results_file_that_is_missing_is_told_with_exit_code_6(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "none.json"
    assert shell.types("report", str(path)) == (
        6,
        "",
        (
            f"Error: {path}: cannot be read (No such file or directory)\n"
            "Name a file that `--output` wrote.\n"
        ),
    )


def test_a_saved_file_is_printed_on_stdout_in_any_format(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    save(load(GOLDEN), path)
    code, out, err = shell.types("report", str(path), "--format", "github", "--wide")
    assert (code, err) == (0, "")
    assert "| strategy" in out
    assert "95 % interval" in out
